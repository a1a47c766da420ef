"""What no market can produce."""

import numpy as np

from monitor.domain.typing import FloatArray


def bar_problem(
    *,
    open_: FloatArray,
    high: FloatArray,
    low: FloatArray,
    close: FloatArray,
    volume: FloatArray,
    taker_buy_volume: FloatArray,
) -> str | None:
    """Return what makes these bars impossible, None when nothing does.

    Parameters
    ----------
    open_, high, low, close, volume, taker_buy_volume : ndarray of any one shape
        Bars; prices in quote currency, volumes in base currency.
    """
    for name, column in (
        ("open", open_),
        ("high", high),
        ("low", low),
        ("close", close),
    ):
        if not np.all(np.isfinite(column) & (column > 0)):
            return f"{name} must be finite and > 0"
    if np.any(high < np.maximum(open_, close)) or np.any(
        low > np.minimum(open_, close)
    ):
        return "high and low must enclose open and close"
    if not np.all(np.isfinite(volume) & (volume >= 0)):
        return "volume must be finite and ≥ 0"
    if not np.all((taker_buy_volume >= 0) & (taker_buy_volume <= volume)):
        return "taker_buy_volume must be in [0, volume]"
    return None
