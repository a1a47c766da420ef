"""Errors of bar series, and of asking for contracts.

::

    KlineError
    ├── InsufficientKlines   fewer closed bars than needed
    ├── KlineGap             bars are missing inside the window
    ├── StaleKlines          the newest closed bar is not there
    └── ImpossibleKlines     values that no market can produce

    ContractError
    ├── UnknownContracts     not on the exchange
    └── NoContracts          nothing to analyse

A `KlineError` names the symbol; a scan excludes it with that reason and goes on.
"""

from enum import StrEnum


class GapKind(StrEnum):
    """Why bars are not there."""

    BEFORE_LISTING = "before_listing"
    """The contract's history begins later: the exchange has nothing older."""
    HALTED = "halted"
    """Nothing traded: asked twice, the exchange had no bars there."""
    UNKNOWN = "unknown"
    """It was not asked again, or did not answer, or contradicted itself."""


class KlineError(Exception):
    """Root: the bars of one symbol cannot be used.

    ``symbol`` is always set.
    """

    symbol: str


class InsufficientKlines(KlineError):  # noqa: N818
    """Fewer closed bars than needed."""

    def __init__(
        self,
        symbol: str,
        bar_count: int,
        needed: int,
        kind: GapKind = GapKind.UNKNOWN,
    ) -> None:
        self.symbol = symbol
        self.bar_count = bar_count
        self.needed = needed
        self.kind = GapKind(kind)
        super().__init__(symbol, bar_count, needed, self.kind)

    def __str__(self) -> str:
        text = f"{self.symbol}: {self.bar_count} closed bars, {self.needed} needed"
        if self.kind is GapKind.BEFORE_LISTING:
            return f"{text}; there are none before its listing"
        return text


class KlineGap(KlineError):  # noqa: N818
    """``missing`` bars are absent after the bar that opened at ``after_ms``."""

    def __init__(
        self,
        symbol: str,
        missing: int,
        after_ms: int,
        kind: GapKind = GapKind.UNKNOWN,
    ) -> None:
        self.symbol = symbol
        self.missing = missing
        self.after_ms = after_ms
        self.kind = GapKind(kind)
        super().__init__(symbol, missing, after_ms, self.kind)

    def __str__(self) -> str:
        bars = "1 bar is" if self.missing == 1 else f"{self.missing} bars are"
        why = {
            GapKind.BEFORE_LISTING: "before its listing",
            GapKind.HALTED: "nothing traded there, the exchange says twice",
            GapKind.UNKNOWN: "why is not known",
        }
        return (
            f"{self.symbol}: {bars} missing after the bar of {self.after_ms} ms: "
            f"{why[self.kind]}"
        )


class StaleKlines(KlineError):  # noqa: N818
    """The last closed bar is older than the one that should be there."""

    def __init__(self, symbol: str, last_open_ms: int, expected_open_ms: int) -> None:
        self.symbol = symbol
        self.last_open_ms = last_open_ms
        self.expected_open_ms = expected_open_ms
        super().__init__(symbol, last_open_ms, expected_open_ms)

    def __str__(self) -> str:
        return (
            f"{self.symbol}: last closed bar opened at {self.last_open_ms} ms, "
            f"expected {self.expected_open_ms} ms"
        )


class ImpossibleKlines(KlineError):  # noqa: N818
    """Values that no market can produce."""

    def __init__(self, symbol: str, detail: str) -> None:
        self.symbol = symbol
        self.detail = detail
        super().__init__(symbol, detail)

    def __str__(self) -> str:
        return f"{self.symbol}: {self.detail}"


class ContractError(Exception):
    """Root: what was asked for cannot be analysed; the message says what can."""


class UnknownContracts(ContractError):  # noqa: N818
    """Symbols that were asked for but are not on the exchange."""

    def __init__(self, symbols: tuple[str, ...], where: str = "the exchange") -> None:
        self.symbols = symbols
        self.where = where
        super().__init__(symbols, where)

    def __str__(self) -> str:
        return (
            f"not on {self.where}: {', '.join(self.symbols)}; "
            "symbols are spelled like BTCUSDT"
        )


class NoContracts(ContractError):  # noqa: N818
    """No contract was asked for, or none qualifies for ``group``."""

    def __init__(self, group: str | None) -> None:
        self.group = group
        super().__init__(group)

    def __str__(self) -> str:
        if self.group is None:
            return "name symbols like BTCUSDT, or a --group"
        return (
            f"nobody qualifies for the group {self.group}; "
            "lower --min-volume, or name symbols"
        )
