"""A list that does not flicker: who was listed stays a little longer."""

from collections.abc import Collection

from grid_screening.listing import listed_places
from grid_screening.ranking import Ranking
from grid_screening.scoring import Scores
from monitor.domain.typing import Symbol


def held_rows(
    result: Ranking, previous: Collection[Symbol], *, top: int, slack: int
) -> list[int]:
    """Return the rows listed when those of the earlier list hold their place.

    A contract of the earlier list stays down to rank ``top + slack``, unless
    newcomers more than ``slack`` ranks better need the place. More slack than
    ``top − 1`` counts as that: the best contract of the market is never kept out.

    Parameters
    ----------
    result : Ranking
        Of this scan.
    previous : collection of str
        Symbols of the earlier list; unknown ones are ignored.
    top : int
        Length of the list; 0: all, and nothing to hold.
    slack : int
        Ranks, at least 0; 0 is `listed_rows`.

    Returns
    -------
    list of int
        As many rows as `listed_rows` has, best rank first. Vetoed contracts are
        never held. A newcomer of rank ``top − slack`` or better is always listed.

    Raises
    ------
    ValueError
        ``slack`` is negative.
    """
    return held_places(result.scores, previous, top=top, slack=slack)


def held_places(
    scores: Scores, previous: Collection[Symbol], *, top: int, slack: int
) -> list[int]:
    """Return the rows of ``scores`` that `held_rows` lists.

    Raises
    ------
    ValueError
        ``slack`` is negative.
    """
    if slack < 0:
        raise ValueError(f"slack must be at least 0, was {slack}")
    known = frozenset(previous)
    slack = min(slack, max(top - 1, 0))
    if top == 0 or slack == 0 or not known:
        return listed_places(scores, top)
    places = [int(row) for row in scores.order if not scores.vetoed[row]]

    def handicap(place: int) -> tuple[int, bool]:
        was_listed = scores.symbols[places[place]] in known
        return place - (slack if was_listed else 0), not was_listed

    chosen = sorted(range(len(places)), key=handicap)[:top]
    return [places[place] for place in sorted(chosen)]
