"""What a scan returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from monitor.domain.requests import RequestStatistics
from monitor.domain.typing import FloatArray, IntArray, Symbol

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = "1.2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why something is not there."""

    code: str
    """Stable, machine-readable: ``turnover``, ``gap``, …"""
    text: str
    """For people; says what is legal."""
    value: float | str | None = None
    """What was found."""
    limit: float | str | None = None
    """What is required."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """A symbol that was not scored, and why."""

    symbol: Symbol
    stage: str
    """The funnel stage that stopped it."""
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class FunnelStage:
    """Symbols left after one stage."""

    stage: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PriceBars:
    """Recent closed bars of one contract, for pictures; arrays of shape ``(n,)``."""

    open_time: IntArray
    """ms UTC, oldest first."""
    high: FloatArray
    low: FloatArray
    close: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class RankStability:
    """What the ranks are worth, by a bootstrap over bars."""

    draws: int
    level: float
    """Of the intervals, as 0.90."""
    block_bars: int
    """Bars that are drawn together."""
    indistinct: tuple[tuple[int, int], ...]
    """First and last rank of each run of listed ranks that cannot be told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonSqueeze:
    """All contracts rise by the same share at once."""

    rise: float
    """Fraction of each contract's price."""
    stopped: int
    """Grids whose stop is reached."""
    loss: float
    """Sum over the grids, quote currency, fees included: those that are stopped are
    closed at their stop price, the others marked and closed at the risen price."""
    loss_without_stops: float
    """The same when no stop is filled: every grid is closed at the risen price, and
    loses its margin at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioRisk:
    """What grids that run side by side can lose together."""

    grids: int
    margin: float
    """Sum of the isolated margins, quote currency: nothing beyond it can be lost."""
    loss_at_stops: float
    """Sum of the worst losses at the stops."""
    squeezes: tuple[CommonSqueeze, ...]
    independent_bets: float | None
    """Effective number of independent bets, N² ÷ Σ of all correlations of the bars'
    log returns, in [1, N] where correlations are not negative; None: unknown."""


SHOWN_DAYS = 7
"""Horizon of the stop-out probability in tables and curves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopOutEstimate:
    """How often such grids were stopped out within a horizon."""

    horizon_days: int
    probability: float
    """In (0, 1)."""
    low: float
    """Ends of its confidence interval."""
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StopOutPoint:
    """The same contract and capital with the upper bound at another distance."""

    range_to_volatility: float
    """Upper bound − price, in hourly ATRs scaled to a day."""
    probability: float
    """Of a stop-out within 7 days."""
    low: float
    high: float
    study_share: float
    """Share of all grids of the study stopped out with the bound there."""
    upper_bound: Decimal | None
    """None, like all that follow: no legal grid at this width."""
    quantity_per_level: Decimal | None
    expected_trips: float | None
    """Round trips within 7 days of a driftless Brownian motion that ends at a bound."""
    harvest_per_day: float | None
    """Net of maker fees while inside, quote currency; before displacement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopOutOutlook:
    """The stop-out probability of a planned grid, and at other widths."""

    level: float
    """Of the intervals, as 0.95."""
    estimates: tuple[StopOutEstimate, ...]
    """Shortest horizon first."""
    features: Mapping[str, float]
    """What the probability is told from."""
    curve: tuple[StopOutPoint, ...]
    """Narrowest first."""


SqueezeState = Literal["off", "on", "active"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxConfidenceParts:
    """What a box confidence is made of, each in [0, 1]; None: not known."""

    squeeze: float | None
    concentration: float | None
    bollinger_width: float | None
    value_area_width: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeBox:
    """Where volume traded on the scan's bars, and how quiet the price is.

    None: not known, for want of volume or of bars.
    """

    point_of_control: Decimal | None
    """Price with the most turnover; may lie between two ticks."""
    value_area_low: Decimal | None
    value_area_high: Decimal | None
    """Between them 70 % of the turnover was traded; on tick."""
    squeeze: SqueezeState | None
    """Bollinger bands inside the Keltner bands: ``on``, from the third bar in a row
    ``active``."""
    bars_in_squeeze: int | None
    """In a row, up to the last bar."""
    squeeze_momentum: float | None
    """Basis points of the last close per bar."""
    confidence: float | None
    """That it is a box, in [0, 1]: a description, not a probability."""
    confidence_parts: BoxConfidenceParts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PriceVolumes:
    """Turnover by price of one contract, for pictures."""

    low: float
    """Lower edge of the first step."""
    step: float
    """Price width of each, > 0."""
    share: FloatArray
    """Share of the turnover in each step, shape ``(n,)``, lowest price first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedSymbol:
    """One listed symbol."""

    rank: int
    symbol: Symbol
    gss: float
    confidence: float
    vetoed: bool
    score_breakdown: Mapping[str, float | None]
    factors: Mapping[str, float | None]
    marks: tuple[str, ...]
    grid: Mapping[str, Decimal | float | int | str | None] | None
    """The plan; None when none is legal (then ``grid_reason`` says why)."""
    grid_reason: Reason | None
    minimum_margin: Decimal | None
    """Smallest margin with a legal plan, quote currency; None: none would do, or
    no plan was tried."""
    rank_interval: tuple[int, int] | None = None
    """Best and worst rank that the bars do not rule out; None: not computed, or
    vetoed. Always contains ``rank``."""
    stop_out: StopOutOutlook | None = None
    """None: no grid, or an input of the probability is missing."""
    box: VolumeBox | None = None
    """None: not measured."""
    bars: PriceBars | None = field(default=None, repr=False, compare=False)
    """For pictures; not part of the JSON."""
    volumes: PriceVolumes | None = field(default=None, repr=False, compare=False)
    """Likewise; None: no picture, or no volume."""
    levels: tuple[float, ...] = field(default=(), repr=False, compare=False)
    """Likewise: all level prices of the plan, ascending; empty: no picture or plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotListed:
    """A scored symbol below the listed ones."""

    symbol: Symbol
    rank: int
    gss: float
    vetoed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningReport:
    """A ranking of the market, with everything it left out accounted for."""

    generated_at: str
    """ISO-8601, UTC."""
    as_of_ms: int
    last_bar_close_ms: int | None
    source: str
    """``live``, ``demo``, ``simulated`` or ``snapshot``."""
    settings: Mapping[str, Any]
    """Effective values by flag name."""
    funnel: tuple[FunnelStage, ...]
    coverage: float
    degraded: bool
    """Whether coverage is below ``min_coverage``."""
    requests: RequestStatistics
    seconds: float
    ranked: tuple[RankedSymbol, ...]
    not_listed: tuple[NotListed, ...]
    excluded: tuple[Exclusion, ...]
    notes: tuple[str, ...] = ()
    """Remarks for people: veto never fired, interval warnings."""
    rank_stability: RankStability | None = None
    """None: not computed."""
    portfolio: PortfolioRisk | None = None
    """What the listed grids risk together; None: no grid is listed."""

    def to_dict(self) -> dict[str, Any]:
        """Return the published JSON document as plain values.

        Prices and quantities are ``Decimal`` with the exact decimals of tick
        and step; everything else is str, int, float, bool, None, list or dict.
        No value is NaN or infinite.
        """
        from grid_screening.reports.document import report_document

        return report_document(self)

    def to_dataframe(self) -> "pd.DataFrame":
        """Return the listed symbols as a frame: one row each, index ``symbol``.

        Columns: rank, gss, confidence, vetoed, every factor, every part of the
        score (``score_…``), every number of the grid (``grid_…``), stop-outs, volume
        profile and squeeze (``box_…``), marks.
        Missing numbers are NaN.
        """
        from grid_screening.reports.dataframe import report_dataframe

        return report_dataframe(self)
