"""The recorded market, where it is at hand."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
import pytest
import requests

from monitor.domain.market import HOUR_MS, KlineInterval
from monitor.simulator.market import IntervalNotRecorded
from monitor.simulator.recorded import RecordedMarket, UnreadableRecording
from monitor.simulator.server import EmbeddedExchange
from tests.recorded import MARKET, needs_recorded_market

AS_OF = 1_772_668_800_000
"""2026-03-05 00:00:00 UTC."""


@pytest.fixture(scope="module")
def market() -> RecordedMarket:
    return RecordedMarket(MARKET)


@needs_recorded_market
class TestRecording:
    def test_the_clock_starts_at_the_end(self, market: RecordedMarket) -> None:
        assert market.starts_at_ms == AS_OF

    def test_counts_are_those_written_beside_it(self, market: RecordedMarket) -> None:
        day = market.day_statistics(AS_OF)
        turnover = {s: row.scale.quote(row.quote_volume) for s, row in day.items()}
        assert len(day) == 538
        assert sum(value > 50e6 for value in turnover.values()) == 58
        assert sum(value > 10e6 for value in turnover.values()) == 143
        wanted = ("PERPETUAL", "TRADING", "USDT")
        joint = [
            row["symbol"]
            for row in orjson.loads(market.exchange_info())["symbols"]
            if (row["contractType"], row["status"], row["quoteAsset"]) == wanted
            and row["symbol"] in day
            and self.bars(market, row["symbol"], "4h") >= 300
        ]
        assert sum(turnover[symbol] > 50e6 for symbol in joint) == 56
        assert sum(turnover[symbol] > 10e6 for symbol in joint) == 133

    @staticmethod
    def bars(market: RecordedMarket, symbol: str, interval: str) -> int:
        return market.bars(
            symbol,
            KlineInterval(interval),
            first_ms=0,
            last_ms=AS_OF,
            now_ms=AS_OF,
        ).count

    def test_intervals_are_recorded_aggregated_or_refused(
        self, market: RecordedMarket
    ) -> None:
        counts = {i: self.bars(market, "BTCUSDT", i) for i in ("1h", "4h", "1d")}
        assert counts == {"1h": 340, "4h": 600, "1d": 90}
        made = {i: self.bars(market, "BTCUSDT", i) for i in ("2h", "6h", "8h", "12h")}
        assert made == {"2h": 170, "6h": 56, "8h": 300, "12h": 200}
        for interval in ("1m", "3m", "5m", "15m", "30m"):
            with pytest.raises(IntervalNotRecorded, match="was not recorded"):
                self.bars(market, "BTCUSDT", interval)

    def test_taker_volume_follows_the_stated_rule(self, market: RecordedMarket) -> None:
        shares, tilts = [], []
        for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT"):
            bars = market.bars(
                symbol, KlineInterval.H4, first_ms=0, last_ms=AS_OF, now_ms=AS_OF
            )
            moved = np.diff(np.log(bars.close))
            shares.append((bars.taker_volume / bars.volume)[1:])
            tilts.append(np.tanh(moved / moved.std()))
        share, tilt = np.concatenate(shares), np.concatenate(tilts)
        noise = share - 0.5 - 0.15 * tilt
        assert abs(noise.mean()) < 0.003
        assert noise.std() == pytest.approx(0.03, rel=0.1)

    def test_open_interest_and_marks_are_as_recorded(
        self, market: RecordedMarket
    ) -> None:
        now = market.open_interest("BTCUSDT", AS_OF)
        assert now is not None
        mark = market.marks(AS_OF)["BTCUSDT"]
        assert mark.mark_price == pytest.approx(now.value / now.base)
        assert mark.index_price == mark.mark_price
        assert mark.next_funding_at == AS_OF + 8 * HOUR_MS
        period = {"count": 30, "last_ms": AS_OF, "now_ms": AS_OF}
        assert (
            market.open_interest_history("BTCUSDT", period_ms=HOUR_MS, **period) is None
        )

    def test_funding_intervals_are_the_last_gaps(self, market: RecordedMarket) -> None:
        hours = [row.interval_h for row in market.funding_terms()]
        assert {h: hours.count(h) for h in set(hours)} == {4: 403, 8: 128, 1: 4}

    def test_books_stand_around_the_last_close(self, market: RecordedMarket) -> None:
        for row in market.books(AS_OF).values():
            last = market.day_statistics(AS_OF)[row.symbol].last
            assert row.bid < last < row.ask
            assert row.ask - last >= max(row.tick, round(last * 0.00005))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with EmbeddedExchange(data=MARKET) as running:
        yield running.base_url


@needs_recorded_market
class TestServed:
    def get(self, address: str) -> requests.Response:
        return requests.get(address, timeout=20)

    def test_klines_end_with_the_last_closed_bar(self, address: str) -> None:
        ask = f"{address}/fapi/v1/klines?symbol=BTCUSDT&limit=301&interval="
        rows = self.get(ask + "4h").json()
        assert len(rows) == 301
        assert rows[-1][6] == AS_OF - 1
        refused = self.get(ask + "5m")
        assert refused.status_code == 400
        assert refused.json() == {
            "code": -1120,
            "msg": "Invalid interval. 5m was not recorded.",
        }

    def test_exchange_info_is_byte_for_byte_the_recorded_one(
        self, address: str
    ) -> None:
        path = MARKET / "exchangeInfo.json"
        assert self.get(f"{address}/fapi/v1/exchangeInfo").content == path.read_bytes()

    def test_other_periods_of_open_interest_are_refused(self, address: str) -> None:
        ask = f"{address}/futures/data/openInterestHist?symbol=BTCUSDT&period="
        assert len(self.get(ask + "4h&limit=30").json()) == 30
        assert self.get(ask + "1h").json()["code"] == -1130


def test_a_folder_without_a_market_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableRecording, match="holds no recorded market"):
        RecordedMarket(tmp_path)
