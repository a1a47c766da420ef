"""What is true about a generated contract, as opposed to what its data show. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from monitor.domain.typing import Symbol


class Kind(StrEnum):
    """How a contract behaves."""

    MEAN_REVERTING = "mean_reverting"
    RANDOM_WALK = "random_walk"
    TRENDING_UP = "trending_up"
    TRENDING_DOWN = "trending_down"
    SQUEEZING = "squeezing"
    """A short squeeze: runs up on aggressive buying and high funding."""
    DEAD = "dead"
    """Illiquid: most hours without a trade, quotes not updated any more."""
    NEWLY_LISTED = "newly_listed"
    DELISTING = "delisting"
    """Trades still, but has a delivery date within 14 days."""
    PRE_MARKET = "pre_market"
    TRADIFI = "tradifi"
    USDC_QUOTED = "usdc_quoted"
    BTC_QUOTED = "btc_quoted"
    QUARTERLY = "quarterly"
    PENDING = "pending"
    SETTLING = "settling"
    HALTED = "halted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """Parameters one contract was generated with."""

    symbol: Symbol
    kind: Kind
    half_life_hours: float | None
    """Of the log price around its level; None without mean reversion."""
    drift_per_hour: float
    """Log price per hour while the regime lasts."""
    regime_started_at: int | None
    """ms UTC since when the drift applies; None without drift."""
    volatility_per_hour: float
    """Standard deviation of hourly log returns, about."""
    beta_btc: float
    """Loading of the hourly innovation on the market factor; 1 for BTCUSDT."""
    turnover_24h: float
    """Expected turnover in quote currency per day."""
    open_interest_share: float
    """Open-interest value ÷ expected daily turnover."""
    funding_rate_8h: float
    """Mean funding rate per 8 hours, a fraction."""
    funding_interval_h: int
    states_funding_interval: bool
    """Whether ``fundingInfo`` has a row; without one the interval is 8 h."""
    has_stale_quotes: bool
    listed_at: int
    """ms UTC."""
    ends_at: int | None
    """ms UTC of the delivery, None for contracts without an end."""
