"""A scripted HTTP server on 127.0.0.1: real sockets, a log of what arrived."""

import socket
import ssl
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from time import monotonic
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import orjson


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request as it arrived."""

    number: int
    """From 0."""
    path: str
    raw_query: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    at_s: float
    """Monotonic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What to answer, and how badly."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    hold_s: float = 0.0
    """Answer only after this long."""
    drip_headers_s: float | None = None
    """Pause between the bytes of the headers."""
    drip_body_s: float | None = None
    """Pause between the bytes of the body."""
    reset_after: int | None = None
    """Reset the connection after so many bytes of the body."""
    close: bool = False
    raw: bytes | None = None
    """Sent instead of an HTTP answer."""

    def head(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} scripted"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines += [f"Content-Length: {len(self.body)}"]
        lines += ["Connection: close"] if self.close else []
        return "\r\n".join([*lines, "", ""]).encode()


def json_reply(payload: object, **options: Any) -> Reply:
    return Reply(body=orjson.dumps(payload), **options)


Script = Callable[[Seen], Reply]


class Loopback:
    """Serves ``script``; a context manager."""

    def __init__(self, script: Script, *, tls: ssl.SSLContext | None = None) -> None:
        self.script = script
        self.log: list[Seen] = []
        self.released = Event()
        self._lock = Lock()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._scheme = "http"
        if tls is not None:
            self._scheme = "https"
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def base_url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    @property
    def connection_count(self) -> int:
        """Connections accepted so far."""
        return self._server.accepted

    def paths(self) -> list[str]:
        with self._lock:
            return [seen.path for seen in self.log]

    def note(self, handler: BaseHTTPRequestHandler) -> Seen:
        url = urlsplit(handler.path)
        with self._lock:
            seen = Seen(
                number=len(self.log),
                path=url.path,
                raw_query=url.query,
                query=dict(parse_qsl(url.query)),
                headers={k.lower(): v for k, v in handler.headers.items()},
                at_s=monotonic(),
            )
            self.log.append(seen)
            return seen

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.end_connections()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    request_queue_size = 64

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.accepted = 0
        self._open: set[Any] = set()
        self._open_lock = Lock()

    def get_request(self) -> Any:
        connected, address = super().get_request()
        with self._open_lock:
            self.accepted += 1
            self._open.add(connected)
        return connected, address

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        with self._open_lock:
            for connected in self._open:
                try:
                    connected.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are what is being tested."""


def _handler(loopback: Loopback) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            reply = loopback.script(loopback.note(self))
            if reply.hold_s:
                loopback.released.wait(reply.hold_s)
            if reply.raw is not None:
                self._write(reply.raw, None)
                self.close_connection = True
                return
            self.close_connection = self.close_connection or reply.close
            self._write(reply.head(), reply.drip_headers_s)
            if reply.reset_after is not None:
                self._write(reply.body[: reply.reset_after], None)
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.close_connection = True
                return
            self._write(reply.body, reply.drip_body_s)

        def _write(self, piece: bytes, pause_s: float | None) -> None:
            if pause_s is None:
                self.wfile.write(piece)
                return
            for byte in piece:
                if loopback.released.wait(pause_s):
                    return
                self.wfile.write(bytes([byte]))

        def log_message(self, *args: Any) -> None:
            """Be quiet."""

    return Handler
