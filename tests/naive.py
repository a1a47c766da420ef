"""Definition-level twins of every calculator: one symbol, plain loops.

Written from the definitions, with the standard library alone and nothing of this
project, so that an error in the fast code cannot hide here as well. NaN where the
value is not defined.
"""

from collections.abc import Sequence
from math import exp, inf, isnan, lgamma, log, nan, pi, sqrt

Series = Sequence[float]

RETURN_RESOLUTION = 1e-12
"""Deviations of log returns below this are rounding of the logarithm: no variation."""


def mean(values: Series) -> float:
    total = 0.0
    for value in values:
        total += value
    return total / len(values)


def is_constant(values: Series) -> bool:
    return all(value == values[0] for value in values)


def has_nan(*series: Series) -> bool:
    return any(isnan(value) for values in series for value in values)


def log_prices(close: Series) -> list[float]:
    return [nan if isnan(price) else log(price) for price in close]


def differences(values: Series) -> list[float]:
    return [values[i] - values[i - 1] for i in range(1, len(values))]


# --- rolling -----------------------------------------------------------------


def true_range(high: Series, low: Series, close: Series) -> list[float]:
    out = [nan] * len(close)
    for t in range(1, len(close)):
        parts = (
            high[t] - low[t],
            abs(high[t] - close[t - 1]),
            abs(low[t] - close[t - 1]),
        )
        out[t] = nan if has_nan(parts) else max(parts)
    return out


def wilder_average(values: Series, window: int) -> list[float]:
    out = [nan] * len(values)
    for t in range(window, len(values)):
        if t == window:
            out[t] = mean(values[1 : window + 1])
        else:
            out[t] = ((window - 1) * out[t - 1] + values[t]) / window
    return out


def rolling_mean(values: Series, window: int) -> list[float]:
    out = [nan] * len(values)
    for t in range(window - 1, len(values)):
        out[t] = mean(values[t - window + 1 : t + 1])
    return out


def rolling_std(values: Series, window: int, ddof: int = 1) -> list[float]:
    out = [nan] * len(values)
    for t in range(window - 1, len(values)):
        seen = values[t - window + 1 : t + 1]
        if is_constant(seen):
            out[t] = 0.0
            continue
        centre = mean(seen)
        out[t] = sqrt(sum((v - centre) ** 2 for v in seen) / (window - ddof))
    return out


def rolling_max(values: Series, window: int) -> list[float]:
    out = [nan] * len(values)
    for t in range(window - 1, len(values)):
        seen = values[t - window + 1 : t + 1]
        out[t] = nan if has_nan(seen) else max(seen)
    return out


# --- volatility, efficiency, trend -------------------------------------------


def average_true_range(
    high: Series, low: Series, close: Series, window: int = 14
) -> list[float]:
    return wilder_average(true_range(high, low, close), window)


def natr(high: Series, low: Series, close: Series, window: int = 14) -> list[float]:
    average = average_true_range(high, low, close, window)
    return [100 * average[t] / close[t] for t in range(len(close))]


def efficiency_ratio(close: Series, window: int = 10) -> list[float]:
    out = [nan] * len(close)
    for t in range(window, len(close)):
        path = 0.0
        for i in range(window):
            path += abs(close[t - i] - close[t - i - 1])
        if path != 0:
            out[t] = abs(close[t] - close[t - window]) / path
    return out


def linear_fit(close: Series) -> tuple[float, float]:
    count = len(close)
    if count < 3:
        return nan, nan
    if is_constant(close):
        return 0.0, nan
    x_mean, y_mean = mean(range(count)), mean(close)
    xx = sum((t - x_mean) ** 2 for t in range(count))
    yy = sum((close[t] - y_mean) ** 2 for t in range(count))
    xy = sum((t - x_mean) * (close[t] - y_mean) for t in range(count))
    return 10_000 * xy / xx / close[-1], xy * xy / (xx * yy)


# --- long memory -------------------------------------------------------------


def expected_rescaled_range(n: int) -> float:
    factor = exp(lgamma((n - 1) / 2) - lgamma(n / 2)) / sqrt(pi)
    total = 0.0
    for i in range(1, n):
        total += sqrt((n - i) / i)
    return factor * total


def rescaled_range(block: Series) -> float:
    centre = mean(block)
    deviation = sqrt(sum((r - centre) ** 2 for r in block) / len(block))
    if isnan(deviation) or deviation <= RETURN_RESOLUTION:
        return nan
    walk, lowest, highest = 0.0, 0.0, 0.0
    for r in block:
        walk += r - centre
        lowest, highest = min(lowest, walk), max(highest, walk)
    return (highest - lowest) / deviation


def ols_slope(x: Series, y: Series) -> float:
    x_mean, y_mean = mean(x), mean(y)
    above = sum((a - x_mean) * (b - y_mean) for a, b in zip(x, y, strict=True))
    return above / sum((a - x_mean) ** 2 for a in x)


def hurst_exponent(returns: Series, *, corrected: bool = True) -> float:
    if has_nan(returns):
        return nan
    lengths = (10, 20, 30, 50, 100)
    observed = []
    for n in lengths:
        ratios = []
        for start in range(len(returns) % n, len(returns), n):
            ratio = rescaled_range(returns[start : start + n])
            if not isnan(ratio):
                ratios.append(ratio)
        if not ratios:
            return nan
        observed.append(log(mean(ratios)))
    x = [log(n) for n in lengths]
    if not corrected:
        return ols_slope(x, observed)
    expected = [log(expected_rescaled_range(n)) for n in lengths]
    return 0.5 + ols_slope(x, observed) - ols_slope(x, expected)


# --- reversion ---------------------------------------------------------------


def variance_ratio(x: Series, q: int) -> tuple[float, float]:
    count = len(x) - 1
    if count <= q or has_nan(x):
        return nan, nan
    drift = (x[-1] - x[0]) / count
    squares = [(r - drift) ** 2 for r in differences(x)]
    if sum(squares) <= count * RETURN_RESOLUTION**2:
        return nan, nan
    one = sum(squares) / (count - 1)
    m = q * (count - q + 1) * (1 - q / count)
    many = sum((x[t] - x[t - q] - q * drift) ** 2 for t in range(q, len(x))) / m
    theta = 0.0
    for j in range(1, q):
        paired = sum(squares[t] * squares[t - j] for t in range(j, count))
        theta += (2 * (q - j) / q) ** 2 * paired / sum(squares) ** 2
    ratio = many / one
    return ratio, (ratio - 1) / sqrt(theta) if theta > 0 else nan


def unit_root(x: Series) -> tuple[float, float]:
    if len(x) < 4 or has_nan(x) or is_constant(x):
        return nan, nan
    y, level = differences(x), x[:-1]
    count = len(y)
    centre = mean(level)
    spread = sum((v - centre) ** 2 for v in level)
    noise = count * RETURN_RESOLUTION**2
    if spread <= noise:
        return nan, nan
    b = ols_slope(level, y)
    a = mean(y) - b * centre
    residual = sum((y[t] - a - b * level[t]) ** 2 for t in range(count))
    if residual <= noise:
        return nan, nan
    t_value = b / sqrt(residual / (count - 2) / spread)
    if t_value > -2.87 or not -1 < b < 0:
        return t_value, nan
    return t_value, log(2) / -log(1 + b)


def z_score(close: Series, window: int = 20) -> list[float]:
    centre, spread = rolling_mean(close, window), rolling_std(close, window)
    return [
        (close[t] - centre[t]) / spread[t] if spread[t] > 0 else nan
        for t in range(len(close))
    ]


# --- microstructure ----------------------------------------------------------


def open_interest_ratio(contracts: float, mark: float, turnover: float) -> float:
    return contracts * mark / turnover if turnover > 0 else nan


def funding(rate: float, interval_h: float) -> tuple[float, float, float]:
    if not interval_h > 0:
        return nan, nan, nan
    per_hour = rate / interval_h
    return per_hour * 8, per_hour * 24, per_hour * 24 * 365


def cumulative_volume_delta(taker_buy: Series, volume: Series) -> list[float]:
    out, total = [], 0.0
    for bought, traded in zip(taker_buy, volume, strict=True):
        total += 2 * bought - traded
        out.append(total)
    return out


def bearish_cvd_divergence(close: Series, cvd: Series, window: int = 20) -> float:
    if len(close) < window or has_nan(close[-window:], cvd[-window:]):
        return nan
    at_top = close[-1] == max(close[-window:])
    return 1.0 if at_top and cvd[-1] < max(cvd[-window:]) else 0.0


def midranks(values: Series) -> list[float]:
    ordered = sorted(values)
    out = []
    for value in values:
        places = [i + 1 for i, other in enumerate(ordered) if other == value]
        out.append(mean(places))
    return out


def spearman(x: Series, y: Series) -> float:
    a, b = midranks(x), midranks(y)
    a_mean, b_mean = mean(a), mean(b)
    aa = sum((v - a_mean) ** 2 for v in a)
    bb = sum((v - b_mean) ** 2 for v in b)
    ab = sum((v - a_mean) * (w - b_mean) for v, w in zip(a, b, strict=True))
    return ab / sqrt(aa * bb) if aa > 0 and bb > 0 else nan


def cvd_divergence(
    close: Series, cvd: Series, orders: Sequence[Sequence[int]]
) -> tuple[float, float]:
    if len(close) < 20 or has_nan(close[-20:], cvd[-20:]):
        return nan, nan
    strength = spearman(close[-20:], cvd[-20:])
    if isnan(strength):
        return nan, nan
    # Ranks × 2 are integers, so that equal sums are recognised as equal.
    a = [round(2 * rank) - 21 for rank in midranks(close[-20:])]
    b = [round(2 * rank) - 21 for rank in midranks(cvd[-20:])]
    observed = abs(sum(v * w for v, w in zip(a, b, strict=True)))
    reached = 0
    for order in orders:
        permuted = sum(a[i] * b[order[i]] for i in range(20))
        reached += abs(permuted) >= observed
    return strength, (1 + reached) / (len(orders) + 1)


def cvd_change_ratio(cvd: Series, volume: Series, window: int = 5) -> float:
    if len(cvd) <= window or has_nan(cvd[-1 - window :]):
        return nan
    traded = sum(volume[-window:])
    if not traded > 0:
        return nan
    return min(1.0, max(-1.0, (cvd[-1] - cvd[-1 - window]) / traded))


def cvd_roc_classic(cvd: Series, window: int = 5) -> float:
    if len(cvd) <= window or cvd[-1 - window] == 0:
        return nan
    return (cvd[-1] - cvd[-1 - window]) / abs(cvd[-1 - window])


# --- squeeze risk ------------------------------------------------------------


def distance_to_high(high: Series, close: Series, window: int) -> float:
    if len(close) < window or has_nan(high[-window:]):
        return nan
    return close[-1] / max(high[-window:]) - 1


def quantile(values: Series, share: float) -> float:
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    lower = int(place)
    upper = min(lower + 1, len(ordered) - 1)
    return ordered[lower] + (place - lower) * (ordered[upper] - ordered[lower])


def tail_run_up(
    high: Series, close: Series, horizon: int = 18, share: float = 0.9
) -> float:
    if len(close) <= horizon or has_nan(high[1:], close):
        return nan
    rises = []
    for t in range(len(close) - horizon):
        highest = -inf
        for ahead in range(1, horizon + 1):
            highest = max(highest, high[t + ahead])
        rises.append(highest / close[t] - 1)
    return quantile(rises, share)


def latest_return(close: Series, steps: int) -> float:
    if len(close) <= steps or has_nan([close[-1], close[-1 - steps]]):
        return nan
    return log(close[-1] / close[-1 - steps])


def volume_surge(volume: Series, recent: int, usual: int) -> float:
    if len(volume) < usual or has_nan(volume[-usual:]):
        return nan
    whole = mean(volume[-usual:])
    return mean(volume[-recent:]) / whole if whole > 0 else nan


def beta(returns: Series, benchmark: Series) -> float:
    if len(returns) < 2 or has_nan(returns, benchmark) or is_constant(benchmark):
        return nan
    return ols_slope(benchmark, returns)
