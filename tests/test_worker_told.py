"""What a rebuild leaves out, as the live generation has told it; and what it must not leave out."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from stream.config import Config
from stream.shard.changes import Fence
from stream.shard.image import Image
from stream.worker.mailbox import Mailbox
from stream.worker.ports import Partition
from stream.worker.rebuild import FRESH_MS, TELLING_MS, Refilled, _Rebuild
from stream.worker.report import Work
from stream.worker.told import Told
from stream.worker.versions import KnownVersions
from tests.core import new_shard
from tests.test_worker_mailbox import Hanging, never

CONFIG = Config(clock="events")


def filled(letters: list[int], notices: list[int], offset: int, clock: int) -> Mailbox:
    """A shard that is filled up to there, with what it wants to tell."""
    shard = new_shard("tickets", CONFIG)
    shard.restore(
        Image(
            fence=Fence("x", offset=offset, clock=clock),
            outbox=dict.fromkeys(letters, b"{"),
            notices=dict.fromkeys(notices, b"n"),
        ).restored()
    )
    return Mailbox(
        shard, Hanging(), lambda: None, until_ms=None, by_wall=True, batch_records=10,
        versions=KnownVersions(CONFIG), renew=never, work=Work(),
    )  # fmt: skip


def test_what_the_live_one_has_delivered_is_left_out() -> None:
    """Up to its offset when its outbox is empty, else up to where it has delivered: the rest is told."""
    mailbox = filled([3, 7, 12], [], 20, 100)
    told = Told()
    told.look(mailbox, Fence(offset=10, delivered=5), outbox=1)
    assert (list(mailbox.undelivered), mailbox.delivered) == ([7, 12], 4)
    told.look(mailbox, Fence(offset=10, delivered=5), outbox=0)
    assert (list(mailbox.undelivered), mailbox.delivered) == ([12], 8)


def test_notices_wait_until_the_live_one_has_come_as_far() -> None:
    """In offset and time, and has told all of it."""
    mailbox = filled([], [0, 1], 20, 100)
    told = Told()
    for live in (
        Fence(offset=20, clock=100, noticed=9, told=8),
        Fence(offset=19, clock=200, noticed=9, told=9),
        Fence(offset=30, clock=99, noticed=9, told=9),
        Fence(),
    ):
        told.look(mailbox, live, outbox=0)
        assert list(mailbox.untold) == [0, 1], live
    told.look(mailbox, Fence(offset=20, clock=100, noticed=9, told=9), outbox=0)
    assert (mailbox.untold, mailbox.told) == ({}, 2)


def test_a_live_one_that_always_has_something_to_tell_is_followed_a_step_behind() -> None:
    """What it had noticed at an earlier look is told by now, though there is more."""
    mailbox = filled([], [0], 20, 100)
    told = Told()
    told.look(mailbox, Fence(offset=25, clock=150, noticed=9, told=8), outbox=0)
    told.look(mailbox, Fence(offset=26, clock=160, noticed=10, told=8), outbox=0)
    assert list(mailbox.untold) == [0]
    told.look(mailbox, Fence(offset=27, clock=170, noticed=11, told=9), outbox=0)
    assert mailbox.untold == {}


def test_of_a_copy_only_time_can_be_compared() -> None:
    """Its offsets are others. Facts go to another topic, so they are told again."""
    mailbox = filled([3], [0], 20, 100)
    Told().look_of_copy(mailbox, 99)
    assert list(mailbox.untold) == [0]
    Told().look_of_copy(mailbox, 100)
    assert (mailbox.untold, list(mailbox.undelivered)) == ({}, [3])


def test_the_swap_waits_until_the_live_one_has_told_what_was_found_here() -> None:
    """As far as the shards had come when all was read; not for one that does not work, nor for ever."""
    mailbox = filled([], [0], 20, 100)
    place, told = Partition("support.tickets", 0), Told()
    shards = SimpleNamespace(mailboxes={place: mailbox})
    nothing: Any = None
    rebuild = _Rebuild(nothing, nothing, nothing, cast(Refilled, shards))
    rebuild._told[place] = told
    now_ms = 1_772_450_000_000

    def is_told(clock: int, fresh: int, after_ms: int = 0) -> bool:
        fence = Fence(offset=20, clock=clock, fresh=fresh, noticed=1, told=1)
        told.look(mailbox, fence, outbox=0)
        return rebuild._is_told({"tickets": {0: fence}}, now_ms + after_ms)

    assert not is_told(99, now_ms)
    mailbox.shard.fence.clock = 200  # it goes on meanwhile
    assert is_told(99, now_ms - FRESH_MS - 1)
    assert is_told(99, now_ms, TELLING_MS + 1)
    assert is_told(100, now_ms)
