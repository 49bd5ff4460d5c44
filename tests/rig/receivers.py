"""A local server that plays Slack, PagerDuty or a webhook: it keeps what it gets and fails when told to."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from stream.embedded.probe import HOST

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers, body."""


@dataclass(frozen=True)
class Got:
    """One request."""

    path: str
    headers: dict[str, str]
    """Names in lower case."""
    raw: bytes

    @property
    def body(self) -> Any:
        """Its JSON."""
        return json.loads(self.raw)


@dataclass
class Receiver:
    """A server. `script`: what it does with the next requests, before it answers as its role does.

    An entry is an Answer; `hang` (it takes the request and never answers); `drop` (it closes the connection
    after it took the request); `deaf` (before).
    """

    role: Callable[[Got, int], Answer]
    port: int = 0
    got: list[Got] = field(default_factory=list)
    """Requests that it took, also those that it then failed."""
    script: deque[Answer | str] = field(default_factory=deque)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{HOST}:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            while (request := await _request(reader)) is not None:
                step = self.script.popleft() if self.script else None
                if step == "deaf":
                    break
                self.got.append(request)
                if step == "hang":
                    await asyncio.sleep(3600)
                if step == "drop":
                    break
                answer = step if isinstance(step, tuple) else self.role(request, len(self.got))
                writer.write(_response(answer))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def slack(request: Got, number: int) -> Answer:
    """Slack: a bot gets a timestamp, an incoming webhook `ok`."""
    if request.path != "/api/chat.postMessage":
        return 200, {}, b"ok"
    answer = {"ok": True, "channel": request.body["channel"], "ts": f"1700000000.{number:06}"}
    return 200, {}, json.dumps(answer).encode()


def pagerduty(request: Got, number: int) -> Answer:
    """PagerDuty's Events API."""
    body = {"status": "success", "message": "Event processed", "dedup_key": request.body.get("dedup_key")}
    return 202, {}, json.dumps(body).encode()


def webhook(request: Got, number: int) -> Answer:
    """Anybody."""
    return 204, {}, b""


@asynccontextmanager
async def receiver(role: Callable[[Got, int], Answer]) -> AsyncIterator[Receiver]:
    """A server that listens while the context lasts."""
    one = Receiver(role)
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(one.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, HOST, 0)
    one.port = server.sockets[0].getsockname()[1]
    try:
        yield one
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _request(reader: asyncio.StreamReader) -> Got | None:
    line = await reader.readline()
    if not line:
        return None
    headers = {}
    while (header := (await reader.readline()).decode().strip()) != "":
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Got(line.decode().split(" ")[1], headers, body)


def _response(answer: Answer) -> bytes:
    status, headers, body = answer
    named = {"Content-Length": str(len(body)), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status} Played\r\n{head}\r\n".encode() + body
