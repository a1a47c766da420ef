"""One contract in detail, for a terminal."""

from decimal import Decimal

from vp_squeeze.box_analysis import BoxReading, ContractAnalysis, SpotReading
from vp_squeeze.indicators.confidence import (
    BOLLINGER_WEIGHT,
    CONCENTRATION_WEIGHT,
    SQUEEZE_WEIGHT,
    VALUE_AREA_WEIGHT,
)
from vp_squeeze.indicators.resonance import LevelKind, ResonanceZone
from vp_squeeze.indicators.volume_profile import volume_nodes
from vp_squeeze.reports.document import ordered
from vp_squeeze.reports.page import Page
from vp_squeeze.reports.wording import (
    LEVEL_WORDS,
    level_words,
    percent,
    price_text,
    rounded,
    squeeze_words,
)

ZONES_SHOWN = 5
NODES_SHOWN = 6
"""The largest ones; JSON has all."""
_INDENT = 2


def add_details(page: Page, row: ContractAnalysis) -> None:
    """Add levels, confidence, timeframes and zones of ``row`` to ``page``."""
    page.line(f"{row.symbol} {row.reading.interval.value}", "bold")
    _add_levels(page, row)
    _add_confidence(page, row.reading)
    if row.spot is not None:
        _add_spot(page, row, row.spot)
    if row.timeframes or row.missing:
        _add_timeframes(page, row)
        _add_zones(page, row)


def _add_levels(page: Page, row: ContractAnalysis) -> None:
    nodes = sorted(_nodes(row), key=lambda node: -node[2])[:NODES_SHOWN]
    marks = [
        (level.price, level_words(level.kind, level.price, row.price), "")
        for level in row.levels
        if level.kind is not LevelKind.NODE
    ]
    marks += [
        ((low + high) / 2, LEVEL_WORDS[LevelKind.NODE], percent(share, 1))
        for low, high, share in nodes
    ]
    marks.append((row.price, "price", ""))
    cells = [("level", "price", "distance", "turnover")]
    cells += [
        (
            name,
            price_text(price, row.tick_size),
            "" if name == "price" else percent(row.distance(price), 2, sign=True),
            share,
        )
        for price, name, share in sorted(marks, reverse=True)
    ]
    page.columns(cells, header=True, indent=_INDENT)
    hidden = len(_nodes(row)) - len(nodes)
    if hidden > 0:
        page.line(f"{'':{_INDENT}}and {hidden} smaller nodes (--format json)", "dim")


def _nodes(row: ContractAnalysis) -> list[tuple[float, float, float]]:
    high, _ = volume_nodes(row.reading.profile)
    return [(node.low, node.high, node.share) for node in high]


def _add_confidence(page: Page, reading: BoxReading) -> None:
    found = reading.confidence
    parts = (
        (SQUEEZE_WEIGHT, "squeeze", found.squeeze),
        (CONCENTRATION_WEIGHT, "concentration", found.concentration),
        (BOLLINGER_WEIGHT, "Bollinger width", found.bollinger_width),
        (VALUE_AREA_WEIGHT, "value-area width", found.value_area_width),
    )
    words = [
        f"{weight:.2f} × {name} {rounded(float(part), 2)}"
        for weight, name, part in parts
    ]
    total = rounded(float(found.total), 2)
    page.paragraph(f"{'':{_INDENT}}confidence {total} = ", words, " + ")


_BOX_HEADS = ("VA low", "POC", "VA high", "width", "squeeze", "conf")


def _box_cells(reading: BoxReading, tick_size: Decimal) -> tuple[str, ...]:
    box, poc = reading.profile.box, float(reading.profile.poc)
    prices = (float(box.support), poc, float(box.resistance))
    return (
        *(price_text(price, tick_size) for price in prices),
        percent(float(box.width_percent) / 100, 1),
        squeeze_words(reading),
        rounded(float(reading.confidence.total), 2),
    )


def _add_spot(page: Page, row: ContractAnalysis, spot: SpotReading | str) -> None:
    if isinstance(spot, str):
        page.paragraph(f"{'':{_INDENT}}spot is missing: ", spot.split())
        return
    page.columns(
        [
            ("market", *_BOX_HEADS),
            ("futures", *_box_cells(row.reading, row.tick_size)),
            ("spot", *_box_cells(spot.reading, spot.tick_size)),
        ],
        header=True,
        indent=_INDENT,
    )
    away = percent(spot.poc / float(row.reading.profile.poc) - 1, 2, sign=True)
    page.line(f"{'':{_INDENT}}point of control of spot from the futures': {away}")


def _add_timeframes(page: Page, row: ContractAnalysis) -> None:
    cells: list[tuple[str, ...]] = [("timeframe", *_BOX_HEADS)]
    for interval, reading in row.timeframes.items():
        cells.append((interval.value, *_box_cells(reading, row.tick_size)))
    if len(cells) > 1:
        page.columns(cells, header=True, indent=_INDENT)
    for interval, reason in row.missing.items():
        page.paragraph(f"{'':{_INDENT}}{interval.value} is missing: ", reason.split())


def _add_zones(page: Page, row: ContractAnalysis) -> None:
    if not row.zones:
        page.line(f"{'':{_INDENT}}no price at which timeframes agree")
        return
    cells = [("resonance", "distance", "strength", "turnover", "nodes", "timeframes")]
    cells += [
        (
            _between(row, zone),
            _distance(row, zone),
            f"{zone.strength:.2f}",
            percent(zone.volume_share),
            str(zone.node_count),
            " ".join(ordered(zone.timeframes)),
        )
        for zone in row.zones[:ZONES_SHOWN]
    ]
    page.columns(cells, left=(0, 5), header=True, indent=_INDENT)
    hidden = len(row.zones) - ZONES_SHOWN
    if hidden > 0:
        page.line(f"{'':{_INDENT}}and {hidden} weaker zones (--format json)", "dim")


def _between(row: ContractAnalysis, zone: ResonanceZone) -> str:
    low, high = (price_text(price, row.tick_size) for price in (zone.low, zone.high))
    return f"{low}–{high}"


def _distance(row: ContractAnalysis, zone: ResonanceZone) -> str:
    if zone.low <= row.price <= zone.high:
        return "inside"
    nearest = zone.low if row.price < zone.low else zone.high
    return percent(row.distance(nearest), 1, sign=True)
