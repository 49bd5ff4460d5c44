"""What the live generation has told already, so that a rebuild of the same log does not tell it again.

Everything that leaves a shard follows from a prefix of its log and from the time up to which its timers have
fired. So what the shard that is filled wants to tell is told when the live one has come at least as far, and
has nothing of it left in its outbox. What is never so (the live one is gone, or was lost) is told after the
swap, under the id of its cause: the dispatcher of alerts knows what it has sent.
"""

from __future__ import annotations

from stream.events.instants import FOREVER
from stream.shard.changes import Fence
from stream.worker.mailbox import UNDELIVERED_MAX, UNTOLD_MAX, Mailbox


class Told:
    """Of one shard. `look` again and again, with its mailbox and the fence of the live one."""

    def __init__(self) -> None:
        self._told = (0, 0)  # offset and clock up to which the live one has told its notices
        self._next = (0, 0, 0)  # notices, offset and clock, of an earlier look
        self._found: dict[int, tuple[int, int]] = {}  # notice -> offset and clock when it was there

    @property
    def clock(self) -> int:
        """Up to when the live one has told its notices."""
        return self._told[1]

    def look(self, mailbox: Mailbox, live: Fence, outbox: int) -> None:
        """Takes out of the mailbox what is told. `outbox`: entries of the live one, counted after its fence
        was read."""
        delivered = live.delivered if outbox else live.offset
        if done := sorted(offset for offset in mailbox.undelivered if offset < delivered):
            mailbox.carried(done)
        if live.told >= live.noticed:
            self._told = (live.offset, live.clock)
        elif live.told >= self._next[0]:  # it is busy: then up to where it was at an earlier look
            self._told = self._next[1:]
            self._next = (live.noticed, live.offset, live.clock)
        self._look_at_notices(mailbox, *self._told)

    def look_of_copy(self, mailbox: Mailbox, clock: int) -> None:
        """The same where the log is a copy of the live one's: `clock` is the least of its shards of the
        family, which have told all. Facts are told again, to a topic of their own, and dead letters under
        their new offsets."""
        self._told = (FOREVER, clock)
        self._look_at_notices(mailbox, *self._told)

    def _look_at_notices(self, mailbox: Mailbox, offset: int, clock: int) -> None:
        fence = mailbox.shard.fence
        for number in mailbox.untold:
            self._found.setdefault(number, (fence.offset, fence.clock))
        known = sorted(number for number, at in self._found.items() if at[0] <= offset and at[1] <= clock)
        if known:
            mailbox.noticed(known)
        for number in known:
            del self._found[number]


def crowded(mailbox: Mailbox) -> bool:
    """Whether so much waits that it has to be told before the swap, or reading would wait for it."""
    return len(mailbox.undelivered) > UNDELIVERED_MAX // 2 or len(mailbox.untold) > UNTOLD_MAX // 2
