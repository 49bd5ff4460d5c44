"""The live stream: one reading for all viewers, diffs, resume, slow readers, and no numbers without Redis."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Self

import pytest
from msgspec.structs import replace

from stream.config import Config, RedisConfig
from stream.query.memory import ImageReader
from stream.query.model import QueryError
from stream.query.wall import WallAsk
from stream.serve import live
from stream.serve.acknowledgements import Acknowledgements
from stream.serve.live import WAITING_MAX, Hub, Viewer
from stream.shard.changes import Fence
from stream.store import RedisStore, Unavailable
from tests.answers import TEAM_A, Told, floor, image, ms, put
from tests.conftest import NewRedis
from tests.rig.serving import NO_KAFKA, events, heard, named, serving

NOW = "2026-03-02T10:00:00"
WALL_MS = ms("2026-03-02T10:00:01")
CONFIG = Config(kafka=NO_KAFKA)
FLOOR = WallAsk("tickets")
PATIENCE_S = 60.0


_BEGAN_S = time.monotonic()


def clock_ms() -> int:
    """A clock that runs: a number may rest for a while between two readings of it."""
    return WALL_MS + int((time.monotonic() - _BEGAN_S) * 1000)


def created(count: int) -> list[Told]:
    """So many tickets."""
    return [("2026-03-02T09:30:00", "ticket.created", f"desk:{n}", TEAM_A) for n in range(count)]


class Store:
    """A floor in memory that can change, or be gone; it counts how often the levels of tickets are read."""

    def __init__(self) -> None:
        self.gone = False
        self.readings = 0
        self.set(1)

    def set(self, count: int) -> None:
        """Another number of tickets, as of another commit."""
        self._reader = floor(CONFIG, NOW, None, tickets=created(count))
        for made in self._reader._images.values():
            made.fence.commit_id = f"commit {count}"

    def pinned(self) -> Self:
        return self

    async def fences(self, family: str) -> dict[int, Fence]:
        if self.gone:
            raise Unavailable("Redis at redis://x: no usable answer for 2 s")
        return await self._reader.fences(family)

    async def fences_of(self, families: Sequence[str]) -> dict[str, dict[int, Fence]]:
        return {family: await self.fences(family) for family in families}

    async def read_levels(self, *arguments: Any) -> Any:
        self.readings += 1
        return await self._reader.read_levels(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)


@asynccontextmanager
async def hub_of(store: Any) -> AsyncIterator[Hub]:
    """A hub at work."""
    hub = Hub(CONFIG, store, clock_ms, None, Acknowledgements(CONFIG.kafka))
    running = asyncio.create_task(hub.run())
    try:
        yield hub
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def parsed(messages: list[bytes]) -> list[tuple[str, Any, int | None]]:
    """Name, data and id of each message."""
    found = []
    for message in b"".join(messages).decode().strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in message.split("\n"))
        found.append(
            (fields["event"], json.loads(fields["data"]), int(fields["id"]) if "id" in fields else None)
        )
    return found


async def told(viewer: Viewer, wanted: Callable[[str, Any], object]) -> tuple[str, Any, int | None]:
    """The next message that is wanted."""
    async with asyncio.timeout(PATIENCE_S):
        while messages := await viewer.messages():
            for name, data, number in parsed(messages):
                if wanted(name, data):
                    return name, data, number
    raise AssertionError("it has ended")


def is_named(name: str) -> Callable[[str, Any], object]:
    """Whether a message is one of these."""
    return lambda found, data: found == name


async def test_a_view_is_read_once_for_all_who_look_at_it() -> None:
    """A hundred viewers get the same change, by about as many readings as one would cost."""
    store = Store()
    async with hub_of(store) as hub:
        viewers = [hub.join(FLOOR, None)[1] for _ in range(100)]
        boards = [await told(viewer, is_named("board")) for viewer in viewers]
        assert all(board == boards[0] for board in boards)
        one_reading = store.readings
        store.set(2)
        parts = [await told(viewer, is_named("changes")) for viewer in viewers]
        assert all(part == parts[0] for part in parts)
        assert store.readings <= 20 * one_reading
        assert hub.viewers == 100


def backlogs(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The tiles of the backlog."""
    return [tile for tile in data["tiles"].values() if tile.get("metric") == "backlog"]


async def test_a_change_is_sent_as_the_tiles_that_differ() -> None:
    """With the ids going up by one."""
    store = Store()
    async with hub_of(store) as hub:
        _, viewer = hub.join(FLOOR, None)
        _, board, first = await told(viewer, is_named("board"))
        store.set(3)
        # A number may rest for a moment, so other tiles may come first.
        _, part, second = await told(viewer, lambda name, data: name == "changes" and backlogs(data))
        assert set(part) == {"now_ms", "sources", "tiles"}
        assert set(part["tiles"]) < set(board["tiles"])
        (backlog,) = backlogs(part)
        assert backlog["value"] == 3
        assert first is not None
        assert second is not None
        assert second > first


async def test_who_comes_back_gets_what_there_was_in_between() -> None:
    """By the last id; with one that is not known any more the whole board."""
    store = Store()
    async with hub_of(store) as hub:
        view, first = hub.join(FLOOR, None)
        _, watching = hub.join(FLOOR, None)
        _, _, number = await told(first, is_named("board"))
        view.leave(first)
        store.set(2)
        _, missed, _ = await told(watching, lambda name, data: name == "changes" and data["tiles"])
        _, back = hub.join(FLOOR, number)
        assert (await told(back, lambda name, data: name in ("board", "changes")))[1] == missed
        for unknown in (0, 2**60, None):
            _, stranger = hub.join(FLOOR, unknown)
            assert (await told(stranger, lambda name, data: name != "heartbeat"))[0] == "board"


async def test_a_view_without_viewers_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while in which one may come back."""
    monkeypatch.setattr(live, "LINGER_S", 0.0)
    store = Store()
    async with hub_of(store) as hub:
        view, viewer = hub.join(FLOOR, None)
        await told(viewer, is_named("board"))
        view.leave(viewer)
        async with asyncio.timeout(PATIENCE_S):
            while hub._views:
                store.set(store.readings)
                await asyncio.sleep(0.05)
        _, again = hub.join(FLOOR, None)
        assert (await told(again, is_named("board")))[0] == "board"


async def test_a_slow_reader_is_dropped_with_a_reason() -> None:
    """Its queue is bounded, and nobody waits for it."""
    viewer = Viewer()
    for _ in range(WAITING_MAX):
        assert viewer.give(live.event("heartbeat", {"now_ms": 1}))
    assert not viewer.give(live.event("heartbeat", {"now_ms": 1}))
    ((name, data, _),) = parsed(await viewer.messages())
    assert (name, data) == ("end", {"reason": "you read too slowly: come back for the whole board"})
    assert await viewer.messages() == []


async def test_without_numbers_a_stream_stays_open_and_says_why() -> None:
    """Also one that begins then; when they are back, the change says so."""
    store = Store()
    store.gone = True
    async with hub_of(store) as hub:
        _, viewer = hub.join(FLOOR, None)
        _, data, _ = await told(viewer, is_named("trouble"))
        assert data == {"reason": "Redis at redis://x: no usable answer for 2 s"}
        store.gone = False
        await told(viewer, is_named("board"))
        store.gone = True
        await told(viewer, is_named("trouble"))
        _, late = hub.join(FLOOR, None)
        assert [name for name, _, _ in parsed(await late.messages())] == ["board", "trouble"]
        store.gone = False
        await told(viewer, is_named("changes"))


async def test_views_that_cannot_be_are_refused() -> None:
    """Before anything is read."""
    async with hub_of(ImageReader({})) as hub:
        for ask in (
            WallAsk("nothing"), WallAsk("floor", "fortnight"), WallAsk("floor", None, (("teem", "a"),)),
            WallAsk("floor", None, (("team", "a"), ("team", "b"))),
        ):  # fmt: skip
            with pytest.raises(QueryError):
                hub.join(ask, None)


async def test_over_http_redis_gone_and_back(new_redis: NewRedis, unique_name: str) -> None:
    """The page is told of all of it on one connection, and the end when the server stops."""
    server = new_redis(save=True)
    redis = RedisConfig(url=server.url(), namespace=unique_name)
    config = replace(CONFIG, redis=redis)
    await put(redis, {("tickets", 0): image("tickets", config, created(2), NOW)})
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(serving(config, clock_ms))
        answer = await stack.enter_async_context(client.stream("GET", "/api/v1/stream?board=tickets&team=a"))
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        stream = events(answer)
        board = await heard(stream, named("board"))
        assert board.data["filters"] == {"team": "a"}
        assert {tile.get("value") for tile in board.data["tiles"].values()} >= {2}
        await heard(stream, named("heartbeat"))
        server.stop()
        await heard(stream, named("trouble"))
        server.start()
        await heard(stream, named("changes"))
        store = RedisStore(redis, patience_s=10)
        await store.delete_namespace()
        await store.close()
        await put(redis, {("tickets", 0): image("tickets", config, created(5), NOW)})
        await heard(stream, lambda one: one.name == "changes" and _values(one.data) >= {5})
        headers = {"Last-Event-ID": board.id or ""}
        async with client.stream("GET", "/api/v1/stream?board=tickets&team=a", headers=headers) as again:
            assert (await heard(events(again), lambda one: True)).name == "heartbeat", "it goes on"


def _values(part: dict[str, Any]) -> set[Any]:
    return {tile.get("value") for tile in part["tiles"].values()}
