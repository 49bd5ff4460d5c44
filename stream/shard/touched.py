"""What a batch does to an entity besides its history: its timer, its drop day, its places in levels."""

from __future__ import annotations

from stream.lifecycle.entity import Entity
from stream.lifecycle.fold import NEVER, Fold
from stream.metrics.segments import Segment
from stream.shard.changes import Changes, Since

DAY_MS = 86_400_000


class Touched:
    """An entity, and how it stood in the store when the batch first touched it."""

    __slots__ = ("day", "entity", "since_ms", "subject", "timer", "waited_in")

    def __init__(self, subject: str, entity: Entity, fold: Fold, horizon_ms: int) -> None:
        self.subject = subject
        self.entity = entity
        self.timer = timer_ms(fold, entity)
        self.day = drop_day(fold, entity, horizon_ms)
        self.waited_in: Segment | None = entity.state.waits_in()
        self.since_ms = entity.state.waits_since_ms()


def timer_ms(fold: Fold, entity: Entity) -> int:
    """When the entity changes without an event, or `NEVER`."""
    state = entity.state
    if not fold.timed or not state.exists or state.lost:
        return NEVER
    return fold.due_ms(state)


def drop_day(fold: Fold, entity: Entity, horizon_ms: int) -> int:
    """The day (since the epoch) at whose start the entity is forgotten, or `NEVER` while it is unfinished."""
    state = entity.state
    if state.exists and not state.finished():
        return NEVER
    last = entity.last_ms if entity.last_ms > state.last_ms else state.last_ms
    if last == NEVER:
        return NEVER
    return -(-(last + fold.keep_finished_ms + horizon_ms + 1) // DAY_MS)


def note_since(changes: Changes, touched: Touched, level: int) -> None:
    """Notes where the entity stands no more, and where it does now, in the level whose oldest member is
    asked for."""
    state = touched.entity.state
    waits_in, since_ms = state.waits_in(), state.waits_since_ms()
    if waits_in is touched.waited_in and since_ms == touched.since_ms:
        return
    before = _since(level, touched.subject, touched.waited_in, touched.since_ms)
    after = _since(level, touched.subject, waits_in, since_ms)
    changes.since_removed += before - after
    changes.since_added += after - before


def _since(level: int, subject: str, waits_in: Segment | None, since_ms: int) -> set[Since]:
    groups = waits_in.groups if waits_in is not None else ()
    return {Since(level, group, subject, since_ms) for group in groups}
