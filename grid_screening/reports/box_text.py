"""Volume profile and squeeze in words."""

from grid_screening.reports.wording import MISSING, exact
from grid_screening.screening_report import VolumeBox


def squeeze_words(box: VolumeBox | None) -> str:
    """Return ``active 5``, ``on 2``, ``off``, or a dash where it is not known."""
    if box is None or box.squeeze is None:
        return MISSING
    return "off" if box.squeeze == "off" else f"{box.squeeze} {box.bars_in_squeeze}"


def value_area_words(box: VolumeBox | None) -> str:
    """Return the edges of the value area, or a dash where it is not known."""
    if box is None or box.value_area_low is None:
        return MISSING
    return f"{exact(box.value_area_low)}–{exact(box.value_area_high)}"
