"""What a request ledger says about one exchange address at one instant. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from monitor.conf import GatewayConfig
from monitor.domain.market import DAY_MS, MINUTE_MS
from monitor.ratelimit.budget import WeightBudget
from monitor.ratelimit.daily import DayUse, day_use
from monitor.ratelimit.ledger import Block, Lane
from monitor.ratelimit.state import LedgerState, Window, minute_of

_DEFAULTS = GatewayConfig()


@dataclass(frozen=True, slots=True, kw_only=True)
class LargestMinute:
    """The most weight granted in one clock minute."""

    weight: int
    began_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What the exchange last said about its own count."""

    used_weight: int
    minute_began_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetGauge:
    """Request weight of one IP address at one exchange. Times in ms UTC."""

    address: str
    now_ms: int
    """Exchange clock, as well as the ledger knows it."""
    limit: int
    is_published: bool
    """Whether the exchange has said so; else the limit is assumed."""
    safety_share: float
    granted: Mapping[Lane, int]
    """This minute."""
    others: int
    """This minute, by programs that do not share the ledger."""
    used: int
    """This minute, all together."""
    stated: Stated | None
    waiting: Mapping[Lane, int]
    """Processes in line."""
    block: Block | None
    largest: LargestMinute | None
    today: DayUse | None

    @property
    def share(self) -> int:
        """Weight granted a minute at most."""
        return int(self.limit * self.safety_share)


def gauge(address: str, state: LedgerState, now_ms: int) -> BudgetGauge:
    """Read a ledger's state.

    Parameters
    ----------
    address : str
    state : LedgerState
    now_ms : int
        Exchange clock, ms UTC.
    """
    share = state.safety_share or _DEFAULTS.safety_share
    budget = WeightBudget(
        weight_per_minute=_DEFAULTS.weight_per_minute,
        safety_share=share,
        reserved_weight=_DEFAULTS.reserved_weight,
        state=state,
    )
    window = state.windows.get(minute_of(now_ms)) or Window()
    waiting = Counter(waiter.lane for waiter in budget.waiting(now_ms))
    weight, minute = state.largest_minute()
    return BudgetGauge(
        address=address,
        now_ms=now_ms,
        limit=state.limit or _DEFAULTS.weight_per_minute,
        is_published=state.limit is not None,
        safety_share=share,
        granted={lane: window.granted[lane.lanes_above] for lane in Lane},
        others=max(0, window.used - window.ours),
        used=window.used,
        stated=_stated(state, minute_of(now_ms)),
        waiting={lane: waiting[lane] for lane in Lane},
        block=budget.block(now_ms),
        largest=(
            LargestMinute(weight=weight, began_ms=minute * MINUTE_MS)
            if weight
            else None
        ),
        today=day_use(state, now_ms // DAY_MS),
    )


def document(shown: BudgetGauge) -> dict[str, Any]:
    """Return the gauge as JSON values."""
    block, stated = shown.block, shown.stated
    largest, today = shown.largest, shown.today
    return {
        "address": shown.address,
        "exchange_time": shown.now_ms,
        "limit": shown.limit,
        "limit_is_published": shown.is_published,
        "safety_share": shown.safety_share,
        "share": shown.share,
        "this_minute": {
            **{lane.value: weight for lane, weight in shown.granted.items()},
            "others": shown.others,
            "used": shown.used,
        },
        "stated": None
        if stated is None
        else {"used_weight": stated.used_weight, "minute": stated.minute_began_ms},
        "waiting": {lane.value: count for lane, count in shown.waiting.items()},
        "block": None
        if block is None
        else {"until": block.until_ms, "is_banned": block.is_banned},
        "largest_minute": None
        if largest is None
        else {"weight": largest.weight, "minute": largest.began_ms},
        "today": None
        if today is None
        else {"count": today.count, "quota": today.quota, "level": today.level.value},
    }


def _stated(state: LedgerState, now_minute: int) -> Stated | None:
    # a first answer may be filed under a local clock that runs ahead
    windows = {m: w for m, w in state.windows.items() if m <= now_minute}
    seen = [(minute, w.highest_seen) for minute, w in windows.items()]
    latest = max(((m, used) for m, used in seen if used), default=None)
    if latest is None:
        return None
    return Stated(used_weight=latest[1], minute_began_ms=latest[0] * MINUTE_MS)
