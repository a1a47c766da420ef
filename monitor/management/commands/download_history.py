"""``manage.py download_history``: bars and funding of the past, on disk."""

import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError

from monitor.cli.exit_codes import (
    CannotWrite,
    ExitCode,
    UsageError,
    exit_code,
    message,
)
from monitor.cli.history_request import (
    HistoryRequest,
    WrongRequest,
    add_arguments,
    history_request,
)
from monitor.cli.progress_display import progress_display
from monitor.cli.report_command import ReportCommand
from monitor.cli.screener_settings import history_folder, screener_settings
from monitor.conf import GATEWAY_KEYS
from monitor.domain.progress import Progress
from monitor.exceptions import ExchangeError
from monitor.market_data.history_errors import HistoryError

if TYPE_CHECKING:
    from monitor.api_clients.binance import BinanceFuturesClient
    from monitor.cli.history_run import OnStage
    from monitor.conf import GatewayConfig
    from monitor.market_data.conf import ArchiveConfig
    from monitor.market_data.history_download import Step
    from monitor.market_data.history_store import HistoryStore


_INSTEAD = (
    "BINANCE_ARCHIVE_URL a mirror of the archive; --import takes recorded files instead"
)
"""Of the exchange: it is asked for what the archive lacks, or cannot be reached for."""

_DOWNLOAD_STOPS = "stopping, nothing further is sent; what is stored stays, run again"
_IMPORT_STOPS = "stopping; what is stored stays, run again for the rest"


class Command(ReportCommand):
    """``manage.py download_history``."""

    help = (
        "Download past bars and funding from the exchange's public archive, verified "
        "by its checksums, and what the archive lacks from the exchange itself. What "
        "is there already is not fetched again: a broken-off download goes on. Ends "
        "with status 2 on wrong usage, 3 when some files failed or a contract has "
        "nothing (the rest is stored), 69 when the archive or the exchange cannot be "
        "used, 74 when the store cannot be written, 75 when banned or another download "
        "writes to the store, 130 on Ctrl-C, 143 on SIGTERM."
    )
    name = "download_history"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the flags."""
        add_arguments(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        """Download or import.

        Raises
        ------
        CommandError
            ``returncode`` as documented in ``contracts/history.md``.
        """
        try:
            self._run(options)
        except (WrongRequest, UsageError) as error:
            raise CommandError(str(error), returncode=ExitCode.USAGE) from error
        except (HistoryError, ExchangeError, CannotWrite) as error:
            text = message(error, instead=_INSTEAD)
            raise CommandError(text, returncode=exit_code(error)) from error

    def _run(self, options: Mapping[str, Any]) -> None:
        from monitor.market_data.history_store import HistoryStore

        now_ms = int(time.time() * 1000)
        request = history_request(options, now_ms=now_ms)
        if not options["quiet"]:
            self.check_standard_output()
        imports = request.import_from is not None
        self.stopping = _IMPORT_STOPS if imports else _DOWNLOAD_STOPS
        config, gateway = _configs(screener_settings())
        store = HistoryStore(history_folder(options["folder"]))
        complaint = None
        with store.locked(now_ms=now_ms), self._stages(options) as on_stage:
            if request.import_from is not None:
                text = self._imported(request, store, on_stage)
            else:
                text, complaint = self._downloaded(
                    request, store, config, gateway, on_stage
                )
        if not options["quiet"]:
            self.put_out(text)
        if complaint is not None:
            raise CommandError(complaint, returncode=ExitCode.DEGRADED)

    def _imported(
        self, request: HistoryRequest, store: "HistoryStore", on_stage: "OnStage"
    ) -> str:
        from monitor.cli.history_run import import_recorded
        from monitor.cli.history_text import import_text

        report = import_recorded(request, store, on_stage)
        return import_text(report, str(store.root))

    def _downloaded(
        self,
        request: HistoryRequest,
        store: "HistoryStore",
        config: "ArchiveConfig",
        gateway: "GatewayConfig",
        on_stage: "OnStage",
    ) -> tuple[str, str | None]:
        from monitor.cli.history_run import HistoryRun
        from monitor.cli.history_text import complaint, result_text
        from monitor.market_data.archive import Archive

        archive = Archive(config, proxy=gateway.proxy)
        self.cancellation.add(archive.cancel)
        run = HistoryRun(
            store,
            archive,
            config,
            open_client=lambda: self._client(gateway),
            on_stage=on_stage,
        )
        with closing(archive):
            result = run.download(request)
        return result_text(result, str(store.root)), complaint(result)

    @contextmanager
    def _client(self, gateway: "GatewayConfig") -> "Iterator[BinanceFuturesClient]":
        from monitor.api_clients.binance import BinanceFuturesClient

        with BinanceFuturesClient(gateway) as client:
            self.cancellation.add(client.cancel)
            yield client

    @contextmanager
    def _stages(self, options: Mapping[str, Any]) -> "Iterator[OnStage]":
        with progress_display(
            sys.stderr,
            enabled=not options["quiet"],
            on_start=self.cancellation.add_display,
        ) as show:

            def tell(stage: str, step: "Step") -> None:
                self.check_interrupted()
                show(
                    Progress(
                        stage=stage, done=step.done, total=step.total, detail=step.words
                    )
                )

            yield tell


def _configs(
    configured: Mapping[str, Any],
) -> "tuple[ArchiveConfig, GatewayConfig]":
    from monitor.conf import GatewayConfig
    from monitor.market_data.conf import ArchiveConfig

    gateway = {
        name: configured[key] for key, name in GATEWAY_KEYS.items() if key in configured
    }
    try:
        return ArchiveConfig.of_settings(configured), GatewayConfig(**gateway)
    except ValueError as error:
        raise WrongRequest(str(error)) from None
