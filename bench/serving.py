"""What people see: questions to the API over weeks of history, and live boards with many viewers."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import cast

import httpx
import msgspec

from bench.events import DAY_S, Event, Log, mix_log, now_ms
from bench.latency import HEAD_START_MS, MAKING_US, publish
from bench.machine import cpu_s, memory_mb
from bench.results import percentile
from bench.servers import Deployment, fill
from bench.workers import Progress, floorcast, workers
from stream.embedded.probe import HOST

HISTORY_DAYS = 28
CALM_RATE, CALM_S = 100, 600
WARM_UP_S = 8.0
"""Viewers watch for so long before anything is measured: boards read their sparklines."""
AFTER_S = 3.0
TIMED = 50
"""Viewers whose messages are read: with all of them the benchmark would wait for itself."""
METRICS = ("first_response_time", "ticket_volume", "resolution_time", "csat", "backlog", "service_level")
_TILE = "00-ticket_volume"


@dataclass(frozen=True, slots=True)
class Served:
    """A running `floorcast serve`."""

    pid: int
    port: int

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self.port}"


@contextmanager
def serving(of: Deployment, core: int) -> Iterator[Served]:
    """`floorcast serve` on a core, at the port of its configuration, until the context is left."""
    with floorcast("serve", of, core, "serve") as child:
        served = Served(child.pid, of.config.serve.port)
        child.wait_ready(lambda: _answers(f"{served.address}/api/v1/boards"), 60)
        yield served


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def history(events: int) -> Log:
    """The mix spread over four weeks until a minute ago, under names of its own."""
    seconds = HISTORY_DAYS * DAY_S
    return named("past", mix_log(events, events / seconds, now_ms() - (seconds + 60) * 1000))


def named(prefix: str, log: Log) -> Log:
    """The same of other tickets, calls and surveys."""
    old, new = b"mix:", f"{prefix}:".encode()
    log.events = [
        Event(one.family, one.key.replace(old, new), one.value.replace(old, new), one.at_ms)
        for one in log.events
    ]
    return log


async def load(of: Deployment, log: Log, core: int) -> None:
    """Publishes a log and has it counted."""
    await fill(of, log)
    with workers(of, [core]) as running:
        async with Progress(of, running) as progress:
            await progress.committed(len(log.events))
            await asyncio.sleep(2)  # panes that closed meanwhile


@asynccontextmanager
async def going_on(of: Deployment, prefix: str) -> AsyncIterator[None]:
    """Events of the mix, under names of their own, at a calm rate while the context lasts."""
    events = CALM_RATE * CALM_S
    log = named(prefix, mix_log(events, CALM_RATE, now_ms() + events * MAKING_US // 1000))
    busy = asyncio.create_task(publish(of, log))
    try:
        yield
    finally:
        busy.cancel()
        await asyncio.gather(busy, return_exceptions=True)


# Questions.


@dataclass(slots=True)
class Asked:
    """How long questions over one window took (ms); `cold`: the first of each metric."""

    cold_ms: list[float] = field(default_factory=list)
    warm_ms: list[float] = field(default_factory=list)


async def questions(
    of: Deployment, core: int, asked: Sequence[tuple[str, str | None]], times: int
) -> list[Asked]:
    """Asks every metric so often over each (window, by), one after the other, while a worker goes on counting
    100 events a second."""
    found = []
    with workers(of, [core]) as running, serving(of, core) as served:
        async with Progress(of, running) as progress:
            await progress.claimed()
        asking = httpx.AsyncClient(base_url=served.address, timeout=60)
        async with going_on(of, "asked"), asking as client:
            for window, by in asked:
                found.append(await _questions(client, window, by, times))
    return found


async def _questions(client: httpx.AsyncClient, window: str, by: str | None, times: int) -> Asked:
    found = Asked()
    for turn in range(times + 1):
        for metric in METRICS:
            params = {"metric": metric, "window": window, **({"by": by} if by else {})}
            began = time.perf_counter()
            answer = await client.get("/api/v1/query", params=params)
            took_ms = 1000 * (time.perf_counter() - began)
            answer.raise_for_status()
            (found.warm_ms if turn else found.cold_ms).append(took_ms)
            await asyncio.sleep(0.01)
    return found


# Viewers.


@dataclass(frozen=True, slots=True)
class Watched:
    """Of the viewers that were timed: from a ticket's instant to the message that first counts it (ms)."""

    viewers: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    messages: int
    cpu_share: float
    rss_mb: float


@dataclass(slots=True)
class _Seen:
    """What one viewer has been told: when, and how many tickets."""

    at_ms: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)


def boards(count: int) -> dict[str, object]:
    """So many boards of eight tiles each. They show the same numbers under other labels, so what they have in
    common is read once for all."""
    others = (
        "backlog", "first_response_time", "tickets_resolved", "oldest_unanswered_age", "calls_waiting",
        "service_level", "csat",
    )  # fmt: skip
    return {
        f"live{number}": {
            "title": f"Board {number}",
            "window": "today",
            "tiles": [
                {"metric": "ticket_volume", "label": "Created"},
                *({"metric": metric, "label": f"{metric} {number}"[:60]} for metric in others),
            ],
        }
        for number in range(count)
    }


async def viewers(
    of: Deployment, each: int, names: Sequence[str], rate: float, seconds: float, cores: tuple[int, int]
) -> Watched:
    """So many viewers of each of some boards, while events come at a steady rate. `cores`: the worker's and
    the server's. Some viewers read what they get (TIMED, at least one a board), the others only take it."""
    with workers(of, [cores[0]]) as running, serving(of, cores[1]) as served:
        async with Progress(of, running) as progress:
            await progress.claimed()
        counts: dict[bytes, int | None] = {}
        timed = max(len(names), TIMED)
        seen = [_Seen() for _ in range(timed)]
        watching = [
            asyncio.create_task(_watch(served.port, names[place % len(names)], one, counts))
            for place, one in enumerate(seen)
        ]
        for place in range(each * len(names) - timed):
            await _drain(served.port, names[place % len(names)])
        await asyncio.sleep(WARM_UP_S)
        base = max(one.counts[-1] if one.counts else 0 for one in seen)
        begin_ms = now_ms() + HEAD_START_MS + int(rate * seconds) * MAKING_US // 1000
        log = named(f"{each}x{len(names)}", mix_log(int(rate * seconds), rate, begin_ms))
        created = [one.at_ms for one in log.events if b'"type":"ticket.created"' in one.value]
        cpu, began = cpu_s(served.pid), time.perf_counter()
        await publish(of, log)
        share = (cpu_s(served.pid) - cpu) / (time.perf_counter() - began)
        await asyncio.sleep(AFTER_S)
        memory = memory_mb(served.pid, "VmRSS")
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
    waits: list[int] = []
    for one in seen:
        waits += _waits(one, base, created)
    waits.sort()
    return Watched(
        each * len(names), percentile(waits, 50), percentile(waits, 99), waits[-1],
        sum(len(one.at_ms) for one in seen), share, memory,
    )  # fmt: skip


def _waits(seen: _Seen, base: int, created: Sequence[int]) -> list[int]:
    """Of each ticket, in the order of their instants, how long it took. Raises when one was never told."""
    if not seen.counts or seen.counts[-1] < base + len(created):
        told = seen.counts[-1] - base if seen.counts else 0
        raise RuntimeError(f"a viewer was told of {told:,} of {len(created):,} tickets")
    return [
        seen.at_ms[bisect_left(seen.counts, base + number)] - at_ms for number, at_ms in enumerate(created, 1)
    ]


class _Taker(asyncio.Protocol):
    """Asks for a stream, and takes what comes."""

    def __init__(self, request: bytes) -> None:
        self._request = request

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.WriteTransport, transport).write(self._request)  # uvloop's is none by inheritance


async def _drain(port: int, board: str) -> None:
    await asyncio.get_running_loop().create_connection(lambda: _Taker(_request(port, board)), HOST, port)


def _request(port: int, board: str) -> bytes:
    return f"GET /api/v1/stream?board={board} HTTP/1.1\r\nHost: {HOST}:{port}\r\n\r\n".encode()


async def _watch(port: int, board: str, seen: _Seen, counts: dict[bytes, int | None]) -> None:
    """Reads a board's stream. All viewers of a board get the same bytes, so each message is read once."""
    reader, writer = await asyncio.open_connection(HOST, port, limit=2**22)
    try:
        writer.write(_request(port, board))
        async for line in _data(reader):
            at_ms = now_ms()
            key = board.encode() + line[:200] + b"%d" % len(line)
            if key not in counts:
                tile = msgspec.json.decode(line[6:]).get("tiles", {}).get(_TILE)
                counts[key] = tile["value"] if tile else None
            count = counts[key]
            if count is not None and (not seen.counts or count > seen.counts[-1]):
                seen.at_ms.append(at_ms)
                seen.counts.append(count)
    finally:
        writer.close()


async def _data(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while line := await reader.readline():
        if line.startswith(b"data: "):
            yield line
