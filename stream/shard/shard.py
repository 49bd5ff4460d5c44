"""The work of one shard: records in, one commit out. Everything here is a function of the log's prefix and of
the time given.

A batch is a generator: it yields what it needs from the store (`Needs`), is sent it (`Loaded`), and returns
the `Changes`.
The worker answers from Redis, scenarios and verification from memory; neither can change what comes out.
"""

from __future__ import annotations

import heapq
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

from msgspec import UNSET, msgpack

from stream.config import Config
from stream.events.decode import decoder_of
from stream.events.envelope import to_ms
from stream.events.refusal import Refused
from stream.lifecycle.call import Call, CallFold
from stream.lifecycle.delta import Cell, Delta
from stream.lifecycle.entity import (
    ADDED,
    DUPLICATE,
    QUARANTINED,
    REPLAYED,
    Entity,
    add,
    pack_entity,
    prune,
    refuses,
)
from stream.lifecycle.ticket import NEVER
from stream.metrics.cells import pack_cell, unpack_cell
from stream.metrics.panes import CELLS_MAX, Group, Panes
from stream.metrics.sizes import Sizes
from stream.shard.changes import Changes, Fence, Loaded, LogRecord, Needs, Restored, Since
from stream.shard.deadletter import dead_letter
from stream.shard.entities import Entities
from stream.shard.family import Family
from stream.shard.intake import Incoming, Intake, checksum

DAY_MS = 86_400_000
Batch = Generator[Needs, Loaded, Changes]

_encode = msgpack.Encoder().encode


class TooManyDeadLetters(Exception):
    """The share of dead letters is above the configured one: a bad deployment, not a few bad events."""


class _Touched:
    """An entity as it stood in the store when the batch first touched it: its timer, drop day and places in
    levels."""

    __slots__ = ("day", "entity", "since", "timer")

    def __init__(self, entity: Entity, timer: int, day: int, since: frozenset[Since]) -> None:
        self.entity = entity
        self.timer = timer
        self.day = day
        self.since = since


class Shard:
    """One partition of one topic, as its owner has it in memory. `fence` is what the last commit wrote."""

    def __init__(
        self,
        family: Family,
        topic: str,
        partition: int,
        config: Config,
        cache_entities: int = 100_000,
        cells_max: int = CELLS_MAX,
        judge_share: bool = True,
    ) -> None:
        self.family = family
        self.topic = topic
        self.partition = partition
        self._fold = family.fold
        self._calls = family.fold if isinstance(family.fold, CallFold) else None
        self._surveys = family.name == "surveys"
        self._config = config
        self._horizon_ms = config.horizon_ms
        self._judge_share = judge_share
        self._rank = decoder_of(family.name).rank
        self.intake = Intake(
            decoder_of(family.name), config.horizon_ms, config.future_ms, config.max_event_bytes
        )
        self.entities = Entities(family.fold, cache_entities)
        self.panes = Panes(Sizes(config.timezone), config.retention_ms, family.levels, cells_max)
        self.fence = Fence()
        self.levels: dict[Group, Cell] = {}
        self.outbox: dict[int, bytes] = {}
        self.journal: dict[str, int] = {}
        self._drop_days: set[int] = set()
        self._timers: list[tuple[int, str]] = []
        self._touched: dict[str, _Touched] = {}

    def restore(self, stored: Restored, retention_clock: int = 0) -> None:
        """Takes the shard over as the store has it. `retention_clock`: panes that will be too old once caught
        up are skipped."""
        self.fence = replace(stored.fence)
        self.fence.retention_clock = max(stored.fence.retention_clock, retention_clock)
        self.panes.restore(stored.panes, stored.fence.clock, stored.fence.retention_clock)
        self.levels = {group: unpack_cell(cell) for group, cell in stored.levels.items()}
        self.outbox = dict(stored.outbox)
        self.journal = dict(stored.journal)
        self._drop_days = set(stored.drop_days)
        self._timers = [(due, subject) for subject, due in stored.timers.items()]
        heapq.heapify(self._timers)

    def batch(self, records: Sequence[LogRecord], now_ms: int | None, delivered: int = 0) -> Batch:
        """Folds records (in offset order, from `fence.offset` on; none for a tick) and moves the clocks.

        `now_ms` is the time when the shard has read to the end of the log, else `None`: while it lags, time
        is the log's.
        Dead letters of records before offset `delivered` have reached their topic and leave the outbox.
        """
        fence = replace(self.fence)
        incoming, fence.log_clock = self.intake.read(records, fence.log_clock)
        fence.clock = max(fence.clock, fence.log_clock, now_ms if now_ms is not None else 0)
        fence.retention_clock = max(fence.retention_clock, fence.clock)
        if records:
            fence.offset = records[-1].offset + 1
            self._count("records", len(records))
        changes = Changes(fence=fence)
        due_days = [day for day in self._drop_days if day * DAY_MS <= fence.log_clock]
        loaded = yield Needs(states=self._missing(incoming, fence.clock), drop_days=due_days)
        for subject, packed in loaded.states.items():
            self._put(subject, packed)
        out = Delta()
        self._fold_all(incoming, out, changes)
        self._fire_timers(out, fence.clock)
        grouped = self.panes.group(out)
        needs = Needs(cells=self.panes.missing(grouped, fence.clock, fence.retention_clock))
        if needs:
            answer = yield needs
            for pane, asked in needs.cells.items():
                cells = {group: unpack_cell(cell) for group, cell in answer.cells.get(pane, {}).items()}
                self.panes.load(pane, cells, asked)
        known = set(self.panes.index)
        self.panes.apply(grouped)
        self.panes.advance(fence.clock, fence.retention_clock)
        self._note_cells(changes, known)
        self._note_levels(changes, out)
        self._note_entities(changes)
        self._drop(changes, due_days, loaded.drops)
        self._note_outbox(changes, delivered)
        changes.journal = {**self.journal, **self._ignored()}
        return changes

    def committed(self, fence: Fence) -> None:
        """The store has the batch: goes on from there."""
        self.fence = fence
        self._touched.clear()
        self.panes.evict()
        self.entities.evict()

    def next_timer_ms(self) -> int:
        """When the next change at a due instant may come; never before it does."""
        return self._timers[0][0] if self._timers else 2**62

    def _count(self, what: str, by: int = 1) -> None:
        self.journal[what] = self.journal.get(what, 0) + by

    def _ignored(self) -> dict[str, int]:
        """Events of unknown types, by type, with what the journal had of them when the shard was claimed."""
        return {
            f"ignored_{name}": self.journal.get(f"ignored_{name}", 0) + count
            for name, count in self.intake.ignored.items()
        }

    def _missing(self, incoming: list[Incoming], clock: int) -> list[str]:
        """Subjects of the batch, and of the timers that it makes due, that are not in memory."""
        has = self.entities.has
        subjects = {item[1].subject for item in incoming if not isinstance(item[1], Refused)}
        if self._timers and self._timers[0][0] <= clock:
            subjects.update(subject for due, subject in self._timers if due <= clock)
        return [subject for subject in subjects if not has(subject)]

    def _put(self, subject: str, packed: bytes) -> None:
        self.entities.put(subject, packed)
        if self._calls is not None:
            call: Call = self.entities.get(subject).state
            due = self._calls.due_ms(call)
            call.lost = due != NEVER and due <= self.fence.clock

    def _fold_all(self, incoming: list[Incoming], out: Delta, changes: Changes) -> None:
        fence = changes.fence
        sample = self._config.deadletters.sample
        for record, event, at_ms, log_clock in incoming:
            refused = (
                event if isinstance(event, Refused) else self._fold_one(record, event, at_ms, log_clock, out)
            )
            fence.seen += 1
            if refused is not None:
                fence.refused += 1
                self._count(f"refused_{refused.reason}")
                changes.outbox_added[record.offset] = dead_letter(refused, self.topic, self.partition, record)
            if fence.seen >= sample:
                self._check_share(fence, sample)

    def _check_share(self, fence: Fence, sample: int) -> None:
        if self._judge_share and fence.refused > fence.seen * self._config.deadletters.max_share:
            raise TooManyDeadLetters(
                f"{self.topic}/{self.partition}: {fence.refused} of the last {fence.seen} events were "
                f"refused, more than deadletters.max_share ({self._config.deadletters.max_share:g}). "
                f"Nothing was diverted from offset {self.fence.offset} on: mend the producer, "
                "or raise the share if these events are to go to the dead letters."
            )
        if fence.seen >= 2 * sample:
            fence.seen //= 2
            fence.refused //= 2

    def _fold_one(
        self, record: LogRecord, event: Any, at_ms: int, log_clock: int, out: Delta
    ) -> Refused | None:
        fold = self._fold
        subject: str = event.subject
        touched = self._touched.get(subject) or self._touch(subject)
        entity = touched.entity
        if self._calls is not None and entity.state.lost:
            # Counted again, if it still is, when the batch has been read (`_fire_timers`).
            self._calls.clear_overlay(out, entity.state)
        row = (
            at_ms,
            event.source,
            0 if event.sequence is UNSET else int(event.sequence),
            self._rank[event.type],
            event.id,
            at_ms if event.recordedtime is UNSET else to_ms(event.recordedtime),
            checksum(record),
            fold.snapshots.of(event),
            fold.extra_of(event),
        )
        result = add(fold, entity, row, out)
        refused = None
        if result == DUPLICATE:
            self._count("duplicates")
        elif result == QUARANTINED:
            refused = Refused("quarantined", "subject", "its entity has too many events within the horizon")
        elif result == REPLAYED:
            self._count("replayed")
        if self._surveys and row[8] is not None and result != DUPLICATE and result != QUARANTINED:
            out_of_scale = entity.state.refused if result == ADDED else refuses(fold, entity, row)
            if out_of_scale:
                refused = Refused("out_of_scale", "data.response.score", "outside the scale of the question")
        if entity.first_ms < log_clock - self._horizon_ms:
            prune(fold, entity, log_clock - self._horizon_ms)
        return refused

    def _touch(self, subject: str) -> _Touched:
        entity = self.entities.get(subject)
        stood = self._stands(subject, entity)
        touched = self._touched[subject] = _Touched(
            entity, self._timer(entity), self._drop_day(entity), stood
        )
        return touched

    def _timer(self, entity: Entity) -> int:
        if self._calls is None or not entity.state.exists or entity.state.lost:
            return NEVER
        due: int = self._calls.due_ms(entity.state)
        return due

    def _drop_day(self, entity: Entity) -> int:
        """The day (since the epoch) at whose start the entity is forgotten, or `NEVER` while it is
        unfinished."""
        state = entity.state
        if state.exists and not state.finished():
            return NEVER
        last: int = max(entity.last[0] if entity.last is not None else NEVER, state.last_ms)
        if last == NEVER:
            return NEVER
        return -(-(last + self._fold.keep_finished_ms + self._horizon_ms + 1) // DAY_MS)

    def _stands(self, subject: str, entity: Entity) -> frozenset[Since]:
        """Where the entity stands in levels whose oldest member is asked for (calls waiting)."""
        if self._calls is None or entity.state.waiting_in is None or entity.state.lost:
            return frozenset()
        state: Call = entity.state
        assert state.waiting_in is not None
        return frozenset(
            Since(self.family.levels[0], group, subject, state.waiting_ms)
            for group in state.waiting_in.groups
        )

    def _fire_timers(self, out: Delta, clock: int) -> None:
        """Changes at due instants: up to the new clock all of them have happened."""
        if self._calls is None:
            return
        while self._timers and self._timers[0][0] <= clock:
            _, subject = heapq.heappop(self._timers)
            if not self.entities.has(subject):
                continue
            touched = self._touched.get(subject) or self._touch(subject)
            self._calls.overlay(out, touched.entity.state, clock)
        for touched in self._touched.values():
            self._calls.overlay(out, touched.entity.state, clock)

    def _note_cells(self, changes: Changes, known: set[tuple[int, int]]) -> None:
        cells, removed = self.panes.take_changes()
        changes.cells = [
            (pane, group, pack_cell(pane[0], cell) if cell else None) for pane, group, cell in cells
        ]
        changes.panes_removed = [pane for pane in removed if pane in known]
        changes.panes_added = [
            pane for pane in dict.fromkeys(pane for pane, _, _ in cells) if pane not in known
        ]

    def _note_levels(self, changes: Changes, out: Delta) -> None:
        dirty: set[Group] = set()
        for segments in out.panes.values():
            for segment, cell in segments.items():
                for level in self.family.levels:
                    change = cell.get(level)
                    if change:
                        for group in segment.groups:
                            live = self.levels.setdefault(group, {})
                            live[level] = live.get(level, 0) + change
                            dirty.add(group)
        for group in dirty:
            live = {level: value for level, value in self.levels[group].items() if value}
            changes.levels[group] = _encode(live) if live else None
            if not live:
                del self.levels[group]

    def _note_entities(self, changes: Changes) -> None:
        for subject, touched in self._touched.items():
            entity = touched.entity
            changes.states[subject] = pack_entity(entity)
            timer, day, stood = self._timer(entity), self._drop_day(entity), self._stands(subject, entity)
            if timer != touched.timer:
                changes.timers[subject] = None if timer == NEVER else timer
                if timer != NEVER:
                    heapq.heappush(self._timers, (timer, subject))
            if day != touched.day:
                if touched.day != NEVER:
                    changes.drops_removed.append((touched.day, subject))
                if day != NEVER:
                    changes.drops_added.append((day, subject))
            if stood != touched.since:
                changes.since_removed += touched.since - stood
                changes.since_added += stood - touched.since

    def _drop(self, changes: Changes, days: list[int], members: dict[int, list[str]]) -> None:
        """Forgets entities that no accepted event can belong to any more."""
        # A long batch may reach past the day of an entity that was finished within it.
        noted, changes.drops_added = changes.drops_added, []
        for day, subject in noted:
            if day * DAY_MS <= changes.fence.log_clock:
                self._forget(changes, subject)
            else:
                changes.drops_added.append((day, subject))
                self._drop_days.add(day)
        kept = {subject for _, subject in changes.drops_added}
        for day in days:
            self._drop_days.discard(day)
            for subject in members.get(day, ()):
                if subject not in kept and (day, subject) not in changes.drops_removed:
                    self._forget(changes, subject)
        changes.drop_days_done = days

    def _forget(self, changes: Changes, subject: str) -> None:
        changes.states[subject] = None
        changes.timers[subject] = None
        self.entities.drop(subject)

    def _note_outbox(self, changes: Changes, delivered: int) -> None:
        self.outbox.update(changes.outbox_added)
        changes.fence.delivered = max(self.fence.delivered, delivered)
        changes.outbox_removed = [offset for offset in self.outbox if offset < changes.fence.delivered]
        for offset in changes.outbox_removed:
            del self.outbox[offset]
            changes.outbox_added.pop(offset, None)
