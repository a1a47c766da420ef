"""Defaults < ``settings.SCREENER`` < flags."""

from collections.abc import Mapping
from typing import Any

from grid_screening.cli.arguments import FLAGS
from grid_screening.conf import (
    ScreenerSettings,
    setting_names,
)
from grid_screening.exceptions import InvalidSettings
from monitor.cli.exit_codes import UsageError
from monitor.conf import GATEWAY_KEYS
from monitor.market_data.conf import ARCHIVE_KEYS, KLINE_STORE_KEYS

_OTHER_KEYS = (*GATEWAY_KEYS, *KLINE_STORE_KEYS, *ARCHIVE_KEYS)
_DEFAULTS = ScreenerSettings()
_FLAG_OF = {flag.setting: flag for flag in FLAGS}


def effective_settings(
    configured: Mapping[str, Any],
    options: Mapping[str, Any],
    *,
    defaults: ScreenerSettings = _DEFAULTS,
) -> ScreenerSettings:
    """Return the settings of a scan.

    Parameters
    ----------
    configured : mapping
        ``settings.SCREENER``; keys of the gateway and of commands are left alone.
    options : mapping
        Parsed flags by field name; other keys are left alone, flags that were not
        given are absent or None.
    defaults : ScreenerSettings, optional
        What the others change.

    Raises
    ------
    UsageError
        An unknown key or an illegal value; names the key or flag and what is legal.
    """
    names = set(setting_names())
    for key in configured:
        if key not in names and key not in _OTHER_KEYS:
            legal = ", ".join(sorted((*names, *_OTHER_KEYS)))
            raise UsageError(f"settings.SCREENER has no key {key!r}, only {legal}")
    overrides = {k: v for k, v in configured.items() if k in names}
    flags = {k: v for k, v in options.items() if k in names and v is not None}
    settings = _merged(defaults, overrides, "settings.SCREENER[{!r}]".format)
    settings = _merged(settings, flags, lambda name: _FLAG_OF[name].name)
    _check_profile(settings, flags)
    return settings


def _merged(
    settings: ScreenerSettings, overrides: Mapping[str, Any], spelled: Any
) -> ScreenerSettings:
    read = {}
    for name, value in overrides.items():
        try:
            optional = getattr(_DEFAULTS, name) is None
            unset = value is None and optional
            read[name] = None if unset else _FLAG_OF[name].read(value)
        except ValueError as error:
            raise UsageError(f"{spelled(name)} {error}") from error
    try:
        return settings.merged(read)
    except InvalidSettings as error:
        name, legal, value = error.name, error.legal, error.value
        if name == "max_natr" and name not in read:
            # the lower end moved above the upper one: name what was given
            limit = f"{spelled(name)} ({settings.max_natr:g})"
            name, legal, value = "min_natr", f"≤ {limit}", read["min_natr"]
        elif name == "max_natr":
            legal = legal.replace("min_natr", spelled("min_natr"))
        message = f"{spelled(name)} must be {legal}, was {value!r}"
        raise UsageError(message) from error


def _check_profile(settings: ScreenerSettings, flags: Mapping[str, Any]) -> None:
    from grid_screening.profile import load_profile

    try:
        load_profile(settings.profile)
    except InvalidSettings as error:
        where = "--profile" if "profile" in flags else "settings.SCREENER['profile']"
        known = error.name == "profile"
        raise UsageError(
            f"{where} must be {error.legal}, was {error.value!r}"
            if known
            else f"{where} {settings.profile}: {error}"
        ) from error
