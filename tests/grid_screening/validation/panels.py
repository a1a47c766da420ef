"""Hypothesis strategies of scores and outcomes with ties and gaps."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from monitor.domain.typing import FloatArray

_VALUES = st.one_of(
    st.integers(-3, 3).map(float),
    st.floats(-1e3, 1e3, allow_subnormal=False).map(lambda x: round(x, 3)),
    st.just(float("nan")),
)


@st.composite
def panels(draw: st.DrawFn, most: int = 14) -> tuple[FloatArray, FloatArray]:
    """Score and outcome of one shape."""
    shape = (draw(st.integers(1, 3)), draw(st.integers(1, most)))
    score = draw(npst.arrays(np.float64, shape, elements=_VALUES))
    outcome = draw(npst.arrays(np.float64, shape, elements=_VALUES))
    return score, outcome


def noise(*shape: int, seed: int = 7) -> FloatArray:
    """Standard normal values."""
    return np.random.default_rng(seed).standard_normal(shape)
