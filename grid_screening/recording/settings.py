"""Settings of a scan ↔ a plain document that loses nothing. Pure."""

from collections.abc import Mapping
from typing import Any

from grid_screening.conf import ScreenerSettings, setting_names
from grid_screening.recording.columns import columns_of, rows_of
from monitor.domain.instruments import LeverageBracket
from monitor.domain.market import KlineInterval


def settings_document(settings: ScreenerSettings) -> dict[str, Any]:
    """Return all settings by field name, brackets as columns by symbol."""
    return {name: _plain(getattr(settings, name)) for name in setting_names()}


def settings_of(document: Mapping[str, Any]) -> ScreenerSettings:
    """Return the settings that `settings_document` wrote down.

    Settings that this version does not know are an error, those that it has gained
    since keep their defaults.

    Raises
    ------
    InvalidSettings
        An unknown name or an illegal value.
    """
    values = dict(document)
    if values.get("brackets") is not None:
        values["brackets"] = {
            symbol: tuple(rows_of(columns, LeverageBracket))
            for symbol, columns in values["brackets"].items()
        }
    return ScreenerSettings().merged(values)


def _plain(value: Any) -> Any:
    if isinstance(value, KlineInterval):
        return value.value
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Mapping):
        return {
            symbol: columns_of(brackets, LeverageBracket)
            for symbol, brackets in value.items()
        }
    return value
