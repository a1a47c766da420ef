"""How far a scan has come."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One step of a scan."""

    stage: str
    """``market``, ``symbols``, ``factors`` or ``plans``."""
    done: int
    total: int
    detail: str = ""
    """For people."""


ProgressHook: TypeAlias = Callable[[Progress], None]


def ignore_progress(_: Progress) -> None:
    """Do nothing: the hook of a caller that asked for none."""
