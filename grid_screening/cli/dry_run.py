"""What a scan would cost, without asking the exchange anything. Pure."""

from dataclasses import dataclass
from math import ceil
from typing import Any

from grid_screening.calculators.volatility import ATR_BARS
from grid_screening.cli.scan_counts import ScanCounts, filter_values
from grid_screening.conf import ScreenerSettings
from grid_screening.gate import CANDIDATES_PER_PLACE
from grid_screening.profile import load_profile
from grid_screening.reports.wording import duration, utc
from grid_screening.services.plan_service import DEEP_BARS
from monitor.api_clients import endpoints
from monitor.conf import GatewayConfig
from monitor.exceptions import local_time
from monitor.ratelimit.gauge import BudgetGauge

FORMATS = ("table", "json")
"""Forms of an estimate."""

WORST_CASE_SYMBOLS = 700
"""More contracts than the exchange has ever listed."""
LATENCIES_S = (0.05, 0.30)
"""Round trips from a nearby data centre, and from a home on another continent."""
CANARY_WEIGHT = 1
PLAN_REQUESTS = 2
"""Daily and hourly bars of a listed symbol."""

MARKET = (
    endpoints.SERVER_TIME,
    endpoints.EXCHANGE_INFO,
    endpoints.TICKERS_24H,
    endpoints.MARK_PRICES,
    endpoints.FUNDING_INTERVALS,
    endpoints.BOOK_TICKERS,
)
"""Asked once per scan."""

_MINUTE_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Cost of a scan as ranges ``(lowest, highest)``."""

    basis: str
    """Where the counts come from."""
    candidates: tuple[int, int]
    requests: tuple[int, int]
    weight: tuple[int, int]
    weight_per_minute: int
    """Budget in one clock minute."""
    used_this_minute: int
    """Of it, by all programs of this address."""
    blocked_until_ms: int | None
    """Exchange clock; None: nothing is blocked."""
    has_bars: bool
    """Whether bars are on disk: the lowest figures then fetch none."""
    seconds: tuple[float, float]
    workers: int


def estimate(
    settings: ScreenerSettings,
    counts: ScanCounts | None,
    *,
    now_ms: int,
    budget: BudgetGauge | None = None,
    has_bars: bool = False,
) -> Estimate:
    """Return what a scan with ``settings`` costs.

    Parameters
    ----------
    settings : ScreenerSettings
        Of the scan.
    counts : ScanCounts or None
        Of the last scan; None: the worst case is assumed.
    now_ms : int
        ms UTC, for the age of ``counts``.
    budget : BudgetGauge, optional
        What the request ledger says; None: nothing is known of the address.
    has_bars : bool
        Whether bars of this exchange are on disk.

    Returns
    -------
    Estimate
        With counts of the same filters the lowest and highest number of candidates
        are equal; with counts of other filters they span none to the universe.
    """
    lowest, highest, basis = _candidates(settings, counts, now_ms)
    if settings.symbols is not None:
        highest = min(highest, len(settings.symbols))
        lowest = min(lowest, highest)
    share, used, blocked_s = _budget(budget)
    loads = [
        _load(settings, lowest, without_bars=has_bars),
        _load(settings, highest, without_bars=False),
    ]
    waits = (
        max(_least_wait(used + loads[0].weight, share), blocked_s),
        _most_wait(used + loads[1].weight, share) + blocked_s,
    )
    return Estimate(
        basis=basis,
        candidates=(lowest, highest),
        requests=(loads[0].requests, loads[1].requests),
        weight=(loads[0].weight, loads[1].weight),
        weight_per_minute=share,
        used_this_minute=used,
        blocked_until_ms=budget.block.until_ms if budget and budget.block else None,
        has_bars=has_bars,
        seconds=(
            round(max(loads[0].rounds * LATENCIES_S[0], waits[0]), 1),
            round(loads[1].rounds * LATENCIES_S[1] + waits[1], 1),
        ),
        workers=settings.io_workers,
    )


def estimate_text(found: Estimate, address: str) -> str:
    """Return the estimate for people."""
    low, high = (f"{latency * 1000:.0f}" for latency in LATENCIES_S)
    assumed = f"latency {low}–{high} ms, {found.workers} workers"
    used = f", {found.used_this_minute} of it used" if found.used_this_minute else ""
    budget = f"budget {found.weight_per_minute} a clock minute{used}"
    bars = " (least: all bars are on disk)" if found.has_bars else ""
    rows = [
        ("exchange", address),
        ("counts", found.basis),
        ("requests", f"{_span(found.requests)}{bars}"),
        ("weight", f"{_span(found.weight)} ({budget})"),
        ("seconds", f"{_span(found.seconds)} ({assumed})"),
    ]
    if found.blocked_until_ms is not None:
        until = local_time(found.blocked_until_ms)
        rows.append(("blocked", f"nothing is sent before {until}"))
    lines = [f"{name:<9} {text}" for name, text in rows]
    return "\n".join(["dry run: nothing is sent", *lines]) + "\n"


def estimate_document(found: Estimate, address: str) -> dict[str, Any]:
    """Return the estimate as plain values; ranges are ``[lowest, highest]``."""
    return {
        "dry_run": True,
        "exchange": address,
        "counts": found.basis,
        "candidates": list(found.candidates),
        "requests": list(found.requests),
        "weight": list(found.weight),
        "weight_per_minute": found.weight_per_minute,
        "used_this_minute": found.used_this_minute,
        "blocked_until_ms": found.blocked_until_ms,
        "has_bars": found.has_bars,
        "seconds": list(found.seconds),
        "workers": found.workers,
    }


def _candidates(
    settings: ScreenerSettings, counts: ScanCounts | None, now_ms: int
) -> tuple[int, int, str]:
    if counts is None:
        worst = WORST_CASE_SYMBOLS
        return worst, worst, f"worst case, {worst} symbols (no stored scan)"
    age = duration((now_ms - counts.stored_at_ms) / 1000)
    when = f"scan of {utc(counts.stored_at_ms)}, {age} ago"
    if dict(counts.filters) == filter_values(settings.by_flag()):
        found = f"{counts.candidates} of {counts.universe} symbols passed the filters"
        return counts.candidates, counts.candidates, f"{found}, {when}"
    found = f"{counts.universe} symbols, other filters than now"
    return 0, counts.universe, f"{found}, {when}"


def _measured(settings: ScreenerSettings, candidates: int) -> int:
    # contracts whose plan is made: a gate looks at more than are listed
    gate = load_profile(settings.profile).gate
    places = CANDIDATES_PER_PLACE if gate is not None else 1
    return candidates if settings.top == 0 else min(places * settings.top, candidates)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Load:
    requests: int
    weight: int
    rounds: int
    """Answers that must be waited for one after the other."""


def _budget(budget: BudgetGauge | None) -> tuple[int, int, float]:
    # (weight a minute, used of it, seconds of a block)
    if budget is None:
        gateway = GatewayConfig()
        return int(gateway.weight_per_minute * gateway.safety_share), 0, 0.0
    block = budget.block
    blocked_s = 0.0 if block is None else (block.until_ms - budget.now_ms) / 1000
    return budget.share, budget.used, blocked_s


def _load(settings: ScreenerSettings, candidates: int, *, without_bars: bool) -> _Load:
    # the benchmark's bars are fetched beside the candidates'
    bars = endpoints.klines_weight(settings.bars + 1)
    with_bars = candidates + 1 if candidates else 0
    plans = PLAN_REQUESTS * _measured(settings, candidates)
    deep = _measured(settings, candidates) if settings.deep else 0
    if without_bars:  # one request still asks whether they are this market's
        bars, with_bars, plans, deep = CANARY_WEIGHT, min(with_bars, 1), 0, 0
    workers = settings.io_workers
    return _Load(
        requests=len(MARKET) + with_bars + candidates + plans + deep,
        weight=sum(endpoint.weight for endpoint in MARKET)
        + with_bars * bars
        + candidates * endpoints.OPEN_INTEREST.weight
        + plans * endpoints.klines_weight(ATR_BARS)
        + deep * endpoints.klines_weight(DEEP_BARS),
        rounds=2
        + ceil((with_bars + candidates) / workers)
        + ceil((plans + deep) / workers),
    )


def _minute_ends(weight: int, budget: int) -> int:
    return max(ceil(weight / budget) - 1, 0)


def _least_wait(weight: int, budget: int) -> float:
    # begun at the very end of a minute
    return max(_minute_ends(weight, budget) - 1, 0) * _MINUTE_S


def _most_wait(weight: int, budget: int) -> float:
    return _minute_ends(weight, budget) * _MINUTE_S


def _span(values: tuple[float, float]) -> str:
    low, high = (f"{value:g}" for value in values)
    return low if low == high else f"{low}–{high}"
