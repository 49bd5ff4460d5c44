"""`floorcast serve` as uvicorn runs it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from stream.config import Config, ServeConfig
from stream.serve.app import application
from stream.store import RedisStore

BACKLOG: Final = 1_024
STOP_S: Final = 3
HEAD_BYTES_MAX: Final = 32_768
"""Of a request without its body; it is refused when more than that, and one piece read, has come."""
HUB_PATIENCE_S: Final = 2.0
"""Without an answer of Redis for so long, viewers are told that there are no numbers."""
STALLED_MS: Final = 30_000
_TCP_USER_TIMEOUT: Final = getattr(socket, "TCP_USER_TIMEOUT", None)


class _Bounded(HttpToolsProtocol):
    """Its parser would take a head, or trailers, of any size."""

    _unparsed = 0
    """Bytes since the last head that was complete, or piece of a body."""

    def data_received(self, data: bytes) -> None:
        self._unparsed += len(data)
        super().data_received(data)
        if self._unparsed > HEAD_BYTES_MAX and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")

    def on_headers_complete(self) -> None:
        self._unparsed = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unparsed = 0
        super().on_message_complete()


class _Server(uvicorn.Server):
    """Signals are the command's."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(serve: ServeConfig) -> socket.socket:
    """The socket. Raises OSError when it cannot be had."""
    host = serve.host.strip("[]")
    family, kind, protocol, _, address = socket.getaddrinfo(host, serve.port, type=socket.SOCK_STREAM)[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if _TCP_USER_TIMEOUT is not None:  # a reader that takes nothing any more is cut off
            sock.setsockopt(socket.IPPROTO_TCP, _TCP_USER_TIMEOUT, STALLED_MS)
        sock.bind(address)
        sock.listen(BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


def address_of(serve: ServeConfig, sock: socket.socket) -> str:
    """What to open in a browser."""
    host = f"[{serve.host}]" if ":" in serve.host else serve.host
    return f"http://{host}:{sock.getsockname()[1]}"


async def serve(config: Config, store: RedisStore, sock: socket.socket, wall_ms: Callable[[], int]) -> None:
    """Serves until it is cancelled; then streams end with a reason."""
    hub_store = RedisStore(config.redis, HUB_PATIENCE_S)
    app, hub = application(config, store, hub_store, wall_ms)
    settings = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="on", server_header=False, date_header=True,
        timeout_graceful_shutdown=STOP_S, proxy_headers=False, backlog=BACKLOG, ws="none",
        http=_Bounded,
    )  # fmt: skip
    server = _Server(settings)
    running = asyncio.create_task(server.serve([sock]))
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        hub.stop()  # it would wait for their viewers
        server.should_exit = True
        while not running.done():  # soon (STOP_S); to be asked twice changes nothing
            with suppress(asyncio.CancelledError):
                await asyncio.shield(running)
    finally:
        await hub_store.close()
