"""Errors of the screener.

::

    ScreeningError
    ├── InvalidSettings        what was wrong, what is legal
    ├── UnknownSymbols         asked for, not on the exchange
    ├── AllRequestsFailed      no symbol's data could be fetched
    ├── UnreadableRecording    not a recorded scan, or a damaged one
    ├── UnreadableReport       not a published report, or a damaged one
    ├── IncomparableScans      one of a simulated market, one of a real one
    └── EngineUnavailable      the cluster asked for cannot be used

Errors of the exchange gateway (`monitor.exceptions.ExchangeError`) that end a
scan pass through unchanged. One more of them comes from here: `NotRecorded`, what a
replay is asked for and its recording does not hold.
"""

from monitor.exceptions import PermanentExchangeError


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


class UnreadableRecording(ScreeningError):  # noqa: N818
    """A file that is not a recorded scan, is damaged, or of an unknown format."""

    def __init__(self, path: str, detail: str) -> None:
        self.path = path
        self.detail = detail
        super().__init__(path, detail)

    def __str__(self) -> str:
        return (
            f"{self.path} is not a readable recording: {self.detail} "
            "(--record makes one)"
        )


class UnreadableReport(ScreeningError):  # noqa: N818
    """A file that is not a published report, or a damaged one."""

    def __init__(self, name: str, detail: str) -> None:
        self.name = name
        self.detail = detail
        super().__init__(name, detail)

    def __str__(self) -> str:
        return (
            f"{self.name} is not a readable report: {self.detail} "
            "(--format json or --record makes one)"
        )


class IncomparableScans(ScreeningError):  # noqa: N818
    """Two scans that are not of the same market."""

    def __init__(self, before: str, after: str) -> None:
        self.before = before
        self.after = after
        super().__init__(before, after)

    def __str__(self) -> str:
        return (
            f"a scan of a {self.before} market cannot be compared with one of a "
            f"{self.after} market"
        )


class EngineUnavailable(ScreeningError):  # noqa: N818
    """The cluster that was asked for cannot be used, or was lost."""

    def __init__(self, engine: str, detail: str) -> None:
        self.engine = engine
        self.detail = detail
        super().__init__(engine, detail)

    def __str__(self) -> str:
        return f"engine {self.engine} unavailable: {self.detail}"


class NotRecorded(PermanentExchangeError):  # noqa: N818
    """The recorded scan did not read this."""

    def __init__(self, symbol: str, what: str) -> None:
        self.symbol = symbol
        self.what = what
        super().__init__(symbol, what)

    def __str__(self) -> str:
        return f"{self.what} not recorded: that scan did not ask for it"
