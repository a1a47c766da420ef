"""Time of the volume profiles of a whole market, beside what others would take.

``python -m tests.benchmarks.volume_profile`` prints the rows.
"""

import sys
from collections.abc import Callable
from fractions import Fraction
from statistics import median

import numpy as np

from monitor.domain.typing import FloatArray
from tests import naive_volume_profile as naive
from tests.benchmarks.factors import times
from tests.benchmarks.rows import BenchRow
from tests.snapshots import random_panel
from tests.strategies import Panel
from vp_squeeze.indicators.volume_profile import VolumeProfile, volume_profile

SYMBOLS, BARS, TICK = 540, 300, 0.001
BOUND_MS = 500.0
"""Well under a second."""
LOOP_SYMBOLS, TWIN_SYMBOLS = 20, 2


def rows() -> list[BenchRow]:
    """Measure in this process and return the lines of the benchmark's table."""
    bars = random_panel(SYMBOLS, BARS)
    ours = median(times(lambda: profiles(bars), runs=7))
    single = median(times(lambda: profiles(bars, 1), runs=21))
    loop = scaled(lambda count: loop_profiles(bars, count), LOOP_SYMBOLS)
    plain = scaled(lambda count: pandas_profiles(bars, count), LOOP_SYMBOLS)
    twin = scaled(lambda count: naive_profiles(bars, count), TWIN_SYMBOLS)
    name = f"volume profiles, {SYMBOLS} × {BARS}"
    return [
        BenchRow(
            name=name,
            ours=f"{ours:.0f} ms",
            bound=f"≤ {BOUND_MS:g} ms",
            reached=ours <= BOUND_MS,
            peer=f"one symbol {single:.2f} ms",
        ),
        *(
            BenchRow(
                name=name,
                ours=f"{ours:.0f} ms",
                bound="",
                reached=None,
                peer=f"{peer} {peer_ms:,.0f} ms ({peer_ms / ours:,.1f} ×)",
            )
            for peer, peer_ms in (
                ("NumPy, bar by bar", loop),
                ("pandas cut and group, whole bars at typical prices", plain),
                ("loops by definition, exact fractions", twin),
            )
        ),
    ]


def scaled(work: Callable[[int], object], count: int) -> float:
    """Return the milliseconds that all symbols would take, from the first ``count``."""
    runs = 3 if count > TWIN_SYMBOLS else 1
    return median(times(lambda: work(count), runs=runs)) * SYMBOLS / count


def profiles(bars: Panel, count: int = SYMBOLS) -> VolumeProfile:
    """Profiles of the first symbols at once."""
    columns = (bars.high, bars.low, bars.close, bars.volume)
    return volume_profile(*(column[:count] for column in columns), tick_size=TICK)


def loop_profiles(bars: Panel, count: int) -> list[FloatArray]:
    """Walk over the bars, with one vector operation over all buckets for each."""
    out = []
    for row in range(count):
        bottom, top = bars.low[row].min(), bars.high[row].max()
        width = np.ceil(0.001 * bars.close[row, -1] / TICK) * TICK
        lower = bottom + width * np.arange(int(np.ceil((top - bottom) / width)))
        volume = np.zeros(lower.size)
        for high, low, traded in zip(
            bars.high[row], bars.low[row], bars.volume[row], strict=True
        ):
            overlap = np.minimum(high, lower + width) - np.maximum(low, lower)
            volume += traded * np.clip(overlap, 0, None) / (high - low)
        out.append(volume)
    return out


def pandas_profiles(bars: Panel, count: int) -> list[FloatArray]:
    """Put each bar wholly at its typical price, as scripts do."""
    import pandas as pd

    out = []
    for row in range(count):
        frame = pd.DataFrame(
            {
                name: getattr(bars, name)[row]
                for name in ("high", "low", "close", "volume")
            }
        )
        price = (frame["high"] + frame["low"] + frame["close"]) / 3
        width = 0.001 * frame["close"].iloc[-1]
        edges = np.arange(frame["low"].min(), frame["high"].max() + width, width)
        buckets = pd.cut(price, edges, labels=False, include_lowest=True)
        out.append(frame["volume"].groupby(buckets).sum().to_numpy())
    return out


def naive_profiles(bars: Panel, count: int) -> list[naive.NaiveProfile]:
    """Profiles from `tests.naive_volume_profile`."""
    tick = Fraction(1, 1000)
    return [
        naive.profile(
            *(
                column[row].tolist()
                for column in (bars.high, bars.low, bars.close, bars.volume)
            ),
            tick=tick,
        )
        for row in range(count)
    ]


def main() -> None:
    """Print the rows."""
    for r in rows():
        sys.stdout.write(f"{r.name} · {r.ours} · {r.bound} · {r.peer}\n")


if __name__ == "__main__":
    main()
