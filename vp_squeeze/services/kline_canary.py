"""Whether the bars on disk are those of the market that answers now."""

import logging
from enum import StrEnum

import numpy as np

from monitor.domain.market import KlineInterval, Klines
from monitor.domain.typing import Symbol
from monitor.exceptions import RequestRejected
from monitor.market_data.columns import differing_bars, selected
from monitor.market_data.kline_store import KlineStore
from monitor.market_data.series import KlineSeries
from vp_squeeze.exceptions import ImpossibleKlines
from vp_squeeze.services.kline_checks import closed_rows
from vp_squeeze.services.kline_gaps import UNANSWERED
from vp_squeeze.services.kline_join import known_at
from vp_squeeze.services.kline_source import KlineRequest, KlineSource

CANARY: Symbol = "BTCUSDT"
"""The contract compared when it is kept; else the one used last."""
CANARY_BARS = 99
"""As many as one request of weight 1 brings."""
SAME_SHARE = 0.5
"""Share of equal bars from which on it is the same market, and the others are
corrections: two markets have no bar in common."""
CANDIDATES = 20
"""Series looked at until one has bars to compare."""

logger = logging.getLogger(__name__)


class Verdict(StrEnum):
    """What a comparison says."""

    SAME = "same"
    CORRECTED = "corrected"
    """The same market, but some of the bars have changed since."""
    OTHER = "other"


def check_market(store: KlineStore, client: KlineSource, *, as_of_ms: int) -> None:
    """Compare some kept bars with the exchange's before any of them is used.

    A simulated exchange started with another seed, or a test network that was
    reset, is another market under the same address: then all its series are
    dropped. When the comparison gets no answer the store is switched off. One
    request of weight 1; none when nothing is kept.

    Parameters
    ----------
    store : KlineStore
        Of the exchange that ``client`` asks.
    client : KlineSource
    as_of_ms : int
        Server time of the scan, ms UTC.

    Raises
    ------
    ExchangeError
        Whatever ends a scan; failures of this one request do not.
    """
    kept = _canary(store, as_of_ms)
    if kept is None:
        return
    bars = selected(kept.klines, slice(-CANARY_BARS, None))
    request = KlineRequest(
        limit=bars.bar_count,
        start_time=int(bars.open_time[0]),
        end_time=int(bars.open_time[-1]),
    )
    try:
        answer = request.send(client, kept.symbol, kept.interval)
        verdict = market_verdict(bars, closed_rows(answer, as_of_ms))
    except (RequestRejected, ImpossibleKlines) as refusal:
        logger.info("kline_store canary symbol=%s reason=%s", kept.symbol, refusal)
        verdict = Verdict.OTHER
    except UNANSWERED as failure:
        store.switch_off(f"not compared with the exchange: {failure}")
        return
    if verdict is Verdict.CORRECTED:
        store.count(corrected=1)
        store.clear(symbol=kept.symbol)
    elif verdict is Verdict.OTHER:
        logger.warning(
            "kline_store dropped everything reason='another market answers' symbol=%s",
            kept.symbol,
        )
        store.count(contradicted=1)
        store.clear()


def market_verdict(kept: Klines, answer: Klines) -> Verdict:
    """Return whether ``answer`` is of the market that ``kept`` is of. Pure.

    Parameters
    ----------
    kept : Klines
        Ascending, at least one bar.
    answer : Klines
        What the exchange has for the same time, ascending.
    """
    shared, ours, theirs = np.intersect1d(
        kept.open_time, answer.open_time, assume_unique=True, return_indices=True
    )
    differs = differing_bars(selected(kept, ours), selected(answer, theirs))
    equal = int(shared.size - np.count_nonzero(differs))
    if equal == kept.bar_count:
        return Verdict.SAME
    if equal >= SAME_SHARE * kept.bar_count:
        return Verdict.CORRECTED
    return Verdict.OTHER


def _canary(store: KlineStore, as_of_ms: int) -> KlineSeries | None:
    for key in store.held(first_symbol=CANARY, limit=CANDIDATES):
        kept = known_at(store.series(key.symbol, KlineInterval(key.interval)), as_of_ms)
        if kept is not None:
            return kept
    return None
