"""Figures as inline SVG whose colours follow the page's light and dark."""

import re
from collections.abc import Callable, Mapping
from functools import wraps
from io import StringIO
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from warnings import catch_warnings, filterwarnings

from grid_screening.reports.html.markup import Html, tag

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#010101"
SOFT = "#010102"
RULE = "#010103"
BAND = "#010104"
PAGE = "#010105"
SERIES = ("#010111", "#010112", "#010113", "#010114")
"""First the one that matters most."""
_VARIABLES: Mapping[str, str] = {
    INK: "ink",
    SOFT: "soft",
    RULE: "rule",
    BAND: "band",
    PAGE: "card",
    **{colour: f"part{number}" for number, colour in enumerate(SERIES)},
}
# colours that nobody would choose stand for variables of the style sheet

_WIDTH = 6.4
_POINTS = 10
_STYLE: Any = {
    "svg.hashsalt": "evidence",
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": _POINTS,
    "axes.titlesize": _POINTS,
    "axes.titleweight": "bold",
    "axes.labelsize": _POINTS,
    "legend.fontsize": _POINTS,
    "figure.labelsize": _POINTS,
    "xtick.labelsize": _POINTS - 1,
    "ytick.labelsize": _POINTS - 1,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}


Picture = ParamSpec("Picture")
Drawn = TypeVar("Drawn")


def styled(build: Callable[Picture, Drawn]) -> Callable[Picture, Drawn]:
    """Return ``build`` such that all that it draws has the report's style.

    `figure` and `picture` belong inside; matplotlib's settings are the caller's
    again afterwards.
    """

    @wraps(build)
    def within(*args: Picture.args, **kwargs: Picture.kwargs) -> Drawn:
        from matplotlib import rc_context

        with rc_context(_STYLE), catch_warnings():
            # texts stay texts: the reader's fonts draw them, ours only measure
            filterwarnings("ignore", message="Glyph .* missing from font")
            return build(*args, **kwargs)

    return within


def figure(
    height: float, *, columns: int = 1, rows: int = 1, sharey: bool = False
) -> tuple["Figure", list["Axes"]]:
    """Return an empty figure of the report's width and its axes, row by row.

    Parameters
    ----------
    height : float
        Inches; the width is 6.4.
    columns, rows : int
        Of axes.
    sharey : bool
        Whether all axes have one vertical scale.
    """
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(_WIDTH, height))
    axes = drawn.subplots(rows, columns, squeeze=False, sharey=sharey)
    return drawn, list(axes.ravel())


def picture(drawn: "Figure", ident: str, *, title: str, caption: str) -> Html:
    """Return ``drawn`` as one figure element.

    Parameters
    ----------
    drawn : Figure
        From `figure`.
    ident : str
        Unique in the page; begins every id inside.
    title : str
        For those who cannot see it.
    caption : str
        Shown below: what is drawn, in which units.

    Returns
    -------
    Html
        Without date, metadata, font files or links out of itself; the same figure
        gives the same bytes with the same matplotlib.
    """
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    text = StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    canvas: Any = FigureCanvasSVG(drawn)
    canvas.print_svg(text, metadata=nothing)
    svg = _inline(text.getvalue(), ident, title)
    return tag(
        "figure",
        tag("div", svg, class_="scroll", tabindex=0),
        tag("figcaption", caption),
        class_="evidence",
    )


def _inline(svg: str, ident: str, title: str) -> Html:
    body = svg[svg.index("<svg") :].strip()
    for unwanted in (
        r"<!--.*?-->",
        r"<metadata>.*?</metadata>",
        r"<style[^>]*>.*?</style>",
        r"<defs>\s*</defs>",
        r' xmlns(:\w+)?="[^"]*"',
        r' version="[^"]*"',
    ):
        body = re.sub(unwanted, "", body, flags=re.DOTALL)
    body = re.sub(r"xlink:href=", "href=", body)
    body = re.sub(r'\bid="', f'id="{ident}-', body)
    body = re.sub(r'href="#', f'href="#{ident}-', body)
    body = re.sub(r"url\(#", f"url(#{ident}-", body)
    body = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", body)
    body = re.sub(
        r"font: (bold|700) ([\d.]+)px [^;\"]*",
        r"font-weight: 700; font-size: \2px",
        body,
    )
    for colour, variable in _VARIABLES.items():
        body = body.replace(colour, f"var(--{variable})")
    body = re.sub(r">\s+<", "><", body)
    name = tag("title", title, id=f"{ident}-title")
    body = re.sub(r'^<svg [^>]*viewBox="([^"]*)"[^>]*>', _opening(ident, name), body)
    return Html(body)


def _opening(ident: str, name: Html) -> str:
    attributes = f'class="drawn" role="img" aria-labelledby="{ident}-title"'
    escaped = name.replace("\\", r"\\")
    return rf'<svg viewBox="\1" {attributes}>{escaped}'
