"""The file of the shipped models: read back bit for bit, and refused when wrong."""

import json
import re
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from grid_screening.exceptions import InvalidSettings
from grid_screening.stop_out import StopOutModel
from grid_screening.stop_out_file import (
    load_stop_out_models,
    models_from_toml,
    models_to_toml,
)
from grid_screening.stop_out_width import WIDTHS, StopOutModels
from monitor.domain.typing import FloatArray
from tests.recorded import ROOT
from tests.stop_out_samples import model, width_model

BY_HORIZON = {
    days: model(horizon_days=days, intercept=-1.5 + days / 30, base_rate=days / 60)
    for days in (3, 7, 14)
}
MODELS = StopOutModels(by_horizon=BY_HORIZON, width=width_model(intercept=-1.3))
TEXT = models_to_toml(MODELS)


def assert_same(one: StopOutModel, other: StopOutModel) -> None:
    for name in StopOutModel.__slots__:
        assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def test_models_read_back_are_equal_bit_for_bit() -> None:
    read = models_from_toml(TEXT)

    assert list(read.by_horizon) == [3, 7, 14]
    for days, made in BY_HORIZON.items():
        assert_same(read.by_horizon[days], made)
    assert_same(read.width.model, MODELS.width.model)
    assert read.width.study_shares == MODELS.width.study_shares


def test_order_of_writing_does_not_matter() -> None:
    backwards = dict(reversed(BY_HORIZON.items()))
    assert models_to_toml(replace(MODELS, by_horizon=backwards)) == TEXT


def test_only_whole_sets_are_written() -> None:
    with pytest.raises(InvalidSettings, match=r"horizon_days must be \(3, 7, 14\)"):
        models_to_toml(replace(MODELS, by_horizon={3: BY_HORIZON[3]}))
    weekly = replace(MODELS, width=width_model(horizon_days=3))
    with pytest.raises(InvalidSettings, match="width_model: horizon_days must be 7"):
        models_to_toml(weekly)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[[model]]", "[[model", "stop-out models must be valid TOML"),
        ('interval = "4h"', 'interval = "1h"', "interval must be 4h, was '1h'"),
        ('interval = "4h"', "", "keys must be complete, interval is missing"),
        ("features = [", "extra = 1\nfeatures = [", "key must be one of interval"),
        ('"log_width"', '"width"', "features must be log_width, return_7d"),
        ("[[model]]", "[model]", "stop-out models must be valid TOML"),
        ("[width_model]", "[[width_model]]", "must be a table [width_model]"),
        ("widths = [1.0, 1.5", "widths = [1.0, 1.6", "width_model: widths must be"),
        ("study_shares = [0.44", "study_shares = [44.0", "6 numbers in [0, 1]"),
        ("study_shares = [0.44, ", "study_shares = [", "6 numbers in [0, 1]"),
        ("study_shares = [0.44", "study_shares = [true", "must be a number, was True"),
        ("study_shares", "shares", "keys must be complete, study_shares is missing"),
        ("study_shares", "extra = 1\nstudy_shares", "key must be one of"),
        ("intercept = -1.3", "intercept = nan # ", "width_model: intercept must be"),
        ("horizon_days = 14", "horizon_days = 10", "was (3, 7, 10)"),
        ("horizon_days = 3\n", "horizon_days = 7\n", "was (7, 7, 14)"),
        ("sample_count = 40000", "", "model 1: keys must be complete, sample_count"),
        ("sample_count = 40000", "sample_count = 4e4", "must be a whole number"),
        ("sample_count = 40000", "sample_count = true", "must be a whole number"),
        ("intercept = -1.4", "intercept = inf # ", "intercept must be finite"),
        ("intercept = -1.4", 'intercept = "" # ', "intercept must be a number"),
        ("base_rate = 0.05", "base_rate = 1.5", "base_rate must be in (0, 1)"),
        ("scale = [0.4", "scale = [0.0", "consistent"),
        ("scale = [0.4, ", "scale = [", "scale must have shape (5,)"),
        ("scale = [0.4", "scale = [true", "scale must be a number, was True"),
        ("center = [", "center = 1 # [", "center must be a list of numbers"),
        ("covariance = [", "covariance = [[0],", "must be 6 lists of 6 numbers"),
        ("  [0.04, 0.0", "  [0.04, 0.5", "covariance must be symmetric"),
        ("  [0.04, 0.0,", "  [0.04,", "must be 6 lists of 6 numbers"),
        ('"2024-12-16"', '"16.12.2024"', "period must be two ISO dates"),
        ('"2024-12-16"', '"2026-12-16"', "period must be two ISO dates"),
        ('"2024-12-16", ', "", "period must be two ISO dates"),
        ('data_hash = "0', 'data_hash = "x', "must be 64 hexadecimal digits"),
    ],
)
def test_malformed_file_is_refused_in_one_line(
    old: str, new: str, message: str
) -> None:
    assert old in TEXT
    with pytest.raises(InvalidSettings, match=re.escape(message)) as caught:
        models_from_toml(TEXT.replace(old, new, 1))
    assert "\n" not in str(caught.value)


def test_file_of_before_the_width_model_says_what_to_do() -> None:
    text = TEXT[: TEXT.index("[width_model]")]
    with pytest.raises(InvalidSettings, match="--write-model FILE") as caught:
        models_from_toml(text)
    assert "\n" not in str(caught.value)


def test_file_without_models_is_refused() -> None:
    text = TEXT[: TEXT.index("[[model]]")]
    with pytest.raises(InvalidSettings, match="model is missing"):
        models_from_toml(text)
    with pytest.raises(InvalidSettings, match=r"must be tables \[\[model\]\]"):
        models_from_toml(text + "model = [1]\nwidth_model = 1\n")


def at_widths(shipped: StopOutModel) -> FloatArray:
    """Return the mean features at each width."""
    features = np.tile(shipped.center, (len(WIDTHS), 1))
    features[:, 0] = np.log(WIDTHS)
    return features


class TestShipped:
    models = load_stop_out_models()

    def test_file_is_as_code_writes_it(self) -> None:
        """Nobody typed a digit."""
        shipped = files("grid_screening").joinpath("profiles/models/stop_out.toml")

        assert shipped.read_text(encoding="utf-8") == models_to_toml(self.models)

    def test_longer_horizons_stop_more(self) -> None:
        by_horizon = self.models.by_horizon
        rates = [shipped.base_rate for shipped in by_horizon.values()]

        assert list(by_horizon) == [3, 7, 14]
        assert rates == sorted(rates)

    def test_wider_grids_were_stopped_less(self) -> None:
        by_horizon = self.models.by_horizon.values()
        for shipped in (*by_horizon, self.models.width.model):
            assert np.all(np.diff(shipped.probability(at_widths(shipped))) < 0)

    def test_a_moved_bound_is_told_as_the_study_simulated_it(self) -> None:
        moved = self.models.width
        comp = moved.model.probability(at_widths(moved.model))

        assert comp == pytest.approx(moved.study_shares, abs=0.03)

    def test_comparing_contracts_would_understate_a_moved_bound(self) -> None:
        """Why there is a width model."""
        moved, compared = self.models.width, self.models.by_horizon[7]
        narrow, wide = compared.probability(at_widths(compared))[[0, -1]]

        assert moved.study_shares[0] - moved.study_shares[-1] > 1.5 * (narrow - wide)

    def test_the_published_study_is_that_of_the_file(self) -> None:
        published = json.loads((ROOT / "docs/evidence.json").read_text())
        rows = published["widening"]
        shares = [row["stopped"]["mean"] for row in rows]

        assert [row["x"] for row in rows] == list(WIDTHS)
        assert self.models.width.study_shares == pytest.approx(shares, abs=0.03)

    def test_all_horizons_are_of_one_history(self) -> None:
        shipped = (*self.models.by_horizon.values(), self.models.width.model)
        assert len({each.data_hash for each in shipped}) == 1
