"""Volume profile, squeeze and box confidence of one contract."""

from collections.abc import Iterable

from grid_screening.reports import wording
from grid_screening.reports.box_text import squeeze_words, value_area_words
from grid_screening.reports.html.markup import Html, joined, tag
from grid_screening.screening_report import RankedSymbol, VolumeBox
from vp_squeeze.indicators.confidence import (
    BOLLINGER_WEIGHT,
    CONCENTRATION_WEIGHT,
    SQUEEZE_WEIGHT,
    VALUE_AREA_WEIGHT,
)

_CAVEAT = (
    "Of all bars of the scan. Where volume traded and how quiet the price is; the "
    "confidence that it is a box describes, it is no probability."
)


def volume_box(row: RankedSymbol, quote: str) -> Html | None:
    """Return what was measured, each part of the confidence too; None: nothing."""
    box = row.box
    if box is None:
        return None
    entries = (*_lines(box, quote), *_parts(box))
    return tag(
        "section",
        tag("h3", "Volume profile and squeeze"),
        tag(
            "dl",
            *(
                joined((
                    tag("dt", label),
                    tag("dd", value, " ", tag("small", remark) if remark else None),
                ))
                for label, value, remark in entries
            ),
        ),
        tag("p", tag("small", _CAVEAT)),
    )  # fmt: skip


def _lines(box: VolumeBox, quote: str) -> Iterable[tuple[str, str, str]]:
    yield (
        "Point of control",
        _with_unit(wording.exact(box.point_of_control), quote),
        "most turnover",
    )
    area = _with_unit(value_area_words(box), quote)
    yield "Value area", area, "70 % of the turnover"
    yield "Squeeze", squeeze_words(box), "bars in it, active from 3"
    momentum = wording.rounded(box.squeeze_momentum, 1, sign=True)
    yield "Squeeze momentum", _with_unit(momentum, "bp"), "of the close, a bar"
    yield "Box confidence", wording.rounded(box.confidence, 2), "0…1, the sum of"


def _parts(box: VolumeBox) -> Iterable[tuple[str, str, str]]:
    parts = box.confidence_parts
    for weight, name, part in (
        (SQUEEZE_WEIGHT, "squeeze", parts.squeeze),
        (CONCENTRATION_WEIGHT, "concentration", parts.concentration),
        (BOLLINGER_WEIGHT, "Bollinger width", parts.bollinger_width),
        (VALUE_AREA_WEIGHT, "value-area width", parts.value_area_width),
    ):
        yield f"… {weight:.2f} × {name}", wording.rounded(part, 2), ""


def _with_unit(text: str, unit: str) -> str:
    return text if text == wording.MISSING else f"{text} {unit}"
