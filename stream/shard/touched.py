"""What a batch does to an entity besides its history: its timer, its drop day, its places in levels."""

from __future__ import annotations

from stream.lifecycle.entity import Entity
from stream.lifecycle.fold import NEVER, Fold, Standing
from stream.shard.changes import Changes, Since

DAY_MS = 86_400_000


class Touched:
    """An entity, and how it stood in the store when the batch first touched it."""

    __slots__ = ("day", "entity", "stood", "subject", "timer")

    def __init__(self, subject: str, entity: Entity, fold: Fold, horizon_ms: int) -> None:
        self.subject = subject
        self.entity = entity
        self.timer = timer_ms(fold, entity)
        self.day = drop_day(fold, entity, horizon_ms)
        self.stood: tuple[Standing, ...] = entity.state.standings()


def timer_ms(fold: Fold, entity: Entity) -> int:
    """When the entity changes without an event, or `NEVER`."""
    state = entity.state
    if not fold.timed or not state.exists:
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


def note_since(changes: Changes, touched: Touched) -> None:
    """Notes where the entity stands no more, and where it does now, in the levels whose members are asked
    for."""
    before, after = touched.stood, touched.entity.state.standings()
    if before == after:
        return
    subject = touched.subject
    for standing in before:
        if standing not in after:
            changes.since_removed.append(_since(subject, standing))
    for standing in after:
        if standing not in before:
            changes.since_added.append(_since(subject, standing))


def _since(subject: str, standing: Standing) -> Since:
    level, segment, since_ms = standing
    return Since(level, subject, segment.values, since_ms)
