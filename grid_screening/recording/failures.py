"""Errors that concern one contract ↔ text. Pure."""

from collections.abc import Mapping
from inspect import signature
from typing import TypeAlias

import orjson

from monitor import exceptions as gateway
from monitor.exceptions import ExchangeError
from vp_squeeze import exceptions as series
from vp_squeeze.exceptions import KlineError

SymbolError: TypeAlias = ExchangeError | KlineError

_KINDS: Mapping[str, type[SymbolError]] = {
    kind.__name__: kind
    for kind in (
        gateway.ExchangeTimeout,
        gateway.ExchangeUnavailable,
        gateway.GarbledAnswer,
        gateway.RequestRejected,
        gateway.MalformedPayload,
        series.InsufficientKlines,
        series.KlineGap,
        series.StaleKlines,
        series.ImpossibleKlines,
    )
}


class UnknownFailure(ValueError):  # noqa: N818  named for what it is
    """A recorded error that this version does not know."""


def failure_text(error: SymbolError) -> str:
    """Return ``error`` as JSON: its class, and what its message is made of.

    Raises
    ------
    UnknownFailure
        An error that never concerns one contract only.
    """
    name = type(error).__name__
    if name not in _KINDS:
        raise UnknownFailure(f"errors of this kind are not recorded: {name}")
    return orjson.dumps([name, list(error.args)]).decode()


def failure_of(text: str) -> SymbolError:
    """Return the error that `failure_text` wrote down.

    Raises
    ------
    UnknownFailure
        Not one of ours.
    """
    try:
        name, values = orjson.loads(text)
        kind = _KINDS[name]
        names = list(signature(kind).parameters)
        return kind(**dict(zip(names, values, strict=True)))
    except (KeyError, TypeError, ValueError) as problem:
        raise UnknownFailure(f"not a recorded error: {text[:80]!r}") from problem
