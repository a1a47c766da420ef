"""Ticks of a picture's axes: round prices, round times."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from math import floor, log10

from monitor.domain.market import DAY_MS, HOUR_MS, MINUTE_MS

_PRICE_TICKS = 6
_TIME_TICKS = 7
_TIME_STEPS_MS = (
    *(n * MINUTE_MS for n in (1, 2, 5, 10, 15, 30)),
    *(n * HOUR_MS for n in (1, 2, 3, 6, 12)),
    *(n * DAY_MS for n in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One mark of an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Values of an axis → places in a picture."""

    first: float
    """The value at ``start``."""
    last: float
    """The value at ``end``; differs from ``first``."""
    start: float
    end: float

    def place(self, value: float) -> float:
        """Return where ``value`` lies."""
        share = (value - self.first) / (self.last - self.first)
        return self.start + share * (self.end - self.start)


def price_ticks(low: float, high: float) -> tuple[Tick, ...]:
    """Return two to seven round prices in ``[low, high]``, ``low < high``.

    Labels have the decimals of the step: ``0.120``, ``0.125``.
    """
    rough = (high - low) / _PRICE_TICKS
    power = Decimal(1).scaleb(floor(log10(rough)))
    step = next(m * power for m in (1, 2, 5, 10) if m * float(power) >= rough)
    step = step.normalize()  # 0.010 → 0.01
    lowest, highest = Decimal(repr(low)), Decimal(repr(high))
    first = int(lowest // step)
    ticks = [n * step for n in range(first, first + 2 * _PRICE_TICKS)]
    return tuple(
        Tick(at=float(tick), label=format(tick, "f"))
        for tick in ticks
        if lowest <= tick <= highest
    )


def time_ticks(first_ms: int, last_ms: int) -> tuple[Tick, ...]:
    """Return at most seven round UTC times in ``[first_ms, last_ms]``.

    Labels are ``10-07`` at steps of whole days, else ``12:00``; midnight is a date.
    """
    span = last_ms - first_ms
    step = next(
        (step for step in _TIME_STEPS_MS if step * _TIME_TICKS >= span),
        _TIME_STEPS_MS[-1],
    )
    begin = -(-first_ms // step) * step
    return tuple(
        Tick(at=float(at), label=_time_label(at, step))
        for at in range(begin, last_ms + 1, step)
    )


def spread(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Return ``places`` moved apart to at least ``gap``, in the same order.

    Parameters
    ----------
    places : sequence of float
        Ascending.
    gap : float
        Least distance of neighbours.
    low, high : float
        Where all of them belong; too many for it reach beyond ``low``.

    Returns
    -------
    list of float
        Nobody moves further than the crowd demands: pushed up from the first,
        then back from ``high``.
    """
    moved: list[float] = []
    for place in places:
        moved.append(max(place, low if not moved else moved[-1] + gap))
    ceiling = high
    for number in range(len(moved) - 1, -1, -1):
        moved[number] = min(moved[number], ceiling)
        ceiling = moved[number] - gap
    return moved


def _time_label(at_ms: int, step: int) -> str:
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    if step >= _YEARLY_FROM_MS:
        return f"{at:%Y-%m}"
    whole_day = at_ms % DAY_MS == 0
    return f"{at:%m-%d}" if whole_day else f"{at:%H:%M}"


_YEARLY_FROM_MS = 100 * DAY_MS
