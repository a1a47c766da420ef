"""``manage.py kline_cache``: the bars on disk, shown or dropped."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from monitor.cli.exit_codes import UsageError
from monitor.cli.one_line import OneLineCommand
from monitor.cli.screener_settings import screener_settings
from monitor.conf import GatewayConfig
from monitor.data_folder import data_folder
from monitor.market_data.conf import KlineStoreConfig
from monitor.market_data.kline_file import FILE_NAME, KlineFile
from monitor.market_data.kline_report import KlineCacheReport
from monitor.market_data.kline_statistics import KlineStatistics
from monitor.market_data.kline_store import exchange_key
from monitor.market_data.kline_tables import DamagedFile, UnusableFile

USAGE, CANNOT_USE = 2, 74
"""Exit codes, as those of the scan."""


class Command(OneLineCommand):
    """Show what the scan keeps on disk, or drop it."""

    help = (
        "Show the closed bars that scans keep on disk: where, how many, how old, and "
        "what they saved. --clear drops them; a scan then fetches everything once. "
        "Ends with status 2 for a wrong flag or setting, 74 when the file cannot be "
        "used."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the flags."""
        parser.add_argument("--format", choices=("table", "json"), default="table")
        parser.add_argument("--clear", action="store_true", help="drop the bars")
        parser.add_argument(
            "--exchange",
            metavar="ADDRESS",
            help="with --clear: drop only those of this server, as the table names it",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Show or drop."""
        if options["exchange"] is not None and not options["clear"]:
            raise CommandError("--exchange must come with --clear", returncode=USAGE)
        try:
            configured = screener_settings()
            config = KlineStoreConfig.of_settings(configured)
            gateway = GatewayConfig(data_dir=configured.get("data_dir"))
        except (UsageError, ValueError) as error:
            raise CommandError(str(error), returncode=USAGE) from None
        path = data_folder(gateway.data_dir) / FILE_NAME
        file = KlineFile(path, max_bytes=config.max_bytes)
        try:
            if options["clear"]:
                self._clear(file, options["exchange"])
            else:
                self._show(file, config, options["format"])
        except (UnusableFile, DamagedFile) as error:
            message = f"cannot use {path}: {error}; remove it, scans make a new one"
            raise CommandError(message, returncode=CANNOT_USE) from None
        finally:
            file.close()

    def _show(self, file: KlineFile, config: KlineStoreConfig, style: str) -> None:
        exists = _exists(file.path)
        report = KlineCacheReport(
            path=str(file.path),
            exists=exists,
            size=_size(file.path),
            limit=config.max_bytes,
            groups=file.groups() if exists else (),
            statistics=KlineStatistics.of(file.counters() if exists else {}),
        )
        if style == "table":
            self.stdout.write(report.table(), ending="")
            return
        import orjson

        text = orjson.dumps(report.document(), option=orjson.OPT_INDENT_2).decode()
        self.stdout.write(text)

    def _clear(self, file: KlineFile, exchange: str | None) -> None:
        count = 0
        if _exists(file.path):
            try:
                count = file.clear(
                    exchange=None if exchange is None else exchange_key(exchange)
                )
            except DamagedFile:
                file.move_aside()
        if exchange is None:
            file.forget_aside()
        series = "1 series" if count == 1 else f"{count:,} series"
        self.stdout.write(f"dropped {series} of {file.path}")


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise UnusableFile(error.strerror or str(error)) from error


def _size(path: Path) -> int:
    files = (path.with_name(path.name + suffix) for suffix in ("", "-wal"))
    return sum(file.stat().st_size for file in files if file.exists())
