"""The file of the shipped models: read back bit for bit, and refused when wrong."""

import re
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
from tests.stop_out_samples import model

MODELS = tuple(
    model(horizon_days=days, intercept=-1.5 + days / 30, base_rate=days / 60)
    for days in (3, 7, 14)
)
TEXT = models_to_toml(MODELS)


def assert_same(one: StopOutModel, other: StopOutModel) -> None:
    for name in StopOutModel.__slots__:
        assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def test_models_read_back_are_equal_bit_for_bit() -> None:
    read = models_from_toml(TEXT)

    assert list(read) == [3, 7, 14]
    for made in MODELS:
        assert_same(read[made.horizon_days], made)


def test_order_of_writing_does_not_matter() -> None:
    assert models_to_toml(MODELS[::-1]) == TEXT
    assert models_to_toml({made.horizon_days: made for made in MODELS}) == TEXT


def test_only_whole_sets_are_written() -> None:
    with pytest.raises(InvalidSettings, match=r"horizon_days must be \(3, 7, 14\)"):
        models_to_toml(MODELS[:2])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[[model]]", "[[model", "stop-out models must be valid TOML"),
        ('interval = "4h"', 'interval = "1h"', "interval must be 4h, was '1h'"),
        ('interval = "4h"', "", "keys must be complete, interval is missing"),
        ("features = [", "extra = 1\nfeatures = [", "key must be one of interval"),
        ('"log_width"', '"width"', "features must be log_width, return_7d"),
        ("[[model]]", "[model]", "stop-out models must be valid TOML"),
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


def test_file_without_models_is_refused() -> None:
    text = TEXT[: TEXT.index("[[model]]")]
    with pytest.raises(InvalidSettings, match="model is missing"):
        models_from_toml(text)
    with pytest.raises(InvalidSettings, match=r"must be tables \[\[model\]\]"):
        models_from_toml(text + "model = [1]\n")


class TestShipped:
    models = load_stop_out_models()

    def test_file_is_as_code_writes_it(self) -> None:
        """Nobody typed a digit."""
        shipped = files("grid_screening").joinpath("profiles/models/stop_out.toml")

        assert shipped.read_text(encoding="utf-8") == models_to_toml(self.models)

    def test_longer_horizons_stop_more(self) -> None:
        rates = [shipped.base_rate for shipped in self.models.values()]

        assert list(self.models) == [3, 7, 14]
        assert rates == sorted(rates)

    def test_wider_grids_were_stopped_less(self) -> None:
        for shipped in self.models.values():
            features = np.tile(shipped.center, (6, 1))
            features[:, 0] = np.log([1, 1.5, 2, 2.5, 3, 4])

            assert np.all(np.diff(shipped.probability(features)) < 0)

    def test_all_horizons_are_of_one_history(self) -> None:
        assert len({shipped.data_hash for shipped in self.models.values()}) == 1
