import struct
import xml.etree.ElementTree as ET

import pytest

from tests.vp_squeeze.samples import TICK, analysis_report, contract, klines
from vp_squeeze.box_analysis import contract_analysis
from vp_squeeze.reports.picture import analysis_picture
from vp_squeeze.reports.wording import SIMULATED, price_text

pytestmark = pytest.mark.slow


def texts(svg: bytes) -> list[str]:
    root = ET.fromstring(svg)  # noqa: S314 - our own output
    return [
        "".join(node.itertext()) for node in root.iter() if node.tag.endswith("text")
    ]


def test_svg_names_the_levels_and_the_contract() -> None:
    row = contract()
    profile = row.reading.profile
    found = " ".join(texts(analysis_picture(row, analysis_report(row), "svg")))

    assert f"POC {price_text(float(profile.poc), TICK)}" in found
    assert f"VAL {price_text(float(profile.value_area_low), TICK)}" in found
    assert f"VAH {price_text(float(profile.value_area_high), TICK)}" in found
    assert "BTCUSDT 4h · 100 bars" in found
    assert "2026-03-05 00:00 UTC" in found
    assert SIMULATED not in found


def test_svg_is_the_same_every_time() -> None:
    row = contract()
    report = analysis_report(row)

    assert analysis_picture(row, report, "svg") == analysis_picture(row, report, "svg")


def test_png_is_an_image_of_its_size() -> None:
    row = contract()
    image = analysis_picture(row, analysis_report(row), "png")

    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", image[16:24]) == (1440, 900)


def test_wide_characters_are_text_in_an_svg_and_no_warning_in_a_png() -> None:
    row = contract("币安人生USDT")
    report = analysis_report(row, source="demo")

    found = " ".join(texts(analysis_picture(row, report, "svg")))
    assert "币安人生USDT" in found
    assert SIMULATED in found
    assert analysis_picture(row, report, "png").startswith(b"\x89PNG")


@pytest.mark.parametrize("count", [1, 20, 2000])
def test_any_number_of_bars_is_drawn(count: int) -> None:
    row = contract_analysis(klines(count=count, scale=0.002), TICK, {})

    assert texts(analysis_picture(row, analysis_report(row), "svg"))


def test_contract_without_volume_is_drawn_without_levels() -> None:
    row = contract_analysis(klines(traded=0.0), TICK, {})
    found = " ".join(texts(analysis_picture(row, analysis_report(row), "svg")))

    assert "POC" not in found
