"""What would have to change for a contract to be listed, one input at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import count
from math import inf

import numpy as np

from grid_screening.conf import ScreenerSettings
from grid_screening.contest import Contest
from grid_screening.profile import ScoreProfile
from monitor.domain.typing import FloatArray, Symbol

Goal = Callable[[float, ScoreProfile, ScreenerSettings], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreInput:
    """A number that the score reads, and how people write it."""

    factor: str
    noun: str
    goal: Goal
    """Value, profile, settings → the legal value that helps most; on the way there
    the score never falls."""
    unit: str = ""
    change_unit: str = ""
    scale: int = 1
    """Factor × scale is in the unit."""
    decimals: int = 2
    whole: bool = False
    """Nothing between the value and the goal exists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterfactual:
    """The smallest change of one input that lists the contract."""

    factor: str
    value: float
    """As found, in the factor's unit."""
    target: float
    """The value nearest to it with which the contract is listed."""
    spreads: float | None
    """|target − value| ÷ standard deviation over the contracts: the smaller, the
    more plausible. None: all contracts have the same value."""
    shown_value: Decimal
    """As people write it, in the unit."""
    shown_target: Decimal
    """Rounded beyond the target: it lists the contract as well."""

    @property
    def needs(self) -> str:
        """As ``needs NATR +0.40 pp (3.10 % → 3.50 %)``."""
        spec = _BY_FACTOR[self.factor]
        change = self.shown_target - self.shown_value
        sign = "+" if change >= 0 else "−"
        return (
            f"needs {spec.noun} {sign}{abs(change):f}{spec.change_unit or spec.unit} "
            f"({_written(self.shown_value, spec)} → "
            f"{_written(self.shown_target, spec)})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterfactuals:
    """What single changes can do for one contract."""

    changes: tuple[Counterfactual, ...]
    """Most plausible first."""
    insufficient: tuple[str, ...]
    """Factors of which no change alone suffices."""
    missing: tuple[str, ...]
    """Factors without a value: nothing to change."""


def counterfactuals(
    contest: Contest, symbol: Symbol, settings: ScreenerSettings
) -> Counterfactuals:
    """Return the smallest single changes that would list ``symbol``.

    Every candidate is scored again with the scan's own code, percentile ranks of
    the other contracts included. Smallest means to the neighbouring float: a
    change less by that does not list it.

    Parameters
    ----------
    contest : Contest
        The scan's contracts; ``symbol`` is one of them.
    symbol : str
        The contract asked about.
    settings : ScreenerSettings
        Of the scan: a NATR above ``max_natr`` would be filtered.

    Returns
    -------
    Counterfactuals
        All empty when the contract is listed.
    """
    changes: list[Counterfactual] = []
    insufficient: list[str] = []
    missing: list[str] = []
    row = contest.factors.symbols.index(symbol)
    inputs = [i for i in SCORE_INPUTS if i.factor in contest.factors.values]
    for spec in [] if contest.lists(symbol) else inputs:
        column = contest.factors[spec.factor]
        value = float(column[row])
        if np.isnan(value):
            missing.append(spec.factor)
            continue
        found = _smallest(contest, symbol, spec, value, settings)
        if found is None:
            insufficient.append(spec.factor)
        else:
            target, shown = found
            changes.append(
                Counterfactual(
                    factor=spec.factor,
                    value=value,
                    target=target,
                    spreads=_spreads(abs(target - value), column),
                    shown_value=_shown(value, spec, shown),
                    shown_target=shown,
                )
            )
    changes.sort(key=lambda change: inf if change.spreads is None else change.spreads)
    return Counterfactuals(
        changes=tuple(changes), insufficient=tuple(insufficient), missing=tuple(missing)
    )


def _smallest(
    contest: Contest,
    symbol: Symbol,
    spec: ScoreInput,
    value: float,
    settings: ScreenerSettings,
) -> tuple[float, Decimal] | None:
    goal = spec.goal(value, contest.profile, settings)

    def lists(candidate: float) -> bool:
        return contest.with_value(symbol, spec.factor, candidate).lists(symbol)

    if goal == value or not lists(goal):
        return None
    target = goal if spec.whole else _first_listed(value, goal, lists)
    rising = goal > value
    exact = Decimal(repr(target)) * spec.scale
    rounding = ROUND_CEILING if rising else ROUND_FLOOR
    candidates = (
        exact.quantize(Decimal(1).scaleb(-decimals), rounding)
        for decimals in count(spec.decimals)
    )
    # as few decimals as will do; with all of them it is the target itself

    def suffices(shown: Decimal) -> bool:
        read = float(shown / spec.scale)
        return (read <= goal if rising else read >= goal) and lists(read)

    return target, next(filter(suffices, candidates))


def _first_listed(value: float, goal: float, lists: Callable[[float], bool]) -> float:
    # bisection down to neighbouring floats; most inputs count in steps, whose edge
    # often is the goal itself
    outside, inside = value, goal
    edge = float(np.nextafter(goal, value))
    if not lists(edge):
        return goal
    inside = edge
    while True:
        middle = outside + (inside - outside) / 2
        if middle in (outside, inside):
            return inside
        if lists(middle):
            inside = middle
        else:
            outside = middle


def _spreads(change: float, column: FloatArray) -> float | None:
    spread = float(np.nanstd(column))
    return change / spread if spread > 0 else None


def _shown(value: float, spec: ScoreInput, like: Decimal) -> Decimal:
    # never rounded onto the target it falls short of
    exact = Decimal(repr(value)) * spec.scale
    shown = exact.quantize(like)
    if shown != like:
        return shown
    return exact.quantize(like, ROUND_FLOOR if exact < like else ROUND_CEILING)


def _written(number: Decimal, spec: ScoreInput) -> str:
    return f"{number:f}{spec.unit}".replace("-", "−")


def _nearest_moderate(
    value: float, profile: ScoreProfile, _: ScreenerSettings
) -> float:
    rule = profile.microstructure
    return min(max(value, rule.funding_low), rule.funding_high)


SCORE_INPUTS: tuple[ScoreInput, ...] = (
    ScoreInput(
        factor="natr", noun="NATR", unit=" %", change_unit=" pp",
        goal=lambda value, _, settings: max(value, settings.max_natr),
    ),
    ScoreInput(
        factor="efficiency_ratio", noun="KER", decimals=3,
        goal=lambda value, _, __: min(value, 0.0),
    ),
    ScoreInput(
        factor="normalized_slope", noun="slope", unit=" bp/bar", decimals=1,
        goal=lambda _, __, ___: 0.0,
    ),
    ScoreInput(
        factor="r_squared", noun="R²", goal=lambda value, _, __: min(value, 0.0),
    ),
    ScoreInput(
        factor="hurst_exponent", noun="Hurst exponent", decimals=3,
        goal=lambda value, _, __: min(value, 0.0),
    ),
    ScoreInput(
        factor="z_score", noun="z-score",
        goal=lambda value, profile, _: max(value, profile.trend.breakout_z_above + 1),
    ),
    ScoreInput(
        factor="bearish_cvd_divergence", noun="bearish CVD divergence", decimals=0,
        goal=lambda value, _, __: max(value, 1.0), whole=True,
    ),
    ScoreInput(
        factor="funding_rate_8h", noun="funding per 8 h", unit=" %",
        change_unit=" pp", scale=100, decimals=4, goal=_nearest_moderate,
    ),
    ScoreInput(
        factor="open_interest_ratio", noun="open interest ÷ 24 h turnover",
        goal=lambda value, profile, _: min(
            value, profile.microstructure.open_interest_ratio_above
        ),
    ),
    ScoreInput(
        factor="cvd_change_ratio", noun="CVD change ÷ volume",
        goal=lambda value, profile, _: min(
            value, profile.microstructure.cvd_change_above
        ),
    ),
    ScoreInput(
        factor="volatility_displacement", noun="volatility ÷ displacement",
        goal=lambda value, profile, _: max(
            value, profile.microstructure.displacement_above + 1
        ),
    ),
)  # fmt: skip
"""Every number that the score reads."""

_BY_FACTOR = {spec.factor: spec for spec in SCORE_INPUTS}
