"""The HTTP server of `floorcast exporter`: `/metrics`, `/healthz`, `/readyz`.

Requests are answered in threads; everything is read in the event loop that started the server.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from socket import AF_INET6
from socketserver import TCPServer, ThreadingMixIn
from threading import BoundedSemaphore, Thread
from typing import Any, Final, TypeVar
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, Metric, make_wsgi_app
from prometheus_client.registry import Collector

from stream.config import Config
from stream.query.look import InForce
from stream.query.model import QueryError
from stream.serve.samples import Families
from stream.serve.scrape import Source, scrape, unready
from stream.store import StoreError

CACHE_S: Final = 1.0
"""Scrapes within this get the same values: several Prometheus servers cost one read."""
REQUESTS_MAX: Final = 32
READ_TIMEOUT_S: Final = 30.0
CONNECTION_TIMEOUT_S: Final = 10.0

_Result = TypeVar("_Result")
_Start = Callable[[str, list[tuple[str, str]]], Any]


class Exporter:
    """Serves from `start` to `stop`, both in the same event loop."""

    def __init__(self, config: Config, source: Source, wall_ms: Callable[[], int]) -> None:
        self._known = InForce(source, config)
        self._source = source
        self._wall_ms = wall_ms
        self._lock = asyncio.Lock()
        self._scraped: tuple[float, Families] | None = None
        self._server: _Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> str:
        """Listens; the address to show. Raises OSError when it cannot."""
        settings = self._known.config.exporter
        self._loop = asyncio.get_running_loop()
        self._server = _Server(settings.host, settings.port)
        self._server.set_app(self._answer)
        Thread(target=self._server.serve_forever, name="exporter", daemon=True).start()
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        return f"http://{host}:{self._server.server_port}"

    async def stop(self) -> None:
        """Stops listening."""
        if self._server is not None:
            await asyncio.to_thread(self._server.shutdown)
            self._server.server_close()
            self._server = None

    def _answer(self, environ: dict[str, Any], start: _Start) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        try:
            if path == "/metrics":
                registry = CollectorRegistry()
                registry.register(_Scraped(self._wait(self._scrape())))
                found: Iterable[bytes] = make_wsgi_app(registry)(environ, start)
                return found
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

    async def _scrape(self) -> Families:
        async with self._lock:
            if self._scraped is None or time.monotonic() - self._scraped[0] >= CACHE_S:
                await self._known.look()
                catalog, config = self._known.catalog, self._known.config
                families = await scrape(catalog, config, self._source, self._wall_ms())
                self._scraped = (time.monotonic(), families)
            return self._scraped[1]


class _Scraped(Collector):
    """What was scraped, as prometheus-client wants it."""

    def __init__(self, families: Families) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        for family in self._families:
            total = family.name.endswith("_total")
            metric = Metric(family.name.removesuffix("_total"), family.help, "counter" if total else "gauge")
            for labels, value in family.samples:
                metric.add_sample(family.name, dict(labels), value)
            yield metric

    def describe(self) -> Iterable[Metric]:
        return self.collect()


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
