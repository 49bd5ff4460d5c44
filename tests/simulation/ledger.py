"""Every commit that a worker has sent, with the one that it follows: the way of each image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from stream.shard.changes import Changes, Fence
from stream.worker.mailbox import CAUGHT_UP_MS

ONWARD = (
    "offset", "log_clock", "clock", "retention_clock", "fresh", "delivered", "noticed", "told", "versions",
    "latest",
)  # fmt: skip
"""Of a fence, what never goes back."""


SKEW_MS = 3_000
"""So far may two clocks be apart, one ahead and one behind."""


@dataclass(frozen=True)
class Commit:
    """One, as it was sent. `lost`: ranges of offsets that were gone from the log when it was claimed.
    `wrong`: what no commit may do, in words."""

    parent: str
    fence: Fence
    journal: dict[str, int]
    lost: tuple[tuple[int, int], ...]
    notices: dict[int, bytes]
    wrong: tuple[str, ...]


_NOTHING = Commit("", Fence(), {}, (), {}, ())


@dataclass
class Ledger:
    """By commit id. `wrong`: of those that the store took."""

    batch_records: int
    commits: dict[str, Commit] = field(default_factory=dict)
    wrong: dict[str, None] = field(default_factory=dict)

    def sent(
        self, family: str, partition: int, parent: str, changes: Changes, unread_since_ms: int | None
    ) -> None:
        """A commit is about to be sent: whether it is taken remains to be seen. `unread_since_ms`: when the
        first record came that is left for the next one."""
        before = self.commits.get(parent, _NOTHING)
        journal = before.journal | changes.journal
        records = journal.get("records", 0) - before.journal.get("records", 0)
        moved = changes.fence.offset - before.fence.offset
        lost = before.lost
        if moved > 0 and records == 0:
            lost = (*lost, (before.fence.offset, changes.fence.offset))
        where = f"{family}/{partition}, commit to offset {changes.fence.offset}"
        wrong = [*_wrong(changes, before.fence, records, moved, self.batch_records)]
        if _ahead(changes.fence, before.fence, unread_since_ms):
            wrong.append("its time went past a record that waits in the log")
        self.commits[changes.fence.commit_id] = Commit(
            parent, replace(changes.fence), journal, lost, dict(changes.notices_added),
            tuple(f"{where}: {what}" for what in wrong),
        )  # fmt: skip

    def taken(self, commit_id: str) -> None:
        """The store has it."""
        self.wrong |= dict.fromkeys(self.commits[commit_id].wrong)

    def way(self, commit_id: str) -> list[Commit]:
        """The commits that lead to one that the store has, the first one first."""
        found: list[Commit] = []
        while commit_id:
            self.taken(commit_id)
            found.append(self.commits[commit_id])
            commit_id = found[-1].parent
        return found[::-1]


def _ahead(fence: Fence, before: Fence, unread_since_ms: int | None) -> bool:
    """Whether the wall has moved its time, though it lags (sla.md, rule 13)."""
    by_wall = fence.clock > max(before.clock, fence.log_clock)
    return by_wall and unread_since_ms is not None and unread_since_ms < fence.clock - CAUGHT_UP_MS - SKEW_MS


def _wrong(changes: Changes, before: Fence, records: int, moved: int, batch_records: int) -> Iterator[str]:
    fence = changes.fence
    if back := [name for name in ONWARD if getattr(fence, name) < getattr(before, name)]:
        yield f"{', '.join(back)} went back"
    if records not in (0, moved):
        yield f"{records} records over {moved} offsets"
    if records > batch_records:
        yield f"{records} records, more than {batch_records}"
    if list(changes.notices_added) != list(range(before.noticed, fence.noticed)):
        yield f"notices {list(changes.notices_added)} between {before.noticed} and {fence.noticed}"
    if any(number >= fence.told for number in changes.notices_removed) or any(
        offset >= fence.delivered for offset in changes.outbox_removed
    ):
        yield "what was not delivered left the outbox"
