"""Settings of a scan: defaults, their reasons, their legal ranges."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from math import isfinite
from typing import Any, Self, TypeAlias

from grid_screening.exceptions import InvalidSettings
from monitor.domain.instruments import LeverageBracket
from monitor.domain.market import KlineInterval

WEIGHT_SUM_TOLERANCE = 1e-9
MIN_BARS = 15
"""An ATR of 14 needs 15 bars."""
MAX_BARS = 1499
"""One request serves 1,500 bars, the open one among them."""
MAX_FEE = 0.01
"""Above 1 % per side a fee is a percentage typed as a fraction."""

MIN_SCAN_DEADLINE_S = 30
"""Two requests in a row may take 15 s each."""

MIN_RANK_DRAWS = 9
"""Fewer cannot tell a 90 % quantile."""
MAX_LEVERAGE = 125
"""The exchange's own maximum."""
LEGAL_SHARES = ("max_tick_share", "min_coverage")
BOUNDS_SOURCES = ("atr", "quantile", "value-area")
"""What the bounds of a grid can be measured by."""
SPACINGS = ("arithmetic", "geometric")
"""How the levels of a grid can follow each other."""
STARTS = ("loaded", "flat")
"""What a grid can hold when it begins."""

Check: TypeAlias = Callable[[Any], bool]

FLAG_NAMES = {
    "grid_margin_usdt": "margin",
    "io_workers": "workers",
    "max_wait_s": "max_wait",
    "scan_deadline_s": "scan_deadline",
}
"""Settings whose flag, and key in the report, is not their own name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenerSettings:
    """Everything a scan can be told.

    Raises
    ------
    InvalidSettings
        A value is outside its legal range.
    """

    top: int = 20
    """Symbols listed; 0 lists all scored ones."""
    profile: str = "classic"
    """Score profile, a TOML file of ``grid_screening/profiles``."""
    weights: tuple[float, float, float, float] | None = None
    """Weights of volatility, inefficiency, trend and microstructure, sum 1.
    None: the profile's."""
    strict: bool = False
    """Keep only NATR in the top 20 %, KER < 0.3, H < 0.5, funding > 0. Leaves a
    median of 1–4 contracts and was found to have no benefit."""

    quote: str = "USDT"
    """Quote asset of the universe."""
    include_tradifi: bool = False
    """Also stocks, metals and indices (``TRADIFI_PERPETUAL``)."""
    symbols: tuple[str, ...] | None = None
    """Only these symbols; None: all."""
    exclude: tuple[str, ...] = ()
    """Symbols left out."""

    interval: KlineInterval = KlineInterval.H4
    """Bar length; the thresholds are meant for 4 h."""
    bars: int = 300
    """Closed bars per symbol (50 days of 4 h); 15…1,499, one request each."""
    min_volume: float = 50_000_000.0
    """24 h turnover must exceed this, quote currency: thin books cannot be
    gridded."""
    min_days: float = 30.0
    """Listed longer than this: first weeks squeeze."""
    min_natr: float = 1.0
    """Percent of close. Below: fees eat the harvest."""
    max_natr: float = 10.0
    """Percent of close. Above: no range holds."""
    max_tick_share: float = 0.10
    """One tick ÷ estimated spacing; above, levels cannot be placed evenly."""
    max_quote_age_s: float = 60.0
    """Older best bid/ask means a halted or dead book."""
    min_delivery_days: float = 14.0
    """A nearer delivery date means a scheduled delisting."""

    grid_margin_usdt: float = 1_000.0
    """Margin of one grid, quote currency (``--margin``)."""
    max_leverage: int = 3
    """Upper limit of the planned leverage."""
    maker_fee: float = 0.0002
    """Fraction per side (VIP 0)."""
    taker_fee: float = 0.0005
    """Fraction per side (VIP 0)."""
    brackets: Mapping[str, tuple[LeverageBracket, ...]] | None = field(
        default=None, repr=False
    )
    """Maintenance brackets by symbol; None: a conservative assumption."""

    bounds: str = "atr"
    """What the bounds are measured by: daily ATRs; quantiles of the contract's own
    rises and falls within 7 days; the value area of its volume profile."""
    spacing: str = "arithmetic"
    """Levels evenly apart, or each the same ratio above the last (``geometric``)."""
    start: str = "loaded"
    """Short one lot for each level below the price at once, or nothing (``flat``)."""
    deep: bool = False
    """Choose the spacing of listed contracts on a day of one-minute bars."""

    min_coverage: float = 0.90
    """Below this share of symbols with complete data a scan is *degraded*."""
    io_workers: int = 20
    """Threads that fetch; the scan is latency-bound."""
    calculator_workers: int = 4
    """Threads over row blocks, used above 10⁶ bars where they measure faster."""
    max_wait_s: float = 90.0
    """Longest wait for request budget; beyond, the scan ends with "try later"."""
    scan_deadline_s: float = 60.0
    """The scan ends after this long with what it has, waits for request budget not
    counted: an exchange that hangs now and then must not hold it for ever."""
    cache: bool = True
    """Keep closed bars on disk and ask only for new ones."""

    rank_draws: int = 50
    """Bootstrap draws behind the rank intervals; 0: none."""
    hold: int = 0
    """Ranks below the list at which a contract of the earlier scan still stays on
    it; 0: it does not."""

    given: frozenset[str] = field(init=False, repr=False, compare=False)
    """Names that were passed, also at their default: what `over` lets win."""

    def __new__(cls, **values: Any) -> Self:
        """Remember which names are given; the rest is the dataclass's."""
        self = object.__new__(cls)
        object.__setattr__(self, "given", frozenset(values))
        return self

    def __post_init__(self) -> None:
        for name in setting_names():
            value = _normalized(name, getattr(self, name))
            object.__setattr__(self, name, value)
        _check(self)

    def by_flag(self) -> dict[str, Any]:
        """Return the effective values by flag name, as plain values."""
        document: dict[str, Any] = {}
        for name in setting_names():
            value = getattr(self, name)
            if name == "brackets":
                value = "assumed" if value is None else "given"
            elif isinstance(value, tuple):
                value = list(value)
            elif isinstance(value, KlineInterval):
                value = value.value
            document[FLAG_NAMES.get(name, name)] = value
        return document

    def merged(self, overrides: Mapping[str, Any]) -> "ScreenerSettings":
        """Return a copy with ``overrides`` applied.

        An interval may be its name (``"4h"``), a tuple may be a list: what a
        settings file holds.

        Raises
        ------
        InvalidSettings
            An unknown name or an illegal value.
        """
        known = setting_names()
        for name in overrides:
            if name not in known:
                legal = f"one of {', '.join(sorted(known))}"
                raise InvalidSettings("setting", legal, name)
        return ScreenerSettings(
            **{name: getattr(self, name) for name in self.given} | dict(overrides)
        )

    def over(self, configured: "ScreenerSettings") -> "ScreenerSettings":
        """Return ``configured`` with everything that was given here in its place."""
        return configured.merged({name: getattr(self, name) for name in self.given})


def setting_names() -> tuple[str, ...]:
    """Return the names that `ScreenerSettings` takes."""
    return tuple(spec.name for spec in fields(ScreenerSettings) if spec.init)


def _normalized(name: str, value: Any) -> Any:
    # What a settings file or a person writes: lists, interval names, btcusdt.
    if name == "interval" and value in tuple(KlineInterval):
        return KlineInterval(value)
    if isinstance(value, list):
        value = tuple(value)
    if name in {"symbols", "exclude"} and _are_names(value):
        return tuple(symbol.upper() for symbol in value)
    return value


def _are_names(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(v, str) and v for v in value)


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and isfinite(value)
    )


def _whole(least: int, most: int) -> tuple[str, Check]:
    legal = f"a whole number in {least}…{most}"

    def check(value: Any) -> bool:
        return type(value) is int and least <= value <= most

    return legal, check


def _number(most: float, *, above: bool = False) -> tuple[str, Check]:
    legal = f"a number {'>' if above else '≥'} 0, at most {most:g}"

    def check(value: Any) -> bool:
        return _is_number(value) and 0 <= value <= most and not (above and value == 0)

    return legal, check


def _one_of(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


_LEGAL: tuple[tuple[str, Check, tuple[str, ...]], ...] = (
    (*_whole(0, 100_000), ("top", "hold")),
    (
        f"a whole number in {MIN_RANK_DRAWS}…1000, or 0",
        lambda v: type(v) is int and (v == 0 or MIN_RANK_DRAWS <= v <= 1000),  # noqa: PLR2004
        ("rank_draws",),
    ),
    (*_whole(MIN_BARS, MAX_BARS), ("bars",)),
    (*_whole(1, MAX_LEVERAGE), ("max_leverage",)),
    (*_whole(1, 200), ("io_workers", "calculator_workers")),
    (
        "one of 1m…1w (months are not equidistant)",
        lambda v: isinstance(v, KlineInterval) and v is not KlineInterval.MONTH1,
        ("interval",),
    ),
    (*_number(1e15), ("min_volume",)),
    (*_number(1e5), ("min_days", "min_delivery_days", "min_natr", "max_natr")),
    (*_number(1e9, above=True), ("max_quote_age_s", "grid_margin_usdt")),
    (*_number(3600, above=True), ("max_wait_s",)),
    (
        f"a number in {MIN_SCAN_DEADLINE_S}…3600",
        lambda v: _is_number(v) and MIN_SCAN_DEADLINE_S <= v <= 3600,  # noqa: PLR2004
        ("scan_deadline_s",),
    ),
    ("in [0, 1]", lambda v: _is_number(v) and 0 <= v <= 1, LEGAL_SHARES),
    (
        "a fraction in [0, 0.01) (0.0002 is 0.02 %)",
        lambda v: _is_number(v) and 0 <= v < MAX_FEE,
        ("maker_fee", "taker_fee"),
    ),
    (
        "true or false",
        lambda v: isinstance(v, bool),
        ("strict", "include_tradifi", "cache", "deep"),
    ),
    (_one_of(BOUNDS_SOURCES), lambda v: v in BOUNDS_SOURCES, ("bounds",)),
    (_one_of(SPACINGS), lambda v: v in SPACINGS, ("spacing",)),
    (_one_of(STARTS), lambda v: v in STARTS, ("start",)),
    ("a name", lambda v: isinstance(v, str) and v != "", ("profile", "quote")),
    ("a list of symbols", _are_names, ("exclude",)),
    (
        "a list of symbols, at least one",
        lambda v: v is None or (_are_names(v) and v != ()),
        ("symbols",),
    ),
    (
        "four finite numbers ≥ 0 with sum 1",
        lambda v: v is None or _are_weights(v),
        ("weights",),
    ),
)


def _are_weights(value: Any) -> bool:
    return (
        isinstance(value, tuple)
        and len(value) == 4  # noqa: PLR2004
        and all(_is_number(weight) and weight >= 0 for weight in value)
    )


def _check(s: ScreenerSettings) -> None:
    for legal, is_legal, names in _LEGAL:
        for name in names:
            if not is_legal(getattr(s, name)):
                raise InvalidSettings(name, legal, getattr(s, name))
    if s.weights is not None and abs(sum(s.weights) - 1) > WEIGHT_SUM_TOLERANCE:
        legal = f"four finite numbers ≥ 0 with sum 1 (their sum is {sum(s.weights):g})"
        raise InvalidSettings("weights", legal, s.weights)
    if s.max_natr < s.min_natr:
        raise InvalidSettings("max_natr", f"≥ min_natr ({s.min_natr:g})", s.max_natr)


def decimal_fee(fee: float) -> Decimal:
    """Return a fee as the Decimal that its shortest decimal spelling names."""
    return Decimal(repr(fee))
