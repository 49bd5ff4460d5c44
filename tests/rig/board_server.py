"""A small server of wallboards: the page's files, and a live stream of a real store, as `floorcast serve`
has them.

Runs as a process of its own (`python -m tests.rig.board_server PORT`), configured like every `floorcast`
process, so that a test can kill it.
"""

from __future__ import annotations

import asyncio
import json
import mimetypes
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import stream.serve
from stream.config import Config, load
from stream.metrics.catalog import catalog_of
from stream.query.wall import QueryError, WallAsk, Walls, boards_of, changes, wall_json
from stream.store import RedisStore, StoreError

FILES = Path(stream.serve.__file__).parent / "wallboard"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "font-src 'self'"
)
TURN_S = 0.25


class BoardServer:
    """Answers one request per connection."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._store = RedisStore(config.redis, patience_s=1)
        self._walls = Walls(catalog_of(config), config, self._store)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Reads a request, and writes its answer."""
        try:
            _, target, _ = (await reader.readline()).decode().split()
            length = 0
            while line := (await reader.readline()).strip():
                name, _, value = line.decode().partition(":")
                length = int(value) if name.lower() == "content-length" else length
            await reader.readexactly(length)
            url = urlsplit(target)
            if url.path == "/api/v1/stream":
                await self._stream(dict(parse_qsl(url.query)), writer)
            elif url.path == "/api/v1/boards":
                boards = [
                    {"name": b.name, "title": b.title, "private": b.private} for b in boards_of(self._config)
                ]
                _head(writer, 200, "application/json")
                writer.write(json.dumps({"boards": boards}).encode())
            elif url.path == "/api/v1/alerts/acknowledge":
                _head(writer, 200, "application/json")
                writer.write(b"{}")
            else:
                _file(url.path, writer)
            await writer.drain()
        except (ConnectionError, ValueError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _stream(self, asked: dict[str, str], writer: asyncio.StreamWriter) -> None:
        ask = WallAsk(asked.pop("board", ""), asked.pop("window", None), tuple(asked.items()))
        number = 0
        started = False
        async for kind, data in self._happenings(ask):
            if kind == "refused":
                _head(writer, 404, "application/json")
                writer.write(json.dumps({"detail": data}).encode())
                return
            if not started:
                _head(writer, 200, "text/event-stream")
                started = True
            number += 1
            writer.write(f"id: {number}\nevent: {kind}\ndata: {json.dumps(data)}\n\n".encode())
            await writer.drain()

    async def _happenings(self, ask: WallAsk) -> AsyncIterator[tuple[str, Any]]:
        before = None
        while True:
            try:
                after = await self._walls.read(ask, time.time_ns() // 1_000_000)
            except QueryError as error:
                yield "refused", str(error)
                return
            except StoreError as error:
                before = None
                yield "trouble", {"reason": str(error)}
            else:
                yield ("changes", changes(before, after)) if before else ("board", wall_json(after))
                before = after
            await asyncio.sleep(TURN_S)


def _file(path: str, writer: asyncio.StreamWriter) -> None:
    name = "index.html" if path == "/" else path.removeprefix("/static/")
    file = FILES / ("board.html" if path.startswith("/boards/") else name)
    if not file.is_file():
        _head(writer, 404, "text/plain")
        return
    _head(writer, 200, mimetypes.guess_type(file.name)[0] or "application/octet-stream")
    writer.write(file.read_bytes())


def _head(writer: asyncio.StreamWriter, status: int, kind: str) -> None:
    lines = (
        f"HTTP/1.1 {status} .", f"content-type: {kind}; charset=utf-8", f"content-security-policy: {CSP}",
        "cache-control: no-store", "connection: close", "", "",
    )  # fmt: skip
    writer.write("\r\n".join(lines).encode())


async def _main(port: int) -> None:
    server = BoardServer(load())
    async with await asyncio.start_server(server.answer, "127.0.0.1", port) as listening:
        await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
