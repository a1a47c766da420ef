"""Estimates as a person reads them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite

from grid_screening.reports import wording
from grid_screening.validation.results import Estimate

MISSING = wording.MISSING


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """How a number of one kind is written."""

    factor: float = 1.0
    decimals: int = 2
    suffix: str = ""
    sign: bool = True

    def text(self, value: float) -> str:
        """Return ``value`` with its suffix; a dash where it is not known."""
        if not isfinite(value):
            return MISSING
        return self.bare(value) + self.suffix

    def bare(self, value: float) -> str:
        """Return ``value`` without suffix."""
        if not isfinite(value):
            return MISSING
        text = wording.rounded(value * self.factor, self.decimals, sign=self.sign)
        # a zero has no sign
        return text.lstrip("+−") if not text.strip("+−0.") else text


PNL = Unit(factor=100, decimals=2, suffix=" %")
SHARE = Unit(factor=100, decimals=1, suffix=" %", sign=False)
POINTS = Unit(factor=100, decimals=1, suffix=" pp")
BRIER = Unit(decimals=4)
CORRELATION = Unit(decimals=3)
PLAIN = Unit(decimals=2, sign=False)
PROBABILITY = Unit(decimals=4, sign=False)


def unbroken(text: str) -> str:
    """Return ``text`` with units that stay on the line of their number."""
    for unit in ("%", "pp", "days"):
        text = text.replace(f" {unit}", f"\N{NO-BREAK SPACE}{unit}")
    return text


def interval(estimate: Estimate, unit: Unit) -> str:
    """Return ``[low, high]`` without suffix; empty where it is not known."""
    if not (isfinite(estimate.low) and isfinite(estimate.high)):
        return ""
    return f"[{unit.bare(estimate.low)}, {unit.bare(estimate.high)}]"


def with_interval(estimate: Estimate, unit: Unit) -> str:
    """Return mean and interval: ``−0.10 % [−0.50, +0.30]``."""
    return f"{unit.text(estimate.mean)} {interval(estimate, unit)}".rstrip()


def count(number: int) -> str:
    """Return a whole number in groups of three: ``31,255``."""
    return f"{number:,}"


def date(at_ms: int) -> str:
    """Return the UTC day of ``at_ms``: ``2025-06-23``."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d}"


def days(horizon: float) -> str:
    """Return ``7 days``, ``1 day``."""
    number = wording.significant(horizon, 3)
    return f"{number} day" if number == "1" else f"{number} days"


def listed(names: Sequence[str]) -> str:
    """Return ``a, b and c``; ``none`` of nothing."""
    if not names:
        return "none"
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last
