import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests import naive_volume_profile as naive
from vp_squeeze.indicators.confidence import BoxConfidence, box_confidence

STATED = {
    "squeeze_bars": ((2, 0), (3, 0.6), (5, 0.8), (7, 1)),
    "concentration": ((0.5, 0), (0.85, 1)),
    "bollinger_width": ((2, 1), (5, 0.6), (10, 0.3), (20, 0)),
    "value_area_width": ((3, 1), (8, 0.5), (15, 0.2), (30, 0)),
}
PARTS = {"squeeze_bars": "squeeze"}


def confidence(**values: float) -> BoxConfidence:
    best = {
        "squeeze_bars": 7.0,
        "concentration": 0.9,
        "bollinger_width": 1.0,
        "value_area_width": 1.0,
    }
    return box_confidence(
        **{name: np.array(value) for name, value in {**best, **values}.items()}
    )


@pytest.mark.parametrize("name", STATED)
@given(value=st.floats(0, 40) | st.just(float("nan")))
def test_part_equals_its_twin(name: str, value: float) -> None:
    part = getattr(confidence(**{name: value}), PARTS.get(name, name))

    assert_allclose(part, naive.by_table(value, STATED[name]), atol=1e-12)


@pytest.mark.parametrize(
    ("bars", "part"), [(0, 0.0), (2, 0.0), (3, 0.6), (4, 0.7), (5, 0.8), (7, 1.0)]
)
def test_squeeze_below_three_bars_counts_nothing(bars: int, part: float) -> None:
    assert_allclose(confidence(squeeze_bars=bars).squeeze, part)


def test_total_is_the_weighted_sum() -> None:
    assert confidence().total == pytest.approx(1.0)
    assert confidence(squeeze_bars=0).total == pytest.approx(0.70)
    assert confidence(concentration=0).total == pytest.approx(0.65)
    assert confidence(bollinger_width=20).total == pytest.approx(0.80)
    assert confidence(value_area_width=30).total == pytest.approx(0.85)


def test_missing_part_is_a_missing_total() -> None:
    missing = confidence(concentration=np.nan)

    assert np.isnan(missing.total)
    assert missing.squeeze == 1.0
