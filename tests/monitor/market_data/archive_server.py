"""The public archive's layout on loopback: real zip files, checksums, listings."""

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from threading import Lock
from urllib.parse import unquote
from xml.sax.saxutils import escape

from monitor.market_data.archive_names import stem, zip_key
from monitor.market_data.archive_rows import label_bounds
from monitor.market_data.history_rows import HistoryKind, Series
from tests.monitor.loopback import Loopback, Reply, Seen

KLINE_HEADINGS = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,"
    "taker_buy_volume,taker_buy_quote_volume,ignore"
)
FUNDING_HEADINGS = "calc_time,funding_interval_hours,last_funding_rate"
METRICS_HEADINGS = (
    "create_time,symbol,sum_open_interest,sum_open_interest_value,"
    "count_toptrader_long_short_ratio,sum_toptrader_long_short_ratio,"
    "count_long_short_ratio,sum_taker_long_short_vol_ratio"
)
HOUR = 3_600_000


def price_at(time_ms: int) -> float:
    """Close of the bar that opens then, of every contract."""
    return 100 + (time_ms // HOUR) % 997 / 10


def kline_line(time_ms: int, step_ms: int, *, per_ms: int = 1) -> str:
    close = price_at(time_ms)
    times = (time_ms * per_ms, (time_ms + step_ms) * per_ms - 1)
    prices = f"{close - 0.5:.4f},{close + 1:.4f},{close - 1:.4f},{close:.4f}"
    return f"{times[0]},{prices},12.5,{times[1]},1250.0,7,5.5,550.0,0"


def kline_table(
    times: Sequence[int],
    step_ms: int,
    *,
    headings: bool = True,
    per_ms: int = 1,
) -> bytes:
    lines = [KLINE_HEADINGS] if headings else []
    lines += [kline_line(time, step_ms, per_ms=per_ms) for time in times]
    return ("\n".join(lines) + "\n").encode()


def zipped(name: str, table: bytes) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, table)
    return body.getvalue()


def times_of(label: str, step_ms: int) -> list[int]:
    first, after = label_bounds(label)
    return list(range(first, after, step_ms))


def metrics_table(symbol: str, label: str) -> bytes:
    first, _ = label_bounds(label)
    begin = datetime.fromtimestamp(first / 1000, UTC)
    lines = [METRICS_HEADINGS]
    for number in range(1, 289):  # the last one is of the next midnight
        at = begin + timedelta(minutes=5 * number)
        ratio = "" if number == 3 else "1.25"
        lines.append(f"{at:%Y-%m-%d %H:%M:%S},{symbol},{number}.5,99,1.1,{ratio},0.9,2")
    return ("\n".join(lines) + "\n").encode()


class ArchiveFiles:
    """What the archive has, by path; and what goes wrong, once each."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[Reply]] = {}
        self.page_size = 1000
        self.lists = True
        self.on_request: Callable[[str], None] = lambda _: None
        self._lock = Lock()

    def put(self, series: Series, label: str, table: bytes) -> str:
        """Add a file with its checksum; return its path."""
        name = stem(series, label)
        key = zip_key(series, label)
        self.put_raw(key, zipped(f"{name}.csv", table))
        return key

    def put_raw(self, key: str, body: bytes) -> None:
        name = key.rpartition("/")[2]
        self.files[key] = body
        stated = f"{sha256(body).hexdigest()}  {name}\n"
        self.files[f"{key}.CHECKSUM"] = stated.encode()

    def put_bars(
        self,
        series: Series,
        *labels: str,
        without: Sequence[int] = (),
        headings: bool = True,
        per_ms: int = 1,
    ) -> None:
        assert series.interval is not None
        step = series.interval.milliseconds
        for label in labels:
            times = [time for time in times_of(label, step) if time not in without]
            table = kline_table(times, step, headings=headings, per_ms=per_ms)
            self.put(series, label, table)

    def put_funding(self, series: Series, *labels: str) -> None:
        for label in labels:
            lines = [f"{time + 3},8,0.0001" for time in times_of(label, 8 * HOUR)]
            table = "\n".join([FUNDING_HEADINGS, *lines]) + "\n"
            self.put(series, label, table.encode())

    def put_metrics(self, series: Series, *labels: str) -> None:
        for label in labels:
            self.put(series, label, metrics_table(series.symbol, label))

    def fault(self, key: str, *replies: Reply) -> None:
        """Give these answers first."""
        self.faults.setdefault(key, []).extend(replies)

    def script(self, seen: Seen) -> Reply:
        if "prefix" in seen.query:
            return self._listing(seen.query)
        key = unquote(seen.path).lstrip("/")
        self.on_request(key)
        with self._lock:
            waiting = self.faults.get(key)
            if waiting:
                return waiting.pop(0)
        body = self.files.get(key)
        return Reply(status=404, body=b"<Error/>") if body is None else Reply(body=body)

    def _listing(self, query: Mapping[str, str]) -> Reply:
        if not self.lists:
            return Reply(status=403, body=b"<Error><Code>AccessDenied</Code></Error>")
        prefix, marker = query["prefix"], query.get("marker", "")
        names: set[str] = set()
        for key in self.files:
            if key.startswith(prefix):
                head, slash, _ = key[len(prefix) :].partition("/")
                names.add(prefix + head + slash)
        after = sorted(name for name in names if name > marker)
        page, rest = after[: self.page_size], after[self.page_size :]
        parts = ["<?xml version='1.0'?><ListBucketResult xmlns='x'>"]
        parts.append(f"<IsTruncated>{'true' if rest else 'false'}</IsTruncated>")
        for name in page:
            if name.endswith("/"):
                shown = f"<Prefix>{escape(name)}</Prefix>"
                parts.append(f"<CommonPrefixes>{shown}</CommonPrefixes>")
            else:
                parts.append(f"<Contents><Key>{escape(name)}</Key></Contents>")
        if rest:
            parts.append(f"<NextMarker>{escape(page[-1])}</NextMarker>")
        parts.append("</ListBucketResult>")
        return Reply(body="".join(parts).encode())


def served(files: ArchiveFiles) -> Loopback:
    """Return a server, to be entered."""
    return Loopback(files.script)


def asked_files(server: Loopback) -> list[str]:
    """Return the names of the zip files that were asked for, in order."""
    return [path.rpartition("/")[2] for path in server.paths() if path.endswith(".zip")]


def bars_of(symbol: str, interval: str = "1h") -> Series:
    from monitor.domain.market import KlineInterval

    return Series(
        kind=HistoryKind.KLINES, symbol=symbol, interval=KlineInterval(interval)
    )


def funding_of(symbol: str) -> Series:
    return Series(kind=HistoryKind.FUNDING, symbol=symbol)


def metrics_of(symbol: str) -> Series:
    return Series(kind=HistoryKind.METRICS, symbol=symbol)
