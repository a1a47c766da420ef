"""Slow twins of the rank intervals: one contract, one bar, one pair at a time."""

from collections.abc import Sequence
from math import ceil, inf, isnan, nan, sqrt

import numpy as np

from grid_screening.snapshot import MarketSnapshot
from tests.builders import snapshot as market

Row = Sequence[float]


def naive_market(snapshot: MarketSnapshot, drawn: Sequence[int]) -> MarketSnapshot:
    """Join the drawn bars, each as ratios to the close before it, to new paths."""
    names = ("open", "high", "low", "close", "volume", "taker_buy_volume")
    columns: dict[str, list[list[float]]] = {name: [] for name in names}
    for row in range(snapshot.symbol_count):
        before = 1.0
        path: dict[str, list[float]] = {name: [] for name in names}
        for bar in drawn:
            known = float(snapshot.close[row, bar - 1])
            for name in ("high", "low", "close"):
                ratio = float(getattr(snapshot, name)[row, bar]) / known
                path[name].append(before * ratio)
            path["open"].append(path["close"][-1])
            path["volume"].append(float(snapshot.volume[row, bar]))
            path["taker_buy_volume"].append(float(snapshot.taker_buy_volume[row, bar]))
            before = path["close"][-1]
        scale = float(snapshot.close[row, -1]) / before
        for name in names:
            factor = 1.0 if "volume" in name else scale
            columns[name].append([value * factor for value in path[name]])
    arrays = {name: np.array(rows) for name, rows in columns.items()}
    return market(
        symbols=snapshot.symbols,
        n_bars=snapshot.bar_count,
        instruments=snapshot.instruments,
        open_time=snapshot.open_time.copy(),
        as_of_ms=snapshot.as_of_ms,
        quote_volume=arrays["volume"].copy(),
        last_price=snapshot.last_price.copy(),
        quote_volume_24h=snapshot.quote_volume_24h.copy(),
        mark_price=snapshot.mark_price.copy(),
        open_interest=snapshot.open_interest.copy(),
        funding_rate=snapshot.funding_rate.copy(),
        funding_interval_h=snapshot.funding_interval_h.copy(),
        benchmark_close=None,
        **arrays,
    )


def naive_intervals(
    gss: Row, rank: Sequence[int], draws: Sequence[Row], level: float
) -> list[tuple[int, int]]:
    """Count, for each contract, who is surely better and who is surely worse."""
    count = len(gss)
    means = []
    for i in range(count):
        known = [draw[i] for draw in draws if not isnan(draw[i])]
        means.append(sum(known) / len(known) if known else nan)
    errors = [[_error(draws, means, i, j) for j in range(count)] for i in range(count)]
    found = []
    for i in range(count):
        largest = []
        for draw in draws:
            ratios = [0.0]
            for j in range(count):
                error = errors[i][j]
                gap = abs((draw[i] - means[i]) - (draw[j] - means[j]))
                if error and not isnan(gap):
                    ratios.append(gap / error)
            largest.append(inf if isnan(draw[i]) else max(ratios))
        critical = sorted(largest)[ceil((len(draws) + 1) * level - 1e-9) - 1]
        best, worst = 1, count
        for j in range(count):
            error = errors[i][j]
            if error is None:
                continue
            gap = abs(gss[i] - gss[j])
            sure = critical < inf if error == 0 else gap / error > critical
            best += sure and rank[j] < rank[i]
            worst -= sure and rank[j] > rank[i]
        found.append((best, worst))
    return found


def _error(
    draws: Sequence[Row], means: Sequence[float], i: int, j: int
) -> float | None:
    squares = []
    for draw in draws:
        gap = (draw[i] - means[i]) - (draw[j] - means[j])
        if not isnan(gap):
            squares.append(gap * gap)
    if len(squares) < 2:
        return None
    error = sqrt(sum(squares) / (len(squares) - 1))
    return 0.0 if error < 1e-9 else error
