"""Missing bars are asked for once more before they count as missing."""

from monitor.api_clients.endpoints import MAX_KLINES
from monitor.domain.market import DAY_MS, KlineInterval, Klines
from monitor.exceptions import (
    ExchangeTimeout,
    ExchangeUnavailable,
    GarbledAnswer,
    MalformedPayload,
    RequestRejected,
)
from monitor.market_data.columns import joined, opened_within
from vp_squeeze.exceptions import GapKind, ImpossibleKlines
from vp_squeeze.services.kline_checks import (
    Gap,
    closed_rows,
    gaps_in,
    possible_window,
)
from vp_squeeze.services.kline_source import KlineRequest, KlineSource

UNANSWERED = (
    ExchangeTimeout,
    ExchangeUnavailable,
    GarbledAnswer,
    MalformedPayload,
    RequestRejected,
)
"""Failures of one request that say nothing about the rest of a scan."""
_SHORTEST_MONTH_MS = 28 * DAY_MS


def gap_request(
    gaps: tuple[Gap, ...], interval: KlineInterval, *, most: int = MAX_KLINES
) -> KlineRequest:
    """Return the request for exactly the time from the first gap to the last."""
    first_ms, last_ms = gaps[0].first_ms, gaps[-1].last_ms
    is_month = interval is KlineInterval.MONTH1
    step_ms = _SHORTEST_MONTH_MS if is_month else interval.milliseconds
    limit = max(1, (last_ms + 1 - first_ms) // step_ms)
    return KlineRequest(limit=min(limit, most), start_time=first_ms, end_time=last_ms)


def without_gaps(
    client: KlineSource,
    rows: Klines,
    *,
    count: int,
    horizon_ms: int,
    most: int = MAX_KLINES,
) -> tuple[Klines, Klines]:
    """Return bars without a gap among the last ``count``, and copies of these.

    Sends nothing when none is missing, else one request.

    Parameters
    ----------
    client : KlineSource
    rows : Klines
        As `kline_checks.closed_rows` returns them.
    count : int
        Bars wanted.
    horizon_ms : int
        Bars that end later do not count, ms UTC.
    most : int
        Bars one request returns at most.

    Returns
    -------
    rows : Klines
        Those given, with the bars that were missing.
    window : Klines
        As `kline_checks.possible_window`.

    Raises
    ------
    ImpossibleKlines
        As `kline_checks.possible_window`.
    KlineGap
        Bars are still missing: `GapKind.HALTED` when the exchange has none there
        for the second time, else `GapKind.UNKNOWN`.
    ExchangeError
        Whatever ends a scan; failures of this one request are a gap.
    """
    window = possible_window(rows, count)
    gaps = gaps_in(window)
    if not gaps:
        return rows, window
    request = gap_request(gaps, rows.interval, most=most)
    try:
        answer = closed_rows(
            request.send(client, rows.symbol, rows.interval), horizon_ms
        )
        # two versions of a bar that is not missing are an error here
        merged = closed_rows(
            joined(rows, opened_within(answer, gaps[0].first_ms, gaps[-1].last_ms)),
            horizon_ms,
        )
        window = possible_window(merged, count)
    except (*UNANSWERED, ImpossibleKlines) as failure:
        raise gaps[0].error(rows.symbol, GapKind.UNKNOWN) from failure
    for gap in gaps_in(window):
        kind = GapKind.HALTED if gap in gaps else GapKind.UNKNOWN
        raise gap.error(rows.symbol, kind)
    return merged, window
