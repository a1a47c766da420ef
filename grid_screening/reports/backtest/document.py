"""A backtest as the published JSON document."""

from dataclasses import asdict
from typing import Any

from grid_screening.backtest.backtest import Backtest, quote_of
from grid_screening.backtest.backtest_run import FundingRecord, GridRun
from grid_screening.reports.document import plain
from grid_screening.reports.json import json_bytes

SCHEMA_VERSION = "1.0"

_AMOUNTS = (
    "pnl",
    "pnl_low",
    "pnl_high",
    "pnl_low_first",
    "pnl_high_first",
    "harvest",
    "displacement",
    "initial_short",
    "stop_loss",
    "liquidation_loss",
    "fees",
    "static_short",
    "worst_equity",
    "max_drawdown",
)
_COUNTS = ("fill_count", "round_trips", "bars_run", "bars_inside", "end_lots")


def backtest_json(backtest: Backtest) -> bytes:
    """Return `backtest_document` as UTF-8 JSON."""
    return json_bytes(backtest_document(backtest))


def backtest_document(backtest: Backtest) -> dict[str, Any]:
    """Return the document of ``contracts/backtest.schema.json``.

    NaN and infinity become None.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "history": backtest.history,
        "fingerprint": backtest.fingerprint,
        "interval": backtest.interval.value,
        "start_ms": backtest.start_ms,
        "end_ms": backtest.end_ms,
        "every_ms": backtest.every_ms,
        "horizon_ms": backtest.horizon_ms,
        "plans": backtest.plans,
        "bounds": backtest.bounds,
        "start": backtest.start,
        "costs": asdict(backtest.costs),
        "maintenance": backtest.maintenance,
        "engine": backtest.engine,
        "quote": quote_of(backtest.runs),
        "runs": [_run(run) for run in backtest.runs],
        "missing": [asdict(gone) for gone in backtest.missing],
        "summary": (
            None if backtest.summary is None else plain(asdict(backtest.summary))
        ),
        "notes": list(backtest.notes),
    }


def _run(run: GridRun) -> dict[str, Any]:
    is_known = run.funding_record is not FundingRecord.NONE
    numbers = {name: getattr(run, name) for name in (*_AMOUNTS, *_COUNTS)}
    return {
        "symbol": run.symbol,
        "begin_ms": run.begin_ms,
        "end_ms": run.end_ms,
        "plan": plain(asdict(run.design)) | {"notional": run.design.notional},
        **{name: plain(value) for name, value in numbers.items()},
        "pnl_of_margin": plain(run.of_margin),
        "pnl_of_notional": plain(run.of_notional),
        "funding": plain(run.funding) if is_known else None,
        "funding_record": run.funding_record.value,
        "grid_less_static": plain(run.pnl - run.static_short),
        "inside_share": plain(run.inside_share),
        "end_reason": run.end_reason.name.lower(),
        "ended_ms": run.ended_ms,
        "end_price": plain(run.end_price),
    }
