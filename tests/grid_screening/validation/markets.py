"""Markets whose truth is known, and a study of them, small enough for a test."""

from dataclasses import replace
from functools import lru_cache
from itertools import count
from typing import Any

import numpy as np

from grid_screening.backtest.point_in_time import HistoricalMarket
from grid_screening.profile import load_profile
from grid_screening.validation.origin_choice import CLASSIC, GUARDED, StudyMarket
from grid_screening.validation.outcomes import origin_outcomes
from grid_screening.validation.results import StudyResult
from grid_screening.validation.study import Source, Study, study
from grid_screening.validation.study_settings import StudySettings
from monitor.domain.history import HistoryPanel
from monitor.domain.market import DAY_MS
from tests.histories import day_ms, funding_every_8h, hourly_history

CONTRACTS, DAYS, FIRST_DAY, LAST_DAY = 48, 135, 51, 120
REGIME_DAYS = 14
DRIFT = 0.0018
"""Of the log price per hour, up or down, for a regime: 4.3 % a day."""


def trending_history(drift: float = DRIFT, *, seed: int = 3) -> HistoryPanel:
    """Each contract trends up, down or not for 14 days, then draws again.

    Beginnings are staggered, so that at any time some contracts have long trended: a
    short grid is stopped where the price has risen, and the rise goes on.
    """
    rng = np.random.default_rng(seed)
    hours = DAYS * 24
    regime = (np.arange(hours) + 24 * rng.integers(0, REGIME_DAYS, (CONTRACTS, 1))) // (
        24 * REGIME_DAYS
    )
    signs = rng.choice([-1.0, 0.0, 1.0], (CONTRACTS, int(regime.max()) + 1))
    path = drift * np.take_along_axis(signs, regime, axis=1)
    panel = hourly_history(CONTRACTS, DAYS, seed=seed)
    scale = np.exp(np.cumsum(path, axis=-1))
    before = np.concatenate([np.ones((CONTRACTS, 1)), scale[:, :-1]], axis=-1)
    open_, close = panel.open * before, panel.close * scale
    return hourly_history(
        CONTRACTS,
        DAYS,
        seed=seed,
        open=open_,
        high=np.maximum(np.maximum(open_, close), panel.high * before),
        low=np.minimum(np.minimum(open_, close), panel.low * before),
        close=close,
        volume=panel.volume / scale,
    )


def small_settings(**overrides: Any) -> StudySettings:
    """Daily scans of 70 days, lists of 8."""
    values: dict[str, Any] = {
        "start_ms": day_ms(FIRST_DAY),
        "end_ms": day_ms(LAST_DAY),
        "universe_volume": 1e6,
        "narrow_volume": 1.1e7,
        "top": 8,
        "first_month": "2025-01",
        "placebo_count": 300,
        "bootstrap_draws": 400,
        "sensitivity": False,
    }
    return StudySettings(**(values | overrides))


def study_market(panel: HistoryPanel, settings: StudySettings) -> StudyMarket:
    funding = {"S01USDT": funding_every_8h(DAYS)}
    return StudyMarket(
        HistoricalMarket(panel, funding),
        settings,
        load_profile(CLASSIC),
        load_profile(GUARDED),
    )


def studied(of: StudyMarket) -> Study:
    ticks = count()
    return study(
        of,
        [origin_outcomes(of, origin) for origin in of.study.origins],
        Source(label="made up", fingerprint="0" * 64, problems=(), finer=""),
        clock=lambda: float(next(ticks)),
        scan_seconds=1.0,
    )


@lru_cache(maxsize=1)
def trending_study() -> Study:
    return studied(study_market(trending_history(), small_settings()))


@lru_cache(maxsize=1)
def random_study() -> Study:
    return studied(study_market(trending_history(drift=0.0), small_settings()))


def without_timing(result: StudyResult) -> StudyResult:
    return replace(result, timing=replace(result.timing, seconds=0.0, by_part={}))


def weeks(number: float) -> int:
    return round(number * 7 * DAY_MS)
