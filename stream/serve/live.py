"""The live stream: each view of a board is read once per change for all who look at it, and sent as diffs.

One task watches the store for commits; one task a view reads it, at most four times a second, and gives every
viewer the same bytes. A view lives a little longer than its viewers, so that one who comes back gets what
there was in between.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final, Protocol

import msgspec

from stream.config import Config
from stream.query.look import Fences, InForce, Published
from stream.query.model import QueryError
from stream.query.panes import PaneMemory
from stream.query.wall import Moment, Wall, WallAsk, WallReader, Walls, changes, view_of, wall_json
from stream.serve.acknowledgements import Acknowledgements
from stream.serve.problem import Problem
from stream.shard.family import COUNTED
from stream.store import StoreError

log = logging.getLogger("floorcast.serve")

LOOK_S: Final = 0.1
"""Between two looks for commits."""
LEAST_S: Final = 0.25
"""Between two readings of a view: four a second."""
AGAIN_S: Final = 2.0
"""After so long a view is read without a commit, too: windows move on, without a worker it gets stale."""
SOURCES_S: Final = 1.0
"""So often it is sent how fresh the numbers are, when nothing else has changed."""
HEARTBEAT_S: Final = 5.0
LINGER_S: Final = 15.0
"""How long a view is kept for viewers that come back."""
KEPT_MAX: Final = 120
KEPT_BYTES_MAX: Final = 1_000_000
"""What is kept of a view for those that come back: the latest, in number and size."""
WAITING_MAX: Final = 64
"""Messages that may wait for one viewer; beyond, it is dropped."""
VIEWERS_MAX: Final = 5_000
VIEWS_MAX: Final = 500


class LiveReader(WallReader, Published, Protocol):
    """What live streams read of the store."""


class Viewer:
    """One reader of a view: messages that wait for it, in order."""

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._ended = False

    async def messages(self) -> list[bytes]:
        """What waits, at least one; nothing when the stream is over."""
        while not self._waiting and not self._ended:
            self._news.clear()
            await self._news.wait()
        found = list(self._waiting)
        self._waiting.clear()
        return found

    def give(self, message: bytes) -> bool:
        """Queues a message; False when too many wait, so that it gets no more but the reason."""
        if len(self._waiting) >= WAITING_MAX:
            self.end("you read too slowly: come back for the whole board")
            return False
        self._waiting.append(message)
        self._news.set()
        return True

    def end(self, reason: str) -> None:
        """The last thing that it gets."""
        self._waiting.clear()
        self._waiting.append(event("end", {"reason": reason}))
        self._ended = True
        self._news.set()


class Hub:
    """All views of one server. `run` goes on until it is cancelled."""

    def __init__(
        self, config: Config, store: LiveReader, wall_ms: Callable[[], int], panes: PaneMemory | None,
        notes: Acknowledgements,
    ) -> None:  # fmt: skip
        self.wall_ms = wall_ms
        self.trouble: str | None = None
        """Why there are no numbers at the moment."""
        self._known = InForce(store, config)
        self._store = store
        self._panes = panes
        self._notes = notes
        self._walls = self._made()
        self._views: dict[WallAsk, View] = {}
        self._turn = asyncio.Lock()
        self._moment: Moment | None = None
        self._moment_at = 0.0
        self._wanted = asyncio.Event()
        self._read: tuple[LiveReader, Fences] | None = None
        self._seen: object = None
        self._stopped = False

    @property
    def viewers(self) -> int:
        """How many read."""
        return sum(len(view.viewers) for view in self._views.values())

    def join(self, ask: WallAsk, last_id: int | None) -> tuple[View, Viewer]:
        """A new viewer, which has the whole board or, behind `last_id`, what it has missed. Raises QueryError
        for a view that there cannot be, Problem when there are too many."""
        self._check(ask)
        if self._stopped:
            raise Problem(503, "the server stops", headers={"Retry-After": "2"})
        if self.viewers >= VIEWERS_MAX or (ask not in self._views and len(self._views) >= VIEWS_MAX):
            raise Problem(503, "too many look at boards already", headers={"Retry-After": "30"})
        view = self._views.get(ask)
        if view is None:
            view = self._views[ask] = View(self, ask)
            view.start()
        viewer = Viewer()
        view.take_in(viewer, last_id)
        self._wanted.set()
        return view, viewer

    async def run(self) -> None:
        """Watches the store while anybody looks."""
        try:
            while True:
                if not self._views:
                    self._read = None  # whoever comes next must not see them
                    self._wanted.clear()
                    await self._wanted.wait()
                await self._look()
                await asyncio.sleep(LOOK_S)
        finally:
            self.stop()

    def stop(self) -> None:
        """Ends all streams."""
        self._stopped = True
        for view in list(self._views.values()):
            view.end("the server stops")
        self._views.clear()

    async def read(self, ask: WallAsk, told_at: float) -> Wall:
        """A view as of now, or of a moment after `told_at` (monotonic), when it was told to look. One after
        the other: who was told at the same time reads at the same moment, so what they share is read once."""
        async with self._turn:
            if self._moment is None or self._moment_at < told_at:
                self._moment, self._moment_at = None, time.monotonic()
                self._moment = await self._walls.moment(self.wall_ms(), self._read)
            return await self._walls.read(ask, self._moment)

    def now_ms(self, last: Wall | None) -> int:
        """What a page takes for now."""
        return last.now_ms if last is not None and self._known.config.clock == "events" else self.wall_ms()

    def forget(self, ask: WallAsk) -> None:
        """A view has ended."""
        self._views.pop(ask, None)

    async def _look(self) -> None:
        try:
            if await self._known.look():
                self._walls, self._moment = self._made(), None
            reader = self._store.pinned()
            fences = await reader.fences_of(COUNTED)
        except StoreError as error:
            self.trouble = str(error)
            self._tell()
            return
        self._read = reader, fences
        commits = [[fence.commit_id for fence in of.values()] for of in fences.values()]
        stands = commits, self._notes.changes
        if self.trouble is not None or stands != self._seen:
            self.trouble, self._seen = None, stands
            self._tell()

    def _made(self) -> Walls:
        known = self._known
        return Walls(known.catalog, known.config, self._store, self._panes, self._notes.of)

    def _tell(self) -> None:
        for view in self._views.values():
            view.tell()

    def _check(self, ask: WallAsk) -> None:
        view_of(self._known.config, ask, self.wall_ms())


class View:
    """One view and those who look at it."""

    def __init__(self, hub: Hub, ask: WallAsk) -> None:
        self.viewers: set[Viewer] = set()
        self._news = asyncio.Event()
        self._told_at = 0.0
        self._hub = hub
        self._ask = ask
        self._last: Wall | None = None
        self._whole: bytes | None = None
        self._trouble: str | None = None
        self._sources_at = 0.0
        self._left_at = time.monotonic()
        # Ids go on from the time, so that one of an earlier view, or server, is not taken for one of this.
        self._id = time.time_ns() // 1_000_000
        self._kept: deque[tuple[int, bytes]] = deque()
        self._kept_bytes = 0
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins to read."""
        self._tasks = [asyncio.create_task(self._read_on()), asyncio.create_task(self._beat())]

    def tell(self) -> None:
        """There is something new."""
        if not self._news.is_set():
            self._told_at = time.monotonic()
            self._news.set()

    def take_in(self, viewer: Viewer, last_id: int | None) -> None:
        """Gives a new viewer what it needs to begin."""
        self.viewers.add(viewer)
        missed = self._missed(last_id)
        if missed is not None:
            for message in (self._heartbeat(), *missed):
                viewer.give(message)
        elif self._last is not None:
            viewer.give(self._board(self._last))
        if self._trouble is not None:
            viewer.give(event("trouble", {"reason": self._trouble}))

    def leave(self, viewer: Viewer) -> None:
        """It does not look any more."""
        self.viewers.discard(viewer)
        self._left_at = time.monotonic()

    def end(self, reason: str) -> None:
        """No more of it."""
        for viewer in self.viewers:
            viewer.end(reason)
        self.viewers.clear()
        for task in self._tasks:
            task.cancel()

    async def _read_on(self) -> None:
        try:
            while self.viewers or time.monotonic() - self._left_at < LINGER_S:
                began = time.monotonic()
                await self._read()
                await asyncio.sleep(max(0.0, began + LEAST_S - time.monotonic()))
                with suppress(TimeoutError):
                    async with asyncio.timeout(AGAIN_S):
                        await self._news.wait()
        except Exception:
            log.exception("view of board %s ended", self._ask.board)
        self._hub.forget(self._ask)
        self.end("this view has ended: come back")

    async def _read(self) -> None:
        told_at = self._told_at if self._news.is_set() else time.monotonic() - LEAST_S
        self._news.clear()
        trouble = self._hub.trouble
        if trouble is None:
            try:
                self._send(await self._hub.read(self._ask, told_at))
            except (StoreError, QueryError) as error:
                trouble = str(error)
        if trouble is not None and trouble != self._trouble:
            self._give(event("trouble", {"reason": trouble}))
        self._trouble = trouble

    def _send(self, wall: Wall) -> None:
        before, self._last = self._last, wall
        if before is None:
            self._whole = None
            self._give(self._board(wall))
            return
        part = changes(before, wall)
        now = time.monotonic()
        recovered = self._trouble is not None
        aged = before.sources != wall.sources and now - self._sources_at >= SOURCES_S
        if not (part["tiles"] or recovered or aged):
            return
        self._sources_at = now
        self._id += 1
        self._whole = None
        message = event("changes", part, self._id)
        self._keep(message)
        self._give(message)

    def _give(self, message: bytes) -> None:
        slow = [viewer for viewer in self.viewers if not viewer.give(message)]
        for viewer in slow:
            log.info("a viewer of board %s reads too slowly and is dropped", self._ask.board)
            self.leave(viewer)

    def _keep(self, message: bytes) -> None:
        self._kept.append((self._id, message))
        self._kept_bytes += len(message)
        while len(self._kept) > KEPT_MAX or self._kept_bytes > KEPT_BYTES_MAX:
            self._kept_bytes -= len(self._kept.popleft()[1])

    def _missed(self, last_id: int | None) -> list[bytes] | None:
        """The messages behind one; None when not all of them are kept."""
        if last_id is None or self._last is None:
            return None
        first = self._kept[0][0] - 1 if self._kept else self._id
        if not first <= last_id <= self._id or self._id - last_id >= WAITING_MAX - 2:
            return None
        return [message for number, message in self._kept if number > last_id]

    def _board(self, wall: Wall) -> bytes:
        """Encoded once for all who come before the next change."""
        if self._whole is None:
            self._whole = event("board", wall_json(wall), self._id)
        return self._whole

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            self._give(self._heartbeat())

    def _heartbeat(self) -> bytes:
        return event("heartbeat", {"now_ms": self._hub.now_ms(self._last)})


def event(name: str, data: dict[str, Any], number: int | None = None) -> bytes:
    """A server-sent event. JSON has no line ends of its own, so that the data is one line."""
    return b"".join(_lines(name, msgspec.json.encode(data), number))


def _lines(name: str, data: bytes, number: int | None) -> Iterator[bytes]:
    if number is not None:
        yield b"id: %d\n" % number
    yield b"event: %b\ndata: %b\n\n" % (name.encode(), data)
