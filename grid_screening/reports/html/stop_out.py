"""How often such grids were stopped out, and what a wider one would change."""

from collections.abc import Callable

from grid_screening.reports import wording
from grid_screening.reports.html.markup import Html, tag
from grid_screening.reports.stop_out_text import probability, stop_out_inputs
from grid_screening.screening_report import RankedSymbol, StopOutPoint

_CAPTION = "The same contract and capital with the upper bound moved"
_CAVEAT = (
    "Stopped in 7 d: simulated by moving the upper bound of the same contracts at "
    "equal capital, told for one like this; beside it the share of all grids of that "
    "simulation. The probabilities above compare contracts with their own bounds: at "
    "this grid's own width the two may differ. A wider grid was stopped out less often "
    "and earns less a day for the same capital; trips and harvest are those of a "
    "driftless price while it stays inside, before what the displacement costs. "
    "Nothing here forecasts profit."
)


def stop_out(row: RankedSymbol, quote: str) -> Html | None:
    """Return probabilities and the table of widths; None without a grid."""
    if row.grid is None:
        return None
    outlook = row.stop_out
    if outlook is None:
        missing = "No probability: an input is missing, or the bars are not of 4 h."
        return tag("section", tag("h3", "Stop-out"), tag("p", missing))
    horizons = (
        tag("dt", f"Within {e.horizon_days} days")
        + tag("dd", probability(e.probability, e.low, e.high))
        for e in outlook.estimates
    )
    level = wording.percent(outlook.level)
    heads = (_heading(head.format(quote=quote)) for head, _ in _COLUMNS)
    return tag(
        "section",
        tag("h3", "Stop-out, and the width of the grid"),
        tag("dl", *map(Html, horizons)),
        tag(
            "p",
            f"Share of such grids that were stopped out, {level} interval; told from "
            f"{stop_out_inputs(outlook)}.",
        ),
        tag(
            "div",
            tag(
                "table",
                tag("caption", _CAPTION),
                tag("thead", tag("tr", *heads)),
                tag("tbody", *(_row(point) for point in outlook.curve)),
                class_="widths",
            ),
            class_="scroll",
        ),
        tag("p", tag("small", _CAVEAT)),
    )


def _heading(text: str) -> Html:
    return tag("th", text, scope="col")


def _row(point: StopOutPoint) -> Html:
    head, *cells = (cell(point) for _, cell in _COLUMNS)
    return tag("tr", tag("th", head, scope="row"), *(tag("td", c) for c in cells))


_COLUMNS: tuple[tuple[str, Callable[[StopOutPoint], str]], ...] = (
    ("Width x", lambda p: wording.significant(p.range_to_volatility)),
    ("Upper bound", lambda p: wording.exact(p.upper_bound)),
    ("Stopped in 7 d", lambda p: probability(p.probability, p.low, p.high)),
    ("All grids", lambda p: f"{wording.rounded(p.study_share * 100, 0)} %"),
    ("Trips in 7 d", lambda p: wording.significant(p.expected_trips, 3)),
    ("Quantity", lambda p: wording.exact(p.quantity_per_level)),
    ("Harvest a day, {quote}", lambda p: wording.significant(p.harvest_per_day, 3)),
)
