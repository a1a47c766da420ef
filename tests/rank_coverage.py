# ruff: noqa: E402 - threads are limited before NumPy loads
"""How often rank intervals hold the true rank: markets whose truth is known.

``python -m tests.rank_coverage`` prints the figures that `grid_screening.stability`
states, as Markdown tables; some six minutes. Seeds are fixed.

A world draws as many panels as wanted of contracts that differ in volatility, memory
of returns, funding and crowding. The true score of a contract is its mean over many
panels, the true rank the order of these means.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import sys
from dataclasses import dataclass, replace

import numpy as np

from grid_screening.bootstrap import SCORE_FACTORS
from grid_screening.conf import ScreenerSettings
from grid_screening.factors import factor_table
from grid_screening.profile import load_profile
from grid_screening.ranking import Ranking, ranking
from grid_screening.scoring import scores
from grid_screening.snapshot import MarketSnapshot
from grid_screening.stability import drawn_bars, rank_intervals, score_draws
from monitor.domain.typing import BoolArray, FloatArray, IntArray
from tests.snapshots import snapshot_of
from tests.strategies import Panel

CONTRACTS, BARS, TOP = 60, 300, 15
TRUTH_PANELS, PANELS = 300, 50
LEVEL = 0.90
PAIRWISE = 1.6449
"""One-sided 5 %."""
BLOCKS = (6, 12, 24, 48)
BURN_IN = 50
CLASSIC = load_profile("classic")
OPEN = ScreenerSettings(min_natr=0.0, max_natr=100.0, max_tick_share=1.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class World:
    """What contracts are like; each panel is another stretch of the same."""

    volatility: FloatArray
    memory: FloatArray
    """Autocorrelation of returns."""
    funding: FloatArray
    crowding: FloatArray
    changing: float = 0.0
    """Persistence of a volatility that changes; 0: it does not."""


def world(kind: str, *, seed: int = 1) -> World:
    """Return the ``ordinary``, ``changing``, ``diverse`` or ``alike`` world."""
    rng = np.random.default_rng(seed)
    spread = {"alike": 0.0, "diverse": 0.7}.get(kind, 0.35)
    memory = {"alike": (-0.1, -0.1), "diverse": (-0.6, 0.5)}.get(kind, (-0.35, 0.2))
    made = World(
        volatility=0.015 * np.exp(spread * rng.standard_normal(CONTRACTS)),
        memory=rng.uniform(*memory, CONTRACTS),
        funding=rng.choice([5e-5, 1e-4, 2e-4, -1e-4], CONTRACTS),
        crowding=rng.uniform(0.1, 2.0, CONTRACTS),
        changing=0.95 if kind == "changing" else 0.0,
    )
    if kind == "alike":
        same = np.ones(CONTRACTS)
        made = replace(made, funding=1e-4 * same, crowding=0.5 * same)
    return made


def market(of: World, rng: np.random.Generator) -> MarketSnapshot:
    """Draw a panel; half of the variance of returns is common."""
    count = BARS + BURN_IN
    shocks = np.sqrt(0.5) * (
        rng.standard_normal(count) + rng.standard_normal((CONTRACTS, count))
    )
    if of.changing:
        shocks = shocks * _changing_volatility(of.changing, count, rng)
    returns = np.zeros((CONTRACTS, count))
    own = of.volatility * np.sqrt(1 - of.memory**2)
    for t in range(1, count):
        returns[:, t] = of.memory * returns[:, t - 1] + own * shocks[:, t]
    steps = returns[:, BURN_IN:]
    path = np.cumsum(steps, axis=-1)
    wicks = of.volatility[:, None] * rng.exponential(0.4, (2, CONTRACTS, BARS))
    volume = rng.lognormal(5, 0.6, (CONTRACTS, BARS))
    noise = 0.08 * rng.standard_normal((CONTRACTS, BARS))
    bought = np.clip(0.5 + noise + 3 * np.clip(steps, -0.05, 0.05), 0.02, 0.98)
    close = 100 * np.exp(path)
    last = close[:, -1].copy()
    panel = Panel(
        high=100 * np.exp(np.maximum(path, path - steps) + wicks[0]),
        low=100 * np.exp(np.minimum(path, path - steps) - wicks[1]),
        close=close,
        volume=volume,
        taker_buy_volume=volume * bought,
        seed=1,
    )
    return snapshot_of(
        panel,
        funding_rate=of.funding.copy(),
        funding_interval_h=np.full(CONTRACTS, 8.0),
        quote_volume_24h=np.full(CONTRACTS, 1e8),
        open_interest=of.crowding * 1e8 / last,
        mark_price=last.copy(),
        benchmark_close=None,
    )


def _changing_volatility(
    persistence: float, count: int, rng: np.random.Generator
) -> FloatArray:
    common, own = rng.standard_normal(count), rng.standard_normal((CONTRACTS, count))
    level = np.zeros((CONTRACTS, count))
    scale = 0.25 * np.sqrt((1 - persistence**2) / 2)
    for t in range(1, count):
        news = scale * (common[t] + own[:, t])
        level[:, t] = persistence * level[:, t - 1] + news
    volatility: FloatArray = np.exp(level - 0.25**2)
    return volatility


def observed(drawn: MarketSnapshot) -> FloatArray:
    """Return the scores of a panel."""
    return scores(factor_table(drawn, names=SCORE_FACTORS), CLASSIC).gss


def competition_ranks(values: FloatArray) -> IntArray:
    """Return 1 + the number of larger values."""
    ranks: IntArray = 1 + np.sum(values > values[:, None], axis=1)
    return ranks


def pairwise_intervals(result: Ranking, drawn: FloatArray) -> tuple[IntArray, IntArray]:
    """Return the intervals that test each pair by itself."""
    gss, rank = result.scores.gss, result.scores.rank
    covariance = np.cov(drawn.T)
    variance = np.diag(covariance)
    error = np.sqrt(np.maximum(variance[:, None] + variance - 2 * covariance, 0.0))
    sure = np.abs(gss[:, None] - gss) > PAIRWISE * np.maximum(error, 1e-9)
    ahead = rank < rank[:, None]
    best = 1 + np.sum(sure & ahead, axis=1)
    return best, len(rank) - np.sum(sure & ahead.T, axis=1)


@dataclass(kw_only=True, eq=False)
class Tally:
    """What the intervals of one rule held."""

    held: list[BoolArray]
    listed: list[BoolArray]
    widths: list[float]

    def add(
        self, found: tuple[IntArray, IntArray], rank: IntArray, true_rank: IntArray
    ) -> None:
        """Count one panel."""
        best, worst = found
        held = (best <= true_rank) & (true_rank <= worst)
        self.held.append(held)
        self.listed.append(held[rank <= TOP])
        self.widths.append(float(np.mean(worst - best + 1)))

    def row(self) -> str:
        """Return the figures as a Markdown row without its name."""
        held = np.array(self.held)
        figures = (
            held.mean(),
            held.mean(axis=0).min(),
            np.mean([listed.mean() for listed in self.listed]),
            np.mean([listed.all() for listed in self.listed]),
        )
        shown = " | ".join(f"{figure:.2f}" for figure in figures)
        return f"{shown} | {np.mean(self.widths):.1f} |"


def measure(kind: str, *, panels: int = PANELS, draws: int = 50) -> list[str]:
    """Return the rows of one world: error of a score and coverage, by block."""
    of = world(kind)
    rng = np.random.default_rng(7)
    truth = np.array([observed(market(of, rng)) for _ in range(TRUTH_PANELS)])
    true_rank = competition_ranks(truth.mean(axis=0))
    true_error = truth.std(axis=0).mean()
    names = ("max-T", "pairwise")
    tallies = {
        (block, name): Tally(held=[], listed=[], widths=[])
        for block in BLOCKS
        for name in names
    }
    errors: dict[int, list[float]] = {block: [] for block in BLOCKS}
    for _ in range(panels):
        drawn_market = market(of, rng)
        result = ranking(drawn_market, OPEN, CLASSIC)
        gss, rank = result.scores.gss, result.scores.rank
        for block in BLOCKS:
            bars = drawn_bars(drawn_market, draws=draws, block_bars=block)
            drawn = score_draws(drawn_market, result, bars)
            errors[block].append(float(drawn.std(axis=0, ddof=1).mean()))
            strict = rank_intervals(gss, rank, drawn, level=LEVEL)
            tallies[block, "max-T"].add(strict, rank, true_rank)
            pairwise = pairwise_intervals(result, drawn)
            tallies[block, "pairwise"].add(pairwise, rank, true_rank)
    return [
        f"| {kind} | {block} | {np.mean(errors[block]) / true_error:.2f} | {name} | "
        + tally.row()
        for (block, name), tally in tallies.items()
    ]


def main() -> None:
    """Print the tables."""
    print(  # noqa: T201
        "| world | block | bootstrap ÷ true error | rule | held | worst contract | "
        f"listed | all {TOP} listed | width of {CONTRACTS} |\n"
        "|---|---|---|---|---|---|---|---|---|"
    )
    for kind in sys.argv[1:] or ("ordinary", "changing", "diverse", "alike"):
        for line in measure(kind):
            print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
