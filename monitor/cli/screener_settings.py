"""``settings.SCREENER``, as commands read it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from monitor.cli.exit_codes import UsageError
from monitor.data_folder import data_folder

HISTORY = "history"
"""Folder of downloaded history in the data folder."""


def screener_settings() -> Mapping[str, Any]:
    """Return ``settings.SCREENER``; empty when it is not set.

    Raises
    ------
    UsageError
        It is no dictionary.
    """
    configured = getattr(settings, "SCREENER", {})
    if not isinstance(configured, Mapping):
        raise UsageError("settings.SCREENER must be a dictionary")
    return configured


def history_folder(chosen: str | None) -> Path:
    """Return the folder of past bars: ``chosen``, else the data folder's own.

    Raises
    ------
    UsageError
        ``settings.SCREENER["data_dir"]`` is no path.
    """
    if chosen is not None:
        return Path(chosen).expanduser()
    configured = screener_settings().get("data_dir")
    if not isinstance(configured, str | Path | None):
        raise UsageError(
            f"settings.SCREENER: data_dir must be a path, was {configured!r}"
        )
    return data_folder(configured) / HISTORY
