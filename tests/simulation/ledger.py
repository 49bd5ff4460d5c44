"""Every commit that a worker has sent, with the one that it follows: the way of each image that there may be."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from stream.shard.changes import Changes, Fence

ONWARD = (
    "offset", "log_clock", "clock", "retention_clock", "fresh", "delivered", "noticed", "told", "versions",
    "latest",
)  # fmt: skip
"""Of a fence, what never goes back."""


@dataclass(frozen=True)
class Commit:
    """One, as it was sent. `lost`: ranges of offsets that were gone from the log when it was claimed."""

    parent: str
    fence: Fence
    journal: dict[str, int]
    lost: tuple[tuple[int, int], ...]
    notices: dict[int, bytes]


@dataclass
class Ledger:
    """By commit id. `wrong`: what no commit may do, in words."""

    batch_records: int
    commits: dict[str, Commit] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def note(self, family: str, partition: int, parent: str, changes: Changes) -> None:
        """A commit is about to be sent."""
        before = self.commits.get(parent) or Commit("", Fence(), {}, (), {})
        records = changes.journal.get("records", 0) - before.journal.get("records", 0)
        moved = changes.fence.offset - before.fence.offset
        lost = before.lost
        if moved > 0 and records == 0:
            lost = (*lost, (before.fence.offset, changes.fence.offset))
        self.commits[changes.fence.commit_id] = Commit(
            parent, replace(changes.fence), dict(changes.journal), lost, dict(changes.notices_added)
        )
        where = f"{family}/{partition}, commit to offset {changes.fence.offset}"
        fence = changes.fence
        back = [name for name in ONWARD if getattr(fence, name) < getattr(before.fence, name)]
        self._claim(not back, f"{where}: {', '.join(back)} went back")
        self._claim(records in (0, moved), f"{where}: {records} records over {moved} offsets")
        self._claim(records <= self.batch_records, f"{where}: {records} records in one commit")
        numbers = list(changes.notices_added)
        self._claim(
            numbers == list(range(before.fence.noticed, fence.noticed)),
            f"{where}: notices {numbers} between {before.fence.noticed} and {fence.noticed}",
        )
        self._claim(
            all(number < fence.told for number in changes.notices_removed)
            and all(offset < fence.delivered for offset in changes.outbox_removed),
            f"{where}: what was not delivered left the outbox",
        )

    def _claim(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.wrong.append(otherwise)

    def way(self, commit_id: str) -> list[Commit]:
        """The commits that lead to one, the first one first."""
        found: list[Commit] = []
        while commit_id:
            found.append(self.commits[commit_id])
            commit_id = found[-1].parent
        return found[::-1]
