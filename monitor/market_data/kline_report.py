"""What the bars on disk amount to, as a table or as JSON. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from monitor.market_data.conf import MEGABYTE
from monitor.market_data.kline_statistics import KlineStatistics, SeriesGroup

_HEADINGS = ("exchange", "interval", "series", "bars", "oldest bar", "newest bar", "MB")
_TEXT_COLUMNS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class KlineCacheReport:
    """The store as a whole."""

    path: str
    exists: bool
    size: int
    """Bytes on disk, the write-ahead log included."""
    limit: int
    """Bytes."""
    groups: Sequence[SeriesGroup]
    statistics: KlineStatistics

    def document(self) -> Mapping[str, Any]:
        """Return the report as plain values; times in ms UTC, sizes in bytes."""
        return {
            "path": self.path,
            "exists": self.exists,
            "size": self.size,
            "limit": self.limit,
            "groups": [asdict(group) for group in self.groups],
            "counters": self.statistics.by_name(),
        }

    def table(self) -> str:
        """Return the report as lines for people; times in UTC."""
        state = f"{_megabytes(self.size)} of {_megabytes(self.limit)} MB"
        lines = [f"kline cache {self.path}: {state if self.exists else 'no file yet'}"]
        if self.groups:
            lines += ["", *_aligned([_HEADINGS, *map(_cells, self.groups)])]
        counts = {n: c for n, c in self.statistics.by_name().items() if c}
        if counts:
            lines += ["", "since the file was made:"]
            lines += [
                f"  {name.replace('_', ' ')}: {count:,}"
                for name, count in counts.items()
            ]
        return "\n".join(lines) + "\n"


def _cells(group: SeriesGroup) -> tuple[str, ...]:
    return (
        group.exchange,
        group.interval,
        f"{group.series:,}",
        f"{group.bars:,}",
        _minute(group.first_open),
        _minute(group.last_open),
        _megabytes(group.size),
    )


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place < _TEXT_COLUMNS else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _minute(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M}"


def _megabytes(size: int) -> str:
    return f"{size / MEGABYTE:.1f}"
