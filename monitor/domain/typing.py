"""Array and scalar aliases used across the apps."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
"""float64; time, where there is one, is the last axis."""

IntArray: TypeAlias = NDArray[np.int64]
"""int64: times in UTC milliseconds, counts."""

BoolArray: TypeAlias = NDArray[np.bool_]

Symbol: TypeAlias = str
"""Exchange symbol, upper case, possibly non-ASCII: ``"BTCUSDT"``, ``"龙虾USDT"``."""
