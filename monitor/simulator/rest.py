"""The exchange's HTTP side: limits, scripted faults, latency, compression.

An ASGI application. The exchange's own paths are dispatched by table; the
controls under ``/sim/`` cost no weight and no latency. All of them, with what they
take: `monitor.simulator.controls`.
"""

import asyncio
import gzip
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute

from monitor.simulator import payloads
from monitor.simulator.answers import Answer, Answers
from monitor.simulator.clock import ExchangeClock
from monitor.simulator.controls import (
    CONTROLS,
    Control,
    ControlRefused,
    ExchangeState,
)
from monitor.simulator.faults import Asked, Fault, InvalidFault, Played, altered_body
from monitor.simulator.kline_bodies import ByteCache
from monitor.simulator.ledger import Charge, Pool
from monitor.simulator.market import Market
from monitor.simulator.queries import Query, Refusal, parameters
from monitor.simulator.request_log import LoggedRequest
from monitor.simulator.routes import ROUTES, Route

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

TRANSPORT = "simulator.transport"
"""Extension of the scope: the connection, for faults that reset it."""
_OK, _BAD_REQUEST, _NOT_FOUND, _BANNED = 200, 400, 404, 418
_WITH_WEIGHTS = (Pool.WEIGHT, Pool.SPOT)
_SILENCE = 0
"""Status in the log of a request that is never answered."""
_SMALL_BODY = 1024
"""Bytes up to which nothing is compressed."""
_COMPRESSION = 1
"""Fast: the exchange is on the same machine as its clients."""


class ExchangeApplication:
    """ASGI application over one market.

    Parameters
    ----------
    market : Market
    clock : ExchangeClock
    latency_ms : int
        Time from the arrival of a request to its answer, at least.
    """

    def __init__(
        self, market: Market, clock: ExchangeClock, *, latency_ms: int
    ) -> None:
        self._clock = clock
        self._latency_ms = latency_ms
        self._answers = Answers(market)
        self._state = ExchangeState(market=market, clock=clock)
        self._compressed = ByteCache()
        self._control = Starlette(
            routes=[
                StarletteRoute(path, self._controlled(control), methods=[method])
                for (method, path), control in CONTROLS.items()
            ]
        )

    def warm_up(self) -> None:
        """Compute what the first requests of a scan need."""
        now = self._clock.now_ms()
        for path in (
            "exchangeInfo",
            "ticker/24hr",
            "ticker/bookTicker",
            "premiumIndex",
        ):
            full = f"/fapi/v1/{path}"
            query = Query(path=full, parameters={}, api_key=None, now_ms=now)
            ROUTES[full].answer(self._answers, query)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        if scope["path"].startswith("/sim/"):
            await self._control(scope, receive, send)
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + self._latency_ms / 1000
        status, answer, headers, fault = self._outcome(scope)
        if fault is not None:
            due += fault.delay_ms / 1000
            if fault.hang:
                await _gone(receive)
                return
        if due > loop.time():
            await asyncio.sleep(due - loop.time())
        if fault is None:
            await self._send(scope, send, status, answer, headers)
        else:
            await self._send_fault(scope, send, status, answer, headers, fault=fault)

    def _outcome(
        self, scope: Scope
    ) -> tuple[int, Answer, dict[str, str], Fault | None]:
        path = scope["path"]
        query = Query(
            path=path,
            parameters=parameters(scope["query_string"]),
            api_key=_header(scope, b"x-mbx-apikey"),
            now_ms=self._clock.now_ms(),
        )
        route = ROUTES.get(path) if scope["method"] in ("GET", "HEAD") else None
        pool = Pool.WEIGHT if route is None else route.pool
        weight = 1 if route is None else route.weight(query)
        charge = self._state.ledger.charge(query.now_ms, pool, weight)
        headers = {}
        if pool in _WITH_WEIGHTS:
            headers["x-mbx-used-weight-1m"] = str(charge.used_weight)
        played = None
        if charge.status == _OK:
            status, answer = self._answered(route, query, scope["method"])
            played = self._played(query, charge)
        else:
            status, answer = charge.status, _refused(scope, charge)
            headers["retry-after"] = str(charge.retry_after_s)
        if played is not None:
            status, answer = self._scripted(scope, query, played.fault, status, answer)
        self._state.log.add(
            LoggedRequest(
                at_ms=query.now_ms,
                path=path,
                query=scope["query_string"].decode("ascii", errors="replace"),
                symbol=query.symbol(),
                weight=weight if pool in _WITH_WEIGHTS else 0,
                status=_SILENCE if played and played.fault.is_silent else status,
                used_weight=charge.used_weight,
                fault=None if played is None else played.number,
                port=scope["client"][1] if scope.get("client") else None,
            )
        )
        return status, answer, headers, None if played is None else played.fault

    def _played(self, query: Query, charge: Charge) -> Played | None:
        return self._state.faults.take(
            Asked(
                path=query.path,
                symbol=query.symbol(),
                used_weight=charge.used_weight,
                now_ms=query.now_ms,
            )
        )

    def _scripted(
        self, scope: Scope, query: Query, fault: Fault, status: int, answer: Answer
    ) -> tuple[int, Answer]:
        if fault.ban_ms is not None:
            self._state.ledger.ban(query.now_ms + fault.ban_ms)
        if fault.told_ban_ms is not None:
            answer = _ban_notice(scope, query.now_ms + fault.told_ban_ms)
        return status if fault.status is None else fault.status, answer

    def _answered(
        self, route: Route | None, query: Query, method: str
    ) -> tuple[int, Answer]:
        if route is None:
            message = f"Path {query.path}, Method {method} is invalid"
            return _NOT_FOUND, Answer(body=payloads.error(-5000, message))
        try:
            return _OK, route.answer(self._answers, query)
        except Refusal as refused:
            body = payloads.error(refused.code, refused.message)
            return refused.status, Answer(body=body)

    async def _send(
        self,
        scope: Scope,
        send: Send,
        status: int,
        answer: Answer,
        headers: dict[str, str],
    ) -> None:
        body = answer.body
        headers["content-type"] = "application/json"
        if len(body) > _SMALL_BODY and "gzip" in (
            _header(scope, b"accept-encoding") or ""
        ):
            body = self._gzipped(answer)
            headers["content-encoding"] = "gzip"
        await _send_whole(send, status, body, headers)

    def _gzipped(self, answer: Answer) -> bytes:
        kept = None if answer.key is None else self._compressed.get(answer.key)
        if kept is None:
            kept = gzip.compress(answer.body, compresslevel=_COMPRESSION, mtime=0)
            if answer.key is not None:
                self._compressed.put(answer.key, kept)
        return kept

    async def _send_fault(
        self,
        scope: Scope,
        send: Send,
        status: int,
        answer: Answer,
        headers: dict[str, str],
        *,
        fault: Fault,
    ) -> None:
        if fault.reset:
            scope["extensions"][TRANSPORT].abort()
            return
        try:
            body = altered_body(fault, answer.body)
        except InvalidFault as invalid:
            status, body = 500, payloads.error(-1000, f"scripted reply: {invalid}")
        headers["content-type"] = "text/html" if fault.html else "application/json"
        headers |= {name.lower(): value for name, value in fault.headers.items()}
        if fault.truncate_at is None and fault.drip_ms is None:
            await _send_whole(send, status, body, headers)
            return
        await _send_head(send, status, len(body), headers)
        cut = len(body) if fault.truncate_at is None else fault.truncate_at
        if fault.drip_ms is None:
            await send(_piece(body[:cut], more=True))
        else:
            for place in range(cut):
                await send(_piece(body[place : place + 1], more=True))
                await asyncio.sleep(fault.drip_ms / 1000)
                if scope["extensions"][TRANSPORT].is_closing():
                    return
        if cut < len(body):
            scope["extensions"][TRANSPORT].close()
        else:
            await send(_piece(b"", more=False))

    def _controlled(self, control: Control) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                body = control(self._state, await request.body())
            except ControlRefused as refused:
                body = orjson.dumps({"error": str(refused)})
                return _json(body, status=_BAD_REQUEST)
            return _json(body)

        return answer


def _refused(scope: Scope, charge: Charge) -> Answer:
    if charge.status == _BANNED:
        return _ban_notice(scope, charge.banned_until)
    message = (
        f"Too many requests; current limit of IP({_address(scope)}) is {charge.limit} "
        "requests per minute. Please use the websocket for live updates to avoid "
        "polling the API."
    )
    return Answer(body=payloads.error(-1003, message))


def _ban_notice(scope: Scope, until_ms: int) -> Answer:
    message = (
        f"Way too many requests; IP({_address(scope)}) banned until {until_ms}. "
        "Please use the websocket for live updates to avoid bans."
    )
    return Answer(body=payloads.error(-1003, message))


def _address(scope: Scope) -> str:
    client = scope.get("client")
    address: str = client[0] if client else "127.0.0.1"
    return address


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


def _header(scope: Scope, wanted: bytes) -> str | None:
    for name, value in scope["headers"]:
        if name == wanted:
            text: str = value.decode("latin-1")
            return text
    return None


def _json(body: bytes, *, status: int = _OK) -> Response:
    return Response(body, status_code=status, media_type="application/json")


def _piece(body: bytes, *, more: bool) -> dict[str, object]:
    return {"type": "http.response.body", "body": body, "more_body": more}


async def _send_head(
    send: Send, status: int, length: int, headers: dict[str, str]
) -> None:
    pairs = [(b"content-length", str(length).encode())]
    pairs += [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})


async def _send_whole(
    send: Send, status: int, body: bytes, headers: dict[str, str]
) -> None:
    await _send_head(send, status, len(body), headers)
    await send(_piece(body, more=False))
