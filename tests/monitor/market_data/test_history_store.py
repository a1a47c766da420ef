"""A partition is whole or not there; a store opens as history."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.market import KlineInterval
from monitor.market_data.history import (
    UNFINISHED,
    opened_history,
    store_warning,
)
from monitor.market_data.history_errors import (
    HistoryBusy,
    HistoryNotWritable,
    HistoryUnreadable,
)
from monitor.market_data.history_import import imported
from monitor.market_data.history_lock import LOCK_NAME
from monitor.market_data.history_manifest import (
    series_summary,
    store_manifest,
    universe,
)
from monitor.market_data.history_rows import (
    HistoryKind,
    HistoryRows,
    Series,
    history_rows,
    rows_hash,
    united,
)
from monitor.market_data.history_store import HistoryStore, Partition
from tests.monitor.market_data.archive_server import bars_of, funding_of, metrics_of
from tests.monitor.market_data.history_files import (
    HOUR,
    START,
    a_bar,
    write_bars,
    write_funding,
)
from tests.recorded import HISTORY, needs_recorded_history

AAA = bars_of("AAAUSDT")
MONTH, NEXT = "2025-01", "2025-02"
FEBRUARY = START + 31 * 24 * HOUR


def some_bars(*hours: int, start: int = START, price: float = 10.0) -> HistoryRows:
    time = start + HOUR * np.array(hours, dtype=np.int64)
    close = np.full(time.size, price)
    columns = {"open": close, "high": close + 1, "low": close - 1, "close": close}
    return history_rows(HistoryKind.KLINES, time, columns)


def part(*hours: int, start: int = START, price: float = 10.0) -> Partition:
    rows = some_bars(*hours, start=start, price=price)
    return Partition(rows=rows, sources={MONTH: "ab"})


@pytest.fixture
def store(tmp_path: Path) -> HistoryStore:
    return HistoryStore(tmp_path / "store")


def test_a_partition_comes_back_bit_for_bit(store: HistoryStore) -> None:
    kept = replace(part(0, 1, 5), confirmed=((START + 2 * HOUR, START + 4 * HOUR),))
    store.write(AAA, MONTH, kept)
    found = store.read(AAA, MONTH)
    assert found is not None
    assert rows_hash(found.rows) == rows_hash(kept.rows)
    assert (found.sources, found.confirmed) == (kept.sources, kept.confirmed)
    assert found.rows.columns.keys() == kept.rows.columns.keys()


def test_what_was_not_recorded_takes_no_column(store: HistoryStore) -> None:
    store.write(AAA, MONTH, part(0))
    names = pq.read_schema(store.path(AAA, MONTH)).names
    assert names == ["open_time", "open", "high", "low", "close"]


def test_every_damaged_bit_makes_a_partition_missing(store: HistoryStore) -> None:
    store.write(AAA, MONTH, part(*range(40)))
    path = store.path(AAA, MONTH)
    whole = path.read_bytes()
    ref = rows_hash(part(*range(40)).rows)
    random = np.random.default_rng(5)
    missing = 0
    for at in random.choice(len(whole), 200, replace=False):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        found = store.read(AAA, MONTH)
        missing += found is None
        assert found is None or rows_hash(found.rows) == ref
    assert missing > 100
    path.write_bytes(whole[:-9])
    assert store.read(AAA, MONTH) is None
    path.unlink()
    assert store.read(AAA, MONTH) is None


def test_half_files_are_never_read_and_go(store: HistoryStore) -> None:
    store.write(AAA, MONTH, part(0))
    folder = store.path(AAA, MONTH).parent
    halves = [folder / ".2025-02.parquet.7.part", store.root / ".manifest.json.7.part"]
    halves.append(store.root / "funding" / "symbol=A" / ".2025-02.parquet.7.part")
    for half in halves:
        half.parent.mkdir(parents=True, exist_ok=True)
        half.write_bytes(b"half")
    assert store.months(AAA) == (MONTH,)
    assert opened_history(store.root).panel(KlineInterval.H1).close.shape == (1, 1)
    store.sweep()
    assert not any(half.exists() for half in halves)
    assert store.months(AAA) == (MONTH,)


def test_a_folder_that_takes_no_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "store").write_bytes(b"a file")
    store = HistoryStore(tmp_path / "store")
    with pytest.raises(HistoryNotWritable, match=r"^cannot write .*: Not a directory$"):
        store.write(AAA, MONTH, part(0))
    with (
        pytest.raises(HistoryNotWritable, match=r"^cannot write .*store: File exists$"),
        store.locked(now_ms=0),
    ):
        pass


def test_a_second_writer_is_told_who_the_first_one_is(store: HistoryStore) -> None:
    with store.locked(now_ms=START), pytest.raises(HistoryBusy) as caught:
        store.locked(now_ms=START).__enter__()
    assert caught.value.pid == os.getpid()
    assert caught.value.since_ms == START
    assert str(caught.value).endswith("; try later")
    with store.locked(now_ms=START):  # it is free again, though the file stays
        assert (store.root / LOCK_NAME).exists()


def test_a_killed_writer_leaves_no_lock(store: HistoryStore) -> None:
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from monitor.market_data.history_lock import writer_lock\n"
        "with writer_lock(Path(sys.argv[1]), now_ms=0):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, store.root], check=False)
    assert done.returncode == -9
    with store.locked(now_ms=0):
        pass


def test_gaps_are_found_inside_and_between_files(store: HistoryStore) -> None:
    store.write(AAA, MONTH, part(0, 1, 4))
    store.write(AAA, NEXT, part(1, 2, start=FEBRUARY))
    summary = series_summary(store, AAA)
    assert summary is not None
    assert summary.gaps == (
        (START + 2 * HOUR, START + 3 * HOUR),
        (START + 5 * HOUR, FEBRUARY),
    )
    assert (summary.first_ms, summary.last_ms) == (START, FEBRUARY + 2 * HOUR)
    assert summary.row_count == 5


def test_the_manifest_has_hashes_gaps_and_the_universe(store: HistoryStore) -> None:
    gone = bars_of("GONEUSDT")
    store.write(AAA, MONTH, part(0, 2))
    store.write(AAA, NEXT, part(0, start=FEBRUARY))
    store.write(gone, MONTH, part(3, 4))
    store.write(bars_of("EMPTYUSDT"), MONTH, part())
    document = store_manifest(store)
    bars = document["klines"]["1h"]
    assert list(bars) == ["AAAUSDT", "GONEUSDT"]
    assert bars["GONEUSDT"]["last"] == START + 4 * HOUR
    assert bars["AAAUSDT"]["gaps"][0] == (START + HOUR, START + HOUR)
    assert bars["AAAUSDT"]["months"][MONTH]["sha256"] == rows_hash(part(0, 2).rows)
    assert bars["AAAUSDT"]["months"][MONTH]["sources"] == {MONTH: "ab"}
    assert universe(store, KlineInterval.H1) == {
        "AAAUSDT": (START, FEBRUARY),
        "GONEUSDT": (START + 3 * HOUR, START + 4 * HOUR),
    }


def test_folders_of_others_are_passed_by(store: HistoryStore) -> None:
    store.write(AAA, MONTH, part(0))
    store.write(metrics_of("AAAUSDT"), MONTH, Partition(rows=metrics()))
    for name in ("klines/interval=7x/symbol=A", "funding/symbol=a b", "other"):
        (store.root / name).mkdir(parents=True)
    (store.path(AAA, MONTH).parent / "notes.parquet").write_bytes(b"x")
    assert list(store.series()) == [AAA, metrics_of("AAAUSDT")]
    assert store.months(AAA) == (MONTH,)


def metrics() -> HistoryRows:
    time = np.array([START, START + 300_000])
    return history_rows(HistoryKind.METRICS, time, {"open_interest": time / 1e9})


def test_a_store_opens_as_history(store: HistoryStore) -> None:
    store.write(AAA, MONTH, part(0, 1, price=5.0))
    store.write(AAA, NEXT, part(0, start=FEBRUARY, price=6.0))
    store.write(bars_of("币安人生USDT"), MONTH, part(1, price=7.0))
    store.write(
        funding_of("AAAUSDT"),
        MONTH,
        Partition(
            rows=history_rows(
                HistoryKind.FUNDING,
                np.array([START + 3]),
                {"funding_rate": np.array([0.0001])},
            )
        ),
    )
    history = opened_history(store.root)
    panel = history.panel(KlineInterval.H1)
    assert panel.symbols == ("AAAUSDT", "币安人生USDT")
    assert panel.bar_count == 31 * 24 + 1
    assert panel.close[0, [0, 1, -1]].tolist() == [5.0, 5.0, 6.0]
    assert panel.close[1, 1] == 7.0
    assert history.funding()["AAAUSDT"].time.tolist() == [START + 3]
    january = history.panel(KlineInterval.H1, end_ms=FEBRUARY)
    assert january.bar_count == 31 * 24


def test_spans_say_who_was_there_when(store: HistoryStore, tmp_path: Path) -> None:
    store.write(AAA, MONTH, part(0, 2))
    store.write(AAA, NEXT, part(5, start=FEBRUARY))
    store.write(bars_of("GONEUSDT"), MONTH, part(3, 4))
    expected = {
        "AAAUSDT": (START, FEBRUARY + 5 * HOUR),
        "GONEUSDT": (START + 3 * HOUR, START + 4 * HOUR),
    }
    assert opened_history(store.root).spans(KlineInterval.H1) == expected
    assert universe(store, KlineInterval.H1) == expected
    bars = [a_bar("B", 7), a_bar("A", 1), a_bar("B", 2)]
    write_bars(tmp_path / "r" / "klines_1h_x.parquet", bars)
    assert opened_history(tmp_path / "r").spans(KlineInterval.H1) == {
        "A": (START + HOUR, START + HOUR),
        "B": (START + 2 * HOUR, START + 7 * HOUR),
    }


def test_a_store_is_marked_from_its_first_file_until_all_are_there(
    store: HistoryStore,
) -> None:
    with store.writing():
        assert store_warning(store.root) is None
        store.write(AAA, MONTH, part(0, 1))
        store.write(AAA, NEXT, part(0, start=FEBRUARY))
        assert opened_history(store.root).problems[0] == UNFINISHED
    history = opened_history(store.root)
    assert (history.warning, store_warning(store.root)) == (None, None)
    assert UNFINISHED not in history.problems


def test_the_mark_stays_until_a_writing_ends_well(store: HistoryStore) -> None:

    def broken_off() -> None:
        with store.writing():
            store.write(AAA, MONTH, part(0, 1))
            raise KeyError

    with pytest.raises(KeyError):
        broken_off()
    assert opened_history(store.root).warning == UNFINISHED
    with pytest.raises(KeyError), store.writing():
        raise KeyError  # before it wrote anything
    assert opened_history(store.root).warning == UNFINISHED
    with store.writing():
        pass  # all is there already
    assert opened_history(store.root).warning is None


def test_what_fails_before_its_first_file_leaves_a_whole_store_whole(
    store: HistoryStore,
) -> None:
    store.write(AAA, MONTH, part(0, 1))
    with pytest.raises(KeyError), store.writing():
        raise KeyError
    assert opened_history(store.root).warning is None


def test_a_store_that_cannot_be_marked_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = HistoryStore(tmp_path / "file")
    with pytest.raises(HistoryNotWritable, match=r"\.unfinished"), store.writing():
        store.write(AAA, MONTH, part(0, 1))


def test_a_damaged_file_says_what_repairs_it(store: HistoryStore) -> None:
    store.write(AAA, MONTH, part(0, 1))
    store.path(AAA, MONTH).write_bytes(b"PAR1 no more")
    with pytest.raises(HistoryUnreadable, match=r"run download_history.* again"):
        opened_history(store.root).panel(KlineInterval.H1)


def test_a_file_that_the_manifest_names_and_is_gone_is_told(
    store: HistoryStore,
) -> None:
    store.write(AAA, MONTH, part(0, 1))
    store.write(AAA, NEXT, part(0, start=FEBRUARY))
    store.write_manifest(store_manifest(store))
    store.path(AAA, NEXT).unlink()
    assert opened_history(store.root).problems == (
        (
            "klines/interval=1h/symbol=AAAUSDT/2025-02.parquet: named by the manifest, "
            "and missing"
        ),
    )
    (store.root / "manifest.json").write_bytes(b"{half")
    with pytest.raises(HistoryUnreadable, match=r"manifest\.json: not readable"):
        _ = opened_history(store.root).problems


@pytest.mark.parametrize("kind", list(HistoryKind))
def test_names_are_folders_and_nothing_else(kind: HistoryKind) -> None:
    interval = KlineInterval.H1 if kind is HistoryKind.KLINES else None
    for name in ("../A", "a", "A/B", "", "A" * 41, "A B", "A.B"):
        with pytest.raises(ValueError, match="is not the name of a contract"):
            Series(kind=kind, symbol=name, interval=interval)
    assert str(Series(kind=kind, symbol="龙虾USDT", interval=interval))


def test_only_klines_have_an_interval() -> None:
    with pytest.raises(ValueError, match="klines have an interval"):
        Series(kind=HistoryKind.KLINES, symbol="A")
    with pytest.raises(ValueError, match="klines have an interval"):
        Series(kind=HistoryKind.FUNDING, symbol="A", interval=KlineInterval.H1)


def test_settlements_some_milliseconds_apart_are_one() -> None:
    older = history_rows(
        HistoryKind.FUNDING,
        np.array([START, START + 8 * HOUR + 3]),
        {"funding_rate": np.array([0.1, 0.2])},
    )
    newer = history_rows(
        HistoryKind.FUNDING,
        np.array([START + 8 * HOUR - 2, START + 16 * HOUR]),
        {"funding_rate": np.array([0.3, 0.4])},
    )
    rows = united(older, newer)
    assert rows.columns["funding_rate"].tolist() == [0.1, 0.3, 0.4]


@given(
    st.dictionaries(st.integers(0, 30), st.floats(1, 9), max_size=20),
    st.dictionaries(st.integers(0, 30), st.floats(1, 9), max_size=20),
)
def test_uniting_equals_updating_a_dictionary(
    older: dict[int, float], newer: dict[int, float]
) -> None:
    def rows(of: dict[int, float]) -> HistoryRows:
        time = START + HOUR * np.array(list(of), dtype=np.int64)
        close = np.array(list(of.values()))
        return history_rows(HistoryKind.KLINES, time, {"close": close})

    ref = {START + HOUR * hour: close for hour, close in {**older, **newer}.items()}
    comp = united(rows(older), rows(newer))
    assert dict(zip(comp.time.tolist(), comp.columns["close"], strict=True)) == ref
    assert comp.time.tolist() == sorted(ref)


class TestImport:
    @pytest.fixture
    def recorded(self, tmp_path: Path) -> Path:
        folder = tmp_path / "recorded"
        bars = [a_bar("AAAUSDT", h, 10 + h) for h in (0, 1, 5)]
        bars += [a_bar("BBBUSDT", 31 * 24, 3.0), a_bar("b b", 0)]
        write_bars(folder / "klines_1h_x.parquet", bars, kind=np.float32)
        write_funding(folder / "funding_x.parquet", [("AAAUSDT", START, 0.0001)])
        return folder

    def test_everything_comes_in_once(
        self, store: HistoryStore, recorded: Path
    ) -> None:
        first = imported(opened_history(recorded), store)
        assert (first.row_count, len(first.series)) == (5, 3)
        assert first.skipped == ("b b",)
        again = imported(opened_history(recorded), store)
        assert again.row_count == 0
        ref = opened_history(recorded)
        comp = opened_history(store.root)
        names = ["AAAUSDT", "BBBUSDT"]
        for name in ("open", "high", "low", "close", "volume", "quote_volume"):
            np.testing.assert_array_equal(
                getattr(comp.panel(KlineInterval.H1), name),
                getattr(ref.panel(KlineInterval.H1, symbols=names), name),
            )
        assert comp.funding()["AAAUSDT"].rate.tolist() == [0.0001]

    def test_rows_of_the_archive_stay(
        self, store: HistoryStore, recorded: Path
    ) -> None:
        store.write(AAA, MONTH, part(0, 2, price=99.0))
        assert imported(opened_history(recorded), store).row_count == 4
        found = store.read(AAA, MONTH)
        assert found is not None
        assert found.rows.columns["close"].tolist() == [99.0, 11.0, 99.0, 15.0]
        assert found.sources == {MONTH: "ab", "import recorded": ""}

    @needs_recorded_history
    def test_the_recorded_minutes_are_the_same_after_the_way_through_the_store(
        self, store: HistoryStore, tmp_path: Path
    ) -> None:
        folder = tmp_path / "minutes"
        folder.mkdir()
        for path in HISTORY.glob("klines_1m_*"):
            (folder / path.name).symlink_to(path)
        ref = opened_history(folder)
        report = imported(ref, store)
        comp = opened_history(store.root)
        left, right = (each.panel(KlineInterval.M1) for each in (ref, comp))
        assert report.row_count > 400_000
        np.testing.assert_array_equal(left.close, right.close)
        np.testing.assert_array_equal(left.quote_volume, right.quote_volume)
