"""Ledgers in Redis, shared by several machines behind one IP address."""

import time
from collections.abc import Callable
from random import SystemRandom
from typing import Any
from urllib.parse import urlsplit

from monitor.exceptions import LedgerUnavailable
from monitor.ratelimit.stores import Answer, Step

PREFIX = "short-grid-screener:ledger:"
KEPT_S = 8 * 86_400
"""What nobody writes for so long is forgotten; no block lasts longer than 7 days."""
TIMEOUT_S = 10.0
"""Longest wait for an answer, and for other processes to let go."""
CONNECT_S = 3.0
_LONGEST_RETRY_S = 0.01
_DEFAULT_PORT = 6379


class RedisStore:
    """Bytes by address in one Redis database. Thread-safe.

    Whether durable writes survive a loss of power is up to the server: it must run
    with ``appendonly yes``.

    Parameters
    ----------
    url : str
        ``redis://`` or ``rediss://``; connected to on first use.
    timeout_s : float, optional

    Raises
    ------
    LedgerUnavailable
        The client library is not installed.
    """

    def __init__(self, url: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self.where = _redacted(url)
        try:
            import redis
        except ImportError:
            raise LedgerUnavailable(
                self.where,
                "Redis needs one more package: pip install short-grid-screener[redis]",
            ) from None
        self._timeout_s = timeout_s
        self._random = SystemRandom()
        self._errors: type[Exception] = redis.RedisError
        self._changed: type[Exception] = redis.WatchError
        self._client: Any = redis.Redis.from_url(
            url,
            socket_timeout=timeout_s,
            socket_connect_timeout=min(CONNECT_S, timeout_s),
        )

    def read(self, address: str) -> bytes | None:
        """Return what is kept."""
        kept: bytes | None = self._call(lambda: self._client.get(PREFIX + address))
        return kept

    def update(
        self,
        address: str,
        step: Step[Answer],
        *,
        is_durable: bool = False,  # noqa: ARG002  the server's own setting
    ) -> Answer:
        """Apply ``step``, again and again until nobody else wrote meanwhile."""
        deadline_s = time.monotonic() + self._timeout_s
        while True:
            try:
                answer: Answer = self._call(
                    lambda: self._attempt(PREFIX + address, step)
                )
            except self._changed:
                if time.monotonic() > deadline_s:
                    raise LedgerUnavailable(
                        self.where,
                        f"others have written to it for {self._timeout_s:g} s "
                        "without a gap",
                    ) from None
            else:
                return answer
            time.sleep(self._random.uniform(0, _LONGEST_RETRY_S))

    def rows(self) -> dict[str, bytes]:
        """Return everything that is kept."""
        keys = self._call(lambda: list(self._client.scan_iter(match=f"{PREFIX}*")))
        found = {}
        for key in sorted(keys):
            address = key.decode().removeprefix(PREFIX)
            kept = self.read(address)
            if kept is not None:
                found[address] = kept
        return found

    def prune(self, unused_s: float, is_dispensable: Callable[[bytes], bool]) -> None:
        """Do nothing: keys that nobody writes expire on the server."""

    def forget(self, address: str) -> bool:
        """Forget one address; whether there was something."""
        return bool(self._call(lambda: self._client.delete(PREFIX + address)))

    def close(self) -> None:
        """Close the connections; a later use connects anew."""
        self._client.close()

    def _attempt(self, key: str, step: Step[Answer]) -> Answer:
        with self._client.pipeline() as pipe:
            pipe.watch(key)
            kept = pipe.get(key)
            fresh, answer = step(kept)
            if fresh != kept:
                pipe.multi()
                pipe.set(key, fresh, ex=KEPT_S)
                pipe.execute()
            return answer

    def _call(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except self._changed:
            raise
        except self._errors as problem:
            # its text may quote the address: only its kind is told
            kind = type(problem).__name__
            raise LedgerUnavailable(self.where, _PROBLEMS.get(kind, kind)) from None


_PROBLEMS = {
    "AuthenticationError": "the server refuses the user or password",
    "ConnectionError": "the server cannot be reached",
    "ResponseError": "the server refuses the command",
    "TimeoutError": "the server does not answer",
    "BusyLoadingError": "the server is still loading its data",
    "OutOfMemoryError": "the server has no memory left",
    "ReadOnlyError": "the server is read-only",
}


def _redacted(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}:{parts.port or _DEFAULT_PORT}{parts.path}"
