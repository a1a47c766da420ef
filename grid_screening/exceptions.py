"""Errors of the screener.

::

    ScreeningError
    ├── InvalidSettings        what was wrong, what is legal
    ├── UnknownSymbols         asked for, not on the exchange
    └── AllRequestsFailed      no symbol's data could be fetched

Errors of the exchange gateway (`monitor.exceptions.ExchangeError`) that end a
scan pass through unchanged.
"""


class ScreeningError(Exception):
    """Root of the screener's errors."""


class InvalidSettings(ScreeningError, ValueError):  # noqa: N818
    """A setting is outside its legal range."""

    def __init__(self, name: str, legal: str, value: object) -> None:
        self.name = name
        self.legal = legal
        self.value = value
        super().__init__(name, legal, value)

    def __str__(self) -> str:
        return f"{self.name} must be {self.legal}, was {self.value!r}"


class UnknownSymbols(ScreeningError):  # noqa: N818
    """Symbols that were asked for but are not on the exchange."""

    def __init__(self, symbols: tuple[str, ...]) -> None:
        self.symbols = symbols
        super().__init__(symbols)

    def __str__(self) -> str:
        return (
            f"not on the exchange: {', '.join(self.symbols)}; "
            "symbols are spelled like BTCUSDT"
        )


class AllRequestsFailed(ScreeningError):  # noqa: N818
    """Data was requested for some symbols and arrived for none."""

    def __init__(self, requested: int, first_error: str) -> None:
        self.requested = requested
        self.first_error = first_error
        super().__init__(requested, first_error)

    def __str__(self) -> str:
        return (
            f"no data for any of the {self.requested} symbols requested; "
            f"first error: {self.first_error}"
        )
