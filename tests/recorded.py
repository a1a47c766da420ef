"""Where recorded market data lies, on machines that have it."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
RECORDED = (ROOT / os.environ.get("RECORDED_MARKET_DIR", "../shared/data")).resolve()
MARKET = RECORDED / "market_2026-03-05"

needs_recorded_market = pytest.mark.skipif(
    not MARKET.is_dir(), reason=f"recorded market not here: {MARKET}"
)

HISTORY = RECORDED / "history"
needs_recorded_history = pytest.mark.skipif(
    not HISTORY.is_dir(), reason=f"recorded history not here: {HISTORY}"
)
