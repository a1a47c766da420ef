"""The contracts of the generated market with their ground truth. Pure."""

from dataclasses import dataclass
from math import ceil, exp, log10

import numpy as np

from monitor.domain.instruments import PERPETUAL_DELIVERY_AT, TRADING
from monitor.domain.market import DAY_MS, HOUR_MS
from monitor.domain.typing import Symbol
from monitor.simulator.bars import Scale
from monitor.simulator.names import ANCHORS, CHINESE
from monitor.simulator.truth import Kind, Truth

STARTS_AT_MS = 1_767_587_400_000
"""2026-01-05 04:30:00 UTC: the generated market's clock begins here."""
ORIGIN_HOUR = STARTS_AT_MS // HOUR_MS - 48
"""Hours since 1970 at which every price is anchored; squeezes begin here."""
TREND_HOURS = 60 * 24
"""Trends began this long before the origin."""
SQUEEZE_HOURS = 60
MARKET_VOLATILITY = 0.0033
"""Hourly standard deviation of the market factor (BTCUSDT)."""

FIRST_KINDS = (
    *(Kind.RANDOM_WALK, Kind.RANDOM_WALK, Kind.MEAN_REVERTING, Kind.TRENDING_UP),
    *(Kind.TRENDING_DOWN, Kind.MEAN_REVERTING, Kind.RANDOM_WALK, Kind.SQUEEZING),
    *(Kind.DEAD, Kind.DELISTING, Kind.MEAN_REVERTING, Kind.NEWLY_LISTED),
)
"""Small markets have one of each, too."""
_SHARES = (
    (Kind.MEAN_REVERTING, 0.30),
    (Kind.TRENDING_UP, 0.09),
    (Kind.TRENDING_DOWN, 0.09),
    (Kind.SQUEEZING, 0.03),
    (Kind.DEAD, 0.04),
    (Kind.NEWLY_LISTED, 0.05),
    (Kind.DELISTING, 0.02),
    (Kind.PRE_MARKET, 0.015),
    (Kind.RANDOM_WALK, 1.0),
)
_COARSE_SHARE = 0.02
"""Contracts with a tick of about 0.3 % of the price."""
_CROWDED_SHARE = 0.06
_MAJOR_COUNT = 60
_SPECIAL_INDEX = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One contract: how it is listed, and how its data are generated."""

    symbol: Symbol
    index: int
    """Sub-seed: the same for every number of contracts."""
    base_asset: str
    quote_asset: str
    pair: str
    contract_type: str
    status: str
    underlying_type: str
    underlying_sub_types: tuple[str, ...]
    anchor_price: float
    scale: Scale
    min_notional: str
    average_trade: float
    """Quote currency."""
    has_bars: bool
    truth: Truth

    @property
    def is_trading(self) -> bool:
        """Whether the exchange reports it as ``TRADING``."""
        return self.status == TRADING

    @property
    def delivery_at(self) -> int:
        """Delivery, ms UTC; the exchange's "never" for contracts without an end."""
        end = self.truth.ends_at
        return PERPETUAL_DELIVERY_AT if end is None else end


def perpetual(base: str, index: int, seed: int) -> Contract:
    """Return the ``index``-th ordinary USDT perpetual; index 0 is BTCUSDT."""
    rng = np.random.default_rng((seed, index))
    kind = FIRST_KINDS[index] if index < len(FIRST_KINDS) else _kind(rng.random())
    return drawn_contract(base, "USDT", index, kind, rng)


def _kind(draw: float) -> Kind:
    for kind, share in _SHARES:
        draw -= share
        if draw < 0:
            return kind
    return Kind.RANDOM_WALK


def drawn_contract(
    base: str, quote: str, index: int, kind: Kind, rng: np.random.Generator
) -> Contract:
    """Return a trading perpetual with parameters drawn from ``rng``."""
    known = ANCHORS.get(base)
    price = exp(rng.uniform(-5.5, 3.5)) if known is None else known[0]
    tick, step = _decimals(price, coarse=rng.random() < _COARSE_SHARE)
    if known is not None:
        tick, step = known[1], known[2]
    symbol = f"{base}{quote}"
    scale = Scale(
        price_decimals=tick,
        volume_decimals=step,
        quote_decimals=tick + step,
        shown_price_decimals=tick + index % 2,
    )
    chinese = base in CHINESE
    return Contract(
        symbol=symbol,
        index=index,
        base_asset=base,
        quote_asset=quote,
        pair=symbol,
        contract_type="PERPETUAL",
        status=TRADING,
        underlying_type="PREMARKET" if kind is Kind.PRE_MARKET else "COIN",
        underlying_sub_types=("Chinese", "Crypto") if chinese else ("Crypto",),
        anchor_price=price,
        scale=scale,
        min_notional={"BTC": "50", "ETH": "20"}.get(base, "5"),
        average_trade=exp(rng.normal(6.6, 0.5)),
        has_bars=True,
        truth=_truth(symbol, base, index, kind, rng),
    )


def _decimals(price: float, *, coarse: bool) -> tuple[int, int]:
    # ticks of about 1e-4 of the price, 3e-3 when coarse; steps of about 1 USDT
    tick = 4 - int(np.floor(log10(price))) - (2 if coarse else 0)
    return max(0, min(7, tick)), max(0, min(3, ceil(log10(price))))


def _truth(
    symbol: Symbol, base: str, index: int, kind: Kind, rng: np.random.Generator
) -> Truth:
    volatility = float(np.clip(np.exp(rng.normal(-4.9, 0.42)), 0.0028, 0.022))
    beta = float(rng.uniform(0.5, 1.5))
    if base in ("BTC", "ETH"):
        volatility, beta = (0.0036, 1.0) if base == "BTC" else (0.005, 1.15)
    location = 18.2 if index < _MAJOR_COUNT else 16.0
    turnover = float(np.exp(rng.normal(location, 1.5)))
    if base in ("BTC", "ETH"):
        turnover = 1.2e10 if base == "BTC" else 8.0e9
    if index < len(FIRST_KINDS):
        turnover = max(turnover, 9.0e7)
    if kind is Kind.SQUEEZING:
        turnover = max(turnover, 2.0e7)
    interval, stated = _funding_interval(base, rng)
    half_life = float(np.exp(rng.uniform(np.log(6), np.log(48))))
    return Truth(
        symbol=symbol,
        kind=kind,
        half_life_hours=half_life if kind is Kind.MEAN_REVERTING else None,
        drift_per_hour=_drift(kind, volatility, float(rng.random())),
        regime_started_at=_regime_start(kind),
        volatility_per_hour=volatility,
        beta_btc=min(beta, 0.9 * volatility / MARKET_VOLATILITY)
        if base != "BTC"
        else 1.0,
        turnover_24h=turnover,
        open_interest_share=_open_interest_share(kind, rng),
        funding_rate_8h=_funding_rate(kind, rng),
        funding_interval_h=interval,
        states_funding_interval=stated,
        has_stale_quotes=kind is Kind.DEAD,
        listed_at=_listed_at(kind, rng),
        ends_at=STARTS_AT_MS // DAY_MS * DAY_MS + int(rng.integers(2, 12)) * DAY_MS
        if kind is Kind.DELISTING
        else None,
    )


def _drift(kind: Kind, volatility: float, draw: float) -> float:
    # at least 0.12 hourly standard deviations: 4 standard errors over 1,200 hours
    share = (0.12 + 0.04 * draw) * volatility
    known = {
        Kind.TRENDING_UP: share,
        Kind.TRENDING_DOWN: -share,
        Kind.SQUEEZING: 0.004 + 0.004 * draw,
    }
    return min(known.get(kind, 0.0), 0.008)


def _regime_start(kind: Kind) -> int | None:
    if kind in (Kind.TRENDING_UP, Kind.TRENDING_DOWN):
        return (ORIGIN_HOUR - TREND_HOURS) * HOUR_MS
    return ORIGIN_HOUR * HOUR_MS if kind is Kind.SQUEEZING else None


def _open_interest_share(kind: Kind, rng: np.random.Generator) -> float:
    share = float(np.exp(rng.normal(-0.9, 0.6)))
    crowded = rng.random() < _CROWDED_SHARE
    return max(share, 2.6) if kind is Kind.SQUEEZING or crowded else share


def _funding_rate(kind: Kind, rng: np.random.Generator) -> float:
    draw, size = rng.random(), float(abs(rng.normal()))
    if kind is Kind.SQUEEZING:
        return 0.0012 + 0.0006 * size
    bands = (
        (0.50, 0.0001),
        (0.86, 0.00005 + 0.00012 * (size - 0.8)),
        (0.92, 0.0006 + 0.0008 * size),
    )
    return next((rate for edge, rate in bands if draw < edge), -0.0003 - 0.0006 * size)


def _funding_interval(base: str, rng: np.random.Generator) -> tuple[int, bool]:
    draw = rng.random()
    if base in ("BTC", "ETH"):
        return 8, True
    bands = ((0.07, (8, False)), (0.40, (8, True)), (0.96, (4, True)))
    return next((answer for edge, answer in bands if draw < edge), (1, True))


def _listed_at(kind: Kind, rng: np.random.Generator) -> int:
    days = rng.uniform(300, 2200)
    if kind in (Kind.NEWLY_LISTED, Kind.PRE_MARKET):
        days = rng.uniform(3, 27)
    if kind is Kind.PENDING:
        days = -2.0
    return (STARTS_AT_MS // HOUR_MS - int(days * 24)) * HOUR_MS
