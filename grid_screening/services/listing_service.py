"""Who is listed, and their plans: with a gate, plans are made before the list is."""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from grid_screening.conf import ScreenerSettings
from grid_screening.gate import gate_candidates, gated
from grid_screening.grid_plan import InfeasibleGrid
from grid_screening.hysteresis import held_rows
from grid_screening.listing import Plan
from grid_screening.ranking import Ranking
from grid_screening.screening_report import Reason
from grid_screening.services.fan_out import STOPPED_ANSWERING, ScanTime
from grid_screening.services.market_source import MarketSource
from grid_screening.services.plan_service import fetch_plans
from grid_screening.services.snapshot_service import FetchedPanel
from grid_screening.stability import RankInference
from grid_screening.universe import REQUEST_FAILED
from monitor.domain.progress import ProgressHook
from monitor.domain.typing import Symbol

Inference = Callable[[Ranking, Sequence[int]], RankInference | None]
"""Ranking, listed rows → what the ranks are worth."""

NOT_PLANNED = InfeasibleGrid(
    reason=Reason(code=REQUEST_FAILED, text=f"not planned: {STOPPED_ANSWERING}"),
    minimum_margin=None,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Listing:
    """The list and what it was made from."""

    result: Ranking
    """After the gate, where there is one."""
    listed: Sequence[int]
    """Rows of ``result``, best first."""
    plans: Mapping[Symbol, Plan]
    """Of the contracts listed."""
    looked_at: Mapping[Symbol, Plan]
    """Of all whose ranges were asked for: with a gate, more than are listed."""
    ranks: RankInference | None


def fetch_listing(
    result: Ranking,
    panel: FetchedPanel,
    market_source: MarketSource,
    settings: ScreenerSettings,
    *,
    held: Collection[Symbol],
    inference: Inference,
    on_progress: ProgressHook,
    scan_time: ScanTime,
) -> Listing:
    """Choose the contracts listed and fetch what their plans need.

    Parameters
    ----------
    result : Ranking
        Of all scored contracts.
    panel : FetchedPanel
        Bars and quotes that were ranked.
    market_source : MarketSource
        Is asked for daily and hourly bars; with a gate those of the first ``2 · top``
        contracts, else those listed.
    settings : ScreenerSettings
        Of the scan.
    held : collection of str
        Members of an earlier list that may stay.
    inference : callable
        What the ranks are worth; without a gate it runs while the exchange answers.
    on_progress : callable
        Called in this thread after each step.
    scan_time : ScanTime
        What is left of the scan's time.

    Raises
    ------
    ExchangeError
        One of `SCAN_ENDING`.
    """

    def plans_of(rows: Sequence[int]) -> Mapping[Symbol, Plan]:
        symbols = [
            result.scores.symbols[r] for r in rows if not result.scores.vetoed[r]
        ]
        if not panel.kept_answering:
            return dict.fromkeys(symbols, NOT_PLANNED)
        return fetch_plans(
            market_source,
            panel.snapshot,
            symbols,
            settings,
            on_progress=on_progress,
            scan_time=scan_time,
        )

    top, slack = settings.top, settings.hold
    gate = result.scores.profile.gate
    if gate is not None:
        looked_at = plans_of(gate_candidates(result.scores, top))
        left = gated(result, looked_at, gate, top=top, held=held, slack=slack)
        symbols = [left.result.scores.symbols[row] for row in left.listed]
        return Listing(
            result=left.result,
            listed=left.listed,
            plans={s: looked_at[s] for s in symbols if s in looked_at},
            looked_at=looked_at,
            ranks=inference(left.result, left.listed),
        )
    listed = held_rows(result, held, top=top, slack=slack)
    with ThreadPoolExecutor(1, thread_name_prefix="rank-intervals") as beside:
        # while the exchange answers: the plans' requests leave the processor idle
        ranks = beside.submit(inference, result, listed)
        plans = plans_of(listed)
        return Listing(
            result=result,
            listed=listed,
            plans=plans,
            looked_at=plans,
            ranks=ranks.result(),
        )
