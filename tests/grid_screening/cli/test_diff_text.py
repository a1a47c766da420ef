"""The comparison of two scans as people and as programs read it."""

from dataclasses import replace
from typing import Any

import orjson
import pytest
from rich.cells import cell_len

from grid_screening.cli.diff_text import diff_document, diff_text, why
from grid_screening.scan_diff import (
    Cause,
    PartChange,
    ScanChange,
    ScanDiff,
    SettingChange,
)
from grid_screening.screening_report import Exclusion, Reason

AS_OF_MS = 1_791_374_400_000  # 2026-10-07 12:00 UTC
TURNOVER = Exclusion(
    symbol="AUSDT",
    stage="turnover",
    reason=Reason(
        code="turnover",
        text="24 h turnover 42,000,000 is not above 50,000,000",
        value=42e6,
        limit=5e7,
    ),
)


def changed(cause: Cause, **changes: Any) -> ScanChange:
    made = ScanChange(
        symbol="AUSDT",
        cause=cause,
        rank_before=4,
        rank_after=27,
        gss_before=0.71,
        gss_after=0.52,
    )
    return replace(made, **changes)


FELL = changed(
    Cause.FELL,
    part=PartChange(name="volatility", before=0.18, after=0.11),
    term=PartChange(name="natr_rank", before=0.91, after=0.55),
)


def compared(**changes: Any) -> ScanDiff:
    made = ScanDiff(
        generated_before="2026-10-07T12:00:09Z",
        generated_after="2026-10-07T16:00:09Z",
        as_of_before_ms=AS_OF_MS,
        as_of_after_ms=AS_OF_MS + 4 * 3_600_000,
        top=20,
        settings=(),
        warnings=(),
        entered=(),
        left=(),
        moved=(),
        unchanged=0,
    )
    return replace(made, **changes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (changed(Cause.NEW_CONTRACT), "newly listed on the exchange"),
        (changed(Cause.DELISTED), "no longer on the exchange"),
        (changed(Cause.VETOED), "vetoed: steep, straight up-trend"),
        (changed(Cause.VETO_LIFTED), "the veto is lifted"),
        (
            FELL,
            (
                "fell below rank 20: GSS 0.710 → 0.520, "
                "volatility −0.070 (NATR rank 0.91 → 0.55)"
            ),
        ),
        (
            replace(FELL, rank_after=9, term=None),
            "GSS 0.710 → 0.520, volatility −0.070",
        ),
        (
            changed(Cause.FELL, rank_after=9, gss_after=0.71),
            "GSS 0.710 → 0.710, others changed",
        ),
        (changed(Cause.FELL, rank_after=None), "GSS 0.710 → 0.520"),
        (
            changed(Cause.ROSE, rank_before=None, gss_before=None),
            "GSS – → 0.520",
        ),
        (
            changed(Cause.PASSED_FILTER, exclusion=TURNOVER, passed_limit=2e7),
            (
                "passes “turnover”; before: 24 h turnover 42,000,000 is not above "
                "50,000,000; now limit 20,000,000"
            ),
        ),
        (
            changed(
                Cause.EXCLUDED,
                exclusion=TURNOVER,
                passed_value=4.25,
                passed_limit=5e7,
            ),
            (
                "excluded at “turnover”; now: 24 h turnover 42,000,000 is not above "
                "50,000,000; before 4.25"
            ),
        ),
        (
            changed(Cause.NO_DATA, exclusion=TURNOVER),
            "its data failed; now: 24 h turnover 42,000,000 is not above 50,000,000",
        ),
        (
            changed(Cause.DATA_RETURNED, exclusion=TURNOVER),
            (
                "its data is complete again; before: 24 h turnover 42,000,000 is not "
                "above 50,000,000"
            ),
        ),
    ],
)
def test_why(change: ScanChange, words: str) -> None:
    assert why(change, 20) == words


def test_a_list_of_all_has_no_rank_to_fall_below() -> None:
    assert why(FELL, 0).startswith("GSS 0.710 → 0.520")


def test_settings_stand_first() -> None:
    diff = compared(
        settings=(
            SettingChange(name="min_volume", before=2e7, after=5e7),
            SettingChange(name="exclude", before=["A"] * 7, after=[]),
            SettingChange(name="strict", before=False, after=True),
            SettingChange(name="symbols", before=None, after=["B"]),
            SettingChange(name="min_natr", before=1.25, after=1),
        ),
        warnings=("sources differ: snapshot, now live",),
        left=(FELL,),
        entered=(
            changed(
                Cause.NEW_CONTRACT,
                symbol="币安人生USDT",
                rank_before=None,
                rank_after=1,
            ),
            changed(Cause.VETO_LIFTED, rank_before=30, rank_after=2),
        ),
        unchanged=18,
    )
    assert diff_text(diff) == (
        """\
compared with the scan of 2026-10-07 12:00:00 UTC (4 h apart): 2 entered, 1
  left, 0 moved
note: sources differ: snapshot, now live
note: settings differ and may be the reason: min_volume 20,000,000 → 50,000,000,
  exclude A,A,A,A,A and 2 more → none, strict False → True, symbols none → B,
  min_natr 1.25 → 1
entered (2):
  币安人生USDT  – → 1   newly listed on the exchange
  AUSDT         30 → 2  the veto is lifted
left (1):
  AUSDT  4 → 27  fell below rank 20: GSS 0.710 → 0.520, volatility −0.070 (NATR
                 rank 0.91 → 0.55)
18 kept their rank
"""
    )


def test_nothing_changed() -> None:
    assert diff_text(compared(unchanged=20)).endswith(
        "\nnobody entered, left or moved\n"
    )


def test_moved_without_anybody_who_stayed() -> None:
    text = diff_text(compared(moved=(FELL,)))
    assert "\nmoved (1):\n" in text
    assert "kept their rank" not in text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    diff = compared(entered=(FELL,), left=(FELL,), moved=(FELL,))
    lines = diff_text(diff, width=width).split("\n")
    assert max(cell_len(line) for line in lines) <= width


def test_document_is_json_with_everything() -> None:
    diff = compared(
        settings=(SettingChange(name="min_natr", before=1.2, after=1.0),),
        warnings=("sources differ: snapshot, now live",),
        entered=(changed(Cause.PASSED_FILTER, exclusion=TURNOVER, passed_limit=2e7),),
        left=(FELL,),
        unchanged=3,
    )
    document = diff_document(diff)
    assert orjson.loads(orjson.dumps(document)) == document
    assert document["before"] == {
        "generated_at": "2026-10-07T12:00:09Z",
        "as_of_ms": AS_OF_MS,
    }
    assert document["settings"] == [{"name": "min_natr", "before": 1.2, "after": 1.0}]
    assert document["unchanged"] == 3
    (entered,) = document["entered"]
    assert entered["filter"] == {
        "stage": "turnover",
        "code": "turnover",
        "value": 42e6,
        "limit": 5e7,
        "passed_value": None,
        "passed_limit": 2e7,
    }
    (left,) = document["left"]
    assert left["cause"] == "fell"
    assert left["why"] == why(FELL, 20)
    assert left["part"] == {"name": "volatility", "before": 0.18, "after": 0.11}
    assert left["filter"] is None
    assert document["moved"] == []
