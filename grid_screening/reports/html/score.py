"""The score of one contract, part by part."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from grid_screening.reports import wording
from grid_screening.reports.html.markup import Html, joined, tag
from grid_screening.score_terms import BREAKDOWN
from grid_screening.screening_report import RankedSymbol, ScreeningReport

_DECIMALS = 3
_WIDTH, _HEIGHT = 400, 26
_ROOM_FOR_LETTER = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    name: str
    index: str
    """What its weight multiplies."""
    terms: tuple[str, ...]
    """Whose clipped sum the index is."""


_PARTS = (
    _Part(name="volatility", index="natr_rank", terms=()),
    _Part(name="inefficiency", index="inefficiency_rank", terms=()),
    _Part(
        name="trend",
        index="trend_index",
        terms=("trend_base", "hurst_bonus", "failed_breakout_bonus"),
    ),
    _Part(
        name="microstructure",
        index="microstructure_index",
        terms=(
            "microstructure_base",
            "cvd_divergence_bonus",
            "funding_adjustment",
            "open_interest_adjustment",
            "volatility_displacement_bonus",
            "cvd_change_adjustment",
        ),
    ),
)


def score(row: RankedSymbol, report: ScreeningReport) -> Html:
    """Return the score as a stacked bar and as a table of its parts and terms."""
    return tag(
        "section",
        tag("h3", f"Score {wording.rounded(row.gss, _DECIMALS)}"),
        tag("p", _standing(row)),
        _stacked_bar(row),
        tag(
            "table",
            tag(
                "thead",
                tag(
                    "tr",
                    tag("th", "Part", scope="col"),
                    tag("th", "Weight × rank or index", scope="col"),
                    tag("th", "Adds", scope="col"),
                ),
            ),
            tag(
                "tbody",
                *(
                    _part_rows(part, row.score_breakdown, weight)
                    for part, weight in zip(_PARTS, _weights(report), strict=True)
                ),
                *_further(row.score_breakdown),
            ),
            class_="score",
        ),
    )


def term_meanings() -> Mapping[str, str]:
    """Return the meaning of each part and term of the score."""
    return BREAKDOWN


def _standing(row: RankedSymbol) -> str:
    place = f"Rank {row.rank}"
    if row.rank_interval is not None:
        best, worst = row.rank_interval
        place += f", by its bars anywhere in {best}–{worst}"
    sure = f"{place}; confidence {wording.percent(row.confidence)}."
    if row.vetoed:
        sure += " Vetoed (steep, straight up-trend): the score is 0 whatever its parts."
    return sure


def _weights(report: ScreeningReport) -> Sequence[Any]:
    weights = report.settings.get("weights")
    if isinstance(weights, list | tuple) and len(weights) == len(_PARTS):
        return weights
    return [None] * len(_PARTS)


def _stacked_bar(row: RankedSymbol) -> Html:
    # as wide as the score's whole range: the empty end is what is missing to 1
    segments: list[Html] = []
    at = 0
    for number, part in enumerate(_PARTS):
        value = row.score_breakdown.get(part.name)
        if value is None or not isfinite(value) or value <= 0:
            continue
        width = round(min(value, 1.0) * _WIDTH)
        segments.append(
            tag("rect", x=at, width=max(width - 1, 1), class_=f"part{number}")
        )
        if width >= _ROOM_FOR_LETTER:
            middle = at + width // 2
            segments.append(tag("text", part.name[0].upper(), x=middle, y=18))
        at += width
    shares = ", ".join(
        f"{part.name} {_shown(row.score_breakdown.get(part.name))}" for part in _PARTS
    )
    return tag(
        "svg",
        tag("title", f"{shares}, of 1"),
        *segments,
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        class_="stack",
        role="img",
    )


def _part_rows(
    part: _Part, breakdown: Mapping[str, float | None], weight: float | None
) -> Html:
    index = _shown(breakdown.get(part.index))
    product = index if weight is None else f"{wording.significant(weight)} × {index}"
    terms = " · ".join(
        f"{wording.words(name)} {_shown(breakdown.get(name), sign=True)}"
        for name in part.terms
    )
    number = _PARTS.index(part)
    return joined((
        tag(
            "tr",
            tag(
                "th",
                tag("b", part.name[0].upper(), class_=f"part{number}"),
                f" {part.name} ",
                scope="row",
            ),
            tag("td", product),
            tag("td", _shown(breakdown.get(part.name))),
        ),
        tag("tr", tag("td", tag("small", terms), colspan=3)) if terms else None,
    ))  # fmt: skip


def _further(breakdown: Mapping[str, float | None]) -> Iterator[Html]:
    # a profile of a later version may have terms that this page does not know
    known = {n for part in _PARTS for n in (part.name, part.index, *part.terms)}
    for name, value in breakdown.items():
        if name not in known:
            label = tag("th", wording.words(name), scope="row")
            yield tag("tr", label, tag("td"), tag("td", _shown(value)))


def _shown(value: float | None, *, sign: bool = False) -> str:
    return wording.rounded(value, _DECIMALS, sign=sign)
