"""Which origins a history allows."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from grid_screening.validation.protocol import (
    DECLARED_END_MS,
    DECLARED_FIRST_MONTH,
    DECLARED_START_MS,
)
from monitor.domain.market import DAY_MS

TRAINING_DAYS = 28
"""Of origins before the first predicted month: four weeks, the fewest that say
anything about errors. The declared month has more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Origins from ``start_ms`` to ``end_ms`` at most, ms UTC."""

    start_ms: int
    end_ms: int
    first_month: str
    """First month that is predicted, ``YYYY-MM``."""


def allowed_period(
    first_open_ms: int, last_close_ms: int, *, bars_ms: int, horizon_ms: int
) -> Period | None:
    """Return the declared period as far as the history covers it.

    Parameters
    ----------
    first_open_ms, last_close_ms : int
        Of the history, ms UTC; the close is the time after the last bar.
    bars_ms : int
        What a scan looks back.
    horizon_ms : int
        Life of a grid.

    Returns
    -------
    Period or None
        Whole days. A history that no declared origin falls into is studied whole.
        None: it is shorter than one scan and one grid.
    """
    earliest = -(-(first_open_ms + bars_ms) // DAY_MS) * DAY_MS
    latest = (last_close_ms - horizon_ms) // DAY_MS * DAY_MS
    if earliest > latest:
        return None
    start, end = max(earliest, DECLARED_START_MS), min(latest, DECLARED_END_MS)
    if start <= end:
        return Period(start_ms=start, end_ms=end, first_month=first_month(start))
    return Period(start_ms=earliest, end_ms=latest, first_month=first_month(earliest))


def first_month(start_ms: int) -> str:
    """Return the first month to predict: the declared one where it can be.

    That needs its training sample, else the month after `TRAINING_DAYS` of origins.
    """
    trained = datetime.fromtimestamp(start_ms / 1000, UTC) + timedelta(
        days=TRAINING_DAYS
    )
    after = (trained.replace(day=1) + timedelta(days=31)).replace(day=1)
    ripe = trained if trained.day == 1 else after
    own = f"{ripe:%Y-%m}"
    declared = DECLARED_START_MS <= start_ms <= DECLARED_END_MS
    return max(own, DECLARED_FIRST_MONTH) if declared else own
