import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from monitor.api_clients.outcomes import (
    LONGEST_BLOCK_MS,
    SHORTEST_BAN_MS,
    Before,
    backoff_ceiling_s,
    http_failure,
    is_retryable,
    json_payload,
    retry_rule,
    used_weight,
)
from monitor.exceptions import (
    AccessDenied,
    ExchangeError,
    ExchangeTimeout,
    ExchangeUnavailable,
    GarbledAnswer,
    IpBanned,
    MalformedPayload,
    RateLimited,
    RequestCancelled,
    RequestRejected,
    WaitTooLong,
)

PATH = "/fapi/v1/klines"
NOW = 1_790_000_012_345
NEXT_MINUTE = 1_790_000_040_000


def failure(
    status: int, body: bytes = b"", headers: dict[str, str] | None = None
) -> ExchangeError | None:
    return http_failure(
        PATH, status, CaseInsensitiveDict(headers or {}), body, now_ms=NOW
    )


def test_success_is_no_failure() -> None:
    assert failure(200, b"[]") is None


def test_429_waits_for_retry_after() -> None:
    found = failure(429, b"banned until 1790009999999", {"retry-after": "7"})
    assert isinstance(found, RateLimited)
    assert found.resume_at_ms == NOW + 7000


def test_429_without_header_waits_for_the_stated_time() -> None:
    found = failure(429, b'{"msg":"banned until 1790000099000."}')
    assert isinstance(found, RateLimited)
    assert found.resume_at_ms == 1_790_000_099_000


@pytest.mark.parametrize("header", ["", "0", "soon", "-3", "1.5", "٣"])
def test_429_without_any_time_waits_for_the_next_minute(header: str) -> None:
    found = failure(429, b"banned until 1", {"Retry-After": header})
    assert isinstance(found, RateLimited)
    assert found.resume_at_ms == NEXT_MINUTE


def test_418_reads_until_when() -> None:
    body = b'{"code":-1003,"msg":"Way too much; IP banned until 1790000500000. Use"}'
    found = failure(418, body)
    assert isinstance(found, IpBanned)
    assert found.until_ms == 1_790_000_500_000


def test_418_without_any_time_is_the_shortest_ban() -> None:
    found = failure(418, b"<html>")
    assert isinstance(found, IpBanned)
    assert found.until_ms == NOW + SHORTEST_BAN_MS


def test_an_unbelievable_ban_is_cut() -> None:
    found = failure(418, b"banned until 9999999999999999")
    assert isinstance(found, IpBanned)
    assert found.until_ms == NOW + LONGEST_BLOCK_MS
    assert "HTTP 418" in str(found)


@pytest.mark.parametrize("status", [403, 451])
def test_refused_access_says_what_it_means(status: int) -> None:
    found = failure(status, b"<html><title>ERROR</title></html>")
    assert isinstance(found, AccessDenied)
    assert found.status == status


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 599])
def test_408_and_5xx_are_unavailable(status: int) -> None:
    found = failure(status, b'{"msg":"Unknown error","timestamp":5}')
    assert isinstance(found, ExchangeUnavailable)
    assert str(found) == f"{PATH}: HTTP {status}: Unknown error"


@pytest.mark.parametrize(
    ("body", "code", "detail"),
    [
        (b'{"code":-1121,"msg":"Invalid symbol."}', -1121, "Invalid symbol."),
        (b'{"msg":"odd order","code":-1130}', -1130, "odd order"),
        (b'{"code":"x","msg":5}', None, '{"code":"x","msg":5}'),
        (
            b"<html><style>a{}</style><h1>Bad\x00 request</h1></html>",
            None,
            "Bad request",
        ),
        (b"[1]", None, "[1]"),
        (b"\xff\xfe", None, "��"),
        (b"", None, "no explanation"),
    ],
)
def test_rejection_keeps_code_and_text(
    body: bytes, code: int | None, detail: str
) -> None:
    found = failure(400, body)
    assert isinstance(found, RequestRejected)
    assert (found.status, found.code, found.detail) == (400, code, detail)


def test_redirects_are_not_followed_but_rejected() -> None:
    assert isinstance(failure(302), RequestRejected)


@given(
    status=st.integers(100, 999),
    body=st.binary(max_size=200),
    header=st.text(max_size=20),
)
def test_any_answer_gives_a_typed_outcome(
    status: int, body: bytes, header: str
) -> None:
    found = failure(status, body, {"Retry-After": header})
    assert (found is None) == (200 <= status < 300)
    if isinstance(found, RateLimited):
        assert found.resume_at_ms > NOW
    if found is not None:
        assert str(found)


@given(st.binary(max_size=100))
def test_a_body_is_json_or_garbled(body: bytes) -> None:
    try:
        expected = orjson.loads(body)
    except orjson.JSONDecodeError:
        with pytest.raises(GarbledAnswer, match=PATH):
            json_payload(PATH, body)
    else:
        assert json_payload(PATH, body) == expected


TRANSIENT = (
    ExchangeTimeout(PATH, 1),
    ExchangeUnavailable(PATH, "x", status=503),
    GarbledAnswer(PATH, "<"),
)
FINAL = (
    RequestRejected(PATH, 400, -1121, "x"),
    RequestRejected(PATH, 404, None, "x"),
    AccessDenied(PATH, 403),
    IpBanned(NOW),
    WaitTooLong(1, 1),
    RequestCancelled(),
    MalformedPayload(PATH, "x"),
    KeyError("a bug"),
)


@pytest.mark.parametrize("transient", TRANSIENT, ids=repr)
def test_transient_failures_are_tried_up_to_the_limit(
    transient: ExchangeError,
) -> None:
    assert is_retryable([transient], max_attempts=3)
    assert is_retryable([transient] * 2, max_attempts=3)
    assert not is_retryable([transient] * 3, max_attempts=3)
    assert not is_retryable([transient], max_attempts=1)


@pytest.mark.parametrize("final", FINAL, ids=repr)
def test_other_failures_are_final(final: BaseException) -> None:
    assert retry_rule(final) is None
    assert not is_retryable([final], max_attempts=9)


def test_429_is_tried_once_more() -> None:
    limited = RateLimited(PATH, NOW)
    assert is_retryable([limited], max_attempts=1)
    assert not is_retryable([limited, limited], max_attempts=9)
    assert not is_retryable([limited, TRANSIENT[0], limited], max_attempts=9)


def test_a_rejected_timestamp_is_tried_once_after_resynchronising() -> None:
    late = RequestRejected(PATH, 400, -1021, "x")
    rule = retry_rule(late)
    assert rule is not None
    assert rule.before is Before.RESYNC
    assert is_retryable([late], max_attempts=1)
    assert not is_retryable([late, late], max_attempts=9)


def test_no_failure_is_no_reason_to_retry() -> None:
    assert not is_retryable([], max_attempts=3)


def test_backoff_doubles_up_to_its_ceiling() -> None:
    ceilings = [backoff_ceiling_s(n, initial_s=0.2, max_s=1.0) for n in (1, 2, 3, 4)]
    assert ceilings == [0.2, 0.4, 0.8, 1.0]
    assert backoff_ceiling_s(5000, initial_s=0.2, max_s=5.0) == 5.0


@pytest.mark.parametrize(
    ("stated", "weight"),
    [("17", 17), ("", None), ("-1", None), ("1e3", None), ("9" * 30, None)],
)
def test_used_weight_is_read_strictly(stated: str, weight: int | None) -> None:
    headers = CaseInsensitiveDict({"x-mbx-used-weight-1m": stated})
    assert used_weight(headers) == weight
