"""The request ledger as text for people."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from monitor.exceptions import local_time
from monitor.ratelimit.daily import DayLevel, DayUse
from monitor.ratelimit.gauge import BudgetGauge
from monitor.ratelimit.ledger import Block

_BAR_WIDTH = 24
_FULL, _TIGHT = 0.95, 0.75
_LEVEL_STYLES = {
    DayLevel.NORMAL: "",
    DayLevel.ALERT: "yellow",
    DayLevel.SPENT: "bold red",
}


def budget_text(gauges: Sequence[BudgetGauge], where: str) -> RenderableType:
    """Return one part per exchange address, and where the ledger lives.

    Parameters
    ----------
    gauges : sequence of BudgetGauge
    where : str
        The ledger's file or address, without a password.
    """
    parts: list[RenderableType] = []
    for shown in gauges:
        parts += [Text(shown.address, style="bold"), _part(shown), Text()]
    if not gauges:
        parts.append(Text("nothing is counted yet"))
    parts.append(Text(f"ledger: {where}", style="dim"))
    return Group(*parts)


def duration(seconds: float) -> str:
    """Return a duration as people say it: ``2 d 3 h``, ``4 min 5 s``, ``12 s``."""
    whole = max(0, round(seconds))
    days, hours = divmod(whole // 3600, 24)
    minutes, rest_s = whole // 60 % 60, whole % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest_s} s" if minutes else f"{rest_s} s"


def _part(shown: BudgetGauge) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column()
    source = "published" if shown.is_published else "assumed until the exchange says"
    grid.add_row("  limit", f"{shown.limit:,} a minute ({source})")
    grid.add_row("  used here", f"{shown.safety_share:.0%} of it: {shown.share:,}")
    grid.add_row("  this minute", _minute(shown))
    grid.add_row("", _shares(shown))
    grid.add_row("  exchange said", _stated(shown))
    grid.add_row("  waiting", _waiting(shown))
    grid.add_row("  block", _block(shown.block, shown.now_ms))
    grid.add_row("  largest minute", _largest(shown))
    grid.add_row("  today", _today(shown.today))
    return grid


def _minute(shown: BudgetGauge) -> Text:
    part = min(1.0, shown.used / max(1, shown.share))
    filled = round(part * _BAR_WIDTH)
    style = "red" if part >= _FULL else "yellow" if part >= _TIGHT else "green"
    return Text.assemble(
        ("█" * filled, style),
        ("░" * (_BAR_WIDTH - filled), "dim"),
        f" {shown.used:,} of {shown.share:,}",
    )


def _shares(shown: BudgetGauge) -> str:
    lanes = [f"{lane} {weight:,}" for lane, weight in shown.granted.items()]
    return " · ".join([*lanes, f"others {shown.others:,}"])


def _stated(shown: BudgetGauge) -> str:
    if shown.stated is None:
        return "nothing yet"
    began = local_time(shown.stated.minute_began_ms)
    return f"{shown.stated.used_weight:,} in the minute of {began}"


def _waiting(shown: BudgetGauge) -> str:
    found = [
        f"{lane} {count} process{'' if count == 1 else 'es'}"
        for lane, count in shown.waiting.items()
        if count
    ]
    return " · ".join(found) or "nobody"


def _block(block: Block | None, now_ms: int) -> Text:
    if block is None:
        return Text("none")
    kind = "BANNED (418)" if block.is_banned else "paused (429)"
    left = duration((block.until_ms - now_ms) / 1000)
    style = "bold red" if block.is_banned else "yellow"
    return Text(f"{kind} until {local_time(block.until_ms)}, in {left}", style=style)


def _largest(shown: BudgetGauge) -> str:
    if shown.largest is None:
        return "none yet"
    return f"{shown.largest.weight:,} at {local_time(shown.largest.began_ms)}"


def _today(use: DayUse | None) -> Text:
    if use is None:
        return Text("not counted")
    note = {
        DayLevel.NORMAL: "",
        DayLevel.ALERT: ", alert: polling is slowed down",
        DayLevel.SPENT: ", used up: nothing is sent before the next UTC day",
    }[use.level]
    text = f"{use.count:,} of {use.quota:,} requests ({use.count / use.quota:.0%})"
    return Text(text + note, style=_LEVEL_STYLES[use.level])
