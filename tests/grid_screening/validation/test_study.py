"""The study finds what is there, and nothing where there is nothing."""

import json
from math import isnan

import pytest

from grid_screening.stop_out import FEATURES
from grid_screening.stop_out_file import models_from_toml, models_to_toml
from grid_screening.stop_out_width import StopOutModels
from grid_screening.validation.results import Kind, TopRow
from grid_screening.validation.results_reading import read_study
from grid_screening.validation.scores import BASELINES, CANDIDATES, SAFEST
from grid_screening.validation.study import Study
from tests.grid_screening.validation import markets


@pytest.fixture(scope="module")
def found() -> Study:
    return markets.trending_study()


@pytest.fixture(scope="module")
def nothing() -> Study:
    return markets.random_study()


def top(of: Study, name: str) -> TopRow:
    return next(row for row in of.result.top if row.name == name)


class TestTrendingMarket:
    """Prices that have risen rise further: stop-outs and losses can be told."""

    def test_stop_outs_are_told(self, found: Study) -> None:
        week = next(r for r in found.result.stop_out if r.horizon_days == 7)
        assert week.told
        assert week.difference.high < 0
        assert week.brier < week.base_brier
        assert week.auc > 0.65

    def test_the_model_says_what_tells_them(self, found: Study) -> None:
        assert sorted(found.models) == [3, 7, 14]
        slope = dict(zip(FEATURES, found.models[7].coefficients, strict=True))
        assert slope["return_7d"] > 0.2
        assert slope["return_7d"] == max(slope.values())

    def test_errors_are_clustered_as_long_as_the_outcomes(self, found: Study) -> None:
        # 70 days from a Sunday on touch eleven calendar weeks
        clusters = {days: model.cluster_count for days, model in found.models.items()}
        assert clusters == {3: 11, 7: 11, 14: 6}

    def test_the_safest_list_is_stopped_less_and_earns_more(self, found: Study) -> None:
        row = top(found, SAFEST)
        assert row.stopped.high < 0
        profit = next(r for r in found.result.profit.rows if r.name == SAFEST)
        assert profit.ships
        assert profit.pnl.t > profit.critical_value

    def test_the_factor_is_discovered(self, found: Study) -> None:
        tried = {(t.name, t.statistic): t for t in found.result.tried}
        assert tried["return_7d", "rank-IC not_stopped"].discovered
        assert tried["return_7d", "rank-IC r"].mean < 0
        assert tried["return_7d", "rank-IC r"].discovered

    def test_a_wider_range_has_fewer_stop_outs(self, found: Study) -> None:
        narrow, *_, wide = found.result.widening
        assert (narrow.x, wide.x) == (1, 4)
        assert narrow.stopped_difference.low > 0 > wide.stopped_difference.high
        assert narrow.quantity_ratio > 1 > wide.quantity_ratio


class TestRandomMarket:
    """Nothing can be told about profit, and nothing is."""

    def test_no_candidate_ships(self, nothing: Study) -> None:
        assert [r.name for r in nothing.result.profit.rows] == list(CANDIDATES)
        assert not any(row.ships for row in nothing.result.profit.rows)

    def test_no_list_is_discovered_to_earn_more(self, nothing: Study) -> None:
        money = [t for t in nothing.result.tried if t.statistic == "top pnl"]
        assert len(money) == len(CANDIDATES) + len(BASELINES)
        assert not any(each.discovered for each in money)

    def test_returns_tell_no_stop_outs(self, nothing: Study) -> None:
        tried = {(t.name, t.statistic): t for t in nothing.result.tried}
        assert not tried["return_7d", "rank-IC not_stopped"].discovered
        assert not tried["return_7d", "rank-IC r"].discovered

    def test_the_mean_is_within_its_error(self, nothing: Study) -> None:
        outcome = nothing.result.outcome[0]
        # what a driftless price costs a loaded grid: fees, and little else
        assert outcome.pnl.low - 0.01 < 0 < outcome.pnl.high + 0.01


class TestResult:
    def test_every_question_has_its_rows(self, found: Study) -> None:
        result = found.result
        assert [o.horizon_days for o in result.outcome] == [7, 3, 14]
        assert [r.name for r in result.top] == [*CANDIDATES, *BASELINES]
        kinds = {row.kind for row in result.rank}
        assert kinds == set(Kind)
        assert all(
            set(row.outcomes)
            == {"pnl", "shuffled", "pnl_less_shuffled", "r", "won", "not_stopped"}
            for row in result.rank
        )
        assert [len(row.pnl) for row in result.deciles] == [10] * len(result.deciles)
        assert len(result.universe) == 70

    def test_later_outcomes_are_not_known(self, found: Study) -> None:
        by_horizon = {o.horizon_days: o.pnl.count for o in found.result.outcome}
        assert by_horizon == {7: 70, 3: 70, 14: 70}

    def test_shares_of_ends_are_shares(self, found: Study) -> None:
        for outcome in found.result.outcome:
            ends = outcome.stopped, outcome.take_profit, outcome.liquidated
            assert all(0 <= end.mean <= 1 for end in ends)
            assert sum(end.mean for end in ends) <= 1

    def test_missing_inputs_are_said(self, found: Study) -> None:
        (line,) = found.result.data.problems
        assert "open_interest_ratio" in line
        assert not any(r.name == "open_interest_ratio" for r in found.result.rank)

    def test_deviations_from_the_declared_study_are_said(self, found: Study) -> None:
        said = found.result.protocol["deviations"]
        assert "first origin 2024-12-22, not 2024-12-16" in said
        assert "length of the list 8, not 20" in said
        assert "no sensitivity" in said

    def test_nothing_looked_ahead(self, found: Study) -> None:
        check = found.result.look_ahead
        assert len(check.origins_ms) == 4
        assert check.contracts == 4 * markets.CONTRACTS
        assert check.changed == 0

    def test_it_is_json_and_back(self, found: Study) -> None:
        text = json.dumps(found.result.to_mapping(), allow_nan=False)
        again = read_study(json.loads(text)).to_mapping()
        assert again == found.result.to_mapping()

    def test_the_models_are_the_file_that_ships(self, found: Study) -> None:
        assert found.width is not None
        fitted = StopOutModels(by_horizon=found.models, width=found.width)
        read = models_from_toml(models_to_toml(fitted))
        assert sorted(read.by_horizon) == [3, 7, 14]
        assert read.width.study_shares == found.width.study_shares
        assert found.models[7].period == ("2024-12-22", "2025-03-01")

    def test_timing_adds_up(self, found: Study) -> None:
        timing = found.result.timing
        assert timing.seconds == sum(timing.by_part.values())
        assert timing.symbol_scans == sum(u.scored for u in found.result.universe)


class TestSmallHistory:
    def test_a_few_scans_find_nothing_and_say_so(self) -> None:
        settings = markets.small_settings(end_ms=markets.small_settings().start_ms)
        panel = markets.trending_history()
        result = markets.studied(markets.study_market(panel, settings)).result
        assert result.stop_out == ()
        assert sum("not fitted" in line for line in result.data.problems) == 4
        assert not any(row.ships for row in result.profit.rows)
        assert all(isnan(row.critical_value) for row in result.profit.rows)
        assert result.outcome[0].grid_count == markets.CONTRACTS

    def test_the_same_data_give_the_same_numbers(self) -> None:
        start = markets.small_settings().start_ms
        settings = markets.small_settings(end_ms=start + 3 * 86_400_000)
        panel = markets.trending_history()
        first, second = (
            markets.studied(markets.study_market(panel, settings)).result.to_mapping()
            for _ in range(2)
        )
        assert first == second
