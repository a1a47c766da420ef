"""A TCP proxy on 127.0.0.1 that does to connections what networks do.

It runs its own event loop in a thread and may be told at any time, from any thread,
to treat later bytes or connections differently.
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Thread
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

_ResultT = TypeVar("_ResultT")
_PIECE = 65_536
_CALL_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """What happens to what the server sends on one connection, in this order."""

    latency_s: float = 0.0
    """Before each piece is passed on."""
    corrupt_every: int | None = None
    """The last of each so many bytes is replaced by a NUL."""
    cut_after: int | None = None
    """Ends the connection after so many bytes."""
    reset_after: int | None = None
    """Resets the connection after so many bytes."""
    slice_bytes: int | None = None
    """Passed on in slices of this size."""
    pause_s: float = 0.0
    """Between slices."""
    blackhole: bool = False
    """Nothing is passed on, in either direction, and the connection stays."""


UNTOUCHED = Treatment()
Choice = Callable[[int], Treatment]
"""Treatment of the connection with this number, from 0."""


class ChaosProxy:
    """Forwards to the server at ``base_url``; a context manager.

    ``treatment`` holds for connections made from now on, or is chosen for each by
    ``choose``.
    """

    def __init__(
        self,
        base_url: str,
        treatment: Treatment = UNTOUCHED,
        *,
        choose: Choice | None = None,
    ) -> None:
        parts = urlsplit(base_url)
        self._upstream = (parts.hostname or "", parts.port or 80)
        self._choose: Choice = choose or (lambda _: treatment)
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="chaos")
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._port = 0
        self.connection_count = 0
        """Connections accepted so far."""

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def treat(self, treatment: Treatment) -> None:
        """Treat connections made from now on like this."""
        self._choose = lambda _: treatment

    def refuse(self) -> None:
        """Refuse new connections, as if nobody listened."""
        self._call(self._stop_listening())

    def accept(self) -> None:
        """Listen again, on the same port."""
        self._call(self._listen())

    def reset_all(self) -> None:
        """Reset every connection that is open."""
        self._call(self._reset_all())

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._listen())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, work: Coroutine[Any, Any, _ResultT]) -> _ResultT:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(_CALL_TIMEOUT_S)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(
                self._serve, "127.0.0.1", self._port, backlog=256
            )
            self._port = self._server.sockets[0].getsockname()[1]

    async def _stop_listening(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()

    async def _reset_all(self) -> None:
        for writer in self._writers:
            _reset(writer)

    async def _end(self) -> None:
        await self._stop_listening()
        await self._reset_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        treatment = self._choose(self.connection_count)
        self.connection_count += 1
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
        self._writers.add(writer)
        try:
            if treatment.blackhole:
                await _swallow(reader)
            else:
                await self._forward(reader, writer, treatment)
        except (OSError, asyncio.CancelledError):
            pass  # either side went away, or the test is over
        finally:
            self._writers.discard(writer)
            if task is not None:
                self._tasks.discard(task)
            writer.close()

    async def _forward(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        treatment: Treatment,
    ) -> None:
        from_server, to_server = await asyncio.open_connection(*self._upstream)
        upward = asyncio.ensure_future(_copy(reader, to_server))
        try:
            await _pass_on(from_server, writer, treatment)
        finally:
            upward.cancel()
            with suppress(OSError, asyncio.CancelledError):
                await upward
            to_server.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(_PIECE):
        writer.write(piece)
        await writer.drain()
    writer.close()


async def _swallow(reader: asyncio.StreamReader) -> None:
    while await reader.read(_PIECE):
        continue


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, treatment: Treatment
) -> None:
    ends_after = treatment.cut_after
    if treatment.reset_after is not None:
        ends_after = treatment.reset_after
    passed = 0
    while piece := await reader.read(_PIECE):
        if treatment.latency_s:
            await asyncio.sleep(treatment.latency_s)
        if treatment.corrupt_every is not None:
            piece = _corrupted(piece, passed, treatment.corrupt_every)
        left = None if ends_after is None else ends_after - passed
        await _write(writer, piece[:left], treatment)
        passed += len(piece)
        if left is not None and len(piece) >= left:
            if treatment.reset_after is not None:
                _reset(writer)
            return


async def _write(
    writer: asyncio.StreamWriter, piece: bytes, treatment: Treatment
) -> None:
    size = treatment.slice_bytes or max(len(piece), 1)
    for start in range(0, len(piece), size):
        writer.write(piece[start : start + size])
        await writer.drain()
        if treatment.pause_s:
            await asyncio.sleep(treatment.pause_s)


def _corrupted(piece: bytes, passed: int, every: int) -> bytes:
    changed = bytearray(piece)
    for place in range((-passed - 1) % every, len(changed), every):
        changed[place] = 0
    return bytes(changed)


def _reset(writer: asyncio.StreamWriter) -> None:
    # closing with a linger of 0 sends RST instead of FIN
    endpoint: socket.socket | None = writer.get_extra_info("socket")
    if endpoint is not None and endpoint.fileno() >= 0:
        linger = struct.pack("ii", 1, 0)
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


@contextmanager
def full_address() -> Iterator[str]:
    """Yield the address of a server that never completes a connection."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        queue = [socket.socket() for _ in range(4)]
        try:
            for waiting in queue:  # nobody accepts: later connections hang
                waiting.setblocking(False)  # noqa: FBT003  the socket API's own
                waiting.connect_ex(full.getsockname())
            yield f"http://127.0.0.1:{full.getsockname()[1]}"
        finally:
            for waiting in queue:
                waiting.close()


def refusing_address() -> str:
    """Return the address of a port where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"
