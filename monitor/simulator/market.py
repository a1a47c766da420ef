"""What a market must tell the server, generated or recorded. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from monitor.domain.market import KlineInterval
from monitor.domain.typing import Symbol
from monitor.simulator.bars import Bars, Scale


class IntervalNotRecorded(ValueError):  # noqa: N818  named for what it is
    """The market has no bars of this length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What requests are checked against."""

    symbol: Symbol
    pair: str
    contract_type: str
    status: str
    has_bars: bool

    @property
    def is_trading(self) -> bool:
        """Whether the exchange reports it as ``TRADING``."""
        return self.status == "TRADING"


@dataclass(frozen=True, slots=True, kw_only=True)
class DayStatistics:
    """The last 24 hours of one contract, in the units of its `Scale`."""

    symbol: Symbol
    scale: Scale
    open: int
    high: int
    low: int
    last: int
    volume: int
    quote_volume: int
    trades: int
    open_time: int
    """ms UTC."""
    close_time: int
    """ms UTC of the last trade."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Best bid and ask, in the units of the `Scale`."""

    symbol: Symbol
    scale: Scale
    bid: int
    bid_quantity: int
    ask: int
    ask_quantity: int
    tick: int
    """Smallest price step, in price units."""
    time: int | None
    """ms UTC of the last change; None: now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Mark price and the running interval's funding; zeros when not trading."""

    symbol: Symbol
    mark_price: float
    index_price: float
    funding_rate: float
    interest_rate: float
    next_funding_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingTerms:
    """One row of ``fundingInfo``."""

    symbol: Symbol
    cap: float
    interval_h: int
    updated_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """One settled funding."""

    symbol: Symbol
    time: int
    rate: float
    mark_price: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interest:
    """Open interest at one instant."""

    symbol: Symbol
    time: int
    base: float
    """Base currency."""
    value: float
    """Quote currency."""
    decimals: int
    """Of the quantity."""


class Market(Protocol):
    """A market as of any instant ``now_ms`` of the exchange's clock."""

    starts_at_ms: int
    """Where the exchange's clock begins, ms UTC."""
    description: str
    """What is served, for the line printed at start."""
    listings: Mapping[Symbol, Listing]

    def exchange_info(self) -> bytes:
        """Return the JSON body of ``exchangeInfo``."""

    def truths(self) -> Sequence[Mapping[str, object]]:
        """Return the parameters of each contract, empty when they are unknown."""

    def scale(self, symbol: Symbol) -> Scale:
        """Return the decimals of one contract."""

    def bars(
        self,
        symbol: Symbol,
        interval: KlineInterval,
        *,
        first_ms: int,
        last_ms: int,
        now_ms: int,
    ) -> Bars:
        """Return bars with ``first_ms ≤ open_time ≤ last_ms``, the open one last.

        Raises
        ------
        IntervalNotRecorded
            The market has no bars of this length.
        """

    def bar_range(
        self, symbol: Symbol, interval: KlineInterval, now_ms: int
    ) -> tuple[int, int]:
        """Return the opens (ms UTC) of the oldest and the newest bar.

        Raises
        ------
        IntervalNotRecorded
            The market has no bars of this length.
        """

    def brackets(self, symbol: Symbol) -> Mapping[str, object]:
        """Return one row of ``leverageBracket``."""

    def day_statistics(self, now_ms: int) -> Mapping[Symbol, DayStatistics]:
        """Return the last 24 hours of all contracts in trading."""

    def books(self, now_ms: int) -> Mapping[Symbol, Book]:
        """Return best bids and asks of all contracts in trading."""

    def marks(self, now_ms: int) -> Mapping[Symbol, Mark]:
        """Return mark prices of all contracts, also of those not trading."""

    def funding_terms(self) -> Sequence[FundingTerms]:
        """Return the rows of ``fundingInfo``."""

    def settlements(
        self, symbol: Symbol, *, first_ms: int, last_ms: int, now_ms: int
    ) -> Sequence[Settlement]:
        """Return settled fundings in that time, oldest first."""

    def open_interest(self, symbol: Symbol, now_ms: int) -> Interest | None:
        """Return the current open interest; None when there is none."""

    def open_interest_history(
        self, symbol: Symbol, *, period_ms: int, count: int, last_ms: int, now_ms: int
    ) -> Sequence[Interest] | None:
        """Return up to ``count`` points until ``last_ms``, oldest first.

        None when the period is not recorded.
        """
