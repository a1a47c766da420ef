"""What can be traded, and under which rules."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from monitor.domain.typing import Symbol

PERPETUAL_DELIVERY_AT = 4_133_404_800_000
"""ms. The exchange's "never" (2100-12-25) as a perpetual's delivery date."""

TRADING = "TRADING"
"""The only status under which new orders are accepted."""


class ContractType(StrEnum):
    """Contract types this project knows; others stay plain strings."""

    PERPETUAL = "PERPETUAL"
    TRADIFI_PERPETUAL = "TRADIFI_PERPETUAL"
    CURRENT_QUARTER = "CURRENT_QUARTER"
    NEXT_QUARTER = "NEXT_QUARTER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One contract with the filters an order must satisfy.

    Unknown contract types and statuses are kept as the exchange spells them:
    they are a reason for exclusion, not for a crash.
    """

    symbol: Symbol
    pair: str
    contract_type: str
    status: str
    base_asset: str
    quote_asset: str
    margin_asset: str
    underlying_type: str
    onboarded_at: int
    """ms UTC; may lie in the future."""
    delivery_at: int
    """ms UTC; ``PERPETUAL_DELIVERY_AT`` unless the contract ends."""
    tick_size: Decimal
    """Quote currency; prices are multiples of it (counted from 0)."""
    min_price: Decimal
    max_price: Decimal
    step_size: Decimal
    """Base currency; limit-order quantities are multiples of it."""
    min_quantity: Decimal
    max_quantity: Decimal
    market_step_size: Decimal
    market_min_quantity: Decimal
    market_max_quantity: Decimal
    min_notional: Decimal
    """Quote currency, of one order."""
    max_order_count: int
    """Open orders per symbol; 0 when the exchange states none."""
    multiplier_up: Decimal
    """A BUY must be at most mark × this."""
    multiplier_down: Decimal
    """A SELL must be at least mark × this."""

    @property
    def is_trading(self) -> bool:
        """Whether new orders are accepted."""
        return self.status == TRADING


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """One row of the exchange's published limits."""

    kind: str
    """``REQUEST_WEIGHT`` (per IP) or ``ORDERS`` (per account)."""
    interval_s: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MalformedRow:
    """A row of a whole-market reply that could not be read."""

    symbol: Symbol | None
    """None when not even the symbol could be read."""
    detail: str
    """What was wrong, naming the field: ``tickSize must be > 0, was '0'``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeInfo:
    """All contracts of the exchange, and its limits."""

    instruments: tuple[Instrument, ...]
    malformed: tuple[MalformedRow, ...]
    """Contracts, none of them among ``instruments``."""
    rate_limits: tuple[RateLimit, ...]
    malformed_limits: tuple[MalformedRow, ...] = ()
    """Published limits that could not be read; what was assumed stays in force."""

    @property
    def weight_per_minute(self) -> int | None:
        """The ``REQUEST_WEIGHT`` limit per minute, None when not published."""
        return _weight_per_minute(self.rate_limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotPair:
    """One pair of the spot market, as far as bars need it."""

    symbol: Symbol
    status: str
    tick_size: Decimal
    """Quote currency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotInfo:
    """All pairs of the spot market, and its limits."""

    pairs: Mapping[Symbol, SpotPair]
    rate_limits: tuple[RateLimit, ...]

    @property
    def weight_per_minute(self) -> int | None:
        """The ``REQUEST_WEIGHT`` limit per minute, None when not published."""
        return _weight_per_minute(self.rate_limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeverageBracket:
    """One maintenance-margin bracket: valid for notionals up to ``notional_cap``.

    Maintenance margin = notional × ``maintenance_margin_rate`` −
    ``cumulative_amount`` (quote currency).
    """

    notional_floor: Decimal
    notional_cap: Decimal
    initial_leverage: int
    maintenance_margin_rate: Decimal
    cumulative_amount: Decimal


def _weight_per_minute(limits: Iterable[RateLimit]) -> int | None:
    for row in limits:
        if row.kind == "REQUEST_WEIGHT" and row.interval_s == 60:  # noqa: PLR2004
            return row.limit
    return None
