"""One shard at work: what happens when a commit does not come through."""

import asyncio

import pytest

from stream.config import Config
from stream.shard.changes import Changes, Loaded, Needs, Record
from stream.shard.family import family
from stream.shard.image import Image
from stream.shard.shard import Shard
from stream.worker.mailbox import HalfDone, Mailbox
from stream.worker.ports import Position


class Hanging:
    """A store whose commits do not end."""

    def __init__(self) -> None:
        self.committing = asyncio.Event()

    async def load(self, family: str, partition: int, needs: Needs) -> Loaded:
        return Loaded()

    async def commit(self, family: str, partition: int, expected_commit_id: str, changes: Changes) -> None:
        self.committing.set()
        await asyncio.Event().wait()


async def test_after_a_cancelled_commit_the_memory_is_not_used_any_more() -> None:
    """It is ahead of the store: a tick would write what the batch folded without the batch's offset."""
    config = Config()
    shard = Shard(family("calls", config), "calls", 0, config)
    shard.restore(Image().restored())
    store = Hanging()
    mailbox = Mailbox(
        shard, store, lambda: Position(0, 0, 2**52), until_ms=None, by_wall=True, batch_records=10
    )  # fmt: skip
    assert mailbox.wants_tick(0)
    reading = asyncio.create_task(mailbox.read([Record(0, 1_700_000_000_000, b"not an event")]))
    await store.committing.wait()
    reading.cancel()
    await asyncio.wait([reading])
    mailbox.delivered = 1  # what would ask for a tick even when the shard is behind
    assert not mailbox.wants_tick(0)
    with pytest.raises(HalfDone, match="calls/0: the commit before did not come through"):
        await mailbox.read([Record(0, 1_700_000_000_000, b"again")])
