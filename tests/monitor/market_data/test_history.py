"""A folder of recorded files becomes rectangles, nothing filled in, nothing lost."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.domain.history import HistoryPanel
from monitor.domain.market import KlineInterval
from monitor.market_data.history import HistoryUnreadable, opened_history
from monitor.market_data.history_assembly import PanelAssembly, funding_history, gaps
from tests.monitor.market_data.history_files import (
    HOUR,
    START,
    Bar,
    a_bar,
    write_bars,
    write_funding,
)
from tests.recorded import HISTORY, needs_recorded_history

H1, M15 = KlineInterval.H1, KlineInterval.M15
NAN = np.nan


def naive_closes(
    bars: list[Bar], symbols: list[str], first_ms: int, count: int
) -> list[list[float]]:
    """Close of each contract and hour by looking each one up; the last record wins."""
    rows = []
    for symbol in symbols:
        row = []
        for hour in range(count):
            at = [b for b in bars if b[0] == symbol and b[1] == first_ms + hour * HOUR]
            row.append(at[-1][5] if at else NAN)
        rows.append(row)
    return rows


def test_gaps_and_the_time_before_a_listing_are_nan(tmp_path: Path) -> None:
    bars = [a_bar("AAA", h, 10 + h) for h in (0, 1, 4)] + [a_bar("BBB", 3, 7.0)]
    write_bars(tmp_path / "klines_1h_x.parquet", bars)
    panel = opened_history(tmp_path).panel(H1)
    assert panel.symbols == ("AAA", "BBB")
    assert panel.open_time.tolist() == [START + h * HOUR for h in range(5)]
    np.testing.assert_array_equal(
        panel.close, [[10, 11, NAN, NAN, 14], [NAN, NAN, NAN, 7, NAN]]
    )
    np.testing.assert_array_equal(np.isnan(panel.volume), np.isnan(panel.close))
    assert np.isnan(panel.quote_volume).all()
    assert np.isnan(panel.taker_buy_volume).all()


def test_files_of_one_interval_are_united(tmp_path: Path) -> None:
    write_bars(tmp_path / "klines_1h_2025-01.parquet", [a_bar("OLD", 0), a_bar("B", 1)])
    write_bars(
        tmp_path / "klines_1h_2025-02.parquet",
        [a_bar("B", 2, 9.0), a_bar("NEW", 3)],
        kind=np.float32,
        more={"quote_volume": [90.0, 50.0]},
    )
    history = opened_history(tmp_path)
    panel = history.panel(H1)
    assert history.symbols(H1) == ("B", "NEW", "OLD")
    assert np.isfinite(panel.close).sum(axis=1).tolist() == [2, 1, 1]
    assert panel.quote_volume[0].tolist()[2] == 90.0
    assert np.isnan(panel.quote_volume[0, 1])
    assert history.problems == ()


def test_a_flow_that_one_file_lacks_keeps_the_other_files_value(tmp_path: Path) -> None:
    write_bars(tmp_path / "klines_1h_a.parquet", [a_bar("A", 0, volume=3.0)])
    write_bars(
        tmp_path / "klines_1h_b.parquet",
        [a_bar("A", 0)],
        without=["volume"],
        more={"quote_volume": [30.0]},
    )
    history = opened_history(tmp_path)
    panel = history.panel(H1)
    assert panel.volume.tolist() == [[3.0]]
    assert panel.quote_volume.tolist() == [[30.0]]
    assert history.problems == ()


def test_intervals_are_coarsest_first_and_read_apart(tmp_path: Path) -> None:
    write_bars(tmp_path / "klines_15m_x.parquet", [a_bar("A", 0)])
    write_bars(tmp_path / "klines_1h_x.parquet", [a_bar("B", 0)])
    history = opened_history(tmp_path)
    assert history.intervals == (H1, M15)
    assert history.symbols(M15) == ("A",)
    assert history.symbols(KlineInterval.D1) == ()
    assert history.label == tmp_path.name


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        (None, None, [0, 1, 2, 3]),
        (START + HOUR, None, [1, 2, 3]),
        (START + 1, START + 3 * HOUR, [1, 2]),
        (START + 1, START + 3 * HOUR + 1, [1, 2, 3]),
        (0, START + HOUR, [0]),
        (None, START, []),
        (START + 9 * HOUR, None, []),
        (None, 10 * START, [0, 1, 2, 3]),
    ],
)
def test_start_is_inclusive_and_end_exclusive(
    tmp_path: Path, start: int | None, end: int | None, hours: list[int]
) -> None:
    write_bars(
        tmp_path / "klines_1h_x.parquet", [a_bar("A", h, 1.0 + h) for h in range(4)]
    )
    panel = opened_history(tmp_path).panel(H1, start_ms=start, end_ms=end)
    assert panel.close.tolist() == [[1.0 + hour for hour in hours]]
    assert panel.open_time.tolist() == [START + hour * HOUR for hour in hours]


def test_chosen_contracts_come_in_the_order_asked_for(tmp_path: Path) -> None:
    bars = [a_bar(s, h, p) for s, h, p in (("A", 0, 1), ("B", 0, 2), ("C", 5, 3))]
    write_bars(tmp_path / "klines_1h_x.parquet", bars)
    panel = opened_history(tmp_path).panel(H1, symbols=["B", "A"])
    assert panel.symbols == ("B", "A")
    assert panel.close[:, 0].tolist() == [2.0, 1.0]
    assert panel.bar_count == 6  # the axis does not depend on who is asked for


def test_unknown_contracts_and_intervals_are_refused(tmp_path: Path) -> None:
    write_bars(tmp_path / "klines_1h_x.parquet", [a_bar("A", 0)])
    history = opened_history(tmp_path)
    with pytest.raises(ValueError, match=r"has no 1h bars of NOPE$"):
        history.panel(H1, symbols=["A", "NOPE"])
    with pytest.raises(ValueError, match=r"has no 15m bars, only 1h$"):
        history.panel(M15)


def test_impossible_bars_are_left_out_and_told(tmp_path: Path) -> None:
    good = a_bar("A", 0)
    crossed = ("A", START + HOUR, 10.0, 9.0, 8.0, 10.0, 1.0)
    negative = ("A", START + 2 * HOUR, -1.0, 1.0, -1.0, 1.0, 1.0)
    endless = ("B", START + 3 * HOUR, 1.0, np.inf, 1.0, 1.0, 1.0)
    shifted = ("B", START + 3 * HOUR + 7, 1.0, 1.0, 1.0, 1.0, 1.0)
    write_bars(
        tmp_path / "klines_1h_x.parquet", [good, crossed, negative, endless, shifted]
    )
    history = opened_history(tmp_path)
    assert np.isfinite(history.panel(H1).close).sum() == 1
    assert history.problems == (
        "1h: 1 bars off the time axis, left out (A, B)",
        "1h: 3 bars with impossible prices, left out (A, B)",
    )


def test_the_later_of_two_contradicting_records_is_kept_and_told(
    tmp_path: Path,
) -> None:
    write_bars(
        tmp_path / "klines_1h_a.parquet",
        [a_bar("A", 0, 5.0), a_bar("A", 0, 6.0), a_bar("A", 1, 5.0)],
    )
    write_bars(
        tmp_path / "klines_1h_b.parquet",
        [a_bar("A", 1, 7.0), a_bar("A", 0, 6.0)],
        kind=np.float32,
    )
    history = opened_history(tmp_path)
    assert history.panel(H1).close == pytest.approx(np.array([[6.0, 7.0]]))
    assert history.problems == (
        "1h: 2 bars recorded twice differently, the later one kept (A)",
    )


def test_gaps_are_told_by_contract(tmp_path: Path) -> None:
    bars = [a_bar("A", h) for h in (0, 1, 4, 6)] + [a_bar("B", h) for h in (2, 3)]
    write_bars(tmp_path / "klines_1h_x.parquet", bars)
    history = opened_history(tmp_path)
    assert [
        (
            g.symbol,
            (g.first_ms - START) // HOUR,
            (g.last_ms - START) // HOUR,
            g.bar_count,
        )
        for g in gaps(history.panel(H1))
    ] == [("A", 2, 3, 2), ("A", 5, 5, 1)]
    assert history.problems == (
        "1h: 2 gaps of together 3 bars inside the records of 1 contracts (A)",
    )


def test_negative_volume_is_not_recorded(tmp_path: Path) -> None:
    write_bars(tmp_path / "klines_1h_x.parquet", [a_bar("A", 0, volume=-1.0)])
    panel = opened_history(tmp_path).panel(H1)
    assert np.isfinite(panel.close).all()
    assert np.isnan(panel.volume).all()


def test_funding_is_in_order_and_absent_where_not_recorded(tmp_path: Path) -> None:
    write_bars(tmp_path / "klines_1h_x.parquet", [a_bar("A", 0)])
    write_funding(
        tmp_path / "funding_x.parquet",
        [
            ("B", HOUR, 0.0),
            ("A", 2 * HOUR + 5, 0.3),
            ("A", HOUR, 0.1),
            ("A", 2 * HOUR - 2, 0.4),  # the same settlement, stamped otherwise
            ("A", 3 * HOUR, NAN),
        ],
    )
    history = opened_history(tmp_path)
    funding = history.funding(["A", "C"])
    assert list(funding) == ["A"]
    assert funding["A"].time.tolist() == [HOUR, 2 * HOUR - 2]
    assert funding["A"].rate.tolist() == [0.1, 0.4]
    assert list(history.funding()) == ["A", "B"]


def test_the_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    prints = []
    for folder, price in (("one", 1.0), ("two", 1.0), ("three", 2.0)):
        path = tmp_path / folder
        write_bars(path / "klines_1h_x.parquet", [a_bar("A", 0, price)])
        prints.append(opened_history(path).fingerprint)
    assert prints[0] == prints[1] != prints[2]
    assert len(prints[0]) == 64


def test_other_files_are_named_and_not_used(tmp_path: Path) -> None:
    write_bars(tmp_path / "klines_1h_x.parquet", [a_bar("A", 0)])
    write_bars(tmp_path / "trades.parquet", [a_bar("A", 0)])
    write_bars(tmp_path / "klines_1M_x.parquet", [a_bar("A", 0)])  # not equidistant
    (tmp_path / "README.md").write_text("hello", encoding="utf-8")
    assert opened_history(tmp_path).problems == (
        "klines_1M_x.parquet: not used, its name is unknown",
        "trades.parquet: not used, its name is unknown",
    )


def test_what_cannot_be_read_is_one_typed_line(tmp_path: Path) -> None:
    path = tmp_path / "klines_1h_x.parquet"
    with pytest.raises(HistoryUnreadable, match="no such folder; name a store"):
        opened_history(tmp_path / "missing")
    with pytest.raises(HistoryUnreadable, match="holds no bars; expected"):
        opened_history(tmp_path)
    path.write_bytes(b"not parquet at all")
    with pytest.raises(HistoryUnreadable, match=r"klines_1h_x.parquet: not readable: "):
        opened_history(tmp_path).panel(H1)
    write_bars(path, [a_bar("A", 0)], without=["close", "low"])
    with pytest.raises(HistoryUnreadable, match=r"has no column close, low$"):
        opened_history(tmp_path).panel(H1)


def test_a_damaged_page_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "klines_1h_x.parquet"
    write_bars(path, [a_bar("A", h) for h in range(50)])
    table = pq.read_table(path)
    pq.write_table(table, path, write_page_checksum=True, compression="none")
    whole = bytearray(path.read_bytes())
    at = whole.index(np.float64(10.2).tobytes())  # a high
    whole[at] ^= 1
    path.write_bytes(whole)
    with pytest.raises(HistoryUnreadable, match="not readable"):
        opened_history(tmp_path).panel(H1)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["A", "B", "币安人生USDT"]),
            st.integers(0, 12),
            st.floats(0.001, 1e6),
        ),
        min_size=1,
        max_size=40,
    ),
    st.integers(1, 7),
)
def test_panels_equal_looking_each_bar_up(
    rows: list[tuple[str, int, float]], batch: int
) -> None:
    bars = [a_bar(*row) for row in rows]
    symbols = sorted({bar[0] for bar in bars})
    assembly = PanelAssembly(H1, symbols, first_ms=START, last_ms=START + 12 * HOUR)
    for begin in range(0, len(bars), batch):
        some = bars[begin : begin + batch]
        codes = np.array([symbols.index(bar[0]) for bar in some])
        columns = {
            name: np.array([bar[place] for bar in some])
            for place, name in enumerate(("open", "high", "low", "close", "volume"), 2)
        }
        times = np.array([bar[1] for bar in some])
        assembly.add(symbols, codes, times, columns)
    comp = assembly.panel().close
    np.testing.assert_array_equal(comp, naive_closes(bars, symbols, START, 13))


def test_funding_of_nothing_is_empty() -> None:
    found = funding_history(np.empty(0, np.int64), np.empty(0))
    assert (found.time.size, found.rate.size) == (0, 0)


@pytest.fixture(scope="module")
def panel() -> HistoryPanel:
    return opened_history(HISTORY).panel(H1)


@needs_recorded_history
class TestRecorded:
    def test_late_listings_begin_with_nan(self, panel: HistoryPanel) -> None:
        first = np.array([np.flatnonzero(np.isfinite(row))[0] for row in panel.close])
        assert len(panel.symbols) == 428
        assert 0 < np.count_nonzero(first > 0) < 428

    def test_every_row_of_the_file_is_in_the_panel(self, panel: HistoryPanel) -> None:
        rows = sum(
            pq.ParquetFile(path).metadata.num_rows
            for path in HISTORY.glob("klines_1h_*.parquet")
        )
        assert np.count_nonzero(np.isfinite(panel.close)) == rows

    def test_some_contracts_equal_the_file(self, panel: HistoryPanel) -> None:
        path = next(iter(HISTORY.glob("klines_1h_*.parquet")))
        table = pq.read_table(path, filters=[("symbol", "in", ["BTCUSDT", "ETHUSDT"])])
        for symbol in ("BTCUSDT", "ETHUSDT"):
            chosen = panel.symbols.index(symbol)
            rows = [row for row in table.to_pylist() if row["symbol"] == symbol]
            ref = {row["open_time"]: row["close"] for row in rows}
            comp = dict(
                zip(panel.open_time.tolist(), panel.close[chosen].tolist(), strict=True)
            )
            assert ref.items() <= comp.items()
            assert sum(np.isfinite(v) for v in comp.values()) == len(ref)

    def test_funding_is_ascending(self) -> None:
        funding = opened_history(HISTORY).funding()
        assert len(funding) == 32
        # the recording stamps some settlements twice, milliseconds apart
        assert all((np.diff(f.time) >= HOUR - 60_000).all() for f in funding.values())
