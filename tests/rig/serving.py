"""`floorcast serve` inside a test: the real server on a real socket, and clients of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from msgspec.structs import replace

from stream.config import Config, KafkaConfig
from stream.serve.server import address_of, listen, serve
from stream.store import RedisStore

NO_KAFKA = KafkaConfig(bootstrap="127.0.0.1:1")
PATIENCE_S = 60.0


@asynccontextmanager
async def serving(config: Config, wall_ms: Callable[[], int]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server of this configuration, on a port of its own."""
    config = replace(config, serve=replace(config.serve, port=0))
    store = RedisStore(config.redis, patience_s=3)
    sock = listen(config.serve)
    address = address_of(config.serve, sock).replace("0.0.0.0", "127.0.0.1")
    running = asyncio.create_task(serve(config, store, sock, wall_ms))
    try:
        async with httpx.AsyncClient(base_url=address, timeout=PATIENCE_S) as client:
            yield client
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await store.close()


@dataclass(frozen=True)
class Heard:
    """One server-sent event."""

    name: str
    data: Any
    id: str | None = None


async def events(answer: httpx.Response) -> AsyncIterator[Heard]:
    """The events of a stream, as they come."""
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "event" in fields:
            yield Heard(fields["event"], json.loads(fields["data"]), fields.get("id"))
            fields = {}


async def heard(stream: AsyncIterator[Heard], wanted: Callable[[Heard], object]) -> Heard:
    """The next event that is wanted."""
    async with asyncio.timeout(PATIENCE_S):
        async for one in stream:
            if wanted(one):
                return one
    raise AssertionError("the stream has ended before it came")


def named(name: str) -> Callable[[Heard], bool]:
    """Whether an event is one of these."""
    return lambda one: one.name == name
