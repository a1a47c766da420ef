"""So many requests a day, for all processes together."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeVar

from monitor.api_clients.clock import ExchangeClock
from monitor.conf import DailyBudgetConfig
from monitor.domain.market import DAY_MS
from monitor.exceptions import DailyBudgetSpent
from monitor.ratelimit.budget import WeightBudget
from monitor.ratelimit.state import Day, LedgerState

logger = logging.getLogger(__name__)
DEFAULT_BUDGET = DailyBudgetConfig()
Answer = TypeVar("Answer")


class DayLevel(StrEnum):
    """How much of the day's requests is left."""

    NORMAL = "normal"
    ALERT = "alert"
    SPENT = "spent"


@dataclass(frozen=True, slots=True, kw_only=True)
class DayUse:
    """Requests of one UTC day."""

    day: int
    """Day number (ms ÷ 86,400,000)."""
    count: int
    quota: int
    level: DayLevel


class Ledger(Protocol):
    """As `monitor.ratelimit.shared.SharedLedger`."""

    def look(self) -> WeightBudget:
        """Return what is stored now."""

    def update(self, change: Callable[[WeightBudget], Answer]) -> Answer:
        """Apply ``change`` to what is stored."""


def log_alert(use: DayUse) -> None:
    """Write one line when the alert is raised."""
    logger.warning(
        "daily_budget level=%s count=%d quota=%d", use.level, use.count, use.quota
    )


class DailyBudget:
    """Counts the requests of each UTC day of the exchange, and ends them.

    The count is the ledger's: it is shared by all processes and survives restarts.

    Parameters
    ----------
    ledger : SharedLedger
    clock : ExchangeClock
        The limiter's, so that the day is the exchange's.
    config : DailyBudgetConfig, optional
    on_alert : callable, optional
        Told once a day, by the process whose request reaches the alert; by default
        one line is logged.
    """

    def __init__(
        self,
        ledger: Ledger,
        clock: ExchangeClock,
        *,
        config: DailyBudgetConfig = DEFAULT_BUDGET,
        on_alert: Callable[[DayUse], object] = log_alert,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._config = config
        self._on_alert = on_alert

    def take(self) -> DayUse:
        """Count one request that is about to be sent.

        Raises
        ------
        DailyBudgetSpent
            None is left; nothing was counted.
        """
        number = self._clock.now_ms() // DAY_MS
        config = self._config
        use, is_new_alert = self._ledger.update(
            lambda budget: counted(budget.state, number, config)
        )
        if is_new_alert:
            self._on_alert(use)
        if use.count > use.quota:
            raise DailyBudgetSpent(use.quota, (number + 1) * DAY_MS)
        return use

    def give_back(self, use: DayUse) -> None:
        """Take back one request that was certainly never sent."""
        self._ledger.update(lambda budget: uncount(budget.state, use.day))

    def use(self) -> DayUse:
        """Return today's count."""
        number = self._clock.now_ms() // DAY_MS
        found = self._ledger.look().state.days.get(number) or Day()
        quota, alert_at = self._config.requests_per_day, self._config.alert_at
        return _use(number, found.count, quota, alert_at)

    def slowdown(self) -> float:
        """Return by what polling intervals are to be multiplied now, at least 1."""
        is_normal = self.use().level is DayLevel.NORMAL
        return 1.0 if is_normal else self._config.slow_factor


def counted(
    state: LedgerState, number: int, config: DailyBudgetConfig
) -> tuple[DayUse, bool]:
    """Count one request of a day; tells the use, and whether it raises the alert.

    A count above the quota says that there was none left; it is not kept.
    """
    day = state.day(number)
    day.quota, day.alert_at = config.requests_per_day, config.alert_at
    use = _use(number, day.count + 1, day.quota, day.alert_at)
    if use.count > day.quota:
        return use, False
    day.count = use.count
    is_new_alert = use.level is not DayLevel.NORMAL and not day.is_alerted
    day.is_alerted = day.is_alerted or is_new_alert
    return use, is_new_alert


def uncount(state: LedgerState, number: int) -> None:
    """Take back one request of a day."""
    day = state.days.get(number)
    if day is not None:
        day.count = max(0, day.count - 1)


def day_use(state: LedgerState, number: int) -> DayUse | None:
    """Use of a day as last configured, None when nobody counts."""
    day = state.days.get(number)
    if day is None:
        return None
    return _use(number, day.count, day.quota, day.alert_at)


def _use(number: int, count: int, quota: int, alert_at: int) -> DayUse:
    level = DayLevel.NORMAL
    if count >= alert_at:
        level = DayLevel.ALERT
    if count >= quota:
        level = DayLevel.SPENT
    return DayUse(day=number, count=count, quota=quota, level=level)
