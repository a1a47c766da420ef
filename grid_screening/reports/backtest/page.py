"""A backtest as one self-contained HTML page."""

from collections.abc import Sequence
from importlib.resources import files

from grid_screening.backtest.backtest import Backtest, RunPicture, quote_of
from grid_screening.backtest.backtest_run import GridRun
from grid_screening.reports import wording
from grid_screening.reports.backtest import words
from grid_screening.reports.backtest.picture import themed_svg
from grid_screening.reports.html.markup import Html, isolated, items, joined, tag
from grid_screening.reports.html.opening import theme_choice

MOST_PICTURES = 12
"""Runs that are drawn; each picture takes about 100 kB."""

_SECURITY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
_OWN_STYLE = """
.run { padding: .6rem .8rem; margin: 1rem 0; background: var(--card);
  border: 1px solid var(--rule); border-radius: .5rem; }
.run h2 { margin-top: .3rem; }
.run svg { display: block; width: 100%; max-width: 64rem; height: auto; }
.run figcaption { margin: .3rem 0 .8rem; }
.parts { white-space: nowrap; }
.parts td:last-child, .runs .text { text-align: left; }
.parts td:last-child { color: var(--soft); }
.parts tr:first-child td, .parts tr:first-child th { font-weight: 700; }
.runs { font-size: 13.5px; white-space: nowrap; }
.runs thead th { vertical-align: bottom; }
.runs tbody th { position: sticky; left: 0; background: var(--page);
  box-shadow: inset 0 1px var(--rule); }
.run dl { display: grid; grid-template-columns: 8rem 1fr; margin-top: .6rem; }
.run dl > * { padding: .18rem .4rem .18rem 0; border-top: 1px solid var(--rule); }
@media (max-width: 40rem) {
  .run { padding: .4rem .5rem; }
  .run dl { grid-template-columns: 6.5rem 1fr; }
  .parts :is(th, td) { padding-inline: .3rem; }
}
@media print { .run { break-inside: avoid; } }
"""


def backtest_html(backtest: Backtest, pictures: Sequence[RunPicture]) -> str:
    """Return the page; it needs nothing else and runs no script.

    Parameters
    ----------
    backtest : Backtest
        What to show.
    pictures : sequence of RunPicture
        Of the first `MOST_PICTURES` runs, in their order.
    """
    body = tag(
        "body",
        tag(
            "header",
            tag("h1", "Short-grid backtest"),
            tag("p", words.title(backtest).partition(" · ")[2], class_="subtitle"),
            tag("ul", items(words.facts(backtest)), class_="facts"),
            theme_choice(),
        ),
        tag(
            "main",
            _summary(backtest),
            _table(backtest.runs) if len(backtest.runs) > 1 else None,
            *(_run(picture) for picture in pictures),
            _undrawn(backtest, pictures),
            tag("section", tag("h2", "Notes"), *_notes(backtest)),
        ),
    )
    return f"<!DOCTYPE html>\n{tag('html', _head(backtest), body, lang='en')}\n"


def _head(backtest: Backtest) -> Html:
    style = files("grid_screening") / "reports" / "html" / "static" / "report.css"
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_SECURITY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", words.title(backtest)),
        tag("style", Html(style.read_text(encoding="utf-8") + _OWN_STYLE)),
    )


def _summary(backtest: Backtest) -> Html | None:
    summary = backtest.summary
    if summary is None:
        return None
    rows = (
        tag("tr", tag("th", label, scope="row"), tag("td", text))
        for label, text in words.summary_lines(summary)
    )
    return tag(
        "section",
        tag("h2", words.summary_title(summary)),
        tag("table", tag("tbody", *rows)),
        tag("p", words.summary_caution(summary), class_="remark"),
        id="summary",
    )


_HEADERS = (
    "Contract",
    "Begin, UTC",
    "PnL %",
    "Low first %",
    "High first %",
    "Static %",
    "Round trips",
    "In range %",
    "Worst %",
    "Drawdown %",
    "Ended",
)


_TEXTS = ("Contract", "Begin, UTC", "Ended")
# headers above words, on the left as they are


def _table(runs: Sequence[GridRun]) -> Html:
    head = tag(
        "tr",
        *(
            tag("th", name, scope="col", class_="text" if name in _TEXTS else None)
            for name in _HEADERS
        ),
    )
    return tag(
        "section",
        tag("h2", "All runs, percent of the margin"),
        tag(
            "div",
            tag(
                "table",
                tag("thead", head),
                tag("tbody", *(_row(run) for run in runs)),
                class_="runs",
            ),
            class_="scroll",
            tabindex=0,
        ),
        id="runs",
    )


def _row(run: GridRun) -> Html:
    margin = run.design.margin
    numbers = (
        words.percent(run.of_margin),
        words.percent(run.pnl_low_first / margin),
        words.percent(run.pnl_high_first / margin),
        words.percent(run.static_short / margin),
        str(run.round_trips),
        wording.rounded(run.inside_share * 100, 1),
        words.percent(run.worst_equity / margin),
        words.percent(-run.max_drawdown / margin),
    )
    return tag(
        "tr",
        tag("th", isolated(run.symbol), scope="row"),
        tag("td", words.minute(run.begin_ms), class_="text"),
        *(tag("td", number) for number in numbers),
        tag("td", words.ENDS_SHORT[run.end_reason], class_="text"),
    )


def _run(picture: RunPicture) -> Html:
    run = picture.run
    return tag(
        "section",
        tag("h2", isolated(run.symbol), f" from {words.minute(run.begin_ms)} UTC"),
        tag(
            "figure",
            tag("div", Html(themed_svg(picture)), class_="scroll", tabindex=0),
            tag("figcaption", _CAPTION),
        ),
        _parts(run),
        tag("dl", *(joined((tag("dt", a), tag("dd", b))) for a, b in _facts(run))),
        class_="run",
    )


_CAPTION = (
    "Blue band: price between low and high; line: its close; levels above the start "
    "red, below green; dashes are fills. Below: equity of the grid, and of the initial "
    "short alone."
)


def _facts(run: GridRun) -> list[tuple[str, str]]:
    return words.facts_of(run)


def _parts(run: GridRun) -> Html:
    quote = quote_of([run])
    head = tag(
        "tr",
        tag("th", "", scope="col"),
        *(tag("th", n, scope="col") for n in (quote, "% margin", "% notional", "")),
    )
    rows = []
    for part in words.parts(run):
        shares: tuple[float | None, float | None] = (None, None)
        if part.amount is not None:
            shares = (
                part.amount / run.design.margin,
                part.amount / run.design.notional,
            )
        rows.append(
            tag(
                "tr",
                tag("th", part.label, scope="row"),
                tag("td", words.signed(part.amount)),
                *(tag("td", words.percent(share)) for share in shares),
                tag("td", part.remark),
            )
        )
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="parts")
    return tag("div", table, class_="scroll", tabindex=0)


def _undrawn(backtest: Backtest, pictures: Sequence[RunPicture]) -> Html | None:
    more = len(backtest.runs) - len(pictures)
    if more <= 0:
        return None
    return tag("p", f"{more} further runs are in the table only.", class_="remark")


def _notes(backtest: Backtest) -> list[Html]:
    return [tag("p", remark) for remark in words.remarks(backtest)]
