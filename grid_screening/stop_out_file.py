"""The shipped stop-out models: ``profiles/models/stop_out.toml``, read and written.

The file is what the study fitted (``validate_gss --write-model``); nobody types it.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from importlib.resources import files
from math import isfinite
from typing import Any

import numpy as np

from grid_screening.exceptions import InvalidSettings
from grid_screening.screening_report import SHOWN_DAYS
from grid_screening.stop_out import FEATURES, HORIZONS_DAYS, StopOutModel
from grid_screening.stop_out_width import WIDTHS, StopOutModels, WidthModel
from monitor.domain.market import KlineInterval
from monitor.domain.typing import FloatArray

MODEL_INTERVAL = KlineInterval.H4
"""Bars that NATR is measured on, in the fit and wherever it is applied."""

_WHERE = "stop-out models"
_HASH = re.compile(r"[0-9a-f]{64}")
_VECTORS = ("center", "scale", "coefficients")
_COUNTS = ("horizon_days", "cluster_count", "sample_count")
_KEYS = (
    *_COUNTS,
    "period",
    "data_hash",
    "intercept",
    "base_rate",
    *_VECTORS,
    "covariance",
)
_WIDTH_KEYS = (*_KEYS, "widths", "study_shares")
_REWRITE = (
    "there (files of earlier versions have none: write it again by "
    "manage.py validate_gss --history DIR --write-model FILE)"
)
_HEADER = """\
# Written by a fit (manage.py validate_gss --write-model), never by hand.
# logit p = intercept + sum of coefficient * (feature - center) / scale
# model: contracts with their own bounds; width_model: their upper bound moved
"""


@lru_cache(maxsize=1)
def load_stop_out_models() -> StopOutModels:
    """Return the models that ship with the package.

    Returns
    -------
    StopOutModels
        With the horizons `HORIZONS_DAYS`.

    Raises
    ------
    InvalidSettings
        The file is malformed; the message names the key.
    """
    source = files("grid_screening").joinpath("profiles", "models", "stop_out.toml")
    return models_from_toml(source.read_text(encoding="utf-8"))


def models_from_toml(text: str) -> StopOutModels:
    """Return the models that ``text`` holds.

    Parameters
    ----------
    text : str
        TOML as `models_to_toml` writes it.

    Raises
    ------
    InvalidSettings
        Not TOML, a key missing, unknown or of another kind, a number not finite,
        other features than `FEATURES`, another interval than `MODEL_INTERVAL`, not
        the horizons `HORIZONS_DAYS`, a width model of another horizon than
        `SHOWN_DAYS` or of other widths than `WIDTHS`, or none: a file from before
        there was one must be written again.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidSettings(_WHERE, "valid TOML", str(error)) from error
    if "model" in document and "width_model" not in document:
        raise InvalidSettings(f"{_WHERE}: width_model", _REWRITE, None)
    _check_keys(_WHERE, document, ("interval", "features", "model", "width_model"))
    if document["interval"] != MODEL_INTERVAL.value:
        legal = MODEL_INTERVAL.value
        raise InvalidSettings(f"{_WHERE}: interval", legal, document["interval"])
    if document["features"] != list(FEATURES):
        legal = ", ".join(FEATURES)
        raise InvalidSettings(f"{_WHERE}: features", legal, document["features"])
    tables = document["model"]
    if not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
        raise InvalidSettings(f"{_WHERE}: model", "tables [[model]]", tables)
    models = [_model(f"{_WHERE}: model {i + 1}", t) for i, t in enumerate(tables)]
    horizons = tuple(model.horizon_days for model in models)
    if horizons != HORIZONS_DAYS:
        raise InvalidSettings(f"{_WHERE}: horizon_days", f"{HORIZONS_DAYS}", horizons)
    return StopOutModels(
        by_horizon={model.horizon_days: model for model in models},
        width=_width_model(f"{_WHERE}: width_model", document["width_model"]),
    )


def models_to_toml(models: StopOutModels) -> str:
    """Return ``models`` as the text of the shipped file.

    Numbers have all their digits: read back, the models are equal bit for bit.

    Raises
    ------
    InvalidSettings
        Not exactly the horizons `HORIZONS_DAYS`, or something else that
        `models_from_toml` would refuse.
    """
    ordered = sorted(models.by_horizon.values(), key=lambda model: model.horizon_days)
    names = ", ".join(f'"{name}"' for name in FEATURES)
    parts = [
        _HEADER,
        f'interval = "{MODEL_INTERVAL.value}"  # bars of NATR\nfeatures = [{names}]\n',
        *(f"[[model]]\n{_table(model)}" for model in ordered),
        _width_table(models.width),
    ]
    text = "\n".join(parts)
    models_from_toml(text)
    return text


def _width_table(moved: WidthModel) -> str:
    return (
        f"[width_model]\n{_table(moved.model)}"
        f"widths = {_numbers(WIDTHS)}  # each contract and origin at each\n"
        f"study_shares = {_numbers(moved.study_shares)}  # stopped out there\n"
    )


def _table(model: StopOutModel) -> str:
    rows = ",\n".join(f"  {_numbers(row)}" for row in model.covariance)
    first, last = model.period
    return (
        f"horizon_days = {model.horizon_days}\n"
        f'period = ["{first}", "{last}"]  # first and last origin\n'
        f'data_hash = "{model.data_hash}"  # sha256 of the history\n'
        f"sample_count = {model.sample_count}  # grids\n"
        f"cluster_count = {model.cluster_count}  # weeks\n"
        f"base_rate = {float(model.base_rate)!r}  # share stopped out\n"
        f"intercept = {float(model.intercept)!r}\n"
        + "".join(f"{name} = {_numbers(getattr(model, name))}\n" for name in _VECTORS)
        + f"covariance = [  # intercept first\n{rows},\n]\n"
    )


def _numbers(values: Iterable[float]) -> str:
    return f"[{', '.join(repr(float(value)) for value in values)}]"


def _width_model(where: str, table: object) -> WidthModel:
    if not isinstance(table, dict):
        raise InvalidSettings(where, "a table [width_model]", table)
    _check_keys(where, table, _WIDTH_KEYS)
    if table["widths"] != list(WIDTHS):
        raise InvalidSettings(f"{where}: widths", f"{list(WIDTHS)}", table["widths"])
    shares = _vector(where, "study_shares", table["study_shares"])
    model = _model(where, {key: table[key] for key in _KEYS})
    if model.horizon_days != SHOWN_DAYS:
        legal = f"{SHOWN_DAYS}"
        raise InvalidSettings(f"{where}: horizon_days", legal, model.horizon_days)
    try:
        return WidthModel(model=model, study_shares=tuple(shares.tolist()))
    except ValueError as error:
        raise InvalidSettings(where, "consistent", str(error)) from error


def _model(where: str, table: Mapping[str, Any]) -> StopOutModel:
    _check_keys(where, table, _KEYS)
    for key in _COUNTS:
        if type(table[key]) is not int:
            raise InvalidSettings(f"{where}: {key}", "a whole number", table[key])
    if not (
        isinstance(table["data_hash"], str) and _HASH.fullmatch(table["data_hash"])
    ):
        legal = "64 hexadecimal digits"
        raise InvalidSettings(f"{where}: data_hash", legal, table["data_hash"])
    try:
        return StopOutModel(
            horizon_days=table["horizon_days"],
            cluster_count=table["cluster_count"],
            sample_count=table["sample_count"],
            base_rate=_number(where, "base_rate", table["base_rate"]),
            intercept=_number(where, "intercept", table["intercept"]),
            center=_vector(where, "center", table["center"]),
            scale=_vector(where, "scale", table["scale"]),
            coefficients=_vector(where, "coefficients", table["coefficients"]),
            covariance=_matrix(where, table["covariance"]),
            period=_period(where, table["period"]),
            data_hash=table["data_hash"],
        )
    except InvalidSettings:
        raise
    except ValueError as error:
        raise InvalidSettings(where, "consistent", str(error)) from error


def _number(where: str, key: str, value: object) -> float:
    # bool is an int to Python, but `true` is no number to a reader
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidSettings(f"{where}: {key}", "a number", value)
    if not isfinite(value):
        raise InvalidSettings(f"{where}: {key}", "finite", value)
    return float(value)


def _vector(where: str, key: str, value: object) -> FloatArray:
    if not isinstance(value, list):
        raise InvalidSettings(f"{where}: {key}", "a list of numbers", value)
    return np.array([_number(where, key, item) for item in value], dtype=np.float64)


def _matrix(where: str, value: object) -> FloatArray:
    size = len(FEATURES) + 1
    legal = f"{size} lists of {size} numbers"
    if not isinstance(value, list) or len(value) != size:
        raise InvalidSettings(f"{where}: covariance", legal, value)
    rows = [_vector(where, "covariance", row) for row in value]
    if any(len(row) != size for row in rows):
        raise InvalidSettings(f"{where}: covariance", legal, value)
    return np.stack(rows)


def _period(where: str, value: object) -> tuple[str, str]:
    legal = "two ISO dates, the first not after the last"
    if not (isinstance(value, list) and len(value) == 2):  # noqa: PLR2004 - from, to
        raise InvalidSettings(f"{where}: period", legal, value)
    try:
        first, last = (date.fromisoformat(item) for item in value)
    except (TypeError, ValueError):
        raise InvalidSettings(f"{where}: period", legal, value) from None
    if first > last:
        raise InvalidSettings(f"{where}: period", legal, value)
    return first.isoformat(), last.isoformat()


def _check_keys(where: str, table: Mapping[str, Any], legal: Sequence[str]) -> None:
    for key in legal:
        if key not in table:
            raise InvalidSettings(
                f"{where}: keys", f"complete, {key} is missing", [*table]
            )
    for key in table:
        if key not in legal:
            raise InvalidSettings(f"{where}: key", f"one of {', '.join(legal)}", key)
