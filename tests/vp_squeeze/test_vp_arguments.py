"""The flags, and the page that documents them."""

from pathlib import Path
from typing import Any

import pytest

from grid_screening.conf import ScreenerSettings
from monitor.cli.exit_codes import UsageError
from monitor.domain.market import KlineInterval
from tests.recorded import ROOT
from tests.vp_squeeze.samples import analysis_report, contract
from vp_squeeze.analysis_report import Venue
from vp_squeeze.groups import Group
from vp_squeeze.indicators import confidence
from vp_squeeze.management.commands.vp_analysis import Command
from vp_squeeze.management.vp_arguments import analysis_request, report_form
from vp_squeeze.reports.document import analysis_document
from vp_squeeze.services.squeeze_service import AnalysisRequest

PAGE = ROOT / "specs/001-short-grid-screening/contracts/vp_analysis.md"
DJANGO = {"--help", "--version", "--verbosity", "--settings", "--pythonpath"}


def options(*words: str) -> dict[str, Any]:
    return vars(Command().create_parser("manage.py", "vp_analysis").parse_args(words))


def request(*words: str) -> AnalysisRequest:
    return analysis_request(options(*words), ScreenerSettings())


def test_flags_become_the_request() -> None:
    assert request("btcusdt", "ETHUSDT,SOLUSDT", "--limit", "500") == AnalysisRequest(
        symbols=("BTCUSDT", "ETHUSDT", "SOLUSDT"), limit=500
    )
    assert request("--group", "alt", "--timeframes", "none") == AnalysisRequest(
        group=Group.ALT, timeframes=()
    )
    found = request("--group", "top10", "--timeframes", "1d,15m,1d")
    assert found.timeframes == (KlineInterval.M15, KlineInterval.D1)


def test_group_may_be_a_file(tmp_path: Path) -> None:
    names = tmp_path / "names"
    names.write_text("aUSDT\n# comment\nBUSDT")

    assert request("CUSDT", "--group", str(names)).symbols == (
        "CUSDT",
        "AUSDT",
        "BUSDT",
    )
    with pytest.raises(UsageError, match="--group must be top10, major, alt or a file"):
        request("--group", str(tmp_path / "other"))


@pytest.mark.parametrize(
    ("words", "form"),
    [
        ((), "table"),
        (("--output", "x.JSON"), "json"),
        (("--output", "x.csv"), "csv"),
        (("--output", "x.txt"), "table"),
        (("--output", "x.csv", "--format", "json"), "json"),
    ],
)
def test_form_is_as_asked_or_as_the_output_s_name_says(
    words: tuple[str, ...], form: str
) -> None:
    assert report_form(options(*words)) == form


def test_a_name_that_belongs_to_no_form_is_refused() -> None:
    with pytest.raises(UsageError, match=r"must end in \.json, \.csv, .* was 'x.html'"):
        report_form(options("--output", "x.html"))


def test_page_names_every_flag() -> None:
    page = PAGE.read_text(encoding="utf-8")
    parser = Command().create_parser("manage.py", "vp_analysis")
    flags = {
        action.option_strings[-1 if len(action.option_strings[0]) == 2 else 0]
        for action in parser._actions
        if action.option_strings
    }
    assert [flag for flag in sorted(flags - DJANGO) if flag not in page] == []


def test_page_states_the_tables_of_the_confidence() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for table in (
        confidence.SQUEEZE_TABLE,
        confidence.CONCENTRATION_TABLE,
        confidence.BOLLINGER_TABLE,
        confidence.VALUE_AREA_TABLE,
    ):
        assert ", ".join(f"{place:g} → {part:g}" for place, part in table) in page


def test_page_names_every_key_of_the_document() -> None:
    page = PAGE.read_text(encoding="utf-8")

    def keys(value: Any) -> set[str]:
        if isinstance(value, list):
            return {key for part in value for key in keys(part)}
        if isinstance(value, dict):
            inner = {key for part in value.values() for key in keys(part)}
            return inner | set(value)
        return set()

    found = keys(analysis_document(analysis_report(contract())))
    # in words: levels of a zone, parts of the confidence
    in_words = {"timeframe", "bollinger_width", "value_area_width"}
    named = found - set(KlineInterval) - in_words
    assert [key for key in sorted(named) if f"`{key}" not in page] == []


def test_spot_is_a_market_or_stands_beside() -> None:
    assert request("AUSDT").venue is Venue.FUTURES
    assert request("AUSDT", "--market", "spot").asks_spot
    assert request("AUSDT", "--compare-spot").compares_spot
    assert not request("AUSDT").asks_spot
    with pytest.raises(UsageError, match="leave --market out"):
        request("AUSDT", "--market", "spot", "--compare-spot")
