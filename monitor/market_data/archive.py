"""The public archive over HTTP: verified files and listings."""

import logging
import time
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from threading import Event
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import requests
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_random_exponential,
)
from urllib3.exceptions import HTTPError

from monitor.api_clients.connection_failures import connection_failure
from monitor.api_clients.session import pooled_session
from monitor.api_clients.sockets import DeadlineKeeper, SendRefused
from monitor.conf import GatewayConfig
from monitor.exceptions import ExchangeError
from monitor.market_data.archive_names import (
    CHECKSUM_SUFFIX,
    listing_page,
    listing_query,
    stated_hash,
    url_path,
)
from monitor.market_data.archive_rows import BadArchiveFile
from monitor.market_data.conf import ArchiveConfig
from monitor.market_data.history_errors import (
    ArchiveRefused,
    ArchiveUnavailable,
    DownloadCancelled,
)

logger = logging.getLogger(__name__)
T = TypeVar("T")

OK, NOT_FOUND, TOO_MANY, SERVER_ERROR = 200, 404, 429, 500
CHUNK_BYTES = 1 << 16
MAX_PAGES = 1_000
"""Of one listing: a million names."""


class Archive:
    """Files of the public archive. Thread-safe; `close` it.

    Parameters
    ----------
    config : ArchiveConfig
    proxy : str, optional
        As the gateway's.

    Raises
    ------
    ExchangeUnavailable
        The certificates named by the environment cannot be used.
    """

    def __init__(self, config: ArchiveConfig, *, proxy: str | None = None) -> None:
        self._config = config
        self._cancelled = Event()
        self._keeper = DeadlineKeeper(time.monotonic)
        self._files = _Server(config.url, config, proxy)
        self._listings = _Server(config.effective_listing_url, config, proxy)

    def verified(self, key: str) -> tuple[bytes, str] | None:
        """Return a file and its SHA-256; None when the archive does not have it.

        A file counts as there once its checksum is. Blocks.

        Raises
        ------
        BadArchiveFile
            What arrives is not what the checksum says, time after time.
        ArchiveUnavailable, ArchiveRefused, DownloadCancelled
        """
        return self._again(partial(self._verified_once, key))

    def keys(self, prefix: str) -> frozenset[str]:
        """Return the paths of the files in a folder. Blocks; errors as `verified`."""
        return self._listed(prefix)[0]

    def folders(self, prefix: str) -> tuple[str, ...]:
        """Return the folders in a folder, in order. Blocks; errors as `verified`."""
        return tuple(sorted(self._listed(prefix)[1]))

    def cancel(self) -> None:
        """End everything under way with `DownloadCancelled`; nothing more is sent."""
        self._cancelled.set()
        self._keeper.shut_all()

    def close(self) -> None:
        """Do as `cancel`, and close all connections. Idempotent."""
        self.cancel()
        self._keeper.close()
        for server in (self._files, self._listings):
            server.session.close()

    def _verified_once(self, key: str) -> tuple[bytes, str] | None:
        name = key.rpartition("/")[2]
        checksum = self._get(self._files, url_path(key + CHECKSUM_SUFFIX), name)
        if checksum is None:
            return None
        stated = stated_hash(checksum, name)
        if stated is None:
            raise BadArchiveFile(f"{name}{CHECKSUM_SUFFIX} states no SHA-256 of {name}")
        body = self._get(self._files, url_path(key), name)
        if body is None:
            return None
        if sha256(body).hexdigest() != stated:
            raise BadArchiveFile(f"{name}: not what its checksum says")
        return body, stated

    def _listed(self, prefix: str) -> tuple[frozenset[str], frozenset[str]]:
        keys: set[str] = set()
        folders: set[str] = set()
        marker: str | None = None
        for _ in range(MAX_PAGES):
            query = urlencode(listing_query(prefix, marker))
            path = f"{self._listings.path}/?{query}"
            body = self._again(partial(self._get, self._listings, path, "listing"))
            page = listing_page((body or b"").decode("utf-8", errors="replace"))
            if page is None:
                raise ArchiveRefused(f"{self._listings.host} lists no files")
            keys.update(page.keys)
            folders.update(page.folders)
            if page.next_marker is None or page.next_marker == marker:
                break
            marker = page.next_marker
        return frozenset(keys), frozenset(folders)

    def _again(self, call: Callable[[], T]) -> T:
        config = self._config
        retrying = Retrying(
            retry=retry_if_exception(_is_worth_another),
            stop=stop_after_attempt(config.max_attempts),
            wait=wait_random_exponential(
                multiplier=config.backoff_initial_s, max=config.backoff_max_s
            ),
            sleep=self._sleep,
            before_sleep=_log_retry,
            reraise=True,
        )
        return retrying(call)

    def _sleep(self, seconds: float) -> None:
        if self._cancelled.wait(seconds):
            raise DownloadCancelled

    def _get(self, server: "_Server", path: str, name: str) -> bytes | None:
        if self._cancelled.is_set():
            raise DownloadCancelled
        deadline_s = self._keeper.now_s() + self._config.deadline_s
        watch = self._keeper.watch(deadline_s, lambda: not self._cancelled.is_set())
        try:
            with watch:
                response = server.send(path)
                try:
                    body = self._body(response, name)
                finally:
                    response.close()
        except SendRefused:
            raise DownloadCancelled from None
        except (OSError, HTTPError) as problem:  # requests, urllib3, sockets
            self._check_cancelled()
            if watch.was_shut:
                raise self._late(name) from None
            raise ArchiveUnavailable(_cause(name, problem, server)) from None
        self._check_cancelled()
        if watch.was_shut:  # cut off by us it may look like a whole answer
            raise self._late(name)
        return _meaning(response.status_code, body, name)

    def _body(self, response: Any, name: str) -> bytes:
        limit = self._config.max_file_bytes
        pieces: list[bytes] = []
        size = 0
        for piece in response.iter_content(CHUNK_BYTES):
            size += len(piece)
            if size > limit:
                raise ArchiveRefused(f"{name}: larger than {limit:,} bytes")
            pieces.append(piece)
        return b"".join(pieces)

    def _late(self, name: str) -> ArchiveUnavailable:
        return ArchiveUnavailable(
            f"{name}: not complete within {self._config.deadline_s:g} s"
        )

    def _check_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise DownloadCancelled


class _Server:
    # one pooled session to one host

    def __init__(self, url: str, config: ArchiveConfig, proxy: str | None) -> None:
        parts = urlsplit(url)
        self.path = parts.path.rstrip("/")
        self.host = str(parts.hostname)
        self.config = GatewayConfig(
            base_url=f"{parts.scheme}://{parts.netloc}",
            connect_timeout_s=config.connect_timeout_s,
            read_timeout_s=config.read_timeout_s,
            pool_size=config.workers,
            proxy=proxy,
        )
        self.session, self._settings = pooled_session(self.config)

    def send(self, path: str) -> Any:
        # identity: a zip is packed already, and its hash is of what arrives
        settings = {**self._settings, "stream": True}
        url = self.config.base_url + path
        headers = {"Accept-Encoding": "identity", "Connection": "keep-alive"}
        request = requests.Request("GET", url, headers=headers).prepare()
        timeout = (self.config.connect_timeout_s, self.config.read_timeout_s)
        return self.session.send(
            request, timeout=timeout, allow_redirects=False, **settings
        )


def _meaning(status: int, body: bytes, name: str) -> bytes | None:
    if status == OK:
        return body
    if status == NOT_FOUND:
        return None
    if status == TOO_MANY or status >= SERVER_ERROR:
        raise ArchiveUnavailable(name, status=status)
    raise ArchiveRefused(name, status=status)


def _cause(name: str, problem: Exception, server: _Server) -> str:
    failure: ExchangeError = connection_failure(name, problem, server.config)
    return str(failure)


def _is_worth_another(problem: BaseException) -> bool:
    return isinstance(problem, ArchiveUnavailable | BadArchiveFile)


def _log_retry(state: RetryCallState) -> None:
    outcome = state.outcome
    cause = None if outcome is None else outcome.exception()
    logger.info("archive retry attempt=%d cause=%s", state.attempt_number, cause)
