"""What happened to clocks, on its way from the shards that know it to the topic `support.sla`: collected over
a batch, packed for the outbox, then events of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from msgspec import msgpack

from stream.events.clocks import CLOCKS
from stream.events.instants import NEVER, instant
from stream.events.sla import Clock, Kind, SlaEvent, sla_event
from stream.lifecycle.delta import Delta
from stream.lifecycle.entity import Entity
from stream.sla.marks import AT_RISK, BREACHED, NAMES, Key, Mark

AT_ONCE: Final = 200
"""Notices in one entry of the outbox: about 30 kB."""
RETRACTED: Final = len(NAMES)
"""Beside the kinds of marks: a breach was none."""


class Notice(NamedTuple):
    """A mark as it is packed. `kind` is one of sla/marks.py or `RETRACTED`; times in ms since the epoch."""

    subject: str
    kind: int
    clock: int
    started_ms: int
    at_ms: int
    level: str
    instance: int
    policy: str
    target_ms: int
    elapsed_ms: int
    due_ms: int
    values: tuple[str | None, ...]


_Packed = tuple[int, list[Notice]]
_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(_Packed).decode


class Notices:
    """The marks of one batch, by entity: what was told and taken back within it is nothing."""

    def __init__(self) -> None:
        self._marks: dict[tuple[str, Key], tuple[int, Mark]] = {}

    def take(self, subject: str, out: Delta) -> None:
        """Takes the marks of an entity out of a delta."""
        for key, (amount, mark) in out.marks.items():
            known = self._marks.get((subject, key))
            self._marks[subject, key] = (amount if known is None else amount + known[0], mark)
        out.marks.clear()

    def packed(self, found_ms: int, entity_of: dict[str, Entity]) -> Iterator[bytes]:
        """What is to be told, in order of time, in entries of a bounded size; found at `found_ms`.

        `entity_of`: as the batch leaves them. A warning of a clock that is decided by then is none.
        """
        told = [
            notice
            for (subject, _), (amount, mark) in self._marks.items()
            if (notice := _notice(subject, amount, mark, entity_of[subject])) is not None
        ]
        told.sort(key=lambda notice: (notice.at_ms, notice.kind))
        for begin in range(0, len(told), AT_ONCE):
            yield _encode((found_ms, told[begin : begin + AT_ONCE]))
        self._marks.clear()


def notices_of(packed: bytes) -> tuple[int, list[Notice]]:
    """When an entry's notices were found, and these."""
    found_ms, notices = _decode(packed)
    return found_ms, notices


def sla_events(packed: bytes, dimensions: Sequence[str]) -> Iterator[SlaEvent]:
    """The events of an entry of the outbox."""
    found_ms, notices = notices_of(packed)
    for notice in notices:
        kind: Kind = "breach_retracted" if notice.kind == RETRACTED else NAMES[notice.kind]
        clock = Clock(
            clock=CLOCKS[notice.clock],
            instance=notice.instance,
            policy=notice.policy,
            target_ms=notice.target_ms,
            started_at=instant(notice.started_ms),
            elapsed_ms=notice.elapsed_ms,
            due_at=None if notice.due_ms == NEVER else instant(notice.due_ms),
            level=notice.level or None,
            overdue_ms=max(0, notice.elapsed_ms - notice.target_ms) if notice.kind >= BREACHED else None,
        )
        segments = dict(zip(dimensions, notice.values, strict=True))
        yield sla_event(notice.subject, kind, clock, notice.at_ms, found_ms, segments)


def _notice(subject: str, amount: int, mark: Mark, entity: Entity) -> Notice | None:
    kind, clock, started_ms, at_ms, level = mark.key
    if amount < 0 and kind == BREACHED:
        kind = RETRACTED
    elif amount <= 0 or (kind == AT_RISK and not _awaits(entity, clock, started_ms)):
        return None
    return Notice(
        subject, kind, clock, started_ms, at_ms, level, mark.instance, mark.policy, mark.target_ms,
        mark.elapsed_ms, mark.due_ms, mark.values,
    )  # fmt: skip


def _awaits(entity: Entity, clock: int, started_ms: int) -> bool:
    clocks = entity.state.clocks_now()
    return clocks is not None and clocks.awaits(clock, started_ms)
