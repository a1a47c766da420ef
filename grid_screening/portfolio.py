"""What the listed grids risk together: one squeeze, all of them short. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grid_screening.planned_grid import ShortGridPlan
from grid_screening.screening_report import CommonSqueeze, PortfolioRisk
from monitor.domain.typing import FloatArray

RISES = (0.10, 0.20, 0.30)
"""Squeezes of the whole market, fractions of the price."""

_PAIR = 2


def portfolio_risk(
    plans: Sequence[ShortGridPlan],
    returns: FloatArray,
    *,
    maker_fee: float,
    taker_fee: float,
    rises: tuple[float, ...] = RISES,
) -> PortfolioRisk | None:
    """Return what ``plans`` risk together, None without any.

    Parameters
    ----------
    plans : sequence of ShortGridPlan
        One per contract.
    returns : ndarray of shape (len(plans), n_returns)
        Log returns of the same contracts over the same bars. A contract with a NaN
        or without any movement leaves the number of bets unknown.
    maker_fee, taker_fee : float
        Fractions per side.
    rises : tuple of float
        Fractions > 0.

    Notes
    -----
    The way up is straight: every level on it is sold, nothing is bought back, no
    funding. In a gap that jumps over levels they would be sold at better prices.
    """
    if not plans:
        return None
    grids = [_Rungs.of(plan, maker_fee, taker_fee) for plan in plans]
    return PortfolioRisk(
        grids=len(plans),
        margin=float(sum(plan.margin for plan in plans)),
        loss_at_stops=float(sum(plan.loss_at_stop for plan in plans)),
        squeezes=tuple(_squeeze(rise, grids) for rise in rises),
        independent_bets=effective_bets(returns),
    )


def effective_bets(returns: FloatArray) -> float | None:
    """Return N² ÷ Σ ρ_ij over all pairs, each contract with itself among them.

    Parameters
    ----------
    returns : ndarray of shape (N, n_returns)

    Returns
    -------
    float or None
        1 for N contracts that move as one, N for N uncorrelated ones; more where
        correlations are negative. None: fewer than two returns, a NaN, a row without
        movement, or correlations that cancel each other.
    """
    count, length = returns.shape
    if length < _PAIR or not np.isfinite(returns).all():
        return None
    centered = returns - returns.mean(axis=-1, keepdims=True)
    scale = np.sqrt(np.vecdot(centered, centered))
    if not (scale > 0).all():
        return None
    together = (centered / scale[:, None]).sum(axis=0)
    total = float(np.vecdot(together, together))
    return count**2 / total if total > count * np.finfo(float).eps else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rungs:
    # a plan in floats: what is sold where on the way up
    plan: ShortGridPlan
    above: FloatArray
    price: float
    quantity: float
    initial: float
    stop: float
    maker: float
    taker: float

    @classmethod
    def of(cls, plan: ShortGridPlan, maker: float, taker: float) -> "_Rungs":
        levels = plan.levels[plan.level_count - plan.levels_above :]
        return cls(
            plan=plan,
            above=np.array([float(level) for level in levels]),
            price=float(plan.price),
            quantity=float(plan.quantity_per_level),
            initial=float(plan.initial_short_quantity),
            stop=float(plan.stop_price),
            maker=maker,
            taker=taker,
        )

    def loss_at(self, price: float) -> float:
        sold = self.above[self.above <= price]
        held = self.initial + self.quantity * sold.shape[0]
        value = self.initial * self.price + self.quantity * float(sold.sum())
        fees = self.taker * (self.initial * self.price + held * price)
        fees += self.maker * self.quantity * float(sold.sum())
        loss: float = held * price - value + fees
        return loss

    def stressed(self, rise: float) -> tuple[bool, float, float]:
        # (stopped, loss, loss without a stop)
        risen = self.price * (1 + rise)
        stopped = risen >= self.stop
        loss = float(self.plan.loss_at_stop) if stopped else self.loss_at(risen)
        return stopped, loss, min(self.loss_at(risen), float(self.plan.margin))


def _squeeze(rise: float, grids: Sequence[_Rungs]) -> CommonSqueeze:
    found = [grid.stressed(rise) for grid in grids]
    return CommonSqueeze(
        rise=rise,
        stopped=sum(stopped for stopped, _, _ in found),
        loss=sum(loss for _, loss, _ in found),
        loss_without_stops=sum(free for _, _, free in found),
    )
