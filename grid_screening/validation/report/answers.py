"""Answers, and on which side of zero an interval lies."""

from dataclasses import dataclass
from enum import StrEnum
from math import isfinite, isnan

from grid_screening.validation.mean_estimates import minimum_detectable_effect
from grid_screening.validation.report.numbers import (
    Unit,
)
from grid_screening.validation.results import (
    Estimate,
)


class Answer(StrEnum):
    """What a question got."""

    YES = "yes"
    NO = "no: the opposite"
    NOT_SHOWN = "not shown"
    UNKNOWN = "could not be tested"


class Side(StrEnum):
    """Where an interval lies."""

    BELOW = "below"
    ABOVE = "above"
    ACROSS = "across"
    UNKNOWN = "unknown"


UNTESTED = "The period has too few weeks of scans."
"""All that is said of a question whose interval is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A question, its answer, and the numbers it follows from."""

    question: str
    answer: Answer
    sentence: str


def side(estimate: Estimate) -> Side:
    """Return on which side of zero the whole 95 % interval lies."""
    if not (isfinite(estimate.low) and isfinite(estimate.high)):
        return Side.UNKNOWN
    if estimate.high < 0:
        return Side.BELOW
    return Side.ABOVE if estimate.low > 0 else Side.ACROSS


def answer_of(where: Side, *, wanted: Side) -> Answer:
    """Return the answer when yes is the side ``wanted``."""
    if where is Side.UNKNOWN:
        return Answer.UNKNOWN
    if where is Side.ACROSS:
        return Answer.NOT_SHOWN
    return Answer.YES if where is wanted else Answer.NO


def seen_from(estimate: Estimate, unit: Unit) -> str:
    """Return what would have been seen, in brackets; empty where not known."""
    least = minimum_detectable_effect(estimate.standard_error)
    if isnan(least):
        return ""
    return f" (one of {unit.text(least).lstrip('+')} would have been seen)"
