"""Maintenance-margin brackets of many contracts as rectangles of numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from grid_screening.brackets import ASSUMED_BRACKETS
from monitor.domain.instruments import LeverageBracket
from monitor.domain.typing import FloatArray, Symbol


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Maintenance:
    """What a position must keep, per contract.

    Maintenance margin = notional × ``rate`` − ``cumulative`` of the first bracket
    whose ``notional_cap`` is not exceeded; above the last cap the last one goes on.

    Raises
    ------
    ValueError
        Shapes disagree, or there is no bracket.
    """

    notional_cap: FloatArray
    """Shape ``(n_symbols, n_brackets)``, ascending, quote currency, like all three;
    rows with fewer brackets repeat their last."""
    rate: FloatArray
    """Fraction of the notional."""
    cumulative: FloatArray
    """Quote currency."""

    def __post_init__(self) -> None:
        shape = self.notional_cap.shape
        if len(shape) != 2 or shape[1] == 0:  # noqa: PLR2004  # a rectangle
            raise ValueError(
                f"notional_cap must have shape (n_symbols, n_brackets), was {shape}"
            )
        for name in ("rate", "cumulative"):
            if getattr(self, name).shape != shape:
                raise ValueError(
                    f"{name} must have shape {shape}, was {getattr(self, name).shape}"
                )

    @classmethod
    def assumed(cls, symbol_count: int) -> Self:
        """Return the conservative schedule for contracts that are not known."""
        one = cls._of_rows([ASSUMED_BRACKETS])
        return cls(
            notional_cap=np.repeat(one.notional_cap, symbol_count, axis=0),
            rate=np.repeat(one.rate, symbol_count, axis=0),
            cumulative=np.repeat(one.cumulative, symbol_count, axis=0),
        )

    @classmethod
    def of_brackets(
        cls,
        symbols: Sequence[Symbol],
        brackets: Mapping[Symbol, Sequence[LeverageBracket]],
    ) -> Self:
        """Return the brackets of ``symbols``; where there are none, the assumed ones.

        Parameters
        ----------
        symbols : sequence of str
            In the order of the paths.
        brackets : mapping
            By symbol, in any order.
        """
        return cls._of_rows(
            [
                sorted(brackets[symbol], key=lambda row: row.notional_floor)
                if brackets.get(symbol)
                else ASSUMED_BRACKETS
                for symbol in symbols
            ]
        )

    @classmethod
    def _of_rows(cls, rows: Sequence[Sequence[LeverageBracket]]) -> Self:
        widest = max((len(row) for row in rows), default=1)
        table = np.empty((3, len(rows), widest))
        for i, row in enumerate(rows):
            padded = [*row, *[row[-1]] * (widest - len(row))]
            table[0, i] = [float(bracket.notional_cap) for bracket in padded]
            table[1, i] = [float(bracket.maintenance_margin_rate) for bracket in padded]
            table[2, i] = [float(bracket.cumulative_amount) for bracket in padded]
        return cls(notional_cap=table[0], rate=table[1], cumulative=table[2])
