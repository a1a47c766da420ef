"""The profile with a gate, scanned, recorded and replayed."""

import orjson
import pytest

from grid_screening.conf import ScreenerSettings
from grid_screening.gate import gate_candidates
from grid_screening.profile import load_profile
from grid_screening.ranking import ranking
from grid_screening.reports.json import report_json
from grid_screening.screening_report import RankedSymbol
from grid_screening.services.explain_service import explained
from grid_screening.services.recorded_market import RecordingMarket, ReplayedMarket
from grid_screening.services.scan_service import Scan, scan
from grid_screening.services.screening_service import live_market
from monitor.api_clients.binance import BinanceFuturesClient
from monitor.conf import GatewayConfig
from monitor.domain.market import KlineInterval
from monitor.simulator.server import EmbeddedExchange
from tests.grid_screening.reports.html.reader import read

TOP = 8
GUARDED = ScreenerSettings(min_volume=0.0, top=TOP, profile="guarded", cache=False)
CLASSIC = GUARDED.merged({"profile": "classic"})
UNSTABLE = ("generated_at", "seconds", "requests", "source")


@pytest.fixture(scope="module")
def recorded() -> tuple[Scan, RecordingMarket]:
    with (
        EmbeddedExchange(contracts=300, seed=7) as exchange,
        BinanceFuturesClient(GatewayConfig(base_url=exchange.base_url)) as client,
    ):
        market = RecordingMarket(live_market(client))
        return scan(GUARDED, market, source="simulated"), market


def replayed(market: RecordingMarket, settings: ScreenerSettings) -> Scan:
    return scan(settings, ReplayedMarket(market.recording()), source="snapshot")


def week(row: RankedSymbol) -> float:
    assert row.stop_out is not None
    return row.stop_out.estimates[1].probability


def test_the_veto_states_its_threshold(
    recorded: tuple[Scan, RecordingMarket],
) -> None:
    notes = {
        profile: " ".join(replayed(recorded[1], settings).report.notes)
        for profile, settings in {"guarded": GUARDED, "classic": CLASSIC}.items()
    }
    assert "veto of guarded: slope > 20 bp/bar and R² > 0.8; it " in notes["guarded"]
    assert "veto of classic: slope > 50 bp/bar and R² > 0.8; it " in notes["classic"]


class TestList:
    def test_every_listed_grid_is_wide_enough(
        self, recorded: tuple[Scan, RecordingMarket]
    ) -> None:
        report = recorded[0].report
        assert len(report.ranked) == TOP
        for row in report.ranked:
            assert row.grid is not None
            assert float(row.grid["range_to_volatility"]) >= 2  # type: ignore[arg-type]
            assert "narrow_range" not in row.marks

    def test_excluded_and_funnel_account_for_everybody(
        self, recorded: tuple[Scan, RecordingMarket]
    ) -> None:
        report = recorded[0].report
        stopped = [e for e in report.excluded if e.stage == "gate"]
        counts = {stage.stage: stage.count for stage in report.funnel}
        assert stopped
        for exclusion in stopped:
            assert exclusion.reason.code == "range_to_volatility"
            assert exclusion.reason.text.endswith("daily ranges wide, needs 2")
            assert float(exclusion.reason.value) < 2  # type: ignore[arg-type]
        assert counts["tick"] - counts["gate"] == len(stopped)
        assert counts["scored"] == len(report.ranked) + len(report.not_listed)
        names = {r.symbol for r in (*report.ranked, *report.not_listed)}
        assert counts["universe"] == len(names) + len(report.excluded)

    def test_first_2n_in_classic_order_are_looked_at_and_nobody_else(
        self, recorded: tuple[Scan, RecordingMarket]
    ) -> None:
        done, market = recorded
        before = ranking(done.snapshot, GUARDED, load_profile("guarded")).scores
        candidates = {before.symbols[row] for row in gate_candidates(before, TOP)}
        asked = {
            wish.symbol
            for wish in market.recording().klines
            if wish.interval is KlineInterval.H1
        }
        assert len(candidates) == 2 * TOP
        assert asked == candidates

    def test_ranks_begin_at_one_and_lie_in_their_intervals(
        self, recorded: tuple[Scan, RecordingMarket]
    ) -> None:
        ranked = recorded[0].report.ranked
        assert ranked[0].rank == 1
        for row in ranked:
            assert row.rank_interval is not None
            assert row.rank_interval[0] <= row.rank <= row.rank_interval[1]


class TestProbability:
    def test_every_listed_contract_has_one_and_wider_is_less(
        self, recorded: tuple[Scan, RecordingMarket]
    ) -> None:
        for row in recorded[0].report.ranked:
            assert row.stop_out is not None
            short, middle, long = row.stop_out.estimates
            assert 0 < short.probability < middle.probability < long.probability < 1
            curve = [point.probability for point in row.stop_out.curve]
            assert curve == sorted(curve, reverse=True)

    def test_gate_lowers_the_mean_probability_of_the_list(
        self, recorded: tuple[Scan, RecordingMarket]
    ) -> None:
        guarded, market = recorded
        classic = replayed(market, CLASSIC).report
        narrow = {e.symbol for e in guarded.report.excluded if e.stage == "gate"}
        dropped = [row for row in classic.ranked if row.symbol in narrow]
        assert dropped
        assert all("narrow_range" in row.marks for row in dropped)
        assert sum(map(week, guarded.report.ranked)) < sum(map(week, classic.ranked))

    def test_other_bars_have_none_and_a_note_says_so(self) -> None:
        hourly = CLASSIC.merged({"interval": KlineInterval.H1})
        with (
            EmbeddedExchange(contracts=20, seed=5) as exchange,
            BinanceFuturesClient(GatewayConfig(base_url=exchange.base_url)) as client,
        ):
            report = scan(hourly, live_market(client), source="simulated").report
        assert report.ranked
        assert all(row.stop_out is None for row in report.ranked)
        assert any("there is no stop-out probability" in note for note in report.notes)


class TestReplay:
    def test_guarded_scan_replays_to_the_byte(
        self, recorded: tuple[Scan, RecordingMarket]
    ) -> None:
        done, market = recorded
        first, second = (
            {k: v for k, v in orjson.loads(report_json(made.report)).items()
             if k not in UNSTABLE}
            for made in (done, replayed(market, GUARDED))
        )  # fmt: skip
        assert orjson.dumps(first) == orjson.dumps(second)

    def test_gate_asks_a_recording_of_fewer_plans_in_vain_and_says_so(
        self, recorded: tuple[Scan, RecordingMarket]
    ) -> None:
        """A range that was not recorded is not known, and does not pass."""
        _, market = recorded
        wider = GUARDED.merged({"top": TOP + 4})
        report = replayed(market, wider).report
        unknown = [
            e for e in report.excluded if e.reason.text.startswith("range not known")
        ]
        assert len(unknown) == 8
        assert {e.stage for e in unknown} == {"gate"}
        assert all("did not ask for it" in e.reason.text for e in unknown)
        assert not {e.symbol for e in unknown} & {row.symbol for row in report.ranked}


class TestExplained:
    def test_who_the_gate_stopped_is_told_what_it_needs(
        self, recorded: tuple[Scan, RecordingMarket]
    ) -> None:
        done, market = recorded
        stopped = next(e for e in done.report.excluded if e.stage == "gate")
        (found,) = explained(
            done, [stopped.symbol], ReplayedMarket(market.recording()), GUARDED
        )
        (failure,) = found.failures
        assert failure.exclusion.reason == stopped.reason
        assert failure.needs is not None
        assert failure.needs.startswith("needs range +")
        assert found.rank_if_admitted is not None
        assert found.counterfactuals is not None

    def test_listed_one_has_its_outlook_and_the_last_one_was_not_measured(
        self, recorded: tuple[Scan, RecordingMarket]
    ) -> None:
        done, market = recorded
        first = done.report.ranked[0]
        last = [row for row in done.report.not_listed if not row.vetoed][-1]
        listed, behind = explained(
            done,
            [first.symbol, last.symbol],
            ReplayedMarket(market.recording()),
            GUARDED,
        )
        assert listed.stop_out == first.stop_out
        assert not listed.is_behind_gate
        assert behind.is_behind_gate
        assert behind.stop_out is None


def test_page_shows_the_widths_of_every_contract(
    recorded: tuple[Scan, RecordingMarket],
) -> None:
    from grid_screening.reports.html.page import report_html

    page = read(report_html(recorded[0].report))
    captions = [e.text for e in page.all("caption")]
    moved = "The same contract and capital with the upper bound moved"
    assert captions.count(moved) == TOP
