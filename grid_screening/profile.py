"""Score profiles: every number of a score, read from ``profiles/*.toml``.

A further profile is a further TOML file with the same sections and keys, ``[gate]``
where it has one; no code changes.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.resources import files
from math import isfinite
from typing import Any, TypeVar

from grid_screening.conf import WEIGHT_SUM_TOLERANCE
from grid_screening.exceptions import InvalidSettings

_SUFFIX = ".toml"

SectionT = TypeVar("SectionT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Shares of the four parts of the score, each ≥ 0, sum 1."""

    volatility: float
    inefficiency: float
    trend: float
    microstructure: float

    def __post_init__(self) -> None:
        shares = (self.volatility, self.inefficiency, self.trend, self.microstructure)
        if not all(isfinite(share) and share >= 0 for share in shares):
            raise ValueError(f"weights must be finite and ≥ 0, were {shares}")
        if abs(sum(shares) - 1) > WEIGHT_SUM_TOLERANCE:
            raise ValueError(f"weights must have the sum 1, was {sum(shares):g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class VetoRule:
    """An up-trend this steep and this straight scores 0."""

    slope_above: float
    """Basis points of the last close per bar."""
    r_squared_above: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendRule:
    """Terms of the trend index, in index points."""

    flat_below: float
    """|slope|, bp/bar, below which the base is 1."""
    zero_at: float
    """|slope|, bp/bar, at which the base is 0."""
    hurst_below: float
    hurst_weight: float
    breakout_z_above: float
    breakout_efficiency_below: float
    breakout_bonus: float

    def __post_init__(self) -> None:
        if not self.zero_at > 0:
            raise ValueError(f"zero_at must be > 0, was {self.zero_at:g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class MicrostructureRule:
    """Terms of the microstructure index, in index points."""

    base: float
    divergence_bonus: float
    funding_low: float
    """Fraction per 8 h, inclusive."""
    funding_high: float
    """Fraction per 8 h, inclusive."""
    funding_bonus: float
    funding_penalty: float
    open_interest_ratio_above: float
    open_interest_penalty: float
    displacement_above: float
    displacement_bonus: float
    cvd_change_above: float
    cvd_change_penalty: float

    def __post_init__(self) -> None:
        if self.funding_low > self.funding_high:
            raise ValueError(
                f"funding_low must be at most funding_high ({self.funding_high:g}), "
                f"was {self.funding_low:g}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkThresholds:
    """When a warning stands beside a score."""

    extreme_volatility_above: float
    """NATR, percent of close."""
    crowded_above: float
    """Open interest value ÷ 24 h turnover."""
    squeeze_risk_above: float
    """Funding, fraction per 8 h."""
    abnormal_buying_above: float
    """ΔCVD ÷ volume of the last 5 bars."""
    breakout_z_above: float
    breakout_efficiency_below: float
    low_confidence_below: float
    narrow_range_below: float
    """Upper bound − price, in hourly ATRs scaled to a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrictRule:
    """The filter behind ``--strict``."""

    natr_rank_at_least: float
    """Percentile rank: 0.8 is the top 20 %."""
    efficiency_below: float
    hurst_below: float
    funding_above: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceShares:
    """Confidence lost with each missing input; field names are factor names."""

    hurst_exponent: float
    normalized_slope: float
    bearish_cvd_divergence: float
    funding_rate_8h: float
    open_interest_ratio: float
    cvd_change_ratio: float

    def __post_init__(self) -> None:
        shares = [getattr(self, field.name) for field in fields(self)]
        if min(shares) < 0 or sum(shares) > 1 + WEIGHT_SUM_TOLERANCE:
            raise ValueError(
                f"confidence shares must be ≥ 0 with a sum of at most 1, were {shares}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRule:
    """A condition on the planned grid that every listed contract meets."""

    range_to_volatility_at_least: float
    """Upper bound − price, in hourly ATRs scaled to a day, > 0."""

    def __post_init__(self) -> None:
        if not self.range_to_volatility_at_least > 0:
            raise ValueError(
                "range_to_volatility_at_least must be > 0, "
                f"was {self.range_to_volatility_at_least:g}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreProfile:
    """Every number of a score. Raises ``ValueError`` where they contradict."""

    name: str
    description: str
    weights: Weights
    veto: VetoRule
    trend: TrendRule
    microstructure: MicrostructureRule
    marks: MarkThresholds
    strict: StrictRule
    confidence: ConfidenceShares
    gate: GateRule | None = None
    """None: the score alone decides who is listed."""


_OPTIONAL = ("gate",)


def profile_names() -> tuple[str, ...]:
    """Return the names of the profiles that can be loaded, sorted."""
    folder = files("grid_screening").joinpath("profiles")
    return tuple(
        sorted(
            entry.name.removesuffix(_SUFFIX)
            for entry in folder.iterdir()
            if entry.name.endswith(_SUFFIX)
        )
    )


def load_profile(name: str) -> ScoreProfile:
    """Read the profile ``name`` that ships with the package.

    Raises
    ------
    InvalidSettings
        No such profile (the message lists those there are), or its file is
        malformed (the message names the key).
    """
    names = profile_names()
    if name not in names:
        raise InvalidSettings("profile", f"one of {', '.join(names)}", name)
    source = files("grid_screening").joinpath("profiles", name + _SUFFIX)
    return profile_from_toml(source.read_text(encoding="utf-8"), name=name)


def profile_from_toml(text: str, *, name: str) -> ScoreProfile:
    """Return the profile that ``text`` describes.

    Parameters
    ----------
    text : str
        TOML with the sections and keys of ``profiles/classic.toml``; ``[gate]`` may
        be there.
    name : str
        The profile's name, used in messages.

    Raises
    ------
    InvalidSettings
        Not TOML, a key missing, unknown or not a finite number, or numbers that
        contradict each other.
    """
    where = f"profile {name}"
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidSettings(where, "valid TOML", str(error)) from error
    legal = [field.name for field in fields(ScoreProfile) if field.name != "name"]
    _check_keys(where, document, legal, optional=_OPTIONAL)
    description = document["description"]
    if not isinstance(description, str):
        raise InvalidSettings(f"{where}: description", "a text", description)
    return ScoreProfile(
        name=name,
        description=description,
        weights=_section(where, document, "weights", Weights),
        veto=_section(where, document, "veto", VetoRule),
        trend=_section(where, document, "trend", TrendRule),
        microstructure=_section(where, document, "microstructure", MicrostructureRule),
        marks=_section(where, document, "marks", MarkThresholds),
        strict=_section(where, document, "strict", StrictRule),
        confidence=_section(where, document, "confidence", ConfidenceShares),
        gate=_section(where, document, "gate", GateRule)
        if "gate" in document
        else None,
    )


def _section(
    where: str, document: Mapping[str, Any], section: str, kind: type[SectionT]
) -> SectionT:
    table = document[section]
    if not isinstance(table, dict):
        raise InvalidSettings(f"{where}: {section}", "a table", table)
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]  # all kinds are dataclasses
    _check_keys(f"{where}: {section}", table, names)
    for key in names:
        value = table[key]
        # bool is an int to Python, but `true` is no number to a reader
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise InvalidSettings(f"{where}: {section}.{key}", "a number", value)
        if not isfinite(value):
            raise InvalidSettings(f"{where}: {section}.{key}", "finite", value)
    try:
        return kind(**{key: float(table[key]) for key in names})
    except ValueError as error:
        raise InvalidSettings(
            f"{where}: {section}", "consistent", str(error)
        ) from error


def _check_keys(
    where: str,
    table: Mapping[str, Any],
    legal: list[str],
    *,
    optional: tuple[str, ...] = (),
) -> None:
    for key in legal:
        if key not in table and key not in optional:
            raise InvalidSettings(
                f"{where}: keys", f"complete, {key} is missing", [*table]
            )
    for key in table:
        if key not in legal:
            raise InvalidSettings(f"{where}: key", f"one of {', '.join(legal)}", key)
