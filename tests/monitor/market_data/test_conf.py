"""Settings of the bars kept on disk."""

from typing import Any

import pytest

from monitor.market_data.conf import KlineStoreConfig


def test_settings_override_the_defaults() -> None:
    found = KlineStoreConfig.of_settings({"kline_cache_mb": 2.5, "base_url": "x"})
    assert found == KlineStoreConfig(max_mb=2.5)
    assert found.max_bytes == 2_500_000
    assert KlineStoreConfig.of_settings({}).max_bytes == 256_000_000


@pytest.mark.parametrize(
    ("configured", "message"),
    [
        ({"kline_cache_mb": 0.5}, "kline_cache_mb must be a number ≥ 1, was 0.5"),
        ({"kline_cache_mb": "9"}, "kline_cache_mb must be a number ≥ 1, was '9'"),
        ({"kline_cache_mb": True}, "kline_cache_mb must be a number ≥ 1, was True"),
        ({"kline_cache_mb": float("inf")}, "must be a number ≥ 1, was inf"),
        ({"kline_cache_mb": float("nan")}, "must be a number ≥ 1, was nan"),
        ({"kline_cache_bars": 0}, "kline_cache_bars must be a whole number ≥ 1, was 0"),
        ({"kline_cache_bars": 1.5}, "must be a whole number ≥ 1, was 1.5"),
    ],
)
def test_illegal_values_are_named(configured: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        KlineStoreConfig.of_settings(configured)
