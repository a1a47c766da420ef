"""An analysis as plain values for JSON; prices clean, NaN as null."""

from collections.abc import Iterable
from decimal import Decimal
from math import isfinite
from typing import Any

import orjson

from monitor.domain.market import KlineInterval
from monitor.domain.requests import RequestStatistics
from vp_squeeze.analysis_report import AnalysisReport
from vp_squeeze.box_analysis import BoxReading, ContractAnalysis
from vp_squeeze.indicators.bands import Bands
from vp_squeeze.indicators.resonance import PriceLevel, ResonanceZone
from vp_squeeze.indicators.volume_profile import VolumeNode, volume_nodes
from vp_squeeze.reports.wording import clean_price

SCHEMA_VERSION = "1.0"
"""Of the document; described in ``contracts/vp_analysis.md``."""


def analysis_json(report: AnalysisReport) -> str:
    """Return the document as indented UTF-8 JSON with a newline at the end."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(analysis_document(report), option=options).decode()


def analysis_document(report: AnalysisReport) -> dict[str, Any]:
    """Return the published document. No NaN, no infinity.

    Distances and shares are fractions, prices are in quote currency, times ms UTC.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "as_of_ms": report.as_of_ms,
        "source": report.source,
        "market": report.venue.value,
        "interval": report.interval.value,
        "limit": report.limit,
        "timeframes": [interval.value for interval in report.timeframes],
        "coverage": report.coverage,
        "contracts": [_contract(row) for row in report.contracts],
        "left_out": [
            {"symbol": row.symbol, "reason": row.reason, "failed": row.is_failure}
            for row in report.left_out
        ],
        "missing_on_spot": list(report.missing_on_spot),
        "requests": _requests(report.requests),
        "spot_requests": None
        if report.spot_requests is None
        else _requests(report.spot_requests),
    }


def _requests(sent: RequestStatistics) -> dict[str, int]:
    return {"count": sent.count, "weight": sent.weight, "retries": sent.retries}


def _contract(row: ContractAnalysis) -> dict[str, Any]:
    return {
        "symbol": row.symbol,
        "price": clean_price(row.price, row.tick_size),
        "price_at_ms": row.newest.closed_at_ms,
        "tick_size": float(row.tick_size),
        **_reading(row.reading, row, row.tick_size),
        "levels": [_level(level, row) for level in row.levels],
        "timeframes": {
            **{
                i.value: _reading(found, row, row.tick_size)
                for i, found in row.timeframes.items()
            },
            **{i.value: {"missing": why} for i, why in row.missing.items()},
        },
        "resonance": [_zone(zone, row) for zone in row.zones],
        "spot": _spot(row),
    }


def _spot(row: ContractAnalysis) -> dict[str, Any] | None:
    if row.spot is None:
        return None
    if isinstance(row.spot, str):
        return {"missing": row.spot}
    return {
        "tick_size": float(row.spot.tick_size),
        **_reading(row.spot.reading, row, row.spot.tick_size),
    }


def _reading(
    reading: BoxReading, row: ContractAnalysis, tick: Decimal
) -> dict[str, Any]:
    profile = reading.profile
    high, low = volume_nodes(profile)
    confidence, box = reading.confidence, profile.box
    bars = _number(reading.squeeze.bars[-1])
    return {
        "interval": reading.interval.value,
        "bars": reading.klines.bar_count,
        "last_bar_close_ms": reading.closed_at_ms,
        "profile": {
            "bucket_width": clean_price(float(profile.bucket_width), tick),
            "bucket_count": int(profile.bucket_count),
            "widened": bool(profile.is_widened),
            "turnover": _number(profile.total_volume),
            "poc": clean_price(float(profile.poc), tick),
            "value_area_low": clean_price(float(profile.value_area_low), tick),
            "value_area_high": clean_price(float(profile.value_area_high), tick),
            "value_area_share": _number(profile.value_area_share),
            "concentration": _number(profile.concentration),
            "high_volume_nodes": [_node(node, row, tick) for node in high],
            "low_volume_nodes": [_node(node, row, tick) for node in low],
        },
        "box": {
            "support": clean_price(float(box.support), tick),
            "resistance": clean_price(float(box.resistance), tick),
            "width_percent": _number(box.width_percent),
        },
        "squeeze": {
            "on": None if bars is None else bars > 0,
            "active": None if bars is None else bool(reading.squeeze.is_active[-1]),
            "bars": None if bars is None else int(bars),
            "momentum_bp": _number(reading.squeeze.momentum[-1]),
        },
        "bollinger": _bands(reading.squeeze.bollinger, tick),
        "keltner": _bands(reading.squeeze.keltner, tick),
        "confidence": {
            "total": _number(confidence.total),
            "squeeze": _number(confidence.squeeze),
            "concentration": _number(confidence.concentration),
            "bollinger_width": _number(confidence.bollinger_width),
            "value_area_width": _number(confidence.value_area_width),
        },
    }


def _bands(bands: Bands, tick: Decimal) -> dict[str, Any]:
    return {
        "lower": clean_price(float(bands.lower[-1]), tick),
        "middle": clean_price(float(bands.middle[-1]), tick),
        "upper": clean_price(float(bands.upper[-1]), tick),
        "width_percent": _number(bands.width_percent[-1]),
    }


def _node(node: VolumeNode, row: ContractAnalysis, tick: Decimal) -> dict[str, Any]:
    return {
        "low": clean_price(node.low, tick),
        "high": clean_price(node.high, tick),
        "share": node.share,
        "distance": row.distance(node.price),
    }


def _level(level: PriceLevel, row: ContractAnalysis) -> dict[str, Any]:
    return {
        "kind": level.kind.value,
        "price": clean_price(level.price, row.tick_size),
        "distance": row.distance(level.price),
    }


def _zone(zone: ResonanceZone, row: ContractAnalysis) -> dict[str, Any]:
    return {
        "low": clean_price(zone.low, row.tick_size),
        "high": clean_price(zone.high, row.tick_size),
        "strength": zone.strength,
        "volume_share": zone.volume_share,
        "nodes": zone.node_count,
        "timeframes": ordered(zone.timeframes),
        "distance_low": row.distance(zone.low),
        "distance_high": row.distance(zone.high),
        "levels": [
            {
                "timeframe": level.timeframe,
                "kind": level.kind.value,
                "price": clean_price(level.price, row.tick_size),
            }
            for level in zone.levels
        ],
    }


def ordered(timeframes: Iterable[str]) -> list[str]:
    """Return timeframes from the shortest to the longest."""
    return sorted(timeframes, key=lambda name: KlineInterval(name).milliseconds)


def _number(value: Any) -> float | None:
    number = float(value)
    return number if isfinite(number) else None
