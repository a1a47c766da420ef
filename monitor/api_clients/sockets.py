"""Sockets that end at a deadline, whatever they are doing.

A read timeout is renewed by every byte, so a slow drip of headers or body, or of
a TLS handshake, passes it for ever. Here one thread shuts down the sockets of
requests that are past their deadline; the reader then sees the end of the stream.
"""

import socket
from collections.abc import Callable
from contextlib import suppress
from heapq import heappop, heappush
from itertools import count
from threading import Condition, Thread, local
from types import TracebackType
from typing import Any, Self


class SocketWatch:
    """The sockets that one request uses, until it is over. A context manager."""

    def __init__(self, keeper: "DeadlineKeeper") -> None:
        self._keeper = keeper
        self._twins: list[socket.socket] = []
        self.sent_at_s: float | None = None
        """When, on the keeper's clock, a connection stood and sending began."""
        self.is_over = False
        self.was_shut = False
        """Whether the request was ended from outside."""

    def __enter__(self) -> Self:
        _active.watch = self
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _active.watch = None
        self._keeper.finish(self)

    def attach(self, connected: socket.socket) -> None:
        """Include a connected socket; shut it at once if the request was ended.

        Holds a duplicate, so that the number of a socket which urllib3 closes
        meanwhile is never mistaken for another's.
        """
        twin = socket.fromfd(connected.fileno(), connected.family, connected.type)
        self._keeper.adopt(self, twin)

    def mark_sending(self) -> None:
        """Note that the connection stands and the request goes out now."""
        self.sent_at_s = self._keeper.now_s()

    def shut(self) -> None:
        """End the request. Only for the keeper, under its lock."""
        self.was_shut = True
        for twin in self._twins:
            with suppress(OSError):  # the peer was faster
                twin.shutdown(socket.SHUT_RDWR)

    def add(self, twin: socket.socket) -> None:
        """Own a duplicate. Only for the keeper, under its lock."""
        self._twins.append(twin)
        if self.was_shut:
            self.shut()

    def close(self) -> None:
        """Drop the duplicates. Only for the keeper, under its lock."""
        self.is_over = True
        for twin in self._twins:
            twin.close()
        self._twins.clear()


class DeadlineKeeper:
    """Ends requests that are past their deadline, or all of them.

    Its thread starts with the first request and ends with `close`.

    Parameters
    ----------
    monotonic_s : callable
        Monotonic seconds.
    """

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._monotonic_s = monotonic_s
        self._changed = Condition()
        self._due: list[tuple[float, int, SocketWatch]] = []
        self._sequence = count()
        self._thread: Thread | None = None
        self._is_closed = False

    def now_s(self) -> float:
        """Return the clock that deadlines are on."""
        return self._monotonic_s()

    def watch(self, deadline_s: float) -> SocketWatch:
        """Return the watch of a request that must be over at ``deadline_s``."""
        watch = SocketWatch(self)
        with self._changed:
            heappush(self._due, (deadline_s, next(self._sequence), watch))
            if self._thread is None and not self._is_closed:
                self._thread = Thread(
                    target=self._run, name="request-deadlines", daemon=True
                )
                self._thread.start()
            elif self._due[0][2] is watch:
                self._changed.notify()
        return watch

    def adopt(self, watch: SocketWatch, twin: socket.socket) -> None:
        """Give a socket to a watch."""
        with self._changed:
            watch.add(twin)

    def finish(self, watch: SocketWatch) -> None:
        """Forget a request that is over."""
        with self._changed:
            watch.close()

    def shut_all(self) -> None:
        """End every request that is under way."""
        with self._changed:
            for _, _, watch in self._due:
                if not watch.is_over:
                    watch.shut()

    def close(self) -> None:
        """Stop the thread; deadlines are no longer kept."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        with self._changed:
            while not self._is_closed:
                now_s = self._monotonic_s()
                while self._due and (
                    self._due[0][2].is_over or self._due[0][0] <= now_s
                ):
                    _, _, watch = heappop(self._due)
                    if not watch.is_over:
                        watch.shut()
                self._changed.wait(self._due[0][0] - now_s if self._due else None)


def watched_pools(pools: dict[str, Any]) -> dict[str, Any]:
    """Return urllib3 pool classes whose connections join the active watch.

    Parameters
    ----------
    pools : dict
        ``pool_classes_by_scheme`` of a urllib3 pool manager, any kind of proxy
        included.
    """
    return {
        scheme: type(
            f"Watched{pool.__name__}",
            (pool,),
            {
                "ConnectionCls": type(
                    f"Watched{pool.ConnectionCls.__name__}",
                    (_Watched, pool.ConnectionCls),
                    {},
                )
            },
        )
        for scheme, pool in pools.items()
    }


class _Active(local):
    watch: SocketWatch | None = None


_active = _Active()


class _Watched:
    # mixed into urllib3's connections: new and reused sockets join the watch

    sock: socket.socket | None

    def _new_conn(self) -> socket.socket:
        connected: socket.socket = super()._new_conn()  # type: ignore[misc]
        if _active.watch is not None:
            _active.watch.attach(connected)
        return connected

    def request(self, *args: Any, **kwargs: Any) -> None:
        watch = _active.watch
        if watch is not None:
            if self.sock is None:
                # now rather than on the first write: the exchange's clock is
                # measured from when the request itself goes out
                self.connect()  # type: ignore[attr-defined]
            else:
                watch.attach(self.sock)
            watch.mark_sending()
        super().request(*args, **kwargs)  # type: ignore[misc]
