"""Settings of a scan: defaults, their reasons, their legal ranges."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from math import isfinite
from typing import Any

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

FLAG_NAMES = {
    "grid_margin_usdt": "margin",
    "io_workers": "workers",
    "max_wait_s": "max_wait",
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

    min_coverage: float = 0.90
    """Below this share of symbols with complete data a scan is *degraded*."""
    io_workers: int = 20
    """Threads that fetch; the scan is latency-bound."""
    calculator_workers: int = 4
    """Threads over row blocks, used above 10⁶ bars where they measure faster."""
    max_wait_s: float = 90.0
    """Longest wait for request budget; beyond, the scan ends with "try later"."""

    def __post_init__(self) -> None:
        _check(self)

    def by_flag(self) -> dict[str, Any]:
        """Return the effective values by flag name, as plain values."""
        document: dict[str, Any] = {}
        for spec in fields(self):
            value = getattr(self, spec.name)
            if spec.name == "brackets":
                value = "assumed" if value is None else "given"
            elif isinstance(value, tuple):
                value = list(value)
            elif isinstance(value, KlineInterval):
                value = value.value
            document[FLAG_NAMES.get(spec.name, spec.name)] = value
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
        known = {f.name for f in fields(self)}
        for name in overrides:
            if name not in known:
                legal = f"one of {', '.join(sorted(known))}"
                raise InvalidSettings("setting", legal, name)
        return replace(self, **{k: _typed(k, v) for k, v in overrides.items()})


def _typed(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    if name == "interval" and value not in tuple(KlineInterval):
        raise InvalidSettings(name, f"one of {', '.join(KlineInterval)}", value)
    return KlineInterval(value) if name == "interval" else value


def _not_negative(value: float) -> bool:
    return isfinite(value) and value >= 0


def _positive(value: float) -> bool:
    return isfinite(value) and value > 0


def _share(value: float) -> bool:
    return 0 <= value <= 1


def _fee(value: float) -> bool:
    return 0 <= value < MAX_FEE


def _at_least_one(value: int) -> bool:
    return value >= 1


_LEGAL: tuple[tuple[str, Callable[[Any], bool], tuple[str, ...]], ...] = (
    ("0 (all) or more", lambda value: value >= 0, ("top",)),
    (
        f"{MIN_BARS}…{MAX_BARS}",
        lambda value: MIN_BARS <= value <= MAX_BARS,
        ("bars",),
    ),
    (
        "1m…1w (months are not equidistant)",
        lambda value: value is not KlineInterval.MONTH1,
        ("interval",),
    ),
    (
        "a number ≥ 0",
        _not_negative,
        ("min_volume", "min_days", "min_natr", "max_natr", "min_delivery_days"),
    ),
    (
        "a number > 0",
        _positive,
        ("max_quote_age_s", "grid_margin_usdt", "max_wait_s"),
    ),
    ("in [0, 1]", _share, ("max_tick_share", "min_coverage")),
    (
        "a fraction in [0, 0.01) (0.0002 is 0.02 %)",
        _fee,
        ("maker_fee", "taker_fee"),
    ),
    ("at least 1", _at_least_one, ("max_leverage", "io_workers", "calculator_workers")),
)


def _check(s: ScreenerSettings) -> None:
    for legal, is_legal, names in _LEGAL:
        for name in names:
            if not is_legal(getattr(s, name)):
                raise InvalidSettings(name, legal, getattr(s, name))
    if s.max_natr < s.min_natr:
        raise InvalidSettings("max_natr", f"≥ min_natr ({s.min_natr:g})", s.max_natr)
    if s.weights is not None:
        _check_weights(s.weights)


def _check_weights(weights: tuple[float, ...]) -> None:
    legal = "four finite numbers ≥ 0 with sum 1"
    if len(weights) != 4 or not all(map(_not_negative, weights)):  # noqa: PLR2004
        raise InvalidSettings("weights", legal, weights)
    if abs(sum(weights) - 1) > WEIGHT_SUM_TOLERANCE:
        raise InvalidSettings(
            "weights", f"{legal} (their sum is {sum(weights):g})", weights
        )


def decimal_fee(fee: float) -> Decimal:
    """Return a fee as the Decimal that its shortest decimal spelling names."""
    return Decimal(repr(fee))
