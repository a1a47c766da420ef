"""The generated market: deterministic, consistent, and as its truths say."""

import numpy as np
import orjson
import pytest

from monitor.domain.market import DAY_MS, HOUR_MS, MINUTE_MS, KlineInterval
from monitor.simulator.bars import COLUMNS, Bars, aggregated
from monitor.simulator.contracts import FIRST_KINDS
from monitor.simulator.generated import GeneratedMarket
from monitor.simulator.intervals import bar_open, moved_open
from monitor.simulator.truth import Kind

NOW = 1_767_587_400_000 + 2_000
SHORT = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d")
PAIRS = [
    (KlineInterval(fine), KlineInterval(coarse))
    for fine in SHORT
    for coarse in (*SHORT, "3d", "1w", "1M")
    if fine != coarse
    and KlineInterval(coarse).milliseconds % KlineInterval(fine).milliseconds == 0
]


def bars_of(
    market: GeneratedMarket, symbol: str, interval: str, count: int, now_ms: int = NOW
) -> Bars:
    kline = KlineInterval(interval)
    last = bar_open(kline, now_ms)
    return market.bars(
        symbol,
        kline,
        first_ms=moved_open(kline, last, 1 - count),
        last_ms=last,
        now_ms=now_ms,
    )


def same(left: Bars, right: Bars) -> bool:
    return all(
        np.array_equal(getattr(left, name), getattr(right, name)) for name in COLUMNS
    )


class TestDeterminism:
    def test_the_same_seed_gives_the_same_market(self) -> None:
        first, second = (GeneratedMarket(count=5, seed=3) for _ in range(2))
        assert first.exchange_info() == second.exchange_info()
        assert same(
            bars_of(first, "XRPUSDT", "15m", 900),
            bars_of(second, "XRPUSDT", "15m", 900),
        )
        assert first.marks(NOW) == second.marks(NOW)

    def test_another_seed_gives_another_market(self) -> None:
        first, second = (GeneratedMarket(count=5, seed=seed) for seed in (3, 4))
        assert not same(
            bars_of(first, "XRPUSDT", "4h", 50), bars_of(second, "XRPUSDT", "4h", 50)
        )

    def test_a_contract_does_not_depend_on_the_number_of_contracts(self) -> None:
        few, many = (GeneratedMarket(count=count, seed=7) for count in (3, 40))
        assert same(
            bars_of(few, "ETHUSDT", "1h", 2000), bars_of(many, "ETHUSDT", "1h", 2000)
        )

    def test_bars_do_not_depend_on_the_order_of_questions(self) -> None:
        first, second = (GeneratedMarket(count=4, seed=7) for _ in range(2))
        old_first = bars_of(first, "SOLUSDT", "1d", 250)
        new_first = bars_of(second, "SOLUSDT", "1m", 10)
        assert same(old_first, bars_of(second, "SOLUSDT", "1d", 250))
        assert same(new_first, bars_of(first, "SOLUSDT", "1m", 10))

    def test_closed_bars_do_not_change_as_the_clock_runs(self) -> None:
        market = GeneratedMarket(count=2, seed=7)
        early = bars_of(market, "BTCUSDT", "1h", 100)
        later = bars_of(market, "BTCUSDT", "1h", 100 + 24 * 21, NOW + 21 * DAY_MS)
        assert same(early.part(slice(0, 99)), later.part(slice(0, 99)))

    def test_the_price_moves_with_the_minute(self) -> None:
        market = GeneratedMarket(count=1, seed=7)
        minutes = [bars_of(market, "BTCUSDT", "4h", 1, NOW + s * 1000) for s in (0, 57)]
        assert same(*minutes)
        assert not same(minutes[0], bars_of(market, "BTCUSDT", "4h", 1, NOW + 60_000))


class TestConsistency:
    @pytest.mark.parametrize(("fine", "coarse"), PAIRS)
    def test_shorter_bars_add_up_to_longer_ones(
        self, market: GeneratedMarket, fine: KlineInterval, coarse: KlineInterval
    ) -> None:
        for symbol in ("BTCUSDT", "DOGEUSDT", "LISTAUSDT", "币安人生USDT"):
            wanted = bars_of(market, symbol, coarse.value, 2)
            parts = market.bars(
                symbol,
                fine,
                first_ms=int(wanted.open_time[0]),
                last_ms=NOW,
                now_ms=NOW,
            )
            assert same(aggregated(parts, coarse), wanted)

    def test_bars_are_possible(self, market: GeneratedMarket) -> None:
        for symbol in list(market.listings)[:60]:
            for interval, count in (("1m", 300), ("4h", 400)):
                bars = bars_of(market, symbol, interval, count)
                assert np.all(bars.low <= np.minimum(bars.open, bars.close))
                assert np.all(bars.high >= np.maximum(bars.open, bars.close))
                assert np.all(bars.low > 0)
                assert np.all(bars.volume >= 0)
                assert np.all(bars.taker_volume >= 0)
                assert np.all(bars.taker_volume <= bars.volume)
                assert np.all(bars.taker_quote_volume <= bars.quote_volume)
                step = KlineInterval(interval).milliseconds
                assert np.all(np.diff(bars.open_time) == step)

    def test_1500_bars_of_4h_exist_for_old_contracts(
        self, market: GeneratedMarket
    ) -> None:
        assert bars_of(market, "BTCUSDT", "4h", 1500).count == 1500

    def test_an_open_bar_without_a_minute_is_flat(
        self, market: GeneratedMarket
    ) -> None:
        on_the_hour = 1_767_600_000_000
        bars = bars_of(market, "BTCUSDT", "4h", 2, on_the_hour + 1)
        assert bars.count == 2
        assert bars.open_time[-1] == on_the_hour
        assert bars.volume[-1] == 0
        assert bars.open[-1] == bars.high[-1] == bars.low[-1] == bars.close[-2]

    @pytest.mark.parametrize(
        "after_ms", [0, 30 * MINUTE_MS, 37 * MINUTE_MS, 5 * DAY_MS]
    )
    def test_tickers_are_the_sums_of_1440_minutes(
        self, market: GeneratedMarket, after_ms: int
    ) -> None:
        now = NOW + after_ms
        day = market.day_statistics(now)
        end = now // MINUTE_MS * MINUTE_MS
        for symbol in ("BTCUSDT", "GALAUSDT", "LISTAUSDT", "XAUUSDT"):
            bars = market.bars(
                symbol,
                KlineInterval.M1,
                first_ms=end - DAY_MS,
                last_ms=end - 1,
                now_ms=now,
            )
            row = day[symbol]
            assert bars.count == 1440
            assert (row.open, row.last) == (bars.open[0], bars.close[-1])
            assert (row.high, row.low) == (bars.high.max(), bars.low.min())
            assert row.volume == bars.volume.sum()
            assert row.quote_volume == bars.quote_volume.sum()
            assert row.trades == bars.trades.sum()


class TestTruth:
    def test_counts(self, market: GeneratedMarket) -> None:
        counted = [
            row
            for row in orjson.loads(market.exchange_info())["symbols"]
            if (row["contractType"], row["status"], row["quoteAsset"])
            == ("PERPETUAL", "TRADING", "USDT")
        ]
        assert len(counted) == 540
        assert all(market.listings[row["symbol"]].has_bars for row in counted)
        assert {truth["kind"] for truth in market.truths()} == set(Kind)

    def test_small_markets_have_every_tradable_kind(self) -> None:
        market = GeneratedMarket(count=len(FIRST_KINDS), seed=7)
        kinds = {truth["kind"] for truth in market.truths()}
        assert kinds == set(Kind) - {Kind.PRE_MARKET}

    def test_a_realistic_share_passes_the_usual_turnover_filter(
        self, market: GeneratedMarket
    ) -> None:
        rows = market.day_statistics(NOW).values()
        passing = [row for row in rows if row.scale.quote(row.quote_volume) > 5e7]
        assert 60 <= len(passing) <= 140

    def test_most_contracts_move_1_to_6_percent_in_4_hours(
        self, market: GeneratedMarket
    ) -> None:
        ranges = []
        for symbol in list(market.listings)[:200]:
            bars = bars_of(market, symbol, "4h", 300)
            ranges.append(100 * np.mean((bars.high - bars.low) / bars.close))
        assert np.mean([1.0 <= size <= 6.0 for size in ranges]) > 0.8

    def test_half_lives_are_near_the_stated_ones(self, market: GeneratedMarket) -> None:
        ratios = []
        for truth in market.truths():
            if truth["kind"] is not Kind.MEAN_REVERTING or len(ratios) == 60:
                continue
            bars = bars_of(market, str(truth["symbol"]), "1h", 1400)
            path = np.log(bars.close.astype(np.float64))
            path -= path.mean()
            decay = float(path[1:] @ path[:-1] / (path[:-1] @ path[:-1]))
            stated = truth["half_life_hours"]
            assert isinstance(stated, float)
            ratios.append(np.log(0.5) / np.log(decay) / stated)
        assert len(ratios) == 60
        assert 0.7 < np.median(ratios) < 1.3
        assert np.mean([0.4 < ratio < 2.5 for ratio in ratios]) > 0.9

    def test_trends_trend_and_random_walks_do_not(
        self, market: GeneratedMarket
    ) -> None:
        moves: dict[object, list[float]] = {}
        for truth in market.truths():
            bars = bars_of(market, str(truth["symbol"]), "4h", 300)
            if bars.count == 300 and float(truth["volatility_per_hour"]) > 0:  # type: ignore[arg-type]
                path = np.log(bars.close[[0, -1]].astype(np.float64))
                scale = float(truth["volatility_per_hour"]) * 1200**0.5  # type: ignore[arg-type]
                moves.setdefault(truth["kind"], []).append((path[1] - path[0]) / scale)
        assert np.median(moves[Kind.TRENDING_UP]) > 3
        assert np.median(moves[Kind.TRENDING_DOWN]) < -3
        assert abs(np.median(moves[Kind.RANDOM_WALK])) < 0.6

    def test_returns_load_on_btc_as_stated(self, market: GeneratedMarket) -> None:
        btc = np.diff(np.log(bars_of(market, "BTCUSDT", "1h", 1400).close))
        errors = []
        for truth in market.truths()[2:80]:
            bars = bars_of(market, str(truth["symbol"]), "1h", 1400)
            if truth["kind"] is Kind.RANDOM_WALK and bars.count == 1400:
                own = np.diff(np.log(bars.close))
                beta = np.cov(own, btc)[0, 1] / np.var(btc)
                errors.append(beta - float(truth["beta_btc"]))  # type: ignore[arg-type]
        assert len(errors) > 15
        assert abs(np.median(errors)) < 0.15

    def test_taker_buying_goes_with_the_return(self, market: GeneratedMarket) -> None:
        bars = bars_of(market, "BTCUSDT", "1h", 1000)
        share = bars.taker_volume / bars.volume
        moved = np.log(bars.close / bars.open)
        assert np.corrcoef(share, moved)[0, 1] > 0.5

    def test_squeezes_pay_high_funding_and_run_up(
        self, market: GeneratedMarket
    ) -> None:
        rows = [t for t in market.truths() if t["kind"] is Kind.SQUEEZING]
        marks = market.marks(NOW)
        for truth in rows:
            symbol = str(truth["symbol"])
            step = market.funding_terms()
            hours = {row.symbol: row.interval_h for row in step}.get(symbol, 8)
            assert marks[symbol].funding_rate * 8 / hours > 0.0008
            bars = bars_of(market, symbol, "1h", 49)
            assert bars.close[-1] > 1.08 * bars.close[0]

    def test_dead_contracts_have_stale_quotes(self, market: GeneratedMarket) -> None:
        books = market.books(NOW)
        for truth in market.truths():
            if truth["has_stale_quotes"]:
                at = books[str(truth["symbol"])].time
                assert at is not None
                assert NOW - at > 60_000
            elif str(truth["symbol"]) in books:
                assert books[str(truth["symbol"])].time is None

    def test_new_listings_have_no_older_bars(self, market: GeneratedMarket) -> None:
        for truth in market.truths():
            if truth["kind"] is Kind.NEWLY_LISTED:
                bars = bars_of(market, str(truth["symbol"]), "1h", 900)
                assert bars.open_time[0] == truth["listed_at"]
                assert bars.count < 28 * 24

    def test_funding_and_open_interest_agree_with_the_truth(
        self, market: GeneratedMarket
    ) -> None:
        events = market.settlements(
            "ETHUSDT", first_ms=NOW - 40 * DAY_MS, last_ms=NOW, now_ms=NOW
        )
        assert len(events) == 120
        assert all(event.time % (8 * HOUR_MS) <= 5 for event in events)
        history = market.open_interest_history(
            "ETHUSDT", period_ms=4 * HOUR_MS, count=100, last_ms=NOW, now_ms=NOW
        )
        assert history is not None
        assert len(history) == 100
        now = market.open_interest("ETHUSDT", NOW)
        assert now is not None
        assert 0.8 < now.base / history[-1].base < 1.25


class TestExchangeInfo:
    def test_filters_have_the_live_types(self, market: GeneratedMarket) -> None:
        strings = {
            "PRICE_FILTER": {"minPrice", "maxPrice", "tickSize"},
            "LOT_SIZE": {"stepSize", "minQty", "maxQty"},
            "MARKET_LOT_SIZE": {"stepSize", "minQty", "maxQty"},
            "MIN_NOTIONAL": {"notional"},
            "PERCENT_PRICE": {"multiplierUp", "multiplierDown", "multiplierDecimal"},
            "POSITION_RISK_CONTROL": {"positionControlSide"},
            "MAX_NUM_ORDERS": set(),
        }
        for row in orjson.loads(market.exchange_info())["symbols"]:
            assert len(row["filters"]) == 7
            for rule in row["filters"]:
                kind = rule.pop("filterType")
                limit = rule.pop("limit", None)
                assert set(rule) == strings[kind]
                assert all(isinstance(value, str) for value in rule.values())
                assert (limit is not None) == (kind == "MAX_NUM_ORDERS")
                assert limit is None or type(limit) is int

    def test_anchors_lie_on_tick_and_inside_the_price_filter(
        self, market: GeneratedMarket
    ) -> None:
        day = market.day_statistics(NOW)
        for row in orjson.loads(market.exchange_info())["symbols"]:
            rule = next(r for r in row["filters"] if r["filterType"] == "PRICE_FILTER")
            if row["symbol"] in day:
                scale = market.scale(row["symbol"])
                assert float(rule["tickSize"]) == pytest.approx(
                    10.0**-scale.price_decimals
                )
                last = scale.price(day[row["symbol"]].last)
                assert float(rule["minPrice"]) <= last <= float(rule["maxPrice"])

    @pytest.mark.parametrize("count", [0, 10**6])
    def test_impossible_numbers_of_contracts_are_refused(self, count: int) -> None:
        with pytest.raises(ValueError, match=f"contracts must be in 1….*was {count}"):
            GeneratedMarket(count=count, seed=7)
