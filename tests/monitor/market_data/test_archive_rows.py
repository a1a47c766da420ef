"""Files of the archive become rows; what is not what it should be is refused."""

import csv
import io
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.market_data.archive_names import (
    listed_symbols,
    listing_page,
    stated_hash,
    url_path,
    zip_key,
)
from monitor.market_data.archive_rows import (
    BadArchiveFile,
    label_bounds,
    rows_of_csv,
    rows_of_zip,
)
from monitor.market_data.history_rows import days_between, months_between
from tests.monitor.market_data.archive_server import (
    HOUR,
    KLINE_HEADINGS,
    bars_of,
    funding_of,
    kline_table,
    metrics_of,
    metrics_table,
    times_of,
    zipped,
)

BTC = bars_of("BTCUSDT")
MONTH = "2025-01"
LIMIT = 1_000_000


def naive_rows(table: bytes) -> list[tuple[float, ...]]:
    """Kept columns of each row by the csv module, in order of time."""
    rows = list(csv.reader(io.StringIO(table.decode())))
    rows = [row for row in rows if row and row[0].isdigit()]
    kept = [
        tuple(float(row[place]) for place in (0, 1, 2, 3, 4, 5, 7, 8, 9, 10))
        for row in rows
    ]
    return sorted(kept)


@pytest.mark.parametrize("headings", [True, False])
def test_bars_equal_reading_them_with_csv(*, headings: bool) -> None:
    table = kline_table(times_of("2025-01-05", HOUR), HOUR, headings=headings)
    rows = rows_of_csv(table, BTC, MONTH)
    comp = list(zip(rows.time, *rows.columns.values(), strict=True))
    np.testing.assert_array_equal(comp, naive_rows(table))
    assert rows.row_count == 24


def test_microseconds_become_milliseconds() -> None:
    times = times_of("2025-01-05", HOUR)
    rows = rows_of_csv(kline_table(times, HOUR, per_ms=1000), BTC, MONTH)
    assert rows.time.tolist() == times


def test_columns_are_found_by_their_headings() -> None:
    names = KLINE_HEADINGS.split(",")
    order = [*reversed(range(1, 12)), 0]
    table = kline_table(times_of("2025-01-05", HOUR), HOUR)
    shuffled = "\n".join(
        ",".join(line.split(",")[place] for place in order)
        for line in table.decode().splitlines()
    )
    rows = rows_of_csv(shuffled.encode(), BTC, MONTH)
    ref = rows_of_csv(table, BTC, MONTH)
    np.testing.assert_array_equal(rows.columns["high"], ref.columns["high"])
    assert len(names) == 12


def test_order_and_repeats_are_settled() -> None:
    first, second = times_of("2025-01-05", HOUR)[:2]
    table = kline_table([second, first, second], HOUR)
    assert rows_of_csv(table, BTC, MONTH).time.tolist() == [first, second]


def test_settlements() -> None:
    at, _ = label_bounds("2025-01-05")
    table = f"calc_time,funding_interval_hours,last_funding_rate\n{at + 3},8,-0.00012\n"
    rows = rows_of_csv(table.encode(), funding_of("BTCUSDT"), MONTH)
    assert rows.time.tolist() == [at + 3]
    assert rows.columns["funding_rate"].tolist() == [-0.00012]
    assert rows.columns["funding_interval_h"].tolist() == [8.0]


def test_metrics_have_written_times_and_may_lack_values() -> None:
    rows = rows_of_csv(
        metrics_table("BTCUSDT", "2025-01-05"), metrics_of("BTCUSDT"), "2025-01-05"
    )
    first, after = label_bounds("2025-01-05")
    assert rows.row_count == 288
    assert (rows.time[0], rows.time[-1]) == (first + 300_000, after)
    assert rows.columns["open_interest"][:2].tolist() == [1.5, 2.5]
    missing = np.isnan(rows.columns["top_trader_position_ratio"])
    assert np.flatnonzero(missing).tolist() == [2]


def test_an_empty_table_has_no_rows() -> None:
    assert rows_of_csv(b"", BTC, MONTH).row_count == 0
    assert rows_of_csv(KLINE_HEADINGS.encode(), BTC, MONTH).row_count == 0


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (b"\xff\xfe", "the table is not text"),
        (b"1736035200000,1,2", "a row has fewer than 12 columns"),
        (b"open_time,open\n1,2", "has no column high, low, close"),
        (kline_table([1], HOUR), "has rows of another time than 2025-01"),
        (
            kline_table(times_of("2025-03-05", HOUR), HOUR),
            "has rows of another time than 2025-01",
        ),
        (
            kline_table([10**13], HOUR).replace(b"10000000000000", b"1e3"),
            "a time cannot be read",
        ),
        (
            kline_table(times_of("2025-01-05", HOUR), HOUR).replace(b"12.5", b""),
            "volume has a value that is no number",
        ),
        (
            kline_table(times_of("2025-01-05", HOUR), HOUR).replace(b"12.5", b"nan"),
            "volume has a value that is not finite",
        ),
        (b"9" * 30 + b",1,1,1,1,1,1,1,1,1,1,0", "a time cannot be read"),
    ],
)
def test_a_table_that_is_not_one_is_refused(table: bytes, message: str) -> None:
    with pytest.raises(BadArchiveFile, match=message):
        rows_of_csv(table, BTC, MONTH)


class TestZip:
    NAME = "BTCUSDT-1h-2025-01.csv"

    def test_its_one_table_is_read(self) -> None:
        table = kline_table(times_of("2025-01-05", HOUR), HOUR)
        rows = rows_of_zip(zipped(self.NAME, table), BTC, MONTH, max_bytes=LIMIT)
        assert rows.row_count == 24

    @pytest.mark.parametrize(
        "name", ["../../etc/passwd", "/BTCUSDT-1h-2025-01.csv", "other.csv"]
    )
    def test_other_names_are_refused(self, name: str) -> None:
        with pytest.raises(BadArchiveFile, match=r"not only BTCUSDT-1h-2025-01\.csv"):
            rows_of_zip(zipped(name, b"1"), BTC, MONTH, max_bytes=LIMIT)

    def test_a_second_file_is_refused(self) -> None:
        body = io.BytesIO()
        with zipfile.ZipFile(body, "w") as archive:
            archive.writestr(self.NAME, b"")
            archive.writestr("more.csv", b"")
        with pytest.raises(BadArchiveFile, match=r"'more\.csv'"):
            rows_of_zip(body.getvalue(), BTC, MONTH, max_bytes=LIMIT)

    def test_a_bomb_is_not_unpacked(self) -> None:
        bomb = zipped(self.NAME, b"0" * (20 * LIMIT))
        assert len(bomb) < LIMIT / 20
        with pytest.raises(BadArchiveFile, match="unpacks to more than 1,000,000 byt"):
            rows_of_zip(bomb, BTC, MONTH, max_bytes=LIMIT)

    def test_a_lie_about_the_size_is_noticed(self) -> None:
        body = bytearray(zipped(self.NAME, b"7" * 5000))
        at = body.rindex(b"PK\x01\x02") + 24  # size in the directory
        body[at : at + 4] = (10).to_bytes(4, "little")
        with pytest.raises(BadArchiveFile):
            rows_of_zip(bytes(body), BTC, MONTH, max_bytes=LIMIT)

    @settings(max_examples=300, deadline=None)
    @given(data=st.data())
    def test_damage_is_refused_or_changes_nothing(self, data: st.DataObject) -> None:
        table = kline_table(times_of("2025-01-05", HOUR), HOUR)
        whole = zipped(self.NAME, table)
        at = data.draw(st.integers(0, len(whole) - 1))
        cut = data.draw(st.booleans())
        flipped = bytes([whole[at] ^ data.draw(st.integers(1, 255))])
        body = whole[:at] if cut else whole[:at] + flipped + whole[at + 1 :]
        try:
            rows = rows_of_zip(body, BTC, MONTH, max_bytes=LIMIT)
        except BadArchiveFile:
            return
        np.testing.assert_array_equal(
            rows.columns["close"], rows_of_csv(table, BTC, MONTH).columns["close"]
        )


def test_addresses() -> None:
    base = "data/futures/um"
    assert zip_key(BTC, "2025-01") == (
        f"{base}/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2025-01.zip"
    )
    assert zip_key(BTC, "2025-01-31") == (
        f"{base}/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2025-01-31.zip"
    )
    assert zip_key(funding_of("A"), "2025-01") == (
        f"{base}/monthly/fundingRate/A/A-fundingRate-2025-01.zip"
    )
    assert zip_key(metrics_of("A"), "2025-01-31") == (
        f"{base}/daily/metrics/A/A-metrics-2025-01-31.zip"
    )
    assert url_path("x/龙虾USDT") == "/x/%E9%BE%99%E8%99%BEUSDT"


def test_a_checksum_must_name_its_file() -> None:
    digest = "AB" * 32
    assert stated_hash(f"{digest}  x.zip\n".encode(), "x.zip") == "ab" * 32
    assert stated_hash(f"{digest}  y.zip\n".encode(), "x.zip") is None
    assert stated_hash(b"<html>not here</html>", "x.zip") is None
    assert stated_hash(b"\xff\xfe", "x.zip") is None


def test_a_listing_without_a_stated_marker_goes_on_after_its_last_name() -> None:
    page = listing_page(
        "<ListBucketResult><IsTruncated>true</IsTruncated>"
        "<Contents><Key>a&amp;b</Key></Contents><CommonPrefixes><Prefix>c/</Prefix>"
        "</CommonPrefixes></ListBucketResult>"
    )
    assert page is not None
    assert (page.keys, page.folders, page.next_marker) == (("a&b",), ("c/",), "c/")
    assert listing_page("<html>a page for people</html>") is None


def test_folders_that_cannot_be_contracts_are_left_out() -> None:
    folders = ("k/BTCUSDT/", "k/龙虾USDT/", "k/../", "k/a b/", "k/btcusdt/", "k/A.B/")
    assert listed_symbols(folders) == ("BTCUSDT", "龙虾USDT")


def test_months_and_days() -> None:
    start, _ = label_bounds("2024-12-30")
    end, _ = label_bounds("2025-02-01")
    assert list(months_between(start, end)) == ["2024-12", "2025-01"]
    assert list(months_between(start, end + 1))[-1] == "2025-02"
    assert list(days_between(start, start + 2 * 24 * HOUR)) == [
        "2024-12-30",
        "2024-12-31",
    ]
    assert list(days_between(start, start)) == []
