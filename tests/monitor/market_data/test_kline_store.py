"""The store: what it keeps, how much, and what it does when it cannot."""

import logging
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import numpy as np
import pytest

from monitor.domain.market import KlineInterval
from monitor.market_data import kline_file
from monitor.market_data.columns import are_equal
from monitor.market_data.conf import KlineStoreConfig
from monitor.market_data.kline_file import ASIDE_SUFFIX, KlineFile
from monitor.market_data.kline_store import KlineStore
from monitor.market_data.kline_tables import (
    DamagedFile,
    add_counts,
    prepare,
    transaction,
)
from monitor.market_data.series import Beginning, KlineSeries
from tests.kline_builders import SYMBOL, bars

H4 = KlineInterval.H4
SMALL = KlineStoreConfig(max_mb=1)


def series(symbol: str = SYMBOL, count: int = 300, first: int = 0) -> KlineSeries:
    return KlineSeries(klines=bars(count, first=first, symbol=symbol))


def opened(folder: Path, config: KlineStoreConfig | None = None) -> KlineStore:
    return KlineStore(folder, exchange="http://x", config=config or KlineStoreConfig())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[KlineStore]:
    with opened(tmp_path / "new" / "folder") as one:
        yield one


def filled(folder: Path, count: int = 20) -> list[str]:
    symbols = [f"S{n:02d}USDT" for n in range(count)]
    with opened(folder) as store:
        for place, symbol in enumerate(symbols):
            store.keep(series(symbol, first=place))
    return symbols


class TestKeeping:
    @pytest.mark.parametrize("flushed", [True, False])
    def test_series_come_back_as_they_were(
        self, store: KlineStore, *, flushed: bool
    ) -> None:
        kept = KlineSeries(klines=bars(300), beginning=Beginning.CONFIRMED)
        store.keep(kept)
        if flushed:
            store.close()
        found = store.series(SYMBOL, H4)
        assert found is not None
        assert are_equal(found.klines, kept.klines)
        assert found.beginning is Beginning.CONFIRMED

    def test_nothing_kept_is_nothing_found(self, store: KlineStore) -> None:
        store.keep(series())
        assert store.series("BTCUSDT", H4) is None
        assert store.series(SYMBOL, KlineInterval.H1) is None

    def test_exchanges_do_not_mix(self, tmp_path: Path) -> None:
        with opened(tmp_path) as store:
            store.keep(series())
        with KlineStore(tmp_path, exchange="http://y") as other:
            assert other.series(SYMBOL, H4) is None
            other.keep(series())
            other.clear()
        with KlineStore(tmp_path, exchange="HTTP://X/") as store:
            assert store.series(SYMBOL, H4) is not None

    @pytest.mark.parametrize("flushed", [True, False])
    def test_a_new_version_replaces_the_old_one(
        self, store: KlineStore, *, flushed: bool
    ) -> None:
        store.keep(series(count=200))
        if flushed:
            store.flush()
        store.keep(series(count=100))
        store.close()
        found = store.series(SYMBOL, H4)
        assert found is not None
        assert found.klines.bar_count == 100

    def test_only_the_newest_bars_are_kept(self, tmp_path: Path) -> None:
        kept = KlineSeries(klines=bars(300), beginning=Beginning.CONFIRMED)
        with opened(tmp_path, KlineStoreConfig(max_bars=100)) as store:
            store.keep(kept)
            found = store.series(SYMBOL, H4)
        assert found is not None
        assert found.first_open == int(kept.klines.open_time[200])
        assert found.last_open == kept.last_open
        assert found.beginning is Beginning.UNKNOWN

    def test_symbols_can_be_dropped_singly(self, tmp_path: Path) -> None:
        first, second, *_ = filled(tmp_path)
        with opened(tmp_path) as store:
            store.keep(series("NEWUSDT"))
            store.clear(symbol=first)
            store.clear(symbol="NEWUSDT")
            assert store.series(first, H4) is None
            assert store.series("NEWUSDT", H4) is None
            assert store.series(second, H4) is not None

    def test_the_wanted_symbol_is_named_first_then_the_last_used(
        self, store: KlineStore
    ) -> None:
        for symbol in ("AAA", "BTC", "CCC"):
            store.keep(series(symbol))
        store.series("AAA", H4)
        store.flush()
        found = store.held(first_symbol="BTC", limit=2)
        assert [key.symbol for key in found] == ["BTC", "AAA"]

    def test_many_threads_may_use_one_store(self, tmp_path: Path) -> None:
        symbols = [f"S{n:03d}" for n in range(200)]
        with opened(tmp_path, KlineStoreConfig(max_mb=20)) as store:

            def work(symbol: str) -> bool:
                place = int(symbol[1:])
                for _ in range(3):
                    store.keep(series(symbol, first=place))
                    store.count(hits=1)
                    found = store.series(symbol, H4)
                    if found is None or not are_equal(
                        found.klines, bars(300, first=place, symbol=symbol)
                    ):
                        return False
                return True

            with ThreadPoolExecutor(20) as pool:
                assert all(pool.map(work, symbols))
            assert store.statistics().hits == 600
            assert store.statistics().dropped == 0


class TestBound:
    def test_the_file_never_outgrows_its_limit(self, tmp_path: Path) -> None:
        with opened(tmp_path, SMALL) as store:
            for place in range(300):
                store.keep(series(f"S{place}", count=50 + place))
                assert not store.path.exists() or (
                    store.path.stat().st_size <= SMALL.max_bytes
                )
            store.flush()
            assert store.path.stat().st_size <= SMALL.max_bytes
            assert store.series("S299", H4) is not None
            assert store.statistics().evicted > 200
        assert store.path.stat().st_size <= SMALL.max_bytes
        assert KlineFile(store.path, max_bytes=1).counters()["evicted"] > 200

    def test_the_series_unused_for_longest_make_room(self, tmp_path: Path) -> None:
        old = [f"S{place}" for place in range(20)]
        with opened(tmp_path, SMALL) as store:
            for symbol in old:
                store.keep(series(symbol))
        used = old[::2]
        with opened(tmp_path, SMALL) as store:
            for symbol in used:
                store.series(symbol, H4)
        with opened(tmp_path, SMALL) as store:
            for place in range(26):
                store.keep(series(f"N{place}"))
            store.flush()
            left = [s for s in old if store.series(s, H4) is not None]
            evicted = store.statistics().evicted
        assert evicted == len(old) - len(left)
        assert 0 < len(left) < len(used)
        assert left == used[-len(left) :]

    def test_a_series_larger_than_the_file_is_not_kept(self, tmp_path: Path) -> None:
        config = KlineStoreConfig(max_mb=1, max_bars=50_000)
        with opened(tmp_path, config) as store:
            store.keep(series(count=20_000))
            assert store.series(SYMBOL, H4) is None
            assert store.problem is None

    def test_a_smaller_limit_is_obeyed_from_then_on(self, tmp_path: Path) -> None:
        filled(tmp_path, 100)
        path = tmp_path / kline_file.FILE_NAME
        assert path.stat().st_size > 2 * SMALL.max_bytes
        with opened(tmp_path, SMALL) as store:
            store.keep(series())
        assert path.stat().st_size <= SMALL.max_bytes


class TestDamage:
    def test_a_damaged_series_is_dropped_and_counted(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        first, second, *_ = filled(tmp_path)
        with sqlite3.connect(tmp_path / kline_file.FILE_NAME) as connection:
            (blob,) = connection.execute("SELECT columns FROM bars").fetchone()
            wrong = bytes([blob[0] ^ 1]) + blob[1:]
            connection.execute(
                "UPDATE bars SET columns = ? WHERE series_id = 1", [wrong]
            )
        connection.close()
        with opened(tmp_path) as store:
            assert store.series(first, H4) is None
            assert store.series(second, H4) is not None
            assert store.statistics().dropped == 1
            assert store.problem is None
        assert f"symbol={first}" in caplog.text
        with opened(tmp_path) as store:
            assert store.series(first, H4) is None
            assert store.statistics().dropped == 0

    def test_a_file_of_something_else_is_moved_aside(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        path = tmp_path / kline_file.FILE_NAME
        path.write_bytes(b"not a database " * 1000)
        with opened(tmp_path) as store:
            assert store.series(SYMBOL, H4) is None
            store.keep(series())
            assert store.problem is None
        assert store.statistics().started_anew == 1
        assert "moved aside" in caplog.text
        aside = path.with_name(path.name + ASIDE_SUFFIX)
        assert aside.read_bytes().startswith(b"not a database")
        with opened(tmp_path) as store:
            assert store.series(SYMBOL, H4) is not None

    def test_tables_of_another_version_are_moved_aside(self, tmp_path: Path) -> None:
        filled(tmp_path)
        with sqlite3.connect(tmp_path / kline_file.FILE_NAME) as connection:
            connection.execute("PRAGMA user_version = 99")
        connection.close()
        with opened(tmp_path) as store:
            assert store.series("S00USDT", H4) is None
            assert store.statistics().started_anew == 1

    def test_two_that_find_the_damage_move_it_aside_once(self, tmp_path: Path) -> None:
        (tmp_path / kline_file.FILE_NAME).write_bytes(b"x" * 9000)
        first, second = (
            KlineFile(tmp_path / kline_file.FILE_NAME, max_bytes=10**6) for _ in "12"
        )
        for file in (first, second):
            with pytest.raises(DamagedFile):
                file.counters()
        assert first.move_aside()
        assert first.counters() == {}
        assert not second.move_aside()
        assert second.counters() == {}

    def test_whatever_happens_to_the_file_no_wrong_bar_comes_out(
        self, tmp_path: Path
    ) -> None:
        symbols = filled(tmp_path, 6)
        path = tmp_path / kline_file.FILE_NAME
        good = path.read_bytes()
        random = Random(20260105)
        served = 0
        for _ in range(120):
            wrong = bytearray(good)
            begin = random.choice([0, 0, 4096, random.randrange(len(good))])
            for _ in range(random.choice([1, 8, 200])):
                place = min(begin + random.randrange(4096), len(good) - 1)
                wrong[place] = random.randrange(256)
            cut = random.choice([len(good), len(good), random.randrange(len(good))])
            path.write_bytes(wrong[:cut])
            with opened(tmp_path) as store:
                for place, symbol in enumerate(symbols):
                    found = store.series(symbol, H4)
                    if found is not None:
                        served += 1
                        assert are_equal(
                            found.klines, bars(300, first=place, symbol=symbol)
                        )
                store.keep(series())
        assert served > 100


class TestUnusable:
    def test_a_store_that_cannot_be_made_is_switched_off_once(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        (tmp_path / "file").write_text("no folder")
        with opened(tmp_path / "file") as store:
            for _ in range(3):
                assert store.series(SYMBOL, H4) is None
                store.keep(series())
                store.flush()
                store.clear()
                assert store.held(first_symbol=SYMBOL, limit=1) == []
        assert store.problem == "File exists"
        assert store.statistics().switched_off == 1
        assert len(caplog.records) == 1
        assert "switched off" in caplog.text

    def test_a_file_locked_for_too_long_is_given_up(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        monkeypatch.setattr(kline_file, "BUSY_TIMEOUT_S", 0.01)
        first, *_ = filled(tmp_path)
        holder = sqlite3.connect(tmp_path / kline_file.FILE_NAME)
        holder.execute("BEGIN IMMEDIATE")
        with caplog.at_level(logging.WARNING), opened(tmp_path) as store:
            assert store.series(first, H4) is not None  # readers need not wait
            store.keep(series())
        holder.rollback()
        holder.close()
        assert store.problem == "database is locked"
        with opened(tmp_path) as store:
            assert store.series(SYMBOL, H4) is None

    def test_it_can_be_switched_off_by_whoever_doubts_it(self, tmp_path: Path) -> None:
        first, *_ = filled(tmp_path)
        with opened(tmp_path) as store:
            store.switch_off("doubts")
            store.switch_off("more doubts")
            assert store.series(first, H4) is None
            assert store.problem == "doubts"


class TestCounts:
    def test_they_accumulate_on_disk(self, tmp_path: Path) -> None:
        for _ in range(2):
            with opened(tmp_path) as store:
                store.count(hits=2, misses=1)
                store.flush()
                store.count(hits=1)
                assert store.statistics().hits == 3
        file = KlineFile(store.path, max_bytes=10**6)
        assert file.counters() == {"hits": 6, "misses": 2}
        file.close()

    def test_a_store_that_was_not_used_makes_no_file(self, tmp_path: Path) -> None:
        with opened(tmp_path):
            pass
        assert list(tmp_path.iterdir()) == []


def test_what_is_kept_is_told_by_exchange_and_interval(tmp_path: Path) -> None:
    filled(tmp_path, 3)
    file = KlineFile(tmp_path / kline_file.FILE_NAME, max_bytes=10**6)
    (group,) = file.groups()
    file.close()
    assert (group.exchange, group.interval) == ("http://x", "4h")
    assert (group.series, group.bars, group.size) == (3, 900, 900 * 88)
    whole = bars(302)
    assert group.first_open == whole.open_time[0]
    assert group.last_open == np.max(whole.open_time[:302])


def test_a_transaction_is_whole_or_not_there() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    prepare(connection)

    def interrupted() -> None:
        with transaction(connection):
            add_counts(connection, {"hits": 1})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert connection.execute("SELECT * FROM counters").fetchall() == []
    with transaction(connection):
        add_counts(connection, {"hits": 1})
    assert connection.execute("SELECT * FROM counters").fetchall() == [("hits", 1)]
    connection.close()


def test_a_file_that_another_process_replaced_is_used_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / kline_file.FILE_NAME
    path.write_bytes(b"x" * 9000)
    first = opened(tmp_path)
    with pytest.raises(DamagedFile):
        first._file.counters()
    filled(tmp_path, 2)  # finds the damage first and starts anew
    with first:
        first._start_anew(DamagedFile("found before"))
        assert first.series("S00USDT", H4) is not None
        assert first.statistics().started_anew == 0
