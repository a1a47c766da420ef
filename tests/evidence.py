# ruff: noqa: E402 - threads are limited before NumPy loads
"""The figures of ``specs/001-short-grid-screening/research.md``, measured.

``python -m tests.evidence`` prints them as Markdown tables. Seeds are fixed: every
figure but the milliseconds of the last table is the same at every run.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"  # milliseconds are per core

import sys
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from math import log, sqrt
from statistics import median
from time import perf_counter
from typing import NamedTuple

import numpy as np

from grid_screening.calculators import hurst
from grid_screening.calculators.efficiency import efficiency_ratio
from grid_screening.calculators.hurst import (
    BLOCK_LENGTHS,
    ROW_BLOCK,
    hurst_exponent,
    hurst_null_band,
)
from grid_screening.calculators.mean_reversion import (
    DICKEY_FULLER_CRITICAL,
    unit_root,
    variance_ratio,
    z_score,
)
from grid_screening.calculators.microstructure import (
    bearish_cvd_divergence,
    cumulative_volume_delta,
    cvd_change_ratio,
    cvd_divergence,
    cvd_roc_classic,
    funding_apr,
    funding_rate_8h,
    open_interest_ratio,
)
from grid_screening.calculators.trend import linear_fit
from grid_screening.calculators.volatility import ATR_WINDOW, latest_average_true_range
from grid_screening.factors import factor_table
from grid_screening.grid_plan import GridTerms, ShortGridPlan, short_grid_plan
from grid_screening.snapshot import MarketSnapshot
from monitor.domain.typing import BoolArray, FloatArray
from tests.builders import instrument
from tests.snapshots import random_panel, snapshot_of
from vp_squeeze.indicators.rolling import true_range

PATHS, BARS = 10_000, 300
RETURNS = BARS - 1
STEP = 0.02
"""Standard deviation of a bar's log return; the statistics do not depend on it."""
MINUTE_BARS = 240
ONE_SIDED_5 = -1.645
PLANS = 300
BLOCKS = (1, 16, 64, ROW_BLOCK, 500)

Row = tuple[str, ...]


class Table(NamedTuple):
    """One Markdown table."""

    title: str
    head: Row
    rows: Sequence[Row]


# --- processes ----------------------------------------------------------------


def normal_steps(seed: int, count: int = RETURNS) -> FloatArray:
    """Return independent normal log returns, shape ``(PATHS, count)``."""
    return np.random.default_rng(seed).normal(0, STEP, (PATHS, count))


def clustered_steps(seed: int) -> FloatArray:
    """Return unforecastable returns of changing size: GARCH(0.10, 0.88)."""
    draws = np.random.default_rng(seed).normal(size=(RETURNS, PATHS))
    variance = np.ones(PATHS)
    for t in range(RETURNS):
        draws[t] *= np.sqrt(variance)
        variance = 0.02 + 0.10 * draws[t] ** 2 + 0.88 * variance
    return np.ascontiguousarray(STEP * draws.T)


def walk(steps: FloatArray) -> FloatArray:
    """Return the log prices, one more than the steps, from 0."""
    out = np.zeros((steps.shape[0], steps.shape[1] + 1))
    np.cumsum(steps, axis=-1, out=out[:, 1:])
    return out


def reverting(half_life: float, seed: int) -> FloatArray:
    """Return stationary log prices that pull back with ``half_life`` bars."""
    keep = 0.5 ** (1 / half_life)
    out = np.random.default_rng(seed).normal(0, STEP, (BARS, PATHS))
    out[0] /= sqrt(1 - keep**2)
    for t in range(1, BARS):
        out[t] += keep * out[t - 1]
    return np.ascontiguousarray(out.T)


# --- words ---------------------------------------------------------------------


def share(holds: BoolArray) -> str:
    """Return the share of True in percent."""
    return f"{100 * holds.mean():.1f} %"


def spread(values: FloatArray) -> str:
    """Return mean ± standard deviation."""
    return f"{values.mean():.3f} ± {values.std():.3f}"


def band(values: FloatArray, digits: int = 2) -> str:
    """Return the 5 % and 95 % quantiles."""
    low, high = np.quantile(values, [0.05, 0.95])
    upper = f"{high:.{digits}f}" if high < 1000 else "> 1,000"
    return f"{low:.{digits}f} … {upper}"


# --- figures ---------------------------------------------------------------------


def hurst_rows() -> Iterator[Row]:
    """Yield what R/S reads on what."""
    steps = normal_steps(1)
    prices, slow = np.exp(walk(steps)), np.exp(reverting(20, 2))
    on_prices, on_slow = (hurst_exponent(x, corrected=False) for x in (prices, slow))
    lengths = np.array(BLOCK_LENGTHS, dtype=float)
    # the sample deviation scales R/S of n values by √((n − 1)/n): a fixed slope
    shift = np.polyfit(np.log(lengths), 0.5 * np.log1p(-1 / lengths), 1)[0]
    yield "R/S on prices, random walk (population S)", spread(on_prices)
    yield "… with the sample deviation", spread(on_prices + shift)
    yield "… share below 0.5", share(on_prices < 0.5)
    yield "R/S on prices, reverting with a half-life of 20 bars", spread(on_slow)
    yield "… share below 0.5", share(on_slow < 0.5)
    plain = hurst_exponent(steps, corrected=False)
    for name, values in (("population", plain), ("sample", plain + shift)):
        yield f"R/S on returns, no correction, {name} S, random walk", spread(values)
        yield "… share above 0.5", share(values > 0.5)
    corrected = hurst_exponent(steps)
    yield "R/S on returns, Anis–Lloyd, random walk", spread(corrected)
    yield "… 5 … 95 %", band(corrected, 3)
    yield "… share below 0.5", share(corrected < 0.5)
    reads = hurst_exponent(np.diff(np.log(slow), axis=-1))
    yield "the same, reverting with a half-life of 20 bars", spread(reads)
    yield "… share below 0.5", share(reads < 0.5)
    bonus = 0.3 * 0.5 * np.maximum(0.5 - corrected, 0)
    yield (
        "Hurst bonus in the score, random walk, 95 % quantile",
        f"{np.quantile(bonus, 0.95):.3f}",
    )


def half_lives(log_close: FloatArray) -> FloatArray:
    """Return ln 2 ÷ −ln(1 + b) with no gate; infinite for b ≥ 0."""
    change = np.diff(log_close, axis=-1)
    level = log_close[:, :-1] - log_close[:, :-1].mean(axis=-1, keepdims=True)
    slope = np.vecdot(level, change) / np.vecdot(level, level)
    out = np.full(slope.shape, np.inf)
    falls = slope < 0
    out[falls] = log(2) / -np.log1p(slope[falls])
    return out


def reversion_rows() -> Iterator[Row]:
    """Yield what half-life and z-score read on random walks."""
    levels = walk(normal_steps(3))
    ungated, gated = half_lives(levels), unit_root(levels).half_life_bars
    passed = np.isfinite(gated)
    yield (
        "half-life of a random walk, no gate, median",
        f"{np.median(ungated):.1f} bars",
    )
    yield "… T/6.5", f"{RETURNS / 6.5:.1f} bars"
    yield "… share that passes t ≤ −2.87", share(passed)
    yield "… median of those", f"{np.median(gated[passed]):.1f} bars"
    close = np.exp(levels)
    failed = (z_score(close[:, -20:])[:, -1] > 2) & (newest_ratio(close, 10) < 0.3)
    yield "z(20) > 2 and KER(10) < 0.3, random walk", share(failed)


def newest_ratio(close: FloatArray, window: int) -> FloatArray:
    """Return the efficiency ratio of the newest ``window`` steps."""
    return efficiency_ratio(close[:, -window - 1 :], window=window)[:, -1]


def efficiency_rows() -> Iterator[Row]:
    """Yield what efficiency ratios read on random walks."""
    close = np.exp(walk(normal_steps(4)))
    ratio = newest_ratio(close, 10)
    yield "KER(10), random walk, mean", f"{ratio.mean():.3f}"
    yield "… 1/√10", f"{1 / sqrt(10):.3f}"
    yield "… share below 0.3", share(ratio < 0.3)
    yield (
        "KER of `prices[-10:]` (9 steps), mean",
        f"{newest_ratio(close, 9).mean():.3f}",
    )
    both = (ratio < 0.3) & (hurst_exponent(np.diff(np.log(close), axis=-1)) < 0.5)
    yield "KER(10) < 0.3 and H < 0.5, random walk", share(both)
    minutes = np.exp(walk(0.05 * normal_steps(5, MINUTE_BARS)))
    chop = 1 / newest_ratio(minutes, MINUTE_BARS)
    null = 1.18 * sqrt(MINUTE_BARS)
    yield (
        "volatility ÷ displacement, 240 steps, random walk, median",
        (f"{np.median(chop):.1f}"),
    )
    yield "… 1.18·√240", f"{null:.1f}"
    yield "… share above 5 / above 10", f"{share(chop > 5)} / {share(chop > 10)}"
    yield "… ÷ 1.18·√240, median", f"{np.median(chop / null):.2f}"


def trend_rows() -> Iterator[Row]:
    """Yield how steep a slope can be."""
    line, step, broken = np.arange(float(BARS)), np.ones(BARS), np.arange(float(BARS))
    step[: BARS // 2] = 1e-9
    broken[-1] *= 0.6
    for name, close in (
        ("a straight line from zero", line),
        ("the steepest path that ends at its high (a step half-way)", step),
        ("the straight line after losing 40 % in the last bar", broken),
    ):
        fit = linear_fit(close)
        yield (
            f"slope and R² of {name}, 300 bars",
            (f"{fit.normalized_slope:.1f} bp/bar, {fit.r_squared:.2f}"),
        )
    steps = normal_steps(6)
    for scale in (1, 3):
        fit = linear_fit(np.exp(walk(scale * steps)))
        straight, slope = fit.r_squared > 0.8, fit.normalized_slope
        vetoed, guarded = (straight & (slope > limit) for limit in (50, 20))
        yield (
            f"R² > 0.8 and slope > 50 / > 20, random walks, {2 * scale} % a bar",
            f"{share(vetoed)} / {share(guarded)}",
        )
        yield "… |slope| < 5 (trend base 1)", share(np.abs(slope) < 5)


def volatility_rows() -> Iterator[Row]:
    """Yield the exponential average of charting packages beside Wilder's."""
    bars = random_panel(2000, BARS)
    ranges = true_range(bars.high, bars.low, bars.close)
    average = ranges[:, 1].copy()
    for t in range(2, BARS):
        average += 2 / (ATR_WINDOW + 1) * (ranges[:, t] - average)
    ratio = average / latest_average_true_range(bars.high, bars.low, bars.close)
    yield "ATR by EMA(2/15) ÷ Wilder's, same bars, 5 … 95 %", band(ratio)


def flow_rows() -> Iterator[Row]:
    """Yield what flow factors read on flow that has nothing to do with the price."""
    bars = random_panel(PATHS, BARS, seed=7)
    cvd = cumulative_volume_delta(bars.taker_buy_volume, bars.volume)
    later = cvd - cvd[:, 99:100]  # as if the 100 oldest bars had not been fetched
    before, after = (cvd_roc_classic(x) > 0.5 for x in (cvd, later))
    ratios = [cvd_change_ratio(x, bars.volume) for x in (cvd, later)]
    yield "ΔCVD ÷ |CVD| > 0.5, flow at random", share(before)
    yield "… of these, no longer when 100 old bars are left out", share(~after[before])
    gap = np.abs(ratios[0] - ratios[1]).max()
    yield "… ΔCVD ÷ volume changes then by at most", f"{gap:.0e}"
    fires = bearish_cvd_divergence(bars.close, cvd) == 1
    yield "bearish divergence fires, unrelated flow", share(fires)
    at_high = bars.close[:, -1] == bars.close[:, -20:].max(axis=-1)
    yield "… of closes at their 20-bar high", share(fires[at_high])
    p_value = cvd_divergence(bars.close, cvd).p_value
    yield "Spearman p ≤ 0.05, price and CVD unrelated", share(p_value <= 0.05)


def unit_rows() -> Iterator[Row]:
    """Yield what mixed units do, by construction."""
    rng = np.random.default_rng(8)
    price = np.array([0.01, 1.0, 80_000.0])
    base = rng.lognormal(5, 1, (3, 20))
    taker, quote = 0.5 * base, base * price[:, None]
    for name, column in (("field 9", taker), ("field 7", quote)):
        shares = (column / base).mean(axis=-1)
        changes = cvd_change_ratio(cumulative_volume_delta(column, base), base)
        yield (
            f"taker share from {name}; prices 0.01, 1, 80,000; balanced flow",
            ", ".join(f"{x:,g}" for x in shares.round(6)),
        )
        yield "… CVD change ratio", ", ".join(f"{x:+.2f}" for x in changes + 0.0)
    marks = 10 ** rng.uniform(-5, 5, 500)
    turnover = rng.lognormal(18, 1, 500)
    interest = rng.lognormal(-0.5, 0.6, 500) * turnover / marks  # base units
    right = open_interest_ratio(interest, marks, turnover)
    mixed = interest / turnover
    error = mixed / right * marks
    yield (
        "base open interest ÷ quote turnover, as a multiple of right/price",
        f"{error.min():.3f} … {error.max():.3f}",
    )
    found = [f"{rank_correlation(mixed, x):.2f}" for x in (right, -marks)]
    yield "… rank correlation with the right ratio / with −price", " / ".join(found)
    hours, rate = np.array([1.0, 4.0, 8.0]), np.full(3, 1e-4)
    eight = 100 * funding_rate_8h(rate, hours)
    yearly = 100 * funding_apr(rate, hours)
    yield "0.01 % each 1, 4, 8 h: per 8 h", ", ".join(f"{x:.2f} %" for x in eight)
    yield "… per year", ", ".join(f"{x:.0f} %" for x in yearly)


def rank_correlation(x: FloatArray, y: FloatArray) -> float:
    """Return Spearman's ρ of values without ties."""
    ranks = (x.argsort().argsort(), y.argsort().argsort())
    return float(np.corrcoef(*ranks)[0, 1])


# --- grid plans -------------------------------------------------------------------


def plan_rows() -> Iterator[Row]:
    """Yield what the definitions of the plan imply, over random contracts."""
    rng = np.random.default_rng(9)
    plans = [plan for _ in range(PLANS) if (plan := random_plan(rng)) is not None]
    excess, loss, levels, trips, reach = np.array(
        [list(plan_shares(plan)) for plan in plans]
    ).T
    counts = np.array([plan.level_count for plan in plans])
    yield f"legal plans of {PLANS} (daily ATR 3–15 %, margin 1,000)", f"{len(plans)}"
    yield "entry value ÷ (margin × leverage), median, largest", extent(excess)
    yield "`loss_at_upper` ÷ loss counted from the price, median, largest", extent(loss)
    yield (
        "levels of the plan / of the one at `minimum_margin`, medians",
        f"{np.median(counts):.0f} / {np.median(levels):.0f}",
    )
    yield "`expected_trips_per_day`, 5 … 95 %", band(trips, 1)
    yield "(upper − price) ÷ (`upper_bound` − price), median, largest", extent(reach)


def extent(values: FloatArray) -> str:
    """Return median and largest value."""
    return f"{np.median(values):.3f}, {values.max():.3f}"


def random_plan(rng: np.random.Generator) -> ShortGridPlan | None:
    """Return a plan for a contract of random price and volatility."""
    price = float(f"{10 ** rng.uniform(-1, 2):.4f}")
    daily = price * rng.uniform(0.03, 0.15)
    hourly = daily / sqrt(24) * rng.uniform(0.8, 1.2)
    return plan_of(price, daily, hourly, Decimal(1000))


def plan_of(
    price: float, daily: float, hourly: float, margin: Decimal
) -> ShortGridPlan | None:
    """Return the plan at the default costs, None where none is legal."""
    found = short_grid_plan(
        instrument=instrument(tick_size=Decimal("0.0001"), step_size=Decimal("0.001")),
        price=price,
        mark_price=price,
        atr_daily=daily,
        atr_hourly=hourly,
        funding_rate=None,
        funding_interval_h=None,
        terms=GridTerms(
            margin=margin,
            max_leverage=3,
            maker_fee=Decimal("0.0002"),
            taker_fee=Decimal("0.0005"),
            brackets=None,
        ),
    )
    return found if isinstance(found, ShortGridPlan) else None


def plan_shares(plan: ShortGridPlan) -> Iterator[float]:
    """Yield entry, loss, levels at the minimum margin, trips, rounding."""
    q, below, above = plan.quantity_per_level, plan.levels_below, plan.levels_above
    entry = q * (below * plan.price + sum(plan.levels[-above:]))
    yield float(entry / (plan.margin * plan.leverage))
    yield float(plan.loss_at_upper / (q * (below + above) * plan.upper_bound - entry))
    least = plan.minimum_margin or plan.margin
    small = plan_of(float(plan.price), plan.atr_daily, plan.atr_hourly, least)
    yield np.nan if small is None else small.level_count
    yield plan.expected_trips_per_day
    reach = plan.range_to_volatility * plan.atr_hourly * sqrt(24)
    yield reach / float(plan.upper_bound - plan.price)


# --- tables -----------------------------------------------------------------------


def null_table() -> Table:
    """Return the middle 90 % of every statistic where there is nothing to find."""
    normal, clustered = normal_steps(10), clustered_steps(11)
    statistics: tuple[tuple[str, Callable[[FloatArray], FloatArray]], ...] = (
        ("Hurst, Anis–Lloyd", hurst_exponent),
        ("KER(10)", lambda r: newest_ratio(np.exp(walk(r)), 10)),
        ("variance ratio, q = 8", lambda r: variance_ratio(walk(r), q=8).ratio),
        ("its robust z", lambda r: variance_ratio(walk(r), q=8).z),
        ("unit-root t", lambda r: unit_root(walk(r)).t),
        ("half-life with no gate, bars", lambda r: half_lives(walk(r))),
    )
    rows = [
        (name, *(text for r in (normal, clustered) for text in middle(of(r))))
        for name, of in statistics
    ]
    head = ("statistic", "normal: median", "5 … 95 %", "GARCH: median", "5 … 95 %")
    return Table(f"Random walks of {RETURNS} returns", head, rows)


def middle(values: FloatArray) -> Row:
    """Return median and band."""
    digits = 1 if np.median(values) > 2 else 2
    return f"{np.median(values):.{digits}f}", band(values, digits)


def power_table() -> Table:
    """Return how often each test finds reversion, at 5 % one-sided."""
    processes = (
        ("random walk (should be 5 %)", walk(normal_steps(12))),
        ("GARCH random walk (should be 5 %)", walk(clustered_steps(13))),
        ("reverting, half-life 20 bars", reverting(20, 14)),
        ("reverting, half-life 10 bars", reverting(10, 15)),
        ("reverting, half-life 5 bars", reverting(5, 16)),
    )
    low, _ = hurst_null_band(RETURNS) or (np.nan, np.nan)
    rows = [
        (
            name,
            share(hurst_exponent(np.diff(levels, axis=-1)) < low),
            share(variance_ratio(levels, q=8).z < ONE_SIDED_5),
            share(unit_root(levels).t <= DICKEY_FULLER_CRITICAL),
        )
        for name, levels in processes
    ]
    head = ("process", f"H < {low:.2f}", "VR(8) z* < −1.645", "unit-root t ≤ −2.87")
    return Table(f"Found in {BARS} bars", head, rows)


def time_table() -> Table:
    """Return what working on some symbols at a time costs."""
    small, large = (snapshot_of(random_panel(500, bars)) for bars in (BARS, 1499))
    returns = np.diff(np.log(large.close), axis=-1)
    columns = {
        "500 × 300, ms": milliseconds(lambda n: factor_table(small, row_block=n), 11),
        "500 × 1,499, ms": milliseconds(lambda n: factor_table(large, row_block=n), 5),
        "memory, MB": [megabytes(large, block) for block in BLOCKS],
        "Hurst alone, ms": milliseconds(lambda n: hurst_by(returns, n), 7),
    }
    rows = [
        (str(block), *(f"{column[at]:.0f}" for column in columns.values()))
        for at, block in enumerate(BLOCKS)
    ]
    title = "All factors on one core (this table varies with the machine)"
    return Table(title, ("symbols at a time", *columns), rows)


def hurst_by(returns: FloatArray, block: int) -> FloatArray:
    """Return the exponents, ``block`` rows at a time."""
    hurst.ROW_BLOCK = block
    try:
        return hurst_exponent(returns)
    finally:
        hurst.ROW_BLOCK = ROW_BLOCK


def milliseconds(work: Callable[[int], object], runs: int) -> list[float]:
    """Return the median time for each block size, measured in turns."""
    times: list[list[float]] = [[] for _ in BLOCKS]
    for turn in range(runs + 1):
        for block, found in zip(BLOCKS, times, strict=True):
            start = perf_counter()
            work(block)
            if turn > 0:  # the first one warms up
                found.append(1000 * (perf_counter() - start))
    return [median(found) for found in times]


def megabytes(snapshot: MarketSnapshot, block: int) -> float:
    """Return the most memory that all factors take beside their inputs."""
    tracemalloc.start()
    factor_table(snapshot, row_block=block)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6


def tables() -> Iterator[Table]:
    """Yield every table, in the order of the page."""
    groups = (
        hurst_rows,
        reversion_rows,
        efficiency_rows,
        trend_rows,
        volatility_rows,
        flow_rows,
        unit_rows,
        plan_rows,
    )
    rows = [row for group in groups for row in group()]
    numbered = [(f"E{at}", *row) for at, row in enumerate(rows, start=1)]
    yield Table("Figures", ("", "quantity", "measured"), numbered)
    yield null_table()
    yield power_table()
    yield time_table()


def markdown(table: Table) -> str:
    """Return the table as Markdown."""
    lines = [table.head, tuple("---" for _ in table.head), *table.rows]
    cells = [[cell.replace("|", r"\|") for cell in line] for line in lines]
    body = "\n".join("| " + " | ".join(line) + " |" for line in cells)
    return f"### {table.title}\n\n{body}\n"


def main() -> None:
    """Print the tables."""
    sys.stdout.write("\n".join(markdown(table) for table in tables()))


if __name__ == "__main__":
    main()
