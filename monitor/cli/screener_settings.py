"""``settings.SCREENER``, as commands read it."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from monitor.cli.exit_codes import UsageError


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
