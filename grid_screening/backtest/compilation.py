"""How the simulator's loops are compiled. Imports numba."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

_F = TypeVar("_F", bound=Callable[..., Any])


def compiled(function: _F, **options: Any) -> _F:
    """Compile; the interpreter lock is released while it runs."""
    return cast("_F", njit(nogil=True, error_model="numpy", **options)(function))


def inlined(function: _F) -> _F:
    """Compile into each place where it is called; numbers only may come back.

    References to arrays are not counted there, which would take longer than a bar: it
    may neither allocate an array nor return one.
    """
    return compiled(function, forceinline=True, _nrt=False)


def cached(function: _F) -> _F:
    """Compile and keep it on disk, beside the module or in the user's cache folder.

    The key is the types of the arguments and the module's date and size: own classes
    among the types, or compiled functions of other modules, would outlive their
    change. Where no folder can be written it is compiled in each process.
    """
    try:
        return compiled(function, cache=True)
    except RuntimeError:
        return compiled(function)
