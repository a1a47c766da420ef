"""Recent bars of one contract, cut out of a snapshot for pictures."""

from grid_screening.screening_report import PriceBars
from grid_screening.snapshot import MarketSnapshot

PICTURE_BARS = 120
"""Twenty days of 4 h: the planned grid spans five daily ATRs, a few days' range."""


def price_bars(
    snapshot: MarketSnapshot, row: int, count: int = PICTURE_BARS
) -> PriceBars:
    """Return the newest bars of one contract.

    Parameters
    ----------
    snapshot : MarketSnapshot
        Closed bars of all contracts.
    row : int
        The contract's row in the snapshot's panels.
    count : int
        Bars at most, at least 1.

    Returns
    -------
    PriceBars
        Arrays of shape ``(min(count, n_bars),)``, oldest first, finite. They are
        copies: a report kept for long must not keep the whole market alive.

    Raises
    ------
    ValueError
        ``count`` is below 1.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, was {count}")
    return PriceBars(
        open_time=snapshot.open_time[-count:].copy(),
        high=snapshot.high[row, -count:].copy(),
        low=snapshot.low[row, -count:].copy(),
        close=snapshot.close[row, -count:].copy(),
    )
