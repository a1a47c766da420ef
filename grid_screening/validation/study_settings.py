"""What a validation study is told, and which grids it simulates."""

from dataclasses import dataclass, fields
from typing import Any

from grid_screening.backtest.grids import FillOrder, Start
from grid_screening.stop_out_width import WIDTHS
from monitor.domain.market import DAY_MS

MAIN = "plan"
"""The variant all questions are asked of: the scan's own plan and default costs."""

NARROW = "universe 50 M"
"""Sensitivity whose universe is the scan's default."""

FINER = "finer bars"
"""Sensitivity: the same grids on finer bars, where there are some."""

FINER_PLAIN = "same contracts, plan's bars"
"""The grids of `FINER` on the bars of all others."""

LEAST_PLACEBOS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class StudySettings:
    """What was declared before the first run; other values are other studies."""

    start_ms: int
    """First origin, ms UTC."""
    end_ms: int
    """Last origin at most, ms UTC."""
    every_ms: int = DAY_MS
    """Time between origins."""
    horizon_ms: int = 7 * DAY_MS
    """Life of a grid."""
    universe_volume: float = 10e6
    """24 h turnover must exceed this, quote currency."""
    narrow_volume: float = 50e6
    """The scan's default, a sensitivity."""
    top: int = 20
    """Contracts of a list."""
    horizons_days: tuple[int, ...] = (3, 7, 14)
    """Horizons of the stop-out probability."""
    widths: tuple[float, ...] = WIDTHS
    """x to which the upper bound is moved."""
    first_month: str = "2025-02"
    """First month that is predicted; earlier ones are training only."""
    lag: int = 10
    """Newey–West, origins."""
    placebo_count: int = 1_000
    bootstrap_draws: int = 2_000
    seed: int = 1
    sensitivity: bool = True
    """Whether other assumptions are tried too."""

    def __post_init__(self) -> None:
        for name in ("every_ms", "horizon_ms", "top"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be > 0, was {getattr(self, name)}")
        if self.placebo_count < LEAST_PLACEBOS:
            raise ValueError(
                f"placebo_count must be at least {LEAST_PLACEBOS}, "
                f"was {self.placebo_count}"
            )

    @property
    def origins(self) -> tuple[int, ...]:
        """Times of the scans, ms UTC."""
        return tuple(range(self.start_ms, self.end_ms + 1, self.every_ms))

    def to_mapping(self) -> dict[str, Any]:
        """Return the settings by name, as plain values."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """How a grid is drawn: the plan's own way, or one thing changed."""

    spacing: float | None = None
    """Hourly ATRs; None: the plan's."""
    width: float | None = None
    """x of the upper bound; None: the plan's bound."""
    start: Start = Start.LOADED


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way of drawing and running the grids of an origin."""

    name: str
    horizon_ms: int
    drawing: Drawing = Drawing()
    order: FillOrder = FillOrder.CANDLE
    fee_multiple: float = 1.0
    stop: bool = True
    finer: bool = False
    """On finer bars, where they exist."""
    finer_contracts: bool = False
    """Only where finer bars exist, on the same bars as the plan."""


def horizon_name(days: float) -> str:
    """Return the name of the variant of a horizon."""
    return f"{days:g} days"


def width_name(x: float) -> str:
    """Return the name of the variant of a width."""
    return f"x = {x:g}"


def study_variants(settings: StudySettings, *, has_finer: bool) -> tuple[Variant, ...]:
    """Return every variant of a study, the main one first."""
    horizon = settings.horizon_ms
    needed = [
        Variant(name=MAIN, horizon_ms=horizon),
        *(
            Variant(name=horizon_name(days), horizon_ms=days * DAY_MS)
            for days in settings.horizons_days
            if days * DAY_MS != horizon
        ),
        *(
            Variant(name=width_name(x), horizon_ms=horizon, drawing=Drawing(width=x))
            for x in settings.widths
        ),
    ]
    return (*needed, *sensitivity_variants(settings, has_finer=has_finer))


def sensitivity_variants(
    settings: StudySettings, *, has_finer: bool
) -> tuple[Variant, ...]:
    """Return the variants that only change one assumption."""
    if not settings.sensitivity:
        return ()
    horizon = settings.horizon_ms
    changed: dict[str, dict[str, Any]] = {
        "spacing 0.25 × ATR": {"drawing": Drawing(spacing=0.25)},
        "spacing 1 × ATR": {"drawing": Drawing(spacing=1.0)},
        "no stop": {"stop": False},
        "no fees": {"fee_multiple": 0.0},
        "double fees": {"fee_multiple": 2.0},
        "low first": {"order": FillOrder.LOW_FIRST},
        "high first": {"order": FillOrder.HIGH_FIRST},
        "flat start": {"drawing": Drawing(start=Start.FLAT)},
    }
    if has_finer:
        changed |= {
            FINER: {"finer": True},
            FINER_PLAIN: {"finer_contracts": True},
        }
    return tuple(
        Variant(name=name, horizon_ms=horizon, **values)
        for name, values in changed.items()
    )
