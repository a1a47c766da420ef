"""All contracts of one generated market. Pure."""

import numpy as np

from monitor.simulator.contracts import Contract, drawn_contract, perpetual
from monitor.simulator.names import bases
from monitor.simulator.special_contracts import SPECIALS, special_contract

_FIRST_SPECIAL_INDEX = 1_000_000


def contracts(count: int, seed: int) -> tuple[Contract, ...]:
    """``count`` USDT perpetuals in trading, then the special contracts.

    Parameters
    ----------
    count : int
        At least 1; BTCUSDT is the first. A contract does not change when more
        are generated.
    seed : int
        At least 0.

    Raises
    ------
    ValueError
        ``count`` is out of range.
    """
    ordinary = [perpetual(base, index, seed) for index, base in enumerate(bases(count))]
    special = []
    for place, listing in enumerate(SPECIALS):
        index = _FIRST_SPECIAL_INDEX + place
        rng = np.random.default_rng((seed, index))
        drawn = drawn_contract(listing.base, listing.quote, index, listing.kind, rng)
        special.append(special_contract(drawn, listing))
    return (*ordinary, *special)
