"""Two scans compared, each change with its cause; foreign files are refused."""

from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grid_screening.conf import ScreenerSettings
from grid_screening.profile import load_profile
from grid_screening.ranking import ranking
from grid_screening.reports.json import report_json
from grid_screening.scan_diff import (
    Cause,
    IncomparableScans,
    PartChange,
    ScanChange,
    SettingChange,
    UnreadableReport,
    report_of,
    scan_diff,
    scored_breakdowns,
)
from grid_screening.scan_document import scan_document
from grid_screening.screening_report import (
    Exclusion,
    NotListed,
    RankedSymbol,
    ScreeningReport,
)
from tests.grid_screening.reports.samples import (
    AS_OF_MS,
    CLASSIC_WEIGHTS,
    FACTORS,
    excluded,
    ranked,
    report,
)
from tests.snapshots import random_panel, snapshot_of

PARTS = {"volatility": 0.1, "natr_rank": 0.5, "trend": 0.2, "trend_base": 0.7}


def row(symbol: str, rank: int, **changes: Any) -> RankedSymbol:
    parts = ranked().score_breakdown | PARTS | changes.pop("parts", {})
    factors = FACTORS | changes.pop("factors", {})
    return ranked(symbol, rank=rank, score_breakdown=parts, factors=factors, **changes)


def below(symbol: str, rank: int, *, vetoed: bool = False) -> NotListed:
    return NotListed(symbol=symbol, rank=rank, gss=0.3, vetoed=vetoed)


def scanned(
    *listed: RankedSymbol,
    not_listed: tuple[NotListed, ...] = (),
    exclusions: tuple[Exclusion, ...] = (),
    chosen: dict[str, Any] | None = None,
    **changes: Any,
) -> ScreeningReport:
    settings = ScreenerSettings(top=2).by_flag() | {"weights": CLASSIC_WEIGHTS}
    return report(
        ranked=listed,
        not_listed=not_listed,
        excluded=exclusions,
        settings=settings | (chosen or {}),
        **changes,
    )


A, B = row("AUSDT", 1), row("BUSDT", 2)


def only_change(before: ScreeningReport, after: ScreeningReport) -> ScanChange:
    diff = scan_diff(before.to_dict(), after)
    (change,) = (*diff.entered, *diff.left, *diff.moved)
    return change


class TestEntered:
    def test_unknown_to_the_earlier_scan_is_newly_listed(self) -> None:
        change = only_change(scanned(A), scanned(A, B))
        assert change.cause is Cause.NEW_CONTRACT
        assert (change.rank_before, change.rank_after) == (None, 2)
        assert change.part is None

    def test_from_below_the_list_rose(self) -> None:
        change = only_change(scanned(A, not_listed=(below("BUSDT", 3),)), scanned(A, B))
        assert change.cause is Cause.ROSE
        assert (change.rank_before, change.rank_after) == (3, 2)
        assert change.gss_before == 0.3
        # the document of the earlier scan has no breakdown of it
        assert change.part is None

    def test_veto_lifted(self) -> None:
        before = scanned(A, not_listed=(below("BUSDT", 3, vetoed=True),))
        assert only_change(before, scanned(A, B)).cause is Cause.VETO_LIFTED

    def test_passed_a_filter_with_value_and_limit_of_both_scans(self) -> None:
        stopped = excluded("BUSDT", "natr", "natr", 0.6, 1.0)
        after = scanned(A, B, chosen={"min_natr": 0.5})
        change = only_change(scanned(A, exclusions=(stopped,)), after)
        assert change.cause is Cause.PASSED_FILTER
        assert change.exclusion == stopped
        assert change.passed_value == 4.25
        assert change.passed_limit == 0.5

    def test_value_and_limit_may_be_unknown(self) -> None:
        stopped = excluded("BUSDT", "status", "status", "BREAK", "TRADING")
        change = only_change(scanned(A, exclusions=(stopped,)), scanned(A, B))
        assert change.cause is Cause.PASSED_FILTER
        assert change.passed_value is None
        assert change.passed_limit is None

    def test_limit_that_is_no_setting_stays_unknown(self) -> None:
        crossed = excluded("BUSDT", "quotes", "stale_quotes", 1.02, 1.01)
        change = only_change(scanned(A, exclusions=(crossed,)), scanned(A, B))
        assert change.passed_limit is None
        unstated = excluded("BUSDT", "quotes", "stale_quotes")
        change = only_change(scanned(A, exclusions=(unstated,)), scanned(A, B))
        assert change.passed_limit is None

    def test_strict_filter_is_measured_by_the_rank(self) -> None:
        stopped = excluded("BUSDT", "strict", "strict_natr", 0.6, 0.8)
        better = row("BUSDT", 2, parts={"natr_rank": 0.9})
        change = only_change(scanned(A, exclusions=(stopped,)), scanned(A, better))
        assert change.passed_value == 0.9

    def test_data_that_had_failed_returned(self) -> None:
        failed = excluded("BUSDT", "data", "request_failed")
        change = only_change(scanned(A, exclusions=(failed,)), scanned(A, B))
        assert change.cause is Cause.DATA_RETURNED


class TestLeft:
    def test_unknown_to_the_later_scan_is_delisted(self) -> None:
        change = only_change(scanned(A, B), scanned(A))
        assert change.cause is Cause.DELISTED
        assert (change.rank_before, change.rank_after) == (2, None)

    def test_fell_tells_what_changed_when_breakdowns_are_given(self) -> None:
        before, after = scanned(A, B), scanned(A, not_listed=(below("BUSDT", 3),))
        (blind,) = scan_diff(before.to_dict(), after).left
        assert blind.cause is Cause.FELL
        assert blind.part is None
        now = dict(B.score_breakdown) | {"volatility": 0.02, "natr_rank": 0.1}
        (seen,) = scan_diff(before.to_dict(), after, breakdowns={"BUSDT": now}).left
        assert seen.part == PartChange(name="volatility", before=0.1, after=0.02)
        assert seen.term == PartChange(name="natr_rank", before=0.5, after=0.1)

    def test_vetoed(self) -> None:
        after = scanned(A, not_listed=(below("BUSDT", 3, vetoed=True),))
        assert only_change(scanned(A, B), after).cause is Cause.VETOED

    def test_excluded_tells_the_value_it_passed_with(self) -> None:
        stopped = excluded("BUSDT", "natr", "natr", 0.6, 1.0)
        change = only_change(scanned(A, B), scanned(A, exclusions=(stopped,)))
        assert change.cause is Cause.EXCLUDED
        assert change.passed_value == 4.25
        assert change.passed_limit == 1.0

    @pytest.mark.parametrize("stage", ["data", "bars", "gap", "fresh_bars", "readable"])
    def test_failed_data_is_no_judgement(self, stage: str) -> None:
        stopped = excluded("BUSDT", stage, "gap", 3, 0)
        change = only_change(scanned(A, B), scanned(A, exclusions=(stopped,)))
        assert change.cause is Cause.NO_DATA


class TestMoved:
    def test_rank_score_and_the_part_that_moved_most(self) -> None:
        now = row(
            "BUSDT",
            1,
            gss=0.8,
            parts={"trend": 0.3, "trend_base": 1.0, "natr_rank": 0.6},
        )
        before = scanned(A, row("BUSDT", 2, gss=0.7))
        diff = scan_diff(before.to_dict(), scanned(now, row("AUSDT", 2)))
        up, down = diff.moved
        assert (up.symbol, up.cause) == ("BUSDT", Cause.ROSE)
        assert (up.rank_before, up.rank_after) == (2, 1)
        assert (up.gss_before, up.gss_after) == (0.7, 0.8)
        assert up.part == PartChange(name="trend", before=0.2, after=0.3)
        assert up.term == PartChange(name="trend_base", before=0.7, after=1.0)
        assert (down.symbol, down.cause, down.part) == ("AUSDT", Cause.FELL, None)

    def test_missing_input_counts_as_the_nothing_it_added(self) -> None:
        change = PartChange(name="trend", before=None, after=0.3)
        assert change.size == 0.3
        assert PartChange(name="trend", before=0.3, after=None).size == -0.3

    def test_part_without_a_term_that_changed_stands_alone(self) -> None:
        now = row("AUSDT", 2, parts={"trend": 0.1})
        diff = scan_diff(scanned(A, B).to_dict(), scanned(row("BUSDT", 1), now))
        change = diff.moved[1]
        assert change.part == PartChange(name="trend", before=0.2, after=0.1)
        assert change.term is None

    def test_veto_is_the_cause_when_all_are_listed(self) -> None:
        vetoed = row("AUSDT", 2, vetoed=True)
        before, after = scanned(A, B), scanned(row("BUSDT", 1), vetoed)
        fell = scan_diff(before.to_dict(), after).moved[1]
        assert fell.cause is Cause.VETOED
        rose = scan_diff(after.to_dict(), before).moved[0]
        assert rose.cause is Cause.VETO_LIFTED

    def test_same_rank_is_unchanged(self) -> None:
        diff = scan_diff(scanned(A, B).to_dict(), scanned(A, B))
        assert (diff.entered, diff.left, diff.moved) == ((), (), ())
        assert diff.unchanged == 2

    def test_later_scan_may_be_a_document(self) -> None:
        before = scanned(A).to_dict()
        after = scanned(A, B)
        assert scan_diff(before, after.to_dict()) == scan_diff(before, after)


class TestConditions:
    def test_settings_that_differ_are_named(self) -> None:
        before = scanned(A, chosen={"min_volume": 1e7, "workers": 3})
        diff = scan_diff(before.to_dict(), scanned(A))
        assert diff.settings == (
            SettingChange(name="min_volume", before=1e7, after=5e7),
        )
        assert diff.top == 2

    def test_newer_settings_were_at_their_default_in_an_older_document(self) -> None:
        old = scanned(A).to_dict()
        old["schema_version"] = "1.0"
        for name in ("hold", "rank_draws", "cache", "scan_deadline"):
            old["settings"].pop(name, None)
        for listed in old["ranked"]:
            listed.pop("rank_interval", None)
        old.pop("rank_stability", None)
        assert scan_diff(old, scanned(A)).settings == ()
        held = scanned(A, chosen={"hold": 5})
        assert scan_diff(old, held).settings == (
            SettingChange(name="hold", before=0, after=5),
        )

    def test_simulated_and_real_markets_are_not_compared(self) -> None:
        with pytest.raises(IncomparableScans) as caught:
            scan_diff(scanned(A, source="demo").to_dict(), scanned(A))
        assert str(caught.value) == (
            "a scan of a demo market cannot be compared with one of a live market"
        )

    def test_what_makes_a_comparison_doubtful_is_said(self) -> None:
        before = scanned(
            A, source="snapshot", chosen={"profile": "old"}, as_of_ms=AS_OF_MS + 1
        )
        diff = scan_diff(before.to_dict(), scanned(A))
        assert diff.warnings == (
            "sources differ: snapshot, now live",
            "profiles differ: scores of the two scans measure different things",
            "the earlier report is of a later time",
        )

    def test_a_list_without_length_counts_as_all(self) -> None:
        diff = scan_diff(scanned(A).to_dict(), scanned(A, chosen={"top": None}))
        assert diff.top == 0

    @settings(deadline=None)
    @given(
        then=st.lists(st.sampled_from("ABCDEFGH"), unique=True),
        now=st.lists(st.sampled_from("ABCDEFGH"), unique=True),
    )
    def test_everyone_is_accounted_for_once(
        self, then: list[str], now: list[str]
    ) -> None:
        before, after = (
            scanned(*(row(symbol, rank) for rank, symbol in enumerate(names, 1)))
            for names in (then, now)
        )
        diff = scan_diff(before.to_dict(), after)
        assert {change.symbol for change in diff.entered} == set(now) - set(then)
        assert {change.symbol for change in diff.left} == set(then) - set(now)
        assert len(diff.moved) + diff.unchanged == len(set(now) & set(then))
        assert all(change.rank_before != change.rank_after for change in diff.moved)


def test_breakdowns_of_a_ranking_are_those_of_its_scores() -> None:
    market = snapshot_of(random_panel(6, 60, seed=2))
    market = replace(market, open_interest=np.full(6, np.nan))
    chosen = ScreenerSettings(min_natr=0, max_natr=100, max_tick_share=1.0)
    result = ranking(market, chosen, load_profile("classic"))
    found = scored_breakdowns(result)
    assert set(found) == set(result.scores.symbols)
    for place, symbol in enumerate(result.scores.symbols):
        assert found[symbol]["open_interest_adjustment"] is None
        assert found[symbol]["natr_rank"] == result.scores.breakdown["natr_rank"][place]


class TestReading:
    def test_published_report_is_read_back(self) -> None:
        content = report_json(report())
        document = report_of(
            content.encode() if isinstance(content, str) else content, name="scan.json"
        )
        diff = scan_diff(document, report())
        assert diff.unchanged == 3
        assert diff.generated_before == "2026-10-07T12:00:09Z"
        assert diff.as_of_before_ms == diff.as_of_after_ms == AS_OF_MS

    @pytest.mark.parametrize(
        ("content", "detail"),
        [
            (b"", "not JSON (it is empty)"),
            (b"  \n", "not JSON (it is empty)"),
            (b"{", "not JSON (line 1)"),
            (b"\xff\xfe", "not JSON (line 1)"),
            (b'{"gss": NaN}', "not JSON (line 1)"),
            (b"[" * 2000, "not JSON (line 1)"),
            (b"[1]", "the document must be an object, was a list"),
            (b"7", "the document must be an object, was 7"),
            (b"{}", "schema_version must be 1.0 or 1.1 or 1.2, was None"),
            (
                b'{"schema_version": "2.0"}',
                "schema_version must be 1.0 or 1.1 or 1.2, was '2.0'",
            ),
        ],
    )
    def test_what_is_no_report_is_refused_in_one_line(
        self, content: bytes, detail: str
    ) -> None:
        with pytest.raises(UnreadableReport) as caught:
            report_of(content, name="scan.json")
        assert str(caught.value) == (
            f"scan.json is not a readable report: {detail} "
            "(--format json or --record makes one)"
        )
        assert (caught.value.name, caught.value.detail) == ("scan.json", detail)

    @pytest.mark.parametrize(
        ("path", "value", "detail"),
        [
            (("ranked",), {}, "ranked must be a list, was an object"),
            (("ranked", 0), 3, "a row of ranked must be an object, was 3"),
            (
                ("ranked", 0, "symbol"),
                None,
                "symbol in ranked must be a text, was None",
            ),
            (
                ("ranked", 0, "symbol"),
                "A\x1b[2J",
                r"symbol in ranked must be a printable name, was 'A\x1b[2J'",
            ),
            (
                ("ranked", 0, "symbol"),
                "",
                "symbol in ranked must be a printable name, was ''",
            ),
            (
                ("ranked", 0, "symbol"),
                "A" * 101,
                f"symbol in ranked must be a printable name, was '{'A' * 39}…",
            ),
            (("ranked", 1, "symbol"), "AUSDT", "AUSDT occurs twice"),
            (("excluded", 0, "symbol"), "AUSDT", "AUSDT occurs twice"),
            (
                ("ranked", 0, "rank"),
                0,
                "rank of AUSDT must be a whole number in 1…253402300799999, was 0",
            ),
            (
                ("ranked", 0, "rank"),
                True,
                "rank of AUSDT must be a whole number in 1…253402300799999, was True",
            ),
            (
                ("ranked", 0, "gss"),
                "high",
                "gss of AUSDT must be a finite number, was 'high'",
            ),
            (
                ("ranked", 0, "gss"),
                10**400,
                f"gss of AUSDT must be a finite number, was 1{'0' * 39}…",
            ),
            (
                ("ranked", 0, "gss"),
                float("nan"),
                "gss of AUSDT must be a finite number, was nan",
            ),
            (
                ("ranked", 0, "vetoed"),
                0,
                "vetoed of AUSDT must be true or false, was 0",
            ),
            (
                ("ranked", 0, "factors"),
                [],
                "factors of AUSDT must be an object, was a list",
            ),
            (
                ("ranked", 0, "factors", "natr"),
                [],
                "'natr' of AUSDT must be a finite number, was a list",
            ),
            (
                ("excluded", 0, "reason"),
                None,
                "reason of XUSDT must be an object, was None",
            ),
            (
                ("excluded", 0, "reason", "value"),
                [],
                "value of XUSDT must be a finite number, was a list",
            ),
            (("settings",), None, "settings must be an object, was None"),
            (
                ("settings", "top"),
                {},
                "a setting must be a finite number, was an object",
            ),
            (
                ("as_of_ms",),
                10**30,
                f"as_of_ms must be a whole number in 0…253402300799999, was {10**30}",
            ),
            (("source",), 3, "source must be a text, was 3"),
        ],
    )
    def test_the_first_thing_wrong_is_named(
        self, path: tuple[str | int, ...], value: Any, detail: str
    ) -> None:
        document: Any = scanned(
            A, B, exclusions=(excluded("XUSDT", "age", "age", 3.0, 30.0),)
        ).to_dict()
        place = document
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        with pytest.raises(UnreadableReport) as caught:
            scan_diff(document, scanned(A))
        assert caught.value.detail == detail
        assert "\n" not in str(caught.value)

    def test_texts_cannot_steer_a_terminal(self) -> None:
        document = scanned(
            A, exclusions=(excluded("XUSDT", "age", "age", "\x1b]0;", 30.0),)
        ).to_dict()
        document["excluded"][0]["reason"]["text"] = "listed\nfor \x1b[2J" + "x" * 600
        document["settings"]["quote"] = "US\x07DT"
        found = scan_document(document, name="scan.json")
        reason = found.exclusions["XUSDT"].reason
        assert reason.text.startswith("listed�for �[2Jxxx")
        assert len(reason.text) == 501
        assert reason.text.endswith("…")
        assert reason.value == "�]0;"
        assert found.settings["quote"] == "US�DT"

    @settings(deadline=None)
    @given(
        path=st.lists(st.integers(0, 30), min_size=1, max_size=5),
        junk=st.recursive(
            st.none()
            | st.booleans()
            | st.integers(-(2**63), 2**63)
            | st.floats()
            | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.text(max_size=5), inner, max_size=3)
            ),
            max_leaves=5,
        ),
    )
    def test_any_damage_is_refused_or_harmless(
        self, path: list[int], junk: Any
    ) -> None:
        document: Any = orjson.loads(orjson.dumps(scanned(A, B).to_dict(), default=str))
        place = document
        for step in path:
            if not isinstance(place, dict | list) or not place:
                break
            keys = list(place) if isinstance(place, dict) else range(len(place))
            key = keys[step % len(keys)]
            parent, last, place = place, key, place[key]
        parent[last] = junk
        refused, diff = None, None
        try:
            diff = scan_diff(document, scanned(A, B))
        except (UnreadableReport, IncomparableScans) as error:
            refused = str(error)
        if diff is None:
            assert refused is not None
            assert refused.isprintable()
        else:
            assert diff.unchanged + len(diff.moved) + len(diff.entered) == 2
