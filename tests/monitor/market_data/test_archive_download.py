"""Downloads over real sockets: verified, resumed, safe against what goes wrong."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest

from monitor.cli.history_request import HistoryRequest
from monitor.cli.history_run import HistoryResult, HistoryRun
from monitor.cli.history_text import complaint, result_text
from monitor.domain.market import KlineInterval
from monitor.market_data.archive import Archive
from monitor.market_data.archive_names import zip_key
from monitor.market_data.archive_rows import label_bounds
from monitor.market_data.conf import LIVE_LISTING_URL, ArchiveConfig
from monitor.market_data.history import opened_history
from monitor.market_data.history_download import FAILURES_IN_A_ROW, MonthStatus
from monitor.market_data.history_errors import (
    ArchiveRefused,
    ArchiveUnavailable,
    DownloadCancelled,
)
from monitor.market_data.history_rest import ExchangeHistory
from monitor.market_data.history_rows import HistoryKind
from monitor.market_data.history_store import HistoryStore
from tests.monitor.loopback import Loopback, Reply
from tests.monitor.market_data.archive_server import (
    HOUR,
    ArchiveFiles,
    asked_files,
    bars_of,
    funding_of,
    kline_table,
    metrics_of,
    price_at,
    served,
    times_of,
    zipped,
)

BTC, OLD = bars_of("BTCUSDT"), bars_of("OLDUSDT")
CHINESE = bars_of("币安人生USDT")
H1 = KlineInterval.H1
DAY = 24 * HOUR


def request(
    *symbols: str,
    start: str = "2025-01",
    end: str = "2025-02",
    kinds: tuple[HistoryKind, ...] = (HistoryKind.KLINES,),
    wants_all: bool = False,
) -> HistoryRequest:
    return HistoryRequest(
        symbols=symbols,
        wants_all=wants_all,
        quote="USDT",
        intervals=(H1,),
        kinds=kinds,
        start_ms=label_bounds(start)[0],
        end_ms=label_bounds(end)[1],
        asks_exchange=False,
    )


class Rig:
    """An archive on loopback, and a store."""

    def __init__(self, files: ArchiveFiles, server: Loopback, root: Path) -> None:
        self.files = files
        self.server = server
        self.store = HistoryStore(root)
        self.config = ArchiveConfig(
            url=server.base_url,
            workers=3,
            max_attempts=3,
            backoff_initial_s=0.001,
            backoff_max_s=0.002,
            read_timeout_s=5,
        )
        self.steps: list[str] = []

    def run(self, wanted: HistoryRequest, **changed: object) -> HistoryResult:
        archive = Archive(ArchiveConfig(**{**_fields(self.config), **changed}))  # type: ignore[arg-type]
        try:
            return self._run(archive, wanted)
        finally:
            archive.close()

    def _run(self, archive: Archive, wanted: HistoryRequest) -> HistoryResult:
        def nobody() -> nullcontext[ExchangeHistory]:
            raise AssertionError("the exchange was not to be asked")

        run = HistoryRun(
            self.store,
            archive,
            self.config,
            open_client=nobody,
            on_stage=lambda stage, step: self.steps.append(f"{stage} {step.words}"),
        )
        with self.store.locked(now_ms=0):
            return run.download(wanted)

    def asked(self) -> list[str]:
        found = asked_files(self.server)
        self.server.log.clear()
        return found

    def closes(self, symbol: str) -> dict[int, float]:
        panel = opened_history(self.store.root).panel(H1, symbols=[symbol])
        there = np.isfinite(panel.close[0])
        return dict(
            zip(
                panel.open_time[there].tolist(),
                panel.close[0][there].tolist(),
                strict=True,
            )
        )


def _fields(config: ArchiveConfig) -> dict[str, object]:
    return {name: getattr(config, name) for name in config.__slots__}


def expected(*labels: str, without: tuple[int, ...] = ()) -> dict[int, object]:
    times = [time for label in labels for time in times_of(label, HOUR)]
    return {
        time: pytest.approx(price_at(time)) for time in times if time not in without
    }


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    files = ArchiveFiles()
    with served(files) as server:
        yield Rig(files, server, tmp_path / "store")


def test_months_come_first_and_days_for_the_running_month(rig: Rig) -> None:
    rig.files.put_bars(BTC, "2025-01")
    rig.files.put_bars(BTC, "2025-02-01", "2025-02-02", headings=False)
    result = rig.run(request("BTCUSDT", end="2025-02-02"))
    assert rig.closes("BTCUSDT") == expected("2025-01", "2025-02-01", "2025-02-02")
    assert sorted(rig.asked()) == [
        "BTCUSDT-1h-2025-01.zip",
        "BTCUSDT-1h-2025-02-01.zip",
        "BTCUSDT-1h-2025-02-02.zip",
    ]
    assert result.counts == {MonthStatus.FETCHED: 2}
    assert complaint(result) is None
    assert sorted(rig.steps) == [
        "archive BTCUSDT klines 1h 2025-01",
        "archive BTCUSDT klines 1h 2025-02",
    ]


def test_nothing_is_fetched_twice(rig: Rig) -> None:
    rig.files.put_bars(BTC, "2025-01", "2025-02-01")
    rig.run(request("BTCUSDT", end="2025-02-01"))
    rig.asked()
    again = rig.run(request("BTCUSDT", end="2025-02-01"))
    assert rig.asked() == []
    assert again.counts == {MonthStatus.KEPT: 2}
    rig.files.put_bars(BTC, "2025-02-02")
    rig.run(request("BTCUSDT", end="2025-02-02"))
    assert rig.asked() == ["BTCUSDT-1h-2025-02-02.zip"]


def test_a_month_takes_the_place_of_its_days(rig: Rig) -> None:
    rig.files.put_bars(BTC, "2025-01-01", "2025-01-02")
    rig.run(request("BTCUSDT", end="2025-01-02"))
    rig.files.put_bars(BTC, "2025-01")
    rig.run(request("BTCUSDT", end="2025-01"))
    kept = rig.store.read(BTC, "2025-01")
    assert kept is not None
    assert list(kept.sources) == ["2025-01"]
    assert rig.closes("BTCUSDT") == expected("2025-01")


def test_microseconds_and_missing_headings(rig: Rig) -> None:
    rig.files.put_bars(BTC, "2025-01", per_ms=1000)
    rig.files.put_bars(BTC, "2025-02", headings=False)
    rig.run(request("BTCUSDT"))
    assert rig.closes("BTCUSDT") == expected("2025-01", "2025-02")


def test_all_takes_delisted_contracts_too(rig: Rig) -> None:
    rig.files.page_size = 2
    for series in (BTC, OLD, CHINESE, bars_of("ETHBUSD"), bars_of("BTCUSDT_250328")):
        rig.files.put_bars(series, "2025-01")
    rig.files.put_bars(BTC, "2025-02")
    rig.files.put_bars(bars_of("NEWUSDT"), "2025-02-03")
    result = rig.run(request(wants_all=True))
    history = opened_history(rig.store.root)
    assert history.symbols(H1) == ("BTCUSDT", "NEWUSDT", "OLDUSDT", "币安人生USDT")
    assert rig.closes("OLDUSDT") == expected("2025-01")
    assert complaint(result) is None
    assert rig.closes("币安人生USDT") == expected("2025-01")


def test_gaps_are_listed(rig: Rig) -> None:
    first, _ = label_bounds("2025-01-10")
    lost = tuple(first + hour * HOUR for hour in (3, 4, 5))
    rig.files.put_bars(BTC, "2025-01", without=lost)
    result = rig.run(request("BTCUSDT", end="2025-01"))
    assert result.summaries[0].gaps == ((lost[0], lost[-1]),)
    assert rig.closes("BTCUSDT") == expected("2025-01", without=lost)
    assert (
        "gap: BTCUSDT klines 1h: 3 bars from 2025-01-10 03:00 to 2025-01-10 05:00\n"
        in result_text(result, "x")
    )


def test_a_missing_month_between_others_is_listed(rig: Rig) -> None:
    rig.files.put_bars(BTC, "2024-11", "2025-01")
    result = rig.run(request("BTCUSDT", start="2024-10"))
    text = result_text(result, "x")
    assert "missing: BTCUSDT klines 1h 2024-12: not in the archive\n" in text
    assert "2024-10: not in" not in text  # before the listing
    assert "2025-02: not in" not in text  # after the delisting
    assert complaint(result) is None


def test_a_contract_that_is_not_there_is_told(rig: Rig) -> None:
    rig.files.put_bars(BTC, "2025-01")
    result = rig.run(request("BTCUSDT", "NOPEUSDT", end="2025-01"))
    assert complaint(result) == "nothing of NOPEUSDT"
    assert "nothing of: NOPEUSDT klines 1h\n" in result_text(result, "x")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"PK\x03\x04 not a zip", "not a whole zip file"),
        (zipped("../../../tmp/evil.csv", b"1"), "not only BTCUSDT-1h-2025-01.csv"),
        (zipped("BTCUSDT-1h-2025-01.csv", b"0" * 2_000_000), "unpacks to more than"),
        (
            zipped(
                "BTCUSDT-1h-2025-01.csv",
                kline_table(times_of("2025-05-01", HOUR), HOUR),
            ),
            "rows of another time",
        ),
    ],
    ids=["corrupt", "path", "bomb", "other month"],
)
def test_a_bad_file_is_told_and_harms_nothing(rig: Rig, body: bytes, why: str) -> None:
    rig.config = ArchiveConfig(
        **{**_fields(rig.config), "max_table_bytes": 1_000_000}  # type: ignore[arg-type]
    )
    rig.files.put_raw(zip_key(BTC, "2025-01"), body)
    rig.files.put_bars(BTC, "2025-02")
    result = rig.run(request("BTCUSDT"))
    assert [each.month for each in result.failures] == ["2025-01"]
    assert complaint(result) == "1 months failed, run again for them"
    assert why in result_text(result, "x")
    assert rig.closes("BTCUSDT") == expected("2025-02")
    assert not Path("/tmp/evil.csv").exists()  # noqa: S108
    rig.files.put_bars(BTC, "2025-01")
    assert rig.run(request("BTCUSDT")).counts == {
        MonthStatus.FETCHED: 1,
        MonthStatus.KEPT: 1,
    }


def test_a_wrong_checksum_is_tried_again_then_told(rig: Rig) -> None:
    rig.files.put_bars(BTC, "2025-01")
    key = zip_key(BTC, "2025-01")
    rig.files.files[f"{key}.CHECKSUM"] = b"0" * 64 + b"  BTCUSDT-1h-2025-01.zip\n"
    result = rig.run(request("BTCUSDT", end="2025-01"))
    assert "not what its checksum says" in result_text(result, "x")
    assert rig.asked() == ["BTCUSDT-1h-2025-01.zip"] * 3
    assert rig.store.months(BTC) == ()


def test_a_file_damaged_once_on_the_way_is_fetched_again(rig: Rig) -> None:
    rig.files.put_bars(BTC, "2025-01")
    key = zip_key(BTC, "2025-01")
    body = rig.files.files[key]
    rig.files.fault(
        key,
        Reply(body=body, reset_after=len(body) // 2),
        Reply(body=body[:-1] + b"x"),
    )
    rig.run(request("BTCUSDT", end="2025-01"))
    assert rig.closes("BTCUSDT") == expected("2025-01")
    assert len(rig.asked()) == 3


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_busy_archive_is_asked_again(rig: Rig, status: int) -> None:
    rig.files.put_bars(BTC, "2025-01")
    rig.files.fault(zip_key(BTC, "2025-01") + ".CHECKSUM", Reply(status=status))
    rig.run(request("BTCUSDT", end="2025-01"))
    assert rig.closes("BTCUSDT") == expected("2025-01")


def test_a_bad_day_does_not_cost_the_other_days(rig: Rig) -> None:
    rig.files.put_bars(BTC, "2025-01-01", "2025-01-02", "2025-01-03")
    key = zip_key(BTC, "2025-01-02")
    rig.files.put_raw(key, b"junk")
    result = rig.run(request("BTCUSDT", end="2025-01-03"))
    assert rig.closes("BTCUSDT") == expected("2025-01-01", "2025-01-03")
    assert len(result.failures) == 1
    rig.asked()
    rig.files.put_bars(BTC, "2025-01-02")
    rig.run(request("BTCUSDT", end="2025-01-03"))
    assert rig.asked() == ["BTCUSDT-1h-2025-01-02.zip"]
    assert rig.closes("BTCUSDT") == expected("2025-01-01", "2025-01-02", "2025-01-03")


def test_without_listings_each_file_is_asked_for(rig: Rig) -> None:
    rig.files.lists = False
    rig.files.put_bars(BTC, "2025-01", "2025-02-01")
    rig.run(request("BTCUSDT", end="2025-02-02"))
    assert rig.closes("BTCUSDT") == expected("2025-01", "2025-02-01")
    with pytest.raises(ArchiveRefused, match="HTTP 403: listing"):
        rig.run(request(wants_all=True))


def test_an_archive_that_is_gone_ends_the_download(rig: Rig) -> None:
    rig.files.put_bars(BTC, "2025-01")
    rig.run(request("BTCUSDT", end="2025-01"))
    with pytest.raises(ArchiveUnavailable, match="Connection refused"):
        rig.run(
            request("BTCUSDT", start="2020-01"), url="http://127.0.0.1:9", workers=1
        )
    assert rig.closes("BTCUSDT") == expected("2025-01")


def test_an_archive_that_refuses_this_address_is_not_asked_on(rig: Rig) -> None:
    for month in range(1, 13):
        rig.files.put_bars(BTC, f"2024-{month:02}")
        key = zip_key(BTC, f"2024-{month:02}") + ".CHECKSUM"
        rig.files.fault(key, *[Reply(status=403)] * 9)
    with pytest.raises(ArchiveRefused, match=r"^HTTP 403: BTCUSDT-1h-2024"):
        rig.run(request("BTCUSDT", start="2024-01", end="2024-12"), workers=1)
    assert rig.asked() == []


def test_one_file_that_never_comes_does_not_end_the_others(rig: Rig) -> None:
    labels = [f"2025-{month:02}" for month in range(1, 9)]
    rig.files.put_bars(BTC, *labels)
    rig.files.fault(zip_key(BTC, "2025-03"), *[Reply(status=503)] * 9)
    result = rig.run(request("BTCUSDT", end="2025-08"))
    assert [each.month for each in result.failures] == ["2025-03"]
    assert rig.closes("BTCUSDT") == expected(*(x for x in labels if x != "2025-03"))
    assert len(labels) > FAILURES_IN_A_ROW


def test_settlements_and_metrics(rig: Rig) -> None:
    rig.files.put_bars(BTC, "2025-01")
    rig.files.put_funding(funding_of("BTCUSDT"), "2025-01")
    rig.files.put_metrics(metrics_of("BTCUSDT"), "2025-01-01", "2025-01-02")
    kinds = (HistoryKind.KLINES, HistoryKind.FUNDING, HistoryKind.METRICS)
    rig.run(request("BTCUSDT", end="2025-01-02", kinds=kinds))
    funding = opened_history(rig.store.root).funding()["BTCUSDT"]
    assert funding.time.size == 31 * 3
    metrics = rig.store.read(metrics_of("BTCUSDT"), "2025-01")
    assert metrics is not None
    assert metrics.rows.row_count == 2 * 288
    rig.asked()
    rig.run(request("BTCUSDT", end="2025-01-02", kinds=kinds))
    assert rig.asked() == []


def test_a_damaged_partition_is_fetched_again(rig: Rig) -> None:
    rig.files.put_bars(BTC, "2025-01")
    rig.run(request("BTCUSDT", end="2025-01"))
    path = rig.store.path(BTC, "2025-01")
    path.write_bytes(path.read_bytes()[:-20])
    result = rig.run(request("BTCUSDT", end="2025-01"))
    assert result.counts == {MonthStatus.FETCHED: 1}
    assert rig.closes("BTCUSDT") == expected("2025-01")


def test_a_stop_ends_a_silent_transfer_at_once_and_keeps_what_came(rig: Rig) -> None:
    rig.files.put_bars(BTC, "2025-01", "2025-02")
    reached = Event()
    key = zip_key(BTC, "2025-02")
    body = rig.files.files[key]
    rig.files.fault(key, Reply(body=body, drip_body_s=60.0))
    rig.files.on_request = lambda path: reached.set() if path == key else None
    archive = Archive(ArchiveConfig(**{**_fields(rig.config), "workers": 1}))  # type: ignore[arg-type]
    failures: list[BaseException] = []

    def work() -> None:
        try:
            rig._run(archive, request("BTCUSDT"))
        except DownloadCancelled as error:
            failures.append(error)

    rig.config = ArchiveConfig(**{**_fields(rig.config), "workers": 1})  # type: ignore[arg-type]
    thread = Thread(target=work)
    thread.start()
    assert reached.wait(30)
    archive.cancel()
    thread.join(20)
    archive.close()
    assert not thread.is_alive()
    assert len(failures) == 1
    assert rig.closes("BTCUSDT") == expected("2025-01")


def test_a_drip_ends_at_its_deadline(rig: Rig) -> None:
    rig.files.put_bars(BTC, "2025-01")
    key = zip_key(BTC, "2025-01")
    body = rig.files.files[key]
    rig.files.fault(key, *[Reply(body=body, drip_body_s=0.02)] * 3)
    with pytest.raises(ArchiveUnavailable, match=r"not complete within 0\.2 s"):
        rig.run(request("BTCUSDT", end="2025-01"), deadline_s=0.2)


def test_a_file_that_is_too_large_is_not_taken(rig: Rig) -> None:
    rig.files.put_bars(BTC, "2025-01")
    result = rig.run(request("BTCUSDT", end="2025-01"), max_file_bytes=2_000)
    assert "larger than 2,000 bytes" in result_text(result, "x")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"archive_url": "ftp://x"}, "archive_url must be an address like"),
        ({"archive_url": "https://x/path"}, "archive_url must be an address like"),
        ({"archive_url": 5}, "archive_url must be an address like"),
        ({"archive_listing_url": "x"}, "archive_listing_url must be an address"),
        ({"archive_listing_url": "http://x/p?q"}, "archive_listing_url must be"),
        ({"archive_workers": 0}, "archive_workers must be a whole number in 1…64"),
        ({"archive_workers": True}, "archive_workers must be a whole number"),
    ],
)
def test_wrong_settings(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ArchiveConfig.of_settings(settings)


def test_a_mirror_lists_itself() -> None:
    assert ArchiveConfig().effective_listing_url == LIVE_LISTING_URL
    mirror = ArchiveConfig.of_settings({"archive_url": "http://mirror:80/"})
    assert mirror.effective_listing_url == "http://mirror:80"
    other = ArchiveConfig(listing_url="https://lists.example/bucket/")
    assert other.effective_listing_url == "https://lists.example/bucket"
