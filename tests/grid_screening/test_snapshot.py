"""A snapshot is checked once, here."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.builders import AS_OF_MS, snapshot


def test_a_good_snapshot_is_frozen_and_read_only() -> None:
    market = snapshot()
    assert market.symbol_count == 3
    assert market.bar_count == 60
    with pytest.raises(ValueError, match="read-only"):
        market.close[0, 0] = 1.0


def test_last_bar_close_is_a_millisecond_before_the_next_open() -> None:
    market = snapshot()
    assert market.last_bar_close_ms == AS_OF_MS // 14_400_000 * 14_400_000 - 1
    empty = snapshot(symbols=(), n_bars=0, benchmark_close=None)
    assert empty.last_bar_close_ms is None


def changed(name: str, row: int, value: float) -> dict[str, Any]:
    column = getattr(snapshot(), name).copy()
    column[row] = value
    return {name: column}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            {"close": np.ones((2, 60))},
            r"close must have shape \(3, 60\), was \(2, 60\)",
        ),
        (
            {"volume": np.ones((3, 60), dtype=np.float32)},
            "volume must be float64, was float32",
        ),
        (changed("last_price", 0, np.nan), "last_price must be finite"),
        (changed("close", 1, np.nan), "close must be finite and > 0"),
        (changed("close", 1, 0.0), "close must be finite and > 0"),
        (changed("high", 1, 1e-3), "high and low must enclose open and close"),
        (changed("volume", 1, -1.0), "volume must be finite and ≥ 0"),
        (
            changed("taker_buy_volume", 1, 1e9),
            r"taker_buy_volume must be in \[0, volume",
        ),
        ({"symbols": ("A", "A", "B")}, "symbols must be distinct"),
        ({"instruments": {}}, "instruments must hold every symbol"),
        ({"as_of_ms": AS_OF_MS - 86_400_000}, "every bar must be closed"),
        (
            {"open_time": np.arange(60) * 3_600_000},
            "bars must be 4h apart",
        ),
        ({"benchmark_close": np.zeros(60)}, "benchmark_close must be finite and > 0"),
    ],
)
def test_impossible_snapshot_is_refused(
    overrides: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        replace(snapshot(), **overrides)


def test_taker_flow_that_was_not_recorded_is_allowed() -> None:
    market = replace(snapshot(), **changed("taker_buy_volume", 1, np.nan))
    assert np.isnan(market.taker_buy_volume[1]).all()


@pytest.mark.parametrize("beside", [-1.0, 1e9, np.inf])
def test_impossible_taker_flow_beside_missing_one_is_refused(beside: float) -> None:
    taker = snapshot().taker_buy_volume.copy()
    taker[0], taker[1, 3] = np.nan, beside
    with pytest.raises(ValueError, match=r"taker_buy_volume must be in \[0, volume"):
        replace(snapshot(), taker_buy_volume=taker)


def test_missing_optional_quotes_are_allowed() -> None:
    missing = np.full(3, np.nan)
    market = replace(
        snapshot(), open_interest=missing.copy(), mark_price=missing.copy()
    )
    assert np.isnan(market.open_interest).all()
