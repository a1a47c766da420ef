"""What moving the upper bound of a grid does to its stop-out probability.

The models of `grid_screening.stop_out` compare contracts, each with its own bounds.
Contracts with wide bounds differ from others in more than that, so the slope of such a
model is not what moving a bound does. Here the same contracts were simulated again
with the bound at each of `WIDTHS`, at equal capital: the width was set, not found.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from grid_screening.stop_out import StopOutModel

WIDTHS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0)
"""Distances of the upper bound from the price, in hourly ATRs scaled to a day, as
`range_to_volatility`: simulated by the study and shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WidthModel:
    """Stop-out probability at any width, told from grids whose bound was moved.

    Raises
    ------
    ValueError
        ``study_shares`` are not one share in [0, 1] for each of `WIDTHS`.
    """

    model: StopOutModel
    """``log_width`` is that of the moved bound. Its sample holds every contract and
    origin once per width."""
    study_shares: tuple[float, ...]
    """Share of all grids stopped out at each of `WIDTHS`, mean of the origins: what
    the study simulated, without any model."""

    def __post_init__(self) -> None:
        shares = self.study_shares
        # NaN fails too
        if len(shares) != len(WIDTHS) or not all(0 <= s <= 1 for s in shares):
            raise ValueError(
                f"study_shares must be {len(WIDTHS)} numbers in [0, 1], "
                f"was {list(shares)}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class StopOutModels:
    """All that ships: of a plan as it is, and with its bound moved."""

    by_horizon: Mapping[int, StopOutModel]
    """By days, ascending."""
    width: WidthModel
