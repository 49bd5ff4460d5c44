"""The HTTP server of `floorcast exporter`: `/metrics`, `/healthz`, `/readyz`.

Requests are answered in threads; everything is read in the event loop that started the server.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from socket import AF_INET6
from socketserver import TCPServer, ThreadingMixIn
from threading import BoundedSemaphore, Thread
from typing import Any, Final, TypeVar
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from stream.config import Config
from stream.query.look import InForce
from stream.query.model import QueryError
from stream.serve.exposition import Exposition, Format, format_of
from stream.serve.scrape import Scraper, Source, unready
from stream.store import StoreError

log = logging.getLogger("floorcast.exporter")

EVERY_S: Final = 1.0
"""Between two readings, however fast they are."""
REST: Final = 4
"""And so many times as long as a reading took: at most a fifth of a core is spent on it."""
ASKED_S: Final = 300.0
"""A format that nobody has asked for in so long is not written in advance."""
FORMATS_MAX: Final = 8
USUAL: Final = Format("application/openmetrics-text; version=1.0.0", gzip=True)
"""What Prometheus asks for: its first scrape need not wait either."""
REQUESTS_MAX: Final = 32
READ_TIMEOUT_S: Final = 30.0
CONNECTION_TIMEOUT_S: Final = 10.0

_Result = TypeVar("_Result")
_Start = Callable[[str, list[tuple[str, str]]], Any]


class Exporter:
    """Serves from `start` to `stop`, both in the same event loop. It reads all the time, also when nobody
    asks: so an answer is only bytes, and its counters miss nothing."""

    def __init__(self, config: Config, source: Source, wall_ms: Callable[[], int]) -> None:
        self._known = InForce(source, config)
        self._source = source
        self._wall_ms = wall_ms
        self._scraper = Scraper(source)
        self._turn = asyncio.Lock()
        self._read: Exposition | None = None
        self._asked: dict[Format, float] = {USUAL: time.monotonic()}
        self._trouble = ""
        self._server: _Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reading: asyncio.Task[None] | None = None

    def start(self) -> str:
        """Listens; the address to show. Raises OSError when it cannot."""
        settings = self._known.config.exporter
        self._loop = asyncio.get_running_loop()
        self._reading = asyncio.create_task(self._read_on())
        self._server = _Server(settings.host, settings.port)
        self._server.set_app(self._answer)
        Thread(target=self._server.serve_forever, name="exporter", daemon=True).start()
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        return f"http://{host}:{self._server.server_port}"

    async def stop(self) -> None:
        """Stops listening and reading."""
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading
        if self._server is not None:
            await asyncio.to_thread(self._server.shutdown)
            self._server.server_close()
            self._server = None

    def _answer(self, environ: dict[str, Any], start: _Start) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        try:
            if path == "/metrics":
                accept = environ.get("HTTP_ACCEPT", "")
                return self._metrics(format_of(accept, environ.get("HTTP_ACCEPT_ENCODING", "")), start)
            if path == "/healthz":
                return _text(start, "200 OK", "up")
            if path == "/readyz":
                reasons = self._wait(unready(self._known.config, self._source, self._wall_ms()))
                return _text(
                    start, "503 Service Unavailable" if reasons else "200 OK", "\n".join(reasons) or "ready"
                )
        except (StoreError, QueryError, TimeoutError) as error:
            return _text(start, "503 Service Unavailable", str(error) or "reading took too long")
        return _text(start, "404 Not Found", "there are /metrics, /healthz and /readyz")

    def _wait(self, coroutine: Coroutine[Any, Any, _Result]) -> _Result:
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(READ_TIMEOUT_S)

    def _metrics(self, asked: Format, start: _Start) -> Iterable[bytes]:
        if self._read is None and not self._trouble:
            self._wait(self._first())
        if self._trouble or self._read is None:
            return _text(start, "503 Service Unavailable", self._trouble)
        body, content_type = self._read.answer(asked)
        self._asked[asked] = time.monotonic()
        headers = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
        if asked.gzip:
            headers.append(("Content-Encoding", "gzip"))
        start("200 OK", headers)
        return [body]

    async def _first(self) -> None:
        """Waits for the first reading."""
        async with self._turn:
            return

    async def read(self) -> None:
        """Reads everything anew; `StoreError` and `QueryError` say why it cannot."""
        async with self._turn:
            await self._known.look()
            families = await self._scraper.read(self._known.catalog, self._known.config, self._wall_ms())
            found = Exposition(families)
            await asyncio.to_thread(self._write, found)
            self._read, self._trouble = found, ""

    def _write(self, found: Exposition) -> None:
        """Writes what is asked for, so that no one waits for it."""
        late = time.monotonic() - ASKED_S
        latest = sorted(self._asked.copy().items(), key=lambda item: -item[1])[:FORMATS_MAX]
        self._asked = {asked: at for asked, at in latest if at > late}
        for asked in self._asked:
            found.answer(asked)

    async def _read_on(self) -> None:
        while True:
            began, rest_s = time.monotonic(), EVERY_S
            try:
                await self.read()
                rest_s = max(EVERY_S, REST * (time.monotonic() - began))
            except (StoreError, QueryError, TimeoutError) as error:
                self._trouble = str(error) or "reading took too long"
            except Exception as error:
                log.exception("reading the numbers failed")
                self._trouble = f"reading failed: {error!r}"
            await asyncio.sleep(rest_s)


class _Server(ThreadingMixIn, WSGIServer):
    """A thread a request, and not too many of them."""

    daemon_threads = True

    def __init__(self, host: str, port: int) -> None:
        self._free = BoundedSemaphore(REQUESTS_MAX)
        if ":" in host:
            self.address_family = AF_INET6
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        # Without the look-up of the host's name, which can take long and is of no use here.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()


class _Handler(WSGIRequestHandler):
    timeout = CONNECTION_TIMEOUT_S

    def log_message(self, format: str, *args: Any) -> None:
        """No line a request: scrapes come all the time."""


def _text(start: _Start, status: str, text: str) -> list[bytes]:
    start(status, [("Content-Type", "text/plain; charset=utf-8")])
    return [f"{text}\n".encode()]
