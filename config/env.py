"""The only reader of the environment, and a strict one."""

import os
from pathlib import Path


class InvalidEnvironment(ValueError):  # noqa: N818
    """An environment variable holds what it must not."""

    def __init__(self, name: str, legal: str, value: str) -> None:
        self.name = name
        super().__init__(f"{name} must be {legal}, was {value!r}")


def text(name: str) -> str | None:
    """Return the variable, None when unset or empty."""
    return os.environ.get(name) or None


def boolean(name: str, *, default: bool) -> bool:
    """Return the variable as a boolean: ``1/0``, ``true/false``, ``yes/no``."""
    value = text(name)
    if value is None:
        return default
    known = {"1": True, "true": True, "yes": True, "0": False, "false": False}
    known["no"] = False
    if value.lower() not in known:
        raise InvalidEnvironment(name, "one of 1, 0, true, false, yes, no", value)
    return known[value.lower()]


def folder(name: str) -> Path | None:
    """Return the variable as an absolute path, ``~`` expanded; None when unset."""
    value = text(name)
    return None if value is None else Path(value).expanduser().absolute()
