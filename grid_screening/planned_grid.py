"""A planned short grid, or why there is none: the numbers that are published."""

from dataclasses import dataclass, fields
from decimal import Decimal

from grid_screening.backtest.grids import Spacing
from grid_screening.bounds import ProfilePlace
from grid_screening.deep_spacing import DeepSpacing
from grid_screening.level_ticks import PLAN_PRECISION, geometric_ticks
from grid_screening.screening_report import Reason

_QUOTE_UNIT = Decimal("0.000001")
_RATIO_UNIT = Decimal("1e-12")
_PRICES = (
    "price",
    "lower_bound",
    "upper_bound",
    "grid_step",
    "stop_price",
    "liquidation_price",
    "grid_step_default",
    "value_area_low",
    "value_area_high",
)
_QUANTITIES = ("quantity_per_level", "initial_short_quantity")
_NOT_PUBLISHED = ("marks", "tick_size", "step_size", "profile", "deep")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortGridPlan:
    """A short grid that the exchange accepts, with its costs and limits.

    Prices and amounts in quote currency, quantities in base currency. Amounts are
    exact here; `to_mapping` rounds them.
    """

    tick_size: Decimal
    step_size: Decimal
    price: Decimal
    """Last price, where the grid starts."""
    lower_bound: Decimal
    """First level."""
    upper_bound: Decimal
    """Last level."""
    grid_step: Decimal
    """Distance of the levels; geometric: width of the cell that holds the price (the
    one above a price on a level)."""
    grid_ratio: Decimal | None = None
    """Quotient of neighbouring levels before each is put on the nearest tick,
    ``(upper_bound ÷ lower_bound) ** (1 ÷ cell_count)``; None: arithmetic."""
    spacing: str = "arithmetic"
    """``arithmetic`` or ``geometric``."""
    level_count: int
    cell_count: int
    levels_below: int
    """Strictly below the price; each is covered by one lot of the initial short, if
    there is one."""
    levels_above: int
    """Strictly above the price."""
    quantity_per_level: Decimal
    initial_short_quantity: Decimal
    initial_short_order_count: int
    """Taker orders the initial short needs: none larger than the market-order and
    limit-order maxima (1 on all but very large margins; 0 started flat)."""
    margin: Decimal
    minimum_margin: Decimal | None
    """Smallest margin with a legal plan (fewer levels allowed), up to 0.01."""
    leverage: int
    notional: Decimal
    """Fully loaded: quantity × Σ prices of all levels (started flat: of those above
    the price); at most margin × leverage."""
    stop_price: Decimal
    liquidation_price: Decimal
    """Of the fully loaded short, mark price, rounded down to tick."""
    profit_per_trip_low: Decimal
    """Net of two maker fees, one lot through the lowest cell."""
    profit_per_trip_high: Decimal
    """The same through the highest cell."""
    cell_profit_rate: float
    """Net profit of a round trip at the price, fraction of its notional:
    ``grid_step / price − 2 · maker_fee``."""
    expected_trips_per_day: float
    """Round trips if the price were a driftless Brownian motion with this hourly
    ATR and stayed inside: σ²/(2h²). No forecast: what the trips earn there the
    displacement loses on average."""
    break_even_trips: int
    """Round trips at the price that pay for selling and buying back the initial
    short as a taker at the price."""
    break_even_days: float
    """``break_even_trips / expected_trips_per_day``."""
    funding_per_day_initial: Decimal | None
    """At the initial short and the mark price; positive: received. None: unknown."""
    funding_per_day_loaded: Decimal | None
    """At the fully loaded short and the upper bound."""
    loss_at_upper: Decimal
    """Worst inventory loss with the order at U filled, before fees: the initial
    short counts from the highest level not above the price."""
    loss_at_stop: Decimal
    """Worst loss when stopped: monotone path, fees included, no harvest."""
    fees_at_stop: Decimal
    """Part of ``loss_at_stop``: initial and closing taker, maker between."""
    atr_daily: float
    atr_hourly: float
    range_to_volatility: float
    """(upper − price) ÷ (ATR_hourly · √24), upper as measured, before the levels."""
    bounds: str
    """What the bounds are measured by: ``atr``, ``quantile``, ``value-area``."""
    start: str
    """``loaded`` or ``flat``."""
    net_exposure: Decimal
    """Held at the start, quote currency: −initial short · price; 0 started flat."""
    net_exposure_share: float
    """The same as a share of ``notional``."""
    leverage_beyond_tail: int | None
    """Largest leverage, at most ``leverage``, at which this grid's liquidation price
    is also at or beyond price · (1 + tail run-up); 0: none; None: no run-up known."""
    profile: ProfilePlace | None = None
    """Where the bounds sit in the volume profile of the scan's bars."""
    deep: DeepSpacing | None = None
    """What one-minute bars say about the spacing; None: not asked, or not known."""
    marks: tuple[str, ...]
    """Of ``lower_bound_floored``, ``coarsened``, ``assumed_brackets``,
    ``tail_beyond_liquidation``."""

    @property
    def levels(self) -> tuple[Decimal, ...]:
        """All level prices, ascending."""
        if self.spacing == Spacing.GEOMETRIC:
            ends = (self.lower_bound, self.upper_bound)
            lower, upper = (int(end / self.tick_size) for end in ends)
            ticks = geometric_ticks(lower, upper, self.cell_count)
            return tuple(tick * self.tick_size for tick in ticks)
        return tuple(
            self.lower_bound + i * self.grid_step for i in range(self.level_count)
        )

    @property
    def planned_step(self) -> Decimal:
        """The step at the price that plans this ladder again, quote currency.

        ``grid_step``; geometric: ``price · (grid_ratio − 1)``, not on tick.
        """
        if self.grid_ratio is None:
            return self.grid_step
        return self.price * (self.grid_ratio - 1)

    def to_mapping(self) -> dict[str, Decimal | float | int | str | None]:
        """Return the published numbers by their JSON names.

        Prices carry the decimals of the tick, quantities those of the step (of
        their normalised forms: tick 0.10 has one decimal), other amounts six
        decimals, ``margin`` and ``minimum_margin`` as they are; half-even.
        ``marks``, ``tick_size`` and ``step_size`` are not among them; the fields of
        ``profile`` and ``deep`` stand at the end, None where these are.
        """
        units = {
            **dict.fromkeys(_PRICES, decimals_of(self.tick_size)),
            **dict.fromkeys(_QUANTITIES, decimals_of(self.step_size)),
            "grid_ratio": _RATIO_UNIT,
            "margin": None,
            "minimum_margin": None,
        }
        parts = (self, self.profile, self.deep)
        return {
            name: _rounded(
                next((getattr(p, name) for p in parts if hasattr(p, name)), None),
                units.get(name, _QUOTE_UNIT),
            )
            for name in published_names()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class InfeasibleGrid:
    """No legal short grid, and why.

    Reason codes: ``atr_missing``, ``price_missing``, ``mark_price_missing``,
    ``range_too_narrow``, ``price_filter``, ``percent_price``, ``min_notional``,
    ``max_quantity``, ``bracket_cap``, ``liquidation``; of the bounds
    ``bounds_missing``, ``bounds_beside_price``, ``outside_value_area``.
    """

    reason: Reason
    minimum_margin: Decimal | None
    """Smallest margin with a legal plan, quote currency; None: no margin helps."""
    range_to_volatility: float | None = None
    """As of a plan; None: price, ATR or bounds are not known."""


def published_names() -> tuple[str, ...]:
    """Return the names of a plan's published numbers, in their order."""
    kinds = (ShortGridPlan, ProfilePlace, DeepSpacing)
    names = [field.name for kind in kinds for field in fields(kind)]
    return tuple(name for name in names if name not in _NOT_PUBLISHED)


def _rounded(value: object, unit: Decimal | None) -> Decimal | float | int | str | None:
    if isinstance(value, Decimal) and unit is not None:
        return value.quantize(unit, context=PLAN_PRECISION)
    if value is None or isinstance(value, Decimal | float | int | str):
        return value
    raise TypeError(f"a plan publishes numbers and texts, not {type(value).__name__}")


def decimals_of(unit: Decimal) -> Decimal:
    """Return the unit of the decimals of a tick or step: 0.10 → 0.1, 10 → 1."""
    # no exponent above 0, it would print as 1E+1
    exponent = unit.normalize().as_tuple().exponent
    return Decimal(1).scaleb(min(int(exponent), 0))
