"""Errors come back as they were."""

import pytest

from grid_screening.recording.failures import (
    SymbolError,
    UnknownFailure,
    failure_of,
    failure_text,
)
from monitor.exceptions import (
    ExchangeTimeout,
    ExchangeUnavailable,
    GarbledAnswer,
    IpBanned,
    MalformedPayload,
    RequestRejected,
)
from vp_squeeze.exceptions import (
    ImpossibleKlines,
    InsufficientKlines,
    KlineGap,
    StaleKlines,
)

FAILURES: tuple[SymbolError, ...] = (
    ExchangeTimeout("/fapi/v1/klines", 15.0),
    ExchangeUnavailable("/fapi/v1/klines", "left"),
    ExchangeUnavailable("/fapi/v1/klines", "gone", status=503),
    GarbledAnswer("/fapi/v1/klines", "<html>"),
    RequestRejected("/fapi/v1/klines", 400, -1121, "Invalid symbol."),
    RequestRejected("/fapi/v1/klines", 400, None, "龙虾"),
    MalformedPayload("/fapi/v1/klines", "bar 3", symbol="龙虾USDT"),
    InsufficientKlines("AUSDT", 200, 300),
    KlineGap("AUSDT", 2, 1_791_374_400_000),
    StaleKlines("AUSDT", 1, 2),
    ImpossibleKlines("AUSDT", "high below low"),
)


@pytest.mark.parametrize("failure", FAILURES, ids=lambda f: type(f).__name__)
def test_an_error_comes_back_as_it_was(failure: SymbolError) -> None:
    back = failure_of(failure_text(failure))
    assert type(back) is type(failure)
    assert back.args == failure.args
    assert str(back) == str(failure)
    assert back.__dict__ == failure.__dict__


def test_an_error_that_ends_a_scan_is_not_recorded() -> None:
    with pytest.raises(UnknownFailure, match="not recorded: IpBanned"):
        failure_text(IpBanned(1))


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '["SystemExit", [1]]', '["KlineGap", [1]]', '["KlineGap", 1]'],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UnknownFailure, match="not a recorded error"):
        failure_of(text)
