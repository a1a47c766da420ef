"""Candles with the volume profile at their side, as PNG or SVG."""

import warnings
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from vp_squeeze.analysis_report import AnalysisReport
from vp_squeeze.box_analysis import BoxReading, ContractAnalysis
from vp_squeeze.reports.wording import (
    SIMULATED,
    SIMULATED_SOURCES,
    price_text,
    rounded,
    squeeze_words,
    utc,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PictureForm = Literal["png", "svg"]

_SIZE_INCHES = (12.0, 7.5)
_DPI = 120
_RATIOS = {"width_ratios": (4, 1), "height_ratios": (4, 1)}
_RISING, _FALLING = "#1a9850", "#d73027"
_PROFILE, _VALUE, _POC, _ZONE = "#b8c4d6", "#5b7db1", "#c2410c", "#7c3aed"
_ON, _ACTIVE, _OFF = "#e6a117", "#b91c1c", "#9ca3af"
_LEGEND = "red line: point of control · dashed: value area"
_ZONE_LEGEND = " · violet: timeframes agree"
_TICKS = 6
_ZONES_DRAWN = 3
_BODY_SHARE = 0.7
_STYLE: Any = {
    # text stays text in an SVG, and the same input gives the same bytes
    "svg.fonttype": "none",
    "svg.hashsalt": "vp_analysis",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
}


def analysis_picture(
    contract: ContractAnalysis, report: AnalysisReport, form: PictureForm
) -> bytes:
    """Return the picture of one contract as a file.

    Candles of the interval asked for; beside them turnover by price, the value area
    in a darker colour; point of control, edges of the value area and the three
    strongest resonance zones across; below the momentum, and the squeeze as dots.

    Parameters
    ----------
    contract : ContractAnalysis
    report : AnalysisReport
        Says when and where from.
    form : str
        ``png`` or ``svg``. Characters that no installed font has are boxes in a PNG;
        in an SVG they are text.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    out = BytesIO()
    with rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
        canvas = FigureCanvasSVG if form == "svg" else FigureCanvasAgg
        canvas(figure)
        _draw(figure, contract, report)
        metadata = {"Date": None} if form == "svg" else {}
        figure.savefig(out, format=form, dpi=_DPI, metadata=metadata)
    return out.getvalue()


def _draw(figure: "Figure", contract: ContractAnalysis, report: AnalysisReport) -> None:
    reading = contract.reading
    grid = figure.subplots(2, 2, sharex="col", sharey="row", gridspec_kw={**_RATIOS})
    (candles, profile), (momentum, corner) = grid
    corner.set_axis_off()
    _draw_candles(candles, reading)
    _draw_profile(profile, reading)
    _draw_levels(candles, profile, contract)
    _draw_squeeze(momentum, reading)
    _label_times(momentum, reading)
    candles.set_ylabel("price")
    candles.set_title(
        _LEGEND + (_ZONE_LEGEND if contract.zones else ""),
        fontsize="small",
        loc="left",
        color="#4b5563",
    )
    profile.set_title("turnover by price", fontsize="medium")
    figure.suptitle(_title(contract, report), x=0.01, ha="left")


def _title(contract: ContractAnalysis, report: AnalysisReport) -> str:
    reading = contract.reading
    facts = [
        f"{contract.symbol} {reading.interval.value}",
        f"{reading.klines.bar_count} bars",
        f"squeeze {squeeze_words(reading)}",
        f"confidence {rounded(float(reading.confidence.total), 2)}",
        utc(report.as_of_ms),
    ]
    title = " · ".join(facts)
    return f"{title}\n{SIMULATED}" if report.source in SIMULATED_SOURCES else title


def _draw_candles(axes: "Axes", reading: BoxReading) -> None:
    from matplotlib.collections import PolyCollection

    bars = reading.klines
    place = np.arange(bars.bar_count)
    color = np.where(bars.close >= bars.open, _RISING, _FALLING).tolist()
    axes.vlines(place, bars.low, bars.high, colors=color, linewidth=0.8)
    left, right = place - _BODY_SHARE / 2, place + _BODY_SHARE / 2
    corners = (
        (left, bars.open),
        (left, bars.close),
        (right, bars.close),
        (right, bars.open),
    )
    bodies = np.stack([np.stack(corner, axis=-1) for corner in corners], axis=1)
    # an edge of its own: a candle whose open is its close is a line
    axes.add_collection(
        PolyCollection(list(bodies), facecolors=color, edgecolors=color, linewidths=0.8)
    )
    axes.set_xlim(-1, bars.bar_count)
    axes.margins(y=0.02)


def _draw_profile(axes: "Axes", reading: BoxReading) -> None:
    profile = reading.profile
    edges, width = profile.edges[:-1], float(profile.bucket_width)
    middle = edges + width / 2
    inside = (middle > profile.value_area_low) & (middle < profile.value_area_high)
    color = np.where(inside, _VALUE, _PROFILE).tolist()
    axes.barh(edges, profile.volume, height=width, align="edge", color=color)
    axes.tick_params(labelleft=False, labelbottom=False, bottom=False)


def _draw_levels(candles: "Axes", side: "Axes", contract: ContractAnalysis) -> None:
    profile, tick = contract.reading.profile, contract.tick_size
    if not profile.total_volume > 0:
        return
    low, high = float(profile.value_area_low), float(profile.value_area_high)
    for zone in contract.zones[:_ZONES_DRAWN]:
        candles.axhspan(zone.low, zone.high, color=_ZONE, alpha=0.10, linewidth=0)
    for axes in (candles, side):
        axes.axhspan(low, high, color=_VALUE, alpha=0.08, linewidth=0)
        axes.axhline(float(profile.poc), color=_POC, linewidth=1.2)
        for edge in (low, high):
            axes.axhline(edge, color=_VALUE, linewidth=1.0, linestyle="--")
    names = (
        ("POC", float(profile.poc), _POC),
        ("VAL", low, _VALUE),
        ("VAH", high, _VALUE),
    )
    for name, price, color in names:
        side.annotate(
            f"{name} {price_text(price, tick)}",
            (1.0, price),
            xycoords=("axes fraction", "data"),
            xytext=(-2, 2),
            textcoords="offset points",
            ha="right",
            va="top" if name == "VAL" else "bottom",
            color=color,
            fontsize="small",
            bbox={"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1},
        )


def _draw_squeeze(axes: "Axes", reading: BoxReading) -> None:
    state = reading.squeeze
    place = np.arange(state.bars.size)
    known = ~np.isnan(state.momentum)
    color = np.where(state.momentum >= 0, _RISING, _FALLING)[known].tolist()
    axes.bar(place[known], state.momentum[known], color=color, width=_BODY_SHARE)
    dots = np.where(state.is_active, _ACTIVE, np.where(state.is_on, _ON, _OFF))
    has_state = ~np.isnan(state.bars)
    axes.scatter(
        place[has_state],
        np.zeros(int(has_state.sum())),
        c=dots[has_state].tolist(),
        s=8,
        zorder=3,
    )
    axes.set_ylabel("momentum\nbp per bar")


def _label_times(axes: "Axes", reading: BoxReading) -> None:
    times = reading.klines.open_time
    places = np.unique(np.linspace(0, times.size - 1, _TICKS).round().astype(np.int64))
    labels = [utc(int(times[place])).removesuffix(" UTC") for place in places]
    axes.set_xticks(places, labels)
    axes.set_xlabel("UTC · dots: squeeze off (grey), on (yellow), active (red)")
