"""The image of a shard: all that the store holds of it. In memory it stands in for the store (scenarios,
verification)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from stream.metrics.panes import Group, Pane
from stream.shard.changes import Changes, Fence, Loaded, LogRecord, Needs, Restored, Since
from stream.shard.shard import Batch, Shard

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(slots=True)
class Image:
    """Every kind of key of one shard, as plain values."""

    fence: Fence = field(default_factory=Fence)
    states: dict[str, bytes] = field(default_factory=dict)
    cells: dict[Pane, dict[Group, bytes]] = field(default_factory=dict)
    groups: set[Group] = field(default_factory=set)
    levels: dict[Group, bytes] = field(default_factory=dict)
    since: set[Since] = field(default_factory=set)
    timers: dict[str, int] = field(default_factory=dict)
    drops: dict[int, set[str]] = field(default_factory=dict)
    outbox: dict[int, bytes] = field(default_factory=dict)
    notices: dict[int, bytes] = field(default_factory=dict)
    journal: dict[str, int] = field(default_factory=dict)

    def apply(self, changes: Changes) -> None:
        """Writes a commit."""
        _update(self.states, changes.states)
        for pane, group, packed in changes.cells:
            self.groups.add(group)
            cells = self.cells.setdefault(pane, {})
            _update(cells, {group: packed})
            if not cells:
                del self.cells[pane]
        for pane in changes.panes_removed:
            self.cells.pop(pane, None)
        _update(self.levels, changes.levels)
        self.since.difference_update(changes.since_removed)
        self.since.update(changes.since_added)
        _update(self.timers, changes.timers)
        self._apply_drops(changes)
        self.outbox.update(changes.outbox_added)
        for offset in changes.outbox_removed:
            self.outbox.pop(offset, None)
        self.notices.update(changes.notices_added)
        for number in changes.notices_removed:
            self.notices.pop(number, None)
        self.journal.update(changes.journal)
        self.fence = replace(changes.fence)

    def _apply_drops(self, changes: Changes) -> None:
        for day, subject in changes.drops_removed:
            self.drops.get(day, set()).discard(subject)
        for day, subject in changes.drops_added:
            self.drops.setdefault(day, set()).add(subject)
        for day in changes.drop_days_done:
            self.drops.pop(day, None)

    def load(self, needs: Needs) -> Loaded:
        """Answers what a batch asks for."""
        cells = {}
        for pane, groups in needs.cells.items():
            known = self.cells.get(pane, {})
            cells[pane] = (
                known if groups is None else {group: known[group] for group in groups if group in known}
            )
        return Loaded(
            states={subject: self.states[subject] for subject in needs.states if subject in self.states},
            cells=cells,
            drops={day: list(self.drops.get(day, ())) for day in needs.drop_days},
        )

    def restored(self) -> Restored:
        """What an owner takes over."""
        return Restored(
            fence=replace(self.fence), panes=list(self.cells), drop_days=list(self.drops),
            groups=set(self.groups), levels=dict(self.levels),
            timers=dict(self.timers), outbox=dict(self.outbox), notices=dict(self.notices),
            journal=dict(self.journal),
        )  # fmt: skip


def run_batch(
    shard: Shard, image: Image, records: Sequence[LogRecord], now_ms: int | None, delivered: int = 0,
    told: int = 0,
) -> Changes:  # fmt: skip
    """One batch of a shard against its image, committed."""
    return run(shard, image, shard.batch(records, now_ms, delivered, told))


def run(shard: Shard, image: Image, batch: Batch) -> Changes:
    """A batch that has been begun, committed."""
    try:
        needs = next(batch)
        while True:
            needs = batch.send(image.load(needs))
    except StopIteration as done:
        changes: Changes = done.value
    image.apply(changes)
    shard.committed(changes.fence)
    return changes


def _update(target: dict[_Key, _Value], changes: Mapping[_Key, _Value | None]) -> None:
    for key, value in changes.items():
        if value is None:
            target.pop(key, None)
        else:
            target[key] = value
