"""What the reports of a backtest say, form aside."""

from collections.abc import Sequence
from dataclasses import dataclass

from grid_screening.backtest.backtest import Backtest, quote_of
from grid_screening.backtest.backtest_run import FundingRecord, GridRun
from grid_screening.backtest.grids import EndReason
from grid_screening.backtest.run_summary import FEW_BLOCKS, MeanInterval, RunSummary
from grid_screening.block_bootstrap import LEAST_BLOCKS
from grid_screening.reports import wording

ENDS = {
    EndReason.HORIZON: "horizon",
    EndReason.STOPPED: "stopped",
    EndReason.TAKE_PROFIT: "profit",
    EndReason.LIQUIDATED: "liquid.",
    EndReason.NO_DATA: "no data",
}
"""Short words, for columns."""

ENDS_SHORT = {
    EndReason.HORIZON: "time was up",
    EndReason.STOPPED: "stopped",
    EndReason.TAKE_PROFIT: "took profit",
    EndReason.LIQUIDATED: "liquidated",
    EndReason.NO_DATA: "no further bars",
}
"""Plain words, for wider columns."""

ENDS_LONG = {
    EndReason.HORIZON: "time was up, closed at the last close",
    EndReason.STOPPED: "stopped above the upper bound",
    EndReason.TAKE_PROFIT: "took profit: the lower bound was reached",
    EndReason.LIQUIDATED: "liquidated",
    EndReason.NO_DATA: "no further bars, closed at the last close",
}
"""The same as clauses."""

ONE_PATH = "One backtest is one path: no 95 % interval comes from it, and no forecast."
BEGIN_ANEW = "--every 7d begins anew each week and gives an interval."
BEGIN_ANEW_WITHOUT_PLAN = (
    "A plan is run once; without --plan, --start with --every 7d plans anew each week "
    "and gives an interval."
)
MORE_BEGINS = (
    "These begins are too few for a 95 % interval, and no forecast comes from them. An "
    "earlier --start or a later --end gives more of them."
)
ORDERS = (
    "Within a bar the order of high and low is not known. PnL: the candle's direction "
    "decides, which is unbiased on a martingale. Low first, high first: the same in "
    "all bars; their mean is biased upward, so PnL may lie outside."
)
STATIC = (
    "The static short is the initial short alone, begun and ended with the grid: "
    "what the grid has to beat."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One line of what a run's result is made of."""

    label: str
    amount: float | None
    """Quote currency; None: not recorded."""
    remark: str = ""


def parts(run: GridRun) -> list[Part]:
    """Return PnL, its parts, and what it is compared with."""
    recorded = run.funding_record
    funding = Part(
        label="funding",
        amount=None if recorded is FundingRecord.NONE else run.funding,
        remark={
            FundingRecord.ALL: "received",
            FundingRecord.PART: "recorded in part",
            FundingRecord.NONE: "not recorded, not in the PnL",
        }[recorded],
    )
    found = [
        Part(label="PnL", amount=run.pnl, remark="fills in candle order"),
        Part(label="harvest", amount=run.harvest, remark="half a cell for each fill"),
        Part(
            label="displacement",
            amount=run.displacement,
            remark="inventory the grid added",
        ),
        Part(label="initial short", amount=run.initial_short, remark="inside bounds"),
        Part(label="stop cost", amount=run.stop_loss, remark="beyond the upper bound"),
        Part(label="liquidation", amount=run.liquidation_loss, remark="margin lost"),
        funding,
        Part(label="fees", amount=-run.fees),
        Part(
            label="static short", amount=run.static_short, remark="initial short alone"
        ),
        Part(label="grid − static", amount=run.pnl - run.static_short),
    ]
    return [p for p in found if p.label != "liquidation" or p.amount]


def facts_of(run: GridRun) -> list[tuple[str, str]]:
    """Return the other figures of a run: label and text."""
    design = run.design
    quote = quote_of([run])
    spacing = plain(design.grid_step)
    if design.spacing != "arithmetic":
        spacing = f"{(design.grid_ratio - 1) * 100:.3f} %"
    bounds = "–".join(
        plain(bound) for bound in (design.lower_bound, design.upper_bound)
    )
    grid = (
        f"{bounds}, {spacing} × {design.level_count} levels, "
        f"{plain(design.quantity)} a level"
    )
    capital = (
        f"margin {plain(design.margin)} {quote} × {design.leverage}, "
        f"notional at most {wording.rounded(design.notional, 0)} {quote}"
    )
    safety = (
        f"stop {plain(design.stop_price)}, liquidation as planned "
        f"{plain(design.liquidation_price)}"
    )
    inside = f"{wording.rounded(run.inside_share * 100, 1)} % of {run.bars_run} bars"
    orders = (run.pnl_low_first, run.pnl_high_first)
    amounts = " / ".join(signed(pnl) for pnl in orders)
    shares = " / ".join(percent(pnl / design.margin) for pnl in orders)
    return [
        ("low / high first", f"{amounts} {quote}, {shares} % of the margin"),
        ("begun", f"{minute(run.begin_ms)} UTC at {market_price(design.price)}"),
        ("grid", grid),
        ("capital", capital),
        ("safety", safety),
        ("round trips", f"{run.round_trips} ({run.fill_count} fills)"),
        ("in range", inside),
        ("worst equity", _with_share(run.worst_equity, run)),
        ("max drawdown", _with_share(-run.max_drawdown, run)),
        ("ended", ending(run)),
    ]


def ending(run: GridRun) -> str:
    """Return how and when a run ended."""
    lived = wording.duration((run.ended_ms - run.begin_ms) / 1000)
    return (
        f"{ENDS_LONG[run.end_reason]}, after {lived} "
        f"({minute(run.ended_ms)} UTC) at {market_price(run.end_price)}, "
        f"{run.end_lots} lots short"
    )


def plain(value: float | None) -> str:
    """Return a price or amount with the digits it has: ``1000``, ``0.031``."""
    return wording.significant(value, _DIGITS)


def market_price(value: float | None) -> str:
    """Return a price of the market with seven significant digits.

    Recorded prices may have been kept in single precision, which has no more:
    ``1.1517`` rather than ``1.15170001984``.
    """
    return wording.significant(value, _MARKET_DIGITS)


def minute(at_ms: int) -> str:
    """Return a time as ``2025-04-01 12:00``, UTC."""
    return wording.utc(at_ms)[:16]


def percent(share: float | None, decimals: int = 2) -> str:
    """Return a share as signed percent without the sign ``%``; a dash if missing."""
    return signed(None if share is None else share * 100, decimals)


def signed(value: float | None, decimals: int = 2) -> str:
    """Return ``value`` with its sign, nothing as ``0.00``; a dash if missing."""
    text = wording.rounded(value, decimals, sign=True)
    return text[1:] if text.strip("+−0.") == "" else text


def title(backtest: Backtest) -> str:
    """Return the headline."""
    return (
        f"Short-grid backtest · {backtest.history} · {backtest.interval.value} bars · "
        f"{minute(backtest.start_ms)} to {minute(backtest.end_ms)} UTC"
    )


def facts(backtest: Backtest) -> list[str]:
    """Return what was assumed, one text each."""
    costs = backtest.costs
    fees = (
        f"costs: maker {costs.maker_fee * 100:g} %, taker {costs.taker_fee * 100:g} "
        f"%, stop slippage {costs.stop_slippage * 100:g} %"
    )
    rolling = ""
    if backtest.every_ms is not None:
        rolling = (
            f"a grid every {wording.duration(backtest.every_ms / 1000)}, "
            f"each for {wording.duration(backtest.horizon_ms / 1000)} at most"
        )
    found = [
        f"plans: {backtest.plans}",
        rolling,
        f"bounds {backtest.bounds}, begun {backtest.start}",
        fees,
        f"funding: {_funding(backtest.runs)}",
        f"maintenance margin {backtest.maintenance}; mark price: the traded price",
        f"data {backtest.fingerprint[:12]}",
    ]
    return [fact for fact in found if fact]


def remarks(backtest: Backtest) -> list[str]:
    """Return how the figures are to be read, and what is missing."""
    lines = [ORDERS, STATIC, *backtest.notes]
    lines += [
        f"{gone.symbol} has no grid on {minute(gone.begin_ms)}: {gone.reason}"
        for gone in backtest.missing[:_MOST_MISSING]
    ]
    more = len(backtest.missing) - _MOST_MISSING
    if more > 0:
        lines.append(f"and {more} more have no grid; --format json names all")
    summary = backtest.summary
    if summary is None or summary.pnl.low is None:
        lines.append(_why_no_interval(backtest))
    return lines


def _why_no_interval(backtest: Backtest) -> str:
    if backtest.every_ms is not None:
        return MORE_BEGINS
    anew = BEGIN_ANEW_WITHOUT_PLAN if backtest.plans_are_given else BEGIN_ANEW
    return f"{ONE_PATH} {anew}"


_MOST_MISSING = 10
_DIGITS = 12
# of a price; beyond them a float's noise begins
_MARKET_DIGITS = 7


def summary_lines(summary: RunSummary) -> list[tuple[str, str]]:
    """Return label and text of each mean."""
    return [
        ("PnL", mean_text(summary.pnl)),
        ("static short", mean_text(summary.static_short)),
        ("grid − static", mean_text(summary.grid_less_static)),
        ("runs with a gain", mean_text(summary.won, sign=False)),
        ("stopped or liquidated", mean_text(summary.stopped, sign=False)),
    ]


def mean_text(found: MeanInterval, *, sign: bool = True) -> str:
    """Return ``+1.23 % [−0.40, +2.86]``; without an interval the mean alone."""

    def shown(value: float) -> str:
        return wording.rounded(value * 100, 2, sign=sign)

    if found.low is None or found.high is None:
        return f"{shown(found.mean)} %"
    return f"{shown(found.mean)} % [{shown(found.low)}, {shown(found.high)}]"


def summary_title(summary: RunSummary) -> str:
    """Return of what the means are."""
    contracts = _counted(summary.contract_count, "contract")
    begins = _counted(summary.begin_count, "begin")
    return (
        f"Mean of {summary.run_count} runs ({contracts}, {begins}), percent of the "
        "margin"
    )


def summary_caution(summary: RunSummary) -> str:
    """Return what the interval is worth, or why there is none."""
    length = f"{summary.block_weeks} weeks" if summary.block_weeks > 1 else "one week"
    blocks = f"{_counted(summary.block_count, 'block')} of {length}"
    if summary.pnl.low is None:
        verb = "is" if summary.block_count == 1 else "are"
        return (
            f"No 95 % interval: what begins together moves together, and {blocks} "
            f"{verb} too few; {LEAST_BLOCKS} are needed."
        )
    text = f"[low, high]: 95 % interval, bootstrap over {blocks}"
    if summary.block_count < FEW_BLOCKS:
        return f"{text}: so few that it is a little too narrow."
    return f"{text}."


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _funding(runs: Sequence[GridRun]) -> str:
    counts = dict.fromkeys(FundingRecord, 0)
    for run in runs:
        counts[run.funding_record] += 1
    if not runs or counts[FundingRecord.NONE] == len(runs):
        return "not recorded"
    if counts[FundingRecord.ALL] == len(runs):
        return "recorded"
    partly = counts[FundingRecord.PART]
    known = f"recorded for {counts[FundingRecord.ALL]} of {len(runs)} runs"
    return f"{known}, in part for {partly}" if partly else known


def _with_share(amount: float, run: GridRun) -> str:
    quote = quote_of([run])
    return (
        f"{signed(amount)} {quote} "
        f"({percent(amount / run.design.margin, 1)} % of the margin)"
    )
