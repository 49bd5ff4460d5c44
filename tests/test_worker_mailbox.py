"""One shard at work: what happens when a commit does not come through."""

import asyncio
import time
from types import SimpleNamespace

import pytest

from stream.config import Config, parse
from stream.shard.changes import Changes, Loaded, Needs, Record
from stream.shard.family import family
from stream.shard.image import Image
from stream.shard.notices import notices_of
from stream.shard.shard import TIMERS_MAX, Shard
from stream.sla.marks import BREACHED
from stream.worker import mailbox as mailboxes
from stream.worker.mailbox import COMMIT_BYTES, HalfDone, Mailbox, portions
from stream.worker.ports import Position
from stream.worker.report import Work
from stream.worker.versions import KnownVersions
from tests.answers import REPLY, Told, ms, record


class Hanging:
    """A store whose commits end when `answers` is set."""

    def __init__(self) -> None:
        self.committing = asyncio.Event()
        self.answers = asyncio.Event()
        self.offsets: list[int] = []

    async def load(self, family: str, partition: int, needs: Needs) -> Loaded:
        return Loaded()

    async def commit(self, family: str, partition: int, expected_commit_id: str, changes: Changes) -> None:
        self.committing.set()
        await self.answers.wait()
        self.offsets.append(changes.fence.offset)


async def never(shard: Shard) -> Shard:
    """No version comes."""
    raise AssertionError


def mailbox_of(store: Hanging, timers: int = 0) -> Mailbox:
    """One of a new shard, with so many timers that are due; ten records are a commit."""
    config = Config()
    shard = Shard(family("calls", config), "calls", 0, config)
    shard.restore(Image(timers={f"call:{n}": 1 for n in range(timers)}).restored())
    return Mailbox(
        shard, store, lambda: Position(0, 0, 2**52), until_ms=None, by_wall=True, batch_records=10,
        versions=KnownVersions(Config(clock="events")), renew=never, work=Work(),
    )  # fmt: skip


async def test_a_commit_under_way_comes_through_when_its_shard_is_given_back() -> None:
    """The one that was begun, and no more of the batch; only then may another owner come."""
    store = Hanging()
    mailbox = mailbox_of(store)
    reading = asyncio.create_task(
        mailbox.read([Record(n, 1_700_000_000_000, b"not an event") for n in range(30)])
    )
    await store.committing.wait()
    reading.cancel()
    closing = asyncio.create_task(mailbox.close())
    await asyncio.sleep(0.05)
    assert not reading.done()
    assert not closing.done()
    store.answers.set()
    await closing
    assert reading.cancelled()
    assert store.offsets == [mailbox.shard.fence.offset] == [10]


async def test_a_tick_with_more_to_do_ends_when_its_shard_is_given_back() -> None:
    """It would wait for the lock for ever, and the clocks of all other shards with it."""
    store = Hanging()
    mailbox = mailbox_of(store, timers=TIMERS_MAX + 1)
    ticking = asyncio.create_task(mailbox.tick())
    await store.committing.wait()
    closing = asyncio.create_task(mailbox.close())
    await asyncio.sleep(0)
    store.answers.set()
    async with asyncio.timeout(10):
        await closing
        await ticking
    assert len(store.offsets) == 1


async def test_a_shard_is_given_back_though_redis_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its fence refuses what comes through later."""
    monkeypatch.setattr("stream.worker.mailbox.DRAIN_S", 0.05)
    store = Hanging()
    mailbox = mailbox_of(store)
    ticking = asyncio.create_task(mailbox.tick())
    await store.committing.wait()
    await mailbox.close()
    assert not mailbox.wants_tick(0)
    ticking.cancel()


async def test_after_a_cancelled_commit_the_memory_is_not_used_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is ahead of the store: a tick would write what the batch folded without the batch's offset."""
    monkeypatch.setattr("stream.worker.mailbox.DRAIN_S", 0.05)
    store = Hanging()
    mailbox = mailbox_of(store)
    assert mailbox.wants_tick(0)
    reading = asyncio.create_task(mailbox.read([Record(0, 1_700_000_000_000, b"not an event")]))
    await store.committing.wait()
    reading.cancel()
    await asyncio.wait([reading])
    mailbox.delivered = 1  # what would ask for a tick even when the shard is behind
    assert not mailbox.wants_tick(0)
    with pytest.raises(HalfDone, match="calls/0: the commit before did not come through"):
        await mailbox.read([Record(0, 1_700_000_000_000, b"again")])


class InMemory:
    """A store of one shard."""

    def __init__(self) -> None:
        self.image = Image()

    async def load(self, family: str, partition: int, needs: Needs) -> Loaded:
        return self.image.load(needs)

    async def commit(self, family: str, partition: int, expected_commit_id: str, changes: Changes) -> None:
        self.image.apply(changes)

    def breached(self) -> list[tuple[str, int]]:
        """Subject and instant of each breach that is told."""
        found = [notice for packed in self.image.notices.values() for notice in notices_of(packed)[1]]
        return [(notice.subject, notice.at_ms) for notice in found if notice.kind == BREACHED]


async def test_while_kafka_does_not_answer_no_breach_is_invented(monkeypatch: pytest.MonkeyPatch) -> None:
    """For an hour, by the clock: time stands still, and goes on when the log has been read to its end. What
    was answered in time in the part that was not read is no breach, what was not is one, at its due."""
    began_ms = now_ms = ms("2026-03-02T09:00:00")
    position = Position(2, 2, began_ms)
    clock = SimpleNamespace(time=lambda: now_ms / 1000, perf_counter=time.perf_counter)
    monkeypatch.setattr(mailboxes, "time", clock)
    config = parse({"policies": [{"name": "all", "targets": {"first_reply": "10m"}}]})
    shard = Shard(family("tickets", config), "tickets", 0, config)
    shard.restore(Image().restored())
    store = InMemory()
    mailbox = Mailbox(
        shard, store, lambda: position, until_ms=None, by_wall=True, batch_records=10,
        versions=KnownVersions(Config(clock="events")), renew=never, work=Work(),
    )  # fmt: skip
    created: list[Told] = [(f"2026-03-02T09:0{n}:00", "ticket.created", f"T{n}", {}) for n in range(2)]
    await mailbox.read([record(offset, told) for offset, told in enumerate(created)])
    for _ in range(60):
        now_ms += 60_000
        if mailbox.wants_tick(0):
            await mailbox.tick()
    assert store.breached() == []
    position = Position(2, 3, now_ms)  # it answers, and there is more to read
    assert not mailbox.wants_tick(0)
    await mailbox.read([record(2, ("2026-03-02T09:05:00", "ticket.message_added", "T0", REPLY))])
    position = Position(3, 3, now_ms)
    assert mailbox.wants_tick(0)
    await mailbox.tick()
    assert store.breached() == [("T1", ms("2026-03-02T09:11:00"))]
    assert store.image.fence.clock == now_ms


THIRD = b"x" * (COMMIT_BYTES // 3)


@pytest.mark.parametrize(
    ("values", "most", "sizes"),
    [
        ([b"x"] * 7, 3, [3, 3, 1]),
        ([None] * 4, 9, [4]),
        ([THIRD] * 7, 9, [3, 3, 1]),
        ([THIRD, b"x" * COMMIT_BYTES, b"x", THIRD], 9, [1, 1, 2]),
        ([b"x" * (COMMIT_BYTES + 1)] * 2, 9, [1, 1]),
        ([], 9, []),
    ],
)
def test_commits_are_cut_by_records_and_bytes(
    values: list[bytes | None], most: int, sizes: list[int]
) -> None:
    """As many as fit, in order; what is larger than a commit may be has one of its own."""
    records = [Record(offset, 0, value) for offset, value in enumerate(values)]
    parts = list(portions(records, most))
    assert [len(part) for part in parts] == sizes
    assert [record for part in parts for record in part] == records
