"""Sockets that end at a deadline, whatever they are doing.

A read timeout is renewed by every byte, so a slow drip of headers or body, or of
a TLS handshake, passes it for ever. Here one thread shuts down the sockets of
requests that are past their deadline; the reader then sees the end of the stream.
"""

import socket
from collections.abc import Callable
from contextlib import suppress
from math import inf
from threading import Condition, Thread, local
from types import TracebackType
from typing import Any, Self

LINGER_S = 1.0
"""How long the thread stays once nothing is watched: the next request is near."""


class SendRefused(Exception):  # noqa: N818  named for what it is
    """A connection stood, but nothing was sent: it was no longer allowed."""


class SocketWatch:
    """The sockets that one request uses, until it is over. A context manager."""

    def __init__(self, keeper: "DeadlineKeeper", may_send: Callable[[], bool]) -> None:
        self._keeper = keeper
        self._may_send = may_send
        self._twins: list[socket.socket] = []
        self.sent_at_s: float | None = None
        """When, on the keeper's clock, a connection stood and sending began."""
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
        """Note that the connection stands and the request goes out now.

        Raises
        ------
        SendRefused
            It may not: connecting can take seconds, and meanwhile another request
            may have met a block.
        """
        if not self._may_send():
            raise SendRefused
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
        for twin in self._twins:
            twin.close()
        self._twins.clear()


class DeadlineKeeper:
    """Ends requests that are past their deadline, or all of them.

    Its thread runs while requests are under way, and a little longer.

    Parameters
    ----------
    monotonic_s : callable
        Monotonic seconds, as the exchange's clock counts them: their times are
        compared.
    linger_s : float, optional
        How much longer.
    """

    def __init__(
        self, monotonic_s: Callable[[], float], *, linger_s: float = LINGER_S
    ) -> None:
        self._monotonic_s = monotonic_s
        self._linger_s = linger_s
        self._changed = Condition()
        self._due: dict[SocketWatch, float] = {}
        self._next_s = inf  # when the thread looks again, if nothing wakes it
        self._thread: Thread | None = None
        self._is_closed = False

    def now_s(self) -> float:
        """Return the clock that deadlines are on."""
        return self._monotonic_s()

    def watch(self, deadline_s: float, may_send: Callable[[], bool]) -> SocketWatch:
        """Return the watch of a request that must be over at ``deadline_s``.

        ``may_send`` is asked when the connection stands. After `close` the watch
        shuts every socket it is given.
        """
        watch = SocketWatch(self, may_send)
        with self._changed:
            if self._is_closed:
                watch.shut()
                return watch
            self._due[watch] = deadline_s
            if self._thread is None:
                self._thread = Thread(
                    target=self._run, name="request-deadlines", daemon=True
                )
                self._thread.start()
            elif deadline_s < self._next_s:
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
            self._due.pop(watch, None)
            if not self._due and self._next_s > self._monotonic_s() + self._linger_s:
                self._changed.notify()

    def shut_all(self) -> None:
        """End every request that is under way."""
        with self._changed:
            for watch in self._due:
                watch.shut()

    def close(self) -> None:
        """End every request, now and from now on, and stop the thread."""
        with self._changed:
            self.shut_all()
            self._is_closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        with self._changed:
            while not self._is_closed:
                now_s = self._monotonic_s()
                if not self._due:
                    self._next_s = now_s + self._linger_s
                    if not self._changed.wait(self._linger_s) and not self._due:
                        break
                    continue
                self._next_s = self._shut_overdue(now_s)
                waits_s = None if self._next_s == inf else self._next_s - now_s
                self._changed.wait(waits_s)
            self._thread = None

    def _shut_overdue(self, now_s: float) -> float:
        # the next deadline; apart from `_run`, so that its frame keeps no watch alive
        next_s = inf
        for watch, deadline_s in self._due.items():
            if watch.was_shut:
                continue
            if deadline_s <= now_s:
                watch.shut()
            else:
                next_s = min(next_s, deadline_s)
        return next_s


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
