"""Made-up results of a study: told, not told, and hardly any."""

from dataclasses import replace
from math import nan

import numpy as np

from grid_screening.validation.calibration import ReliabilityBin
from grid_screening.validation.histograms import outcome_histogram
from grid_screening.validation.mean_estimates import minimum_detectable_effect
from grid_screening.validation.results import (
    CoefficientRow,
    DecileRow,
    Estimate,
    GateResult,
    Kind,
    LookAheadCheck,
    MonthRow,
    OutcomeSummary,
    PlaceboRow,
    ProfitFamily,
    ProfitRow,
    RankRow,
    SensitivityRow,
    StopOutRow,
    StudyResult,
    Timing,
    TopRow,
    TriedRow,
    WideningRow,
)
from grid_screening.validation.study_data import DataSummary, UniverseRow

DAY = 86_400_000
BEGIN = 1_734_307_200_000  # 2024-12-16
FACTORS = (
    "natr", "efficiency_ratio", "efficiency_ratio_50", "hurst_exponent",
    "variance_ratio", "unit_root", "normalized_slope", "z_score", "return_7d",
    "distance_to_30d_high", "volume_surge", "x", "squeeze_risk", "beta", "age_days",
)  # fmt: skip
FEATURES = (
    "log_width",
    "return_7d",
    "log_volume_surge",
    "distance_to_30d_high",
    "log_natr",
)


def estimate(mean: float, error: float = 0.002, count: int = 190) -> Estimate:
    """An estimate with a symmetric interval."""
    return Estimate(
        mean=mean,
        standard_error=error,
        t=mean / error,
        low=mean - 1.96 * error,
        high=mean + 1.96 * error,
        count=count,
    )


UNKNOWN = Estimate(mean=nan, standard_error=nan, t=nan, low=nan, high=nan, count=0)


def stop_out(days: int, difference: Estimate) -> StopOutRow:
    """A model that is right on average."""
    base = {3: 0.08, 7: 0.17, 14: 0.26}[days]
    told = np.linspace(0.3, 2.4, 10) * base
    wobble = np.array([1.1, 0.9, 1.0, 1.05, 0.95, 1.0, 1.1, 0.95, 1.0, 0.9])
    return StopOutRow(
        horizon_days=days,
        count=21_340,
        base_rate=base,
        brier=0.1400 + difference.mean,
        base_brier=0.1400,
        difference=difference,
        auc=0.68,
        told=difference.high < 0,
        reliability=tuple(
            ReliabilityBin(
                predicted=p, observed=p * w, low=p * w * 0.8, high=p * w * 1.25,
                count=2134,
            )
            for p, w in zip(told.tolist(), wobble.tolist(), strict=True)
        ),
        months=tuple(
            MonthRow(
                month=f"2025-0{month}", count=4200, predicted=base * shift,
                stopped=base / shift, brier=0.13, base_brier=0.14,
            )
            for month, shift in zip(range(2, 7), (0.8, 1.1, 1.0, 0.9, 1.2), strict=True)
        ),
        coefficients=tuple(
            CoefficientRow(feature=name, value=value, standard_error=0.06)
            for name, value in zip(
                ("intercept", *FEATURES),
                (-1.6, -0.55, 0.21, 0.18, 0.12, -0.05),
                strict=True,
            )
        ),
    )  # fmt: skip


def outcome(days: float) -> OutcomeSummary:
    """Mostly small gains, some large losses."""
    rng = np.random.default_rng(3)
    pnl = np.where(rng.random(30_000) < 0.17, -0.13, 0.035)
    pnl += rng.normal(0, 0.025, 30_000)
    return OutcomeSummary(
        horizon_days=days,
        grid_count=31_255,
        median=0.031,
        standard_deviation=0.075,
        pnl=estimate(0.0095, 0.006),
        won=estimate(0.67, 0.02),
        stopped=estimate(0.17, 0.015),
        take_profit=estimate(0.05, 0.01),
        liquidated=estimate(0.0, 0.0001),
        static_short=estimate(0.0126, 0.007),
        grid_less_static=estimate(-0.0031, 0.0013),
        fees=estimate(0.0021, 0.0001),
        funding=estimate(-0.0002, 0.0001),
        worst=(-0.195, -0.148, -0.041),
        histogram=outcome_histogram(pnl, low=-0.2, high=0.15, bins=35),
    )


def rank(name: str, kind: Kind, pnl: float, shuffled: float, safe: float) -> RankRow:
    """One score's correlations."""
    return RankRow(
        name=name,
        kind=kind,
        outcomes={
            "pnl": estimate(pnl, 0.02),
            "shuffled": estimate(shuffled, 0.012),
            "pnl_less_shuffled": estimate(pnl - shuffled, 0.015),
            "r": estimate(0.02, 0.02),
            "won": estimate(0.01, 0.02),
            "not_stopped": estimate(safe, 0.02),
        },
    )


def top(name: str, kind: Kind, pnl: float, stopped: float) -> TopRow:
    """One list."""
    return TopRow(
        name=name,
        kind=kind,
        top=20,
        pnl=estimate(pnl, 0.002),
        minimum_detectable=minimum_detectable_effect(0.002),
        stopped=estimate(stopped, 0.012),
        won=estimate(0.004, 0.012),
    )


def profit(best: float) -> ProfitFamily:
    """Five candidates, the last with excess ``best``."""
    means = {
        "classic": -0.001,
        "guarded": 0.0012,
        "lowest stop-out probability": 0.0023,
        "x": 0.0017,
        "classic · (1 − stop-out probability)": best,
    }
    return ProfitFamily(
        placebo_count=1000,
        rows=tuple(
            ProfitRow(
                name=name,
                pnl=estimate(mean, 0.0021),
                minimum_detectable=minimum_detectable_effect(0.0021, critical=2.93),
                critical_value=2.93,
                ships=mean / 0.0021 > 2.93,
            )
            for name, mean in means.items()
        ),
    )


def widened(x: float, stopped: Estimate, pnl: Estimate) -> WideningRow:
    """One position of the upper bound."""
    return WideningRow(
        x=x,
        grid_count=31_000,
        stopped=estimate(0.17 + stopped.mean, 0.014),
        stopped_difference=stopped,
        pnl=estimate(0.012 + pnl.mean, 0.007),
        pnl_difference=pnl,
        quantity_ratio=1.9 / x,
    )


def sensitivity(name: str) -> SensitivityRow:
    """One changed assumption."""
    return SensitivityRow(
        name=name,
        grid_count=31_255,
        pnl=estimate(0.008, 0.006),
        won=estimate(0.66, 0.02),
        stopped=estimate(0.17, 0.014),
        liquidated=estimate(0.021, 0.004),
        grid_less_static=estimate(-0.0023, 0.001),
        classic_excess=estimate(-0.001, 0.002),
        guarded_stopped=estimate(-0.065, 0.011),
        ranking_x=estimate(0.15, 0.02),
    )


def study() -> StudyResult:
    """Stop-outs told, profit not."""
    profiles = (("classic", 0.11, 0.10, -0.01), ("guarded", 0.06, 0.05, 0.12))
    factors = [
        rank(name, Kind.FACTOR, 0.2 - 0.02 * n, 0.17 - 0.018 * n, -0.1 + 0.02 * n)
        for n, name in enumerate(FACTORS)
    ]
    return StudyResult(
        version="1.0.0",
        data=DataSummary(
            label="recorded history",
            fingerprint="9f2c" * 16,
            start_ms=BEGIN - 54 * DAY,
            end_ms=BEGIN + 196 * DAY,
            interval="1h",
            contract_count=428,
            ended_count=3,
            bar_count=2_381_004,
            funding_contract_count=32,
            funding_share=0.083,
            finer="15m bars of 110 contracts from 2025-04-01",
            problems=("5 bars contradict themselves",),
        ),
        settings={"top": 20, "horizon_days": 7, "min_volume": 10_000_000.0,
                  "weights": [0.2, 0.2, 0.3, 0.3], "folder": None},
        protocol={"outcome": "PnL per notional at most", "deviations": "none"},
        universe=tuple(
            UniverseRow(
                as_of_ms=BEGIN + day * DAY,
                excluded={"turnover": 240 - day // 8, "short history": 20, "natr": 4},
                scored=164 + day // 8,
                planned=160 + day // 8,
            )
            for day in range(190)
        ),
        outcome=(outcome(7.0), outcome(3.0), outcome(14.0)),
        rank=(
            *(rank(n, Kind.PROFILE, *values) for n, *values in profiles),
            *factors,
            rank("random", Kind.BASELINE, 0.01, 0.0, 0.01),
        ),
        deciles=tuple(
            DecileRow(
                name=name,
                pnl=tuple(x / 1e4 for x in (-43, -21, -10, -5, -1, 7, 22, 15, 31, 6)),
                stopped=tuple(x / 100 for x in (3, 2, 1, 0, 0, 0, -1, -1, -2, -2)),
                pnl_error=(0.0015,) * 10,
            )
            for name in ("classic", "guarded", "natr", "x", "beta")
        ),
        top=(
            top("classic", Kind.PROFILE, -0.001, 0.04),
            top("guarded", Kind.PROFILE, 0.0012, -0.05),
            top("random", Kind.BASELINE, 0.0005, -0.01),
            top("quote_volume_24h", Kind.BASELINE, -0.0004, 0.01),
            top("natr", Kind.BASELINE, -0.0031, 0.05),
        ),
        stop_out=tuple(
            stop_out(days, estimate(gain, 0.0021))
            for days, gain in ((7, -0.0092), (3, -0.0051), (14, -0.011))
        ),
        gate=GateResult(
            top=20,
            classic_stopped=estimate(0.20, 0.015),
            guarded_stopped=estimate(0.13, 0.012),
            difference=estimate(-0.07, 0.011),
            pnl_difference=estimate(0.0022, 0.0016),
            admitted=0.41,
            fewer_stop_outs=True,
            short_lists=0.12,
        ),
        widening=tuple(
            widened(x, estimate(s, 0.008), estimate(p, 0.0017))
            for x, s, p in (
                (1.0, 0.13, -0.009), (1.5, 0.04, -0.003), (2.0, -0.02, 0.0006),
                (2.5, -0.06, 0.0009), (3.0, -0.09, 0.0004), (4.0, -0.12, -0.0011),
            )
        ),
        profit=profit(0.0031),
        placebo=(
            PlaceboRow(statistic="rank-IC pnl", nominal=0.05, rejected=0.21,
                       critical_value=3.06),
            PlaceboRow(statistic="top-20 pnl", nominal=0.05, rejected=0.12,
                       critical_value=2.5),
        ),
        tried=tuple(
            TriedRow(
                name=name, kind=Kind.FACTOR, statistic=statistic, mean=0.1, t=t,
                p_value=p, discovered=p < 0.01,
            )
            for n, name in enumerate(FACTORS)
            for statistic, t, p in (
                ("rank-IC not_stopped", 6.0 - n, 0.001 + n * 0.004),
                ("top-20 pnl", 1.0, 0.4),
            )
        ),
        sensitivity=tuple(
            sensitivity(name)
            for name in ("as declared", "spacing 0.25 × ATR_hourly", "no stop",
                         "no fees", "50 M universe", "flat start")
        ),
        look_ahead=LookAheadCheck(
            origins_ms=(BEGIN, BEGIN + 90 * DAY), contracts=330, changed=0
        ),
        timing=Timing(
            seconds=840.2, symbol_scans=31_900, seconds_per_symbol_scan=0.026,
            by_part={"scans": 320.0, "simulation": 410.0},
        ),
    )  # fmt: skip


def opposite() -> StudyResult:
    """Profit told; stop-outs, gate and width not, or the wrong way round."""
    whole = study()
    return replace(
        whole,
        stop_out=(
            stop_out(7, estimate(-0.002, 0.0021)),
            stop_out(3, estimate(0.009, 0.0021)),
        ),
        gate=replace(
            whole.gate,
            guarded_stopped=estimate(0.196, 0.012),
            difference=estimate(-0.004, 0.011),
            pnl_difference=estimate(-0.0062, 0.0016),
            fewer_stop_outs=False,
        ),
        widening=tuple(
            widened(x, estimate(0.001, 0.008), estimate(0.0003, 0.0017))
            for x in (1.0, 2.0, 3.0)
        ),
        profit=profit(0.0094),
        rank=(rank("classic", Kind.PROFILE, 0.25, 0.05, 0.0),),
        outcome=(replace(outcome(7.0), grid_less_static=estimate(0.004, 0.0013)),),
        tried=tuple(replace(row, discovered=False) for row in whole.tried),
        look_ahead=replace(whole.look_ahead, changed=3),
    )


def empty() -> StudyResult:
    """A study without any origin, score or list."""
    return replace(
        bare(),
        universe=(),
        rank=(),
        top=(),
        stop_out=(),
        widening=(),
        profit=ProfitFamily(placebo_count=0, rows=()),
        settings={},
        protocol={},
    )


def bare() -> StudyResult:
    """A study of too few origins: hardly anything is known."""
    whole = study()
    main = replace(
        outcome(7.0), grid_count=3, pnl=UNKNOWN, won=UNKNOWN, stopped=UNKNOWN,
        take_profit=UNKNOWN, liquidated=UNKNOWN, static_short=UNKNOWN, fees=UNKNOWN,
        grid_less_static=UNKNOWN, funding=UNKNOWN, worst=(nan, nan, nan),
        median=nan, standard_deviation=nan, histogram=None,
    )  # fmt: skip
    return replace(
        whole,
        universe=whole.universe[:1],
        outcome=(main,),
        rank=(
            RankRow(
                name="classic",
                kind=Kind.PROFILE,
                outcomes=dict.fromkeys(whole.rank[0].outcomes, UNKNOWN),
            ),
        ),
        deciles=(),
        top=(replace(whole.top[0], pnl=UNKNOWN, stopped=UNKNOWN, won=UNKNOWN),),
        stop_out=(
            replace(
                whole.stop_out[0], count=0, base_rate=nan, brier=nan, base_brier=nan,
                difference=UNKNOWN, auc=nan, told=False, reliability=(), months=(),
                coefficients=(),
            ),
        ),
        gate=GateResult(
            top=20, classic_stopped=UNKNOWN, guarded_stopped=UNKNOWN,
            difference=UNKNOWN, pnl_difference=UNKNOWN, admitted=nan,
            fewer_stop_outs=False,
        ),
        widening=(widened(2.0, UNKNOWN, UNKNOWN),),
        profit=ProfitFamily(
            placebo_count=0,
            rows=(
                ProfitRow(
                    name="classic", pnl=UNKNOWN, minimum_detectable=nan,
                    critical_value=nan, ships=False,
                ),
            ),
        ),
        placebo=(),
        tried=(),
        sensitivity=(),
        look_ahead=LookAheadCheck(origins_ms=(), contracts=0, changed=0),
    )  # fmt: skip
