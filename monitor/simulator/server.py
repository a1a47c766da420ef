"""Runs the simulated exchange: in this process, or in a child of its own."""

import asyncio
import contextlib
import gc
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Any, Self

from monitor.simulator.market import Market

HOST = "127.0.0.1"
_BACKLOG = 256
_KEEP_ALIVE_S = 75
_READY_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 5.0
_STDIN = 0
READY = "simulated exchange on "
"""What the printed line begins with; the address follows."""


class SimulatorFailed(RuntimeError):  # noqa: N818  named for what it is
    """The simulated exchange did not start; the message is its own last line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How the exchange is served."""

    port: int
    """0: a free one."""
    contracts: int
    seed: int
    latency_ms: int
    data: Path | None
    """Folder of a recorded market; None: a generated one."""
    until_stdin_closes: bool
    """End when standard input ends: the parent process is gone."""


def serve(options: ServerOptions) -> int:
    """Serve until Ctrl-C, SIGTERM or, if so asked, the end of standard input.

    Returns
    -------
    int
        130 after Ctrl-C, 143 after SIGTERM, else 0.

    Raises
    ------
    SimulatorFailed
        The port is taken, or the recorded market cannot be read.
    ValueError
        The number of contracts is out of range.
    """
    listener = _listener(options.port)
    with listener:
        return _served(options, listener)


def _listener(port: int) -> socket.socket:
    # the protocol must be named, or asyncio leaves Nagle's algorithm on
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(_BACKLOG)
    except OSError as refused:
        listener.close()
        reason = refused.strerror or str(refused)
        raise SimulatorFailed(f"cannot listen on {HOST}:{port}: {reason}") from None
    return listener


def _market(options: ServerOptions) -> Market:
    if options.data is None:
        from monitor.simulator.generated import GeneratedMarket

        return GeneratedMarket(count=options.contracts, seed=options.seed)
    from monitor.simulator.recorded import RecordedMarket, UnreadableRecording

    try:
        return RecordedMarket(options.data)
    except UnreadableRecording as unreadable:
        raise SimulatorFailed(str(unreadable)) from None


def _served(options: ServerOptions, listener: socket.socket) -> int:
    from monitor.simulator.clock import ExchangeClock
    from monitor.simulator.rest import ExchangeApplication

    market = _market(options)
    application = ExchangeApplication(
        market, ExchangeClock(market.starts_at_ms), latency_ms=options.latency_ms
    )
    application.warm_up()
    gc.collect()
    gc.freeze()
    address = f"http://{HOST}:{listener.getsockname()[1]}"
    server = _server(application, f"{READY}{address}: {market.description}\n")
    if options.until_stdin_closes:
        _end_with_stdin(server)
    asyncio.run(server.serve(sockets=[listener]))
    return 128 + server.received if server.received else 0


def _server(application: Any, greeting: str) -> Any:
    import uvicorn
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    from monitor.simulator.rest import TRANSPORT

    class Protocol(HttpToolsProtocol):
        def on_message_begin(self) -> None:
            super().on_message_begin()
            self.scope["extensions"] = {TRANSPORT: self.transport}  # type: ignore[dict-item]  # our own extension

    class Server(uvicorn.Server):
        received: int = 0

        @contextlib.contextmanager
        def capture_signals(self) -> Generator[None, None, None]:
            wanted = (signal.SIGINT, signal.SIGTERM)
            before = {number: signal.signal(number, self._end) for number in wanted}
            try:
                yield
            finally:
                for number, handler in before.items():
                    signal.signal(number, handler)

        def _end(self, number: int, _: FrameType | None) -> None:
            self.received = number
            self.should_exit = self.force_exit = True

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets=sockets)
            sys.stdout.write(greeting)
            sys.stdout.flush()

    return Server(_configuration(application, Protocol))


def _configuration(application: Any, protocol: Any) -> Any:
    from uvicorn import Config

    return Config(
        application,
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,  # it would show another clock than the exchange's
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=1,
        backlog=_BACKLOG,
    )


def _end_with_stdin(server: Any) -> None:
    def watch() -> None:
        # not sys.stdin: its lock would be held when the interpreter ends
        while os.read(_STDIN, 1024):
            pass
        server.should_exit = server.force_exit = True

    threading.Thread(target=watch, name="stdin", daemon=True).start()


class EmbeddedExchange:
    """The simulated exchange in a child process, for as long as the context lasts.

    The child listens on a free loopback port and ends with its parent.

    Parameters
    ----------
    contracts, seed, latency_ms, data
        As for the command ``simulate_exchange``.

    Raises
    ------
    SimulatorFailed
        On entering, when the child does not start; its own last line is the message.
    """

    def __init__(
        self,
        *,
        contracts: int = 540,
        seed: int = 7,
        latency_ms: int = 0,
        data: Path | None = None,
    ) -> None:
        self._arguments = [
            *("--port", "0", "--contracts", str(contracts), "--seed", str(seed)),
            *("--latency-ms", str(latency_ms), "--until-stdin-closes"),
        ]
        if data is not None:
            self._arguments += ["--data", str(data.absolute())]
        self._child: subprocess.Popen[bytes] | None = None
        self._base_url = ""

    @property
    def base_url(self) -> str:
        """Address of the REST server, valid inside the context."""
        if not self._base_url:
            raise RuntimeError("the simulated exchange runs only inside its context")
        return self._base_url

    @property
    def process_id(self) -> int:
        """Process id of the child."""
        if self._child is None:
            raise RuntimeError("the simulated exchange runs only inside its context")
        return self._child.pid

    def __enter__(self) -> Self:
        """Start the child and wait until it listens."""
        with tempfile.TemporaryFile() as complaints:
            self._child = subprocess.Popen(  # noqa: S603  our own module, our own arguments
                [sys.executable, "-m", "monitor.simulator", *self._arguments],
                cwd=Path(__file__).resolve().parent.parent.parent,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                start_new_session=True,  # Ctrl-C is the parent's to handle
            )
            try:
                self._base_url = _address(self._child, complaints)
            except BaseException:
                self._stop()
                raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the child."""
        self._stop()

    def _stop(self) -> None:
        child, self._child, self._base_url = self._child, None, ""
        if child is None:
            return
        child.terminate()
        try:
            child.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()


def _address(child: "subprocess.Popen[bytes]", complaints: IO[bytes]) -> str:
    line = _first_line(child)
    if not line.startswith(READY):
        child.wait(_STOP_TIMEOUT_S)
        raise SimulatorFailed(_last_line(complaints) or "it ended silently")
    return line.removeprefix(READY).split(": ")[0].strip()


def _first_line(child: "subprocess.Popen[bytes]") -> str:
    if child.stdout is None:
        raise SimulatorFailed("it has no standard output")
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        if not selector.select(_READY_TIMEOUT_S):
            raise SimulatorFailed(f"not ready after {_READY_TIMEOUT_S:.0f} s")
    return child.stdout.readline().decode("utf-8", errors="replace")


def _last_line(complaints: IO[bytes]) -> str:
    complaints.seek(0)
    lines = complaints.read().decode("utf-8", errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return last.removeprefix("error: ")
