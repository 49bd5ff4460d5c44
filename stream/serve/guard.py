"""What every request goes through: headers of safety, the `Host` check, and the limit on requests."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stream.config import ServeConfig
from stream.serve.access import Access, host_name, hosts_of
from stream.serve.problem import Problem

CLIENTS_MAX: Final = 10_000
BURST_S: Final = 10
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "font-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Limiter:
    """So many requests a second for each client, over ten seconds; the longest silent client is forgotten."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._most = float(per_second * BURST_S)
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, client: str, now_s: float) -> float:
        """0, and the request is counted; else after how long one more is taken."""
        left, since_s = self._left.pop(client, (self._most, now_s))
        left = min(self._most, left + (now_s - since_s) * self._per_second)
        taken = left >= 1
        self._left[client] = (left - 1 if taken else left, now_s)
        if len(self._left) > CLIENTS_MAX:
            self._left.popitem(last=False)
        return 0.0 if taken else (1 - left) / self._per_second


class Guard:
    """The outermost part of the application."""

    def __init__(self, app: ASGIApp, serve: ServeConfig, access: Access) -> None:
        self._app = app
        self._access = access
        self._hosts = hosts_of(serve)
        self._limiter = Limiter(serve.requests_per_second)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        problem = self._refused(HTTPConnection(scope))
        await (problem.response() if problem else self._app)(scope, receive, guarded)

    def _refused(self, request: HTTPConnection) -> Problem | None:
        if self._hosts is not None and host_name(request.headers.get("host", "")) not in self._hosts:
            return Problem(421, "it is not asked by this name", "Host", "ask http://127.0.0.1 or localhost")
        caller = self._access.known(request)
        client = f"token {caller.name}" if caller else request.client.host if request.client else ""
        wait_s = self._limiter.wait_s(client, time.monotonic())
        if wait_s:
            return Problem(
                429, "too many requests", instead="ask less often, or raise serve.requests_per_second",
                headers={"Retry-After": str(max(1, round(wait_s)))},
            )  # fmt: skip
        return None
