"""Time of the factors on one core, beside what others would take, in one run.

``python -m tests.benchmarks.factors`` prints the rows; `factor_bench` returns them.
The measuring process is a child with one BLAS thread, whatever the caller loaded.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median
from time import perf_counter

import numpy as np

from grid_screening.factors import factor_table
from grid_screening.snapshot import MarketSnapshot
from monitor.domain.typing import FloatArray
from tests import naive
from tests.benchmarks.rows import BenchRow
from tests.snapshots import random_panel, snapshot_of

SYMBOLS, BARS = 500, 300
CLASSIC = (
    "natr",
    "efficiency_ratio",
    "normalized_slope",
    "r_squared",
    "hurst_exponent",
    "z_score",
    "cumulative_volume_delta",
    "bearish_cvd_divergence",
)
CLASSIC_BOUND_MS, ALL_BOUND_MS, PANDAS_BOUND = 10.0, 60.0, 100.0
TWIN_SYMBOLS = 10

ONE_THREAD = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorRow:
    """One comparison; medians and the best run, milliseconds."""

    name: str
    ours_ms: float
    ours_best_ms: float
    peer: str | None
    peer_ms: float | None
    ratio: float | None
    """Peer ÷ ours."""
    bound: str | None
    met: bool | None
    """None: no bound."""


def factor_bench() -> list[FactorRow]:
    """Measure in a fresh process with one BLAS thread and return its rows."""
    child = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.factors", "--json"],
        env={**os.environ, **ONE_THREAD},
        check=True,
        capture_output=True,
        text=True,
    )
    return [FactorRow(**row) for row in json.loads(child.stdout)]


def rows() -> list[BenchRow]:
    """Return the comparisons as lines of the benchmark's table."""
    return [
        BenchRow(
            name=r.name,
            ours=f"{r.ours_ms:.2f} ms",
            bound="" if r.bound is None else r.bound,
            reached=r.met,
            peer=""
            if r.peer is None
            else f"{r.peer} {r.peer_ms:,.1f} ms ({r.ratio:,.1f} ×)",
        )
        for r in factor_bench()
    ]


def measured_rows() -> list[FactorRow]:
    """Measure in this process."""
    snapshot = snapshot_of(random_panel(SYMBOLS, BARS))
    classic = times(lambda: factor_table(snapshot, names=CLASSIC), runs=41)
    everything = times(lambda: factor_table(snapshot), runs=21)
    natr = times(lambda: factor_table(snapshot, names=["natr"]), runs=41)
    plain = times(lambda: pandas_classic(snapshot), runs=3)
    talib_only = times(lambda: talib_natr(snapshot), runs=11)
    twins = times(lambda: naive_classic(snapshot, TWIN_SYMBOLS), runs=1)
    scaled = [value * SYMBOLS / TWIN_SYMBOLS for value in twins]
    size = f"{SYMBOLS} × {BARS}"
    return [
        row(
            f"classic set, {size}",
            classic,
            bound=f"≤ {CLASSIC_BOUND_MS:g} ms",
            met=median(classic) <= CLASSIC_BOUND_MS,
        ),
        row(
            f"all factors, {size}",
            everything,
            bound=f"≤ {ALL_BOUND_MS:g} ms",
            met=median(everything) <= ALL_BOUND_MS,
        ),
        row(
            f"classic set, {size}",
            classic,
            peer="pandas, symbol by symbol",
            peer_times=plain,
            bound=f"≥ {PANDAS_BOUND:g} ×",
            met=median(plain) >= PANDAS_BOUND * median(classic),
        ),
        row(
            f"classic set, {size}",
            classic,
            peer=f"loops by definition ({TWIN_SYMBOLS} symbols × "
            f"{SYMBOLS // TWIN_SYMBOLS})",
            peer_times=scaled,
        ),
        row(f"NATR, {size}", natr, peer="TA-Lib NATR", peer_times=talib_only),
        threads_row(),
    ]


def threads_row() -> FactorRow:
    """Compare workers above the size from which they are used."""
    large = snapshot_of(random_panel(1000, 1499))
    return row(
        "all factors, 1000 × 1499, 2 workers",
        times(lambda: factor_table(large, workers=2), runs=9),
        peer="1 worker",
        peer_times=times(lambda: factor_table(large), runs=9),
    )


def times(work: Callable[[], object], *, runs: int) -> list[float]:
    """Return the milliseconds of ``runs`` calls, after one that warms up."""
    if runs > 1:
        work()
    out = []
    for _ in range(runs):
        start = perf_counter()
        work()
        out.append(1000 * (perf_counter() - start))
    return out


def row(
    name: str,
    ours: list[float],
    *,
    peer: str | None = None,
    peer_times: list[float] | None = None,
    bound: str | None = None,
    met: bool | None = None,
) -> FactorRow:
    """Return one comparison of medians."""
    peer_ms = None if peer_times is None else median(peer_times)
    return FactorRow(
        name=name,
        ours_ms=median(ours),
        ours_best_ms=min(ours),
        peer=peer,
        peer_ms=peer_ms,
        ratio=None if peer_ms is None else peer_ms / median(ours),
        bound=bound,
        met=met,
    )


# --- peers -------------------------------------------------------------------


def pandas_classic(snapshot: MarketSnapshot) -> list[dict[str, float]]:
    """Compute the classic set as scripts do: one frame per symbol."""
    import pandas as pd

    rows = []
    for number in range(snapshot.symbol_count):
        frame = pd.DataFrame(
            {
                name: getattr(snapshot, name)[number]
                for name in ("high", "low", "close", "volume", "taker_buy_volume")
            }
        )
        rows.append(pandas_symbol(frame))
    return rows


def pandas_symbol(frame: "pd.DataFrame") -> dict[str, float]:  # noqa: F821 - lazy
    import pandas as pd
    from scipy.stats import linregress

    close = frame["close"]
    before = close.shift()
    ranges = pd.concat(
        [
            frame["high"] - frame["low"],
            (frame["high"] - before).abs(),
            (frame["low"] - before).abs(),
        ],
        axis=1,
    ).max(axis=1)
    average = ranges.iloc[1:].ewm(alpha=1 / 14, adjust=False).mean()
    path = close.diff().abs().rolling(10).sum()
    fit = linregress(np.arange(len(close)), close)
    rolling = close.rolling(20)
    cvd = (2 * frame["taker_buy_volume"] - frame["volume"]).cumsum()
    at_high = close == rolling.max()
    bearish = at_high & (cvd < cvd.rolling(20).max())
    return {
        "natr": (100 * average / close).iloc[-1],
        "efficiency_ratio": ((close - close.shift(10)).abs() / path).iloc[-1],
        "normalized_slope": 10_000 * fit.slope / close.iloc[-1],
        "r_squared": fit.rvalue**2,
        "hurst_exponent": script_hurst(np.log(close).diff().dropna().to_numpy()),
        "z_score": ((close - rolling.mean()) / rolling.std()).iloc[-1],
        "cumulative_volume_delta": cvd.iloc[-1],
        "bearish_cvd_divergence": float(bearish.iloc[-1]),
    }


def script_hurst(returns: FloatArray) -> float:
    from scipy.stats import linregress

    lengths = (10, 20, 30, 50, 100)
    observed = []
    for length in lengths:
        ratios = []
        for start in range(len(returns) % length, len(returns), length):
            block = returns[start : start + length]
            walk = np.cumsum(block - block.mean())
            ratios.append((walk.max() - walk.min()) / block.std())
        observed.append(np.log(np.mean(ratios)))
    expected = [np.log(naive.expected_rescaled_range(length)) for length in lengths]
    x = np.log(lengths)
    return 0.5 + linregress(x, observed).slope - linregress(x, expected).slope


def talib_natr(snapshot: MarketSnapshot) -> list[float]:
    """TA-Lib's NATR, symbol by symbol."""
    import talib

    return [
        talib.NATR(snapshot.high[row], snapshot.low[row], snapshot.close[row], 14)[-1]
        for row in range(snapshot.symbol_count)
    ]


def naive_classic(snapshot: MarketSnapshot, symbol_count: int) -> None:
    """Compute the classic set from `tests.naive`, for the first symbols."""
    for number in range(symbol_count):
        high, low, close, volume, taker = (
            getattr(snapshot, name)[number].tolist()
            for name in ("high", "low", "close", "volume", "taker_buy_volume")
        )
        naive.natr(high, low, close)
        naive.efficiency_ratio(close)
        naive.linear_fit(close)
        naive.hurst_exponent(naive.differences(naive.log_prices(close)))
        naive.z_score(close)
        cvd = naive.cumulative_volume_delta(taker, volume)
        naive.bearish_cvd_divergence(close, cvd)


# --- output ------------------------------------------------------------------


def text(rows: list[FactorRow]) -> str:
    """Return the rows as aligned lines."""
    lines = []
    for r in rows:
        line = f"{r.name:38} {r.ours_ms:8.2f} ms (best {r.ours_best_ms:.2f})"
        if r.peer is not None and r.ratio is not None and r.peer_ms is not None:
            line += f" · {r.peer} {r.peer_ms:.1f} ms · {r.ratio:.1f} ×"
        if r.bound is not None:
            line += f" · {r.bound}: {'met' if r.met else 'MISSED'}"
        lines.append(line)
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the rows; with ``--json`` measure here and print them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    if parser.parse_args().json:
        json.dump([asdict(r) for r in measured_rows()], sys.stdout)
    else:
        sys.stdout.write(text(factor_bench()))


if __name__ == "__main__":
    main()
