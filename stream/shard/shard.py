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
from typing import Final

from msgspec import UNSET, msgpack

from stream.config import Config
from stream.events.decode import decoder_of
from stream.events.instants import to_ms
from stream.events.refusal import Refused
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
from stream.lifecycle.fold import FOREVER, NEVER
from stream.lifecycle.rows import Row
from stream.lifecycle.survey import Survey
from stream.metrics.cells import pack_cell, unpack_cell
from stream.metrics.panes import CELLS_MAX, Group, Grouped, Pane, Panes, group_into, sum_coarser
from stream.metrics.sizes import Sizes
from stream.shard.cap import Cap
from stream.shard.changes import Changes, Fence, Loaded, LogRecord, Needs, Restored
from stream.shard.deadletter import dead_letter
from stream.shard.entities import Entities
from stream.shard.facts import pack_facts
from stream.shard.family import Family
from stream.shard.intake import Incoming, Intake, checksum
from stream.shard.notices import Notices
from stream.shard.touched import DAY_MS, Touched, drop_day, note_since, timer_ms

Batch = Generator[Needs, Loaded, Changes]

_encode = msgpack.Encoder().encode

TIMERS_MAX: Final = 2_000
"""So many timers, and one for each record, are fired in one commit; the others wait for the next."""
IGNORED: Final = "ignored_"  # in the journal, before the name of an unknown type
GROUP_EVENTS: Final = 256
"""So many events are summed by segment before their sums are summed by group."""


class TooManyDeadLetters(Exception):
    """The share of dead letters is above the configured one: a bad deployment, not a few bad events."""


class Reading:
    """How far the records of a batch are folded: the place of the next one, and the log clock before it."""

    __slots__ = ("log_clock", "place", "records")

    def __init__(self, records: Sequence[LogRecord], log_clock: int) -> None:
        self.records = records
        self.place = 0
        self.log_clock = log_clock


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
        self._surveys = family.name == "surveys"
        self._contacts = family.name == "contacts"
        self._config = config
        self._horizon_ms = family.horizon_ms
        self._judge_share = judge_share
        self._sample = config.deadletters.sample
        decoder = decoder_of(family.name)
        self.intake = Intake(decoder, family.horizon_ms, family.future_ms, config.max_event_bytes)
        self._types = list(decoder.rank)  # ranks are their places
        self._applied = [0] * len(self._types)
        self.entities = Entities(family.fold, cache_entities)
        self.panes = Panes(Sizes(config.timezone), config.retention_ms, family.levels, cells_max)
        self.fence = Fence()
        self.levels: dict[Group, Cell] = {}
        self._cap = Cap()
        self.outbox: dict[int, bytes] = {}
        self.notices: dict[int, bytes] = {}
        self._noticed = Notices()
        self.journal: dict[str, int] = {}
        self._noted: dict[str, int] = {}  # the journal as the store has it
        self._drop_days: set[int] = set()
        self._timers: list[tuple[int, str]] = []
        # The entry of each entity in there; what is due later waits for it, so that they do not pile up.
        self._armed: dict[str, int] = {}
        self._firing: dict[str, int] = {}  # the timers that the batch at hand fires
        self._touched: dict[str, Touched] = {}

    def restore(self, stored: Restored, retention_clock: int = 0) -> None:
        """Takes the shard over as the store has it. `retention_clock`: panes that will be too old once caught
        up are skipped."""
        self.fence = replace(stored.fence)
        self.fence.retention_clock = max(stored.fence.retention_clock, retention_clock)
        self.panes.restore(stored.panes, stored.fence.clock, stored.fence.retention_clock)
        self._cap.restore({*stored.groups, *stored.levels}, stored.fence.invalid())
        self.levels = {group: unpack_cell(cell) for group, cell in stored.levels.items()}
        self.outbox = dict(stored.outbox)
        self.notices = dict(stored.notices)
        self.journal = dict(stored.journal)
        self._noted = dict(stored.journal)
        self.intake.named = {name[len(IGNORED) :] for name in stored.journal if name.startswith(IGNORED)}
        self._drop_days = set(stored.drop_days)
        self._timers = [(due, subject) for subject, due in stored.timers.items()]
        self._armed = dict(stored.timers)
        heapq.heapify(self._timers)

    def batch(
        self, records: Sequence[LogRecord], now_ms: int | None, delivered: int = 0, told: int = 0
    ) -> Batch:
        """Folds records (in offset order, from `fence.offset` on; none for a tick) and moves the clocks.

        `now_ms` is the time when the shard has read to the end of the log, else `None`: while it lags, time
        is the log's.
        Dead letters of records before offset `delivered` have reached their topic and leave the outbox, and
        so have notices before number `told`.
        """
        fence = replace(self.fence)
        fence.log_clock = max([fence.log_clock, *[record.timestamp for record in records]])
        fence.clock = max(fence.clock, fence.log_clock, now_ms if now_ms is not None else 0)
        fence.retention_clock = max(fence.retention_clock, fence.clock)
        if records:
            fence.offset = records[-1].offset + 1
            self._count("records", len(records))
        changes = Changes(fence=fence)
        due_days = [day for day in self._drop_days if day * DAY_MS <= fence.log_clock]
        self._take_due(fence.clock, TIMERS_MAX + len(records))
        asked = self._expected(records)
        loaded = yield Needs(states=asked, drop_days=due_days)
        self._put(asked, loaded)
        grouped: Grouped = {}
        reading = Reading(records, self.fence.log_clock)
        while not self._fold_on(reading, changes, grouped):
            # Records whose key is not their subject: what else of theirs is not in memory?
            asked = self._unexpected(reading)
            self._put(asked, (yield Needs(states=asked)))
        out = Delta()
        self._fire_timers(out, fence.clock)
        group_into(grouped, out)
        sum_coarser(grouped, self._fold.segments)
        yield from self._settle(changes, grouped)
        self._drop(changes, due_days, loaded.drops)
        self._note_outbox(changes, delivered)
        self._note_notices(changes, told)
        journal = {**self.journal, **self._by_type()}
        changes.journal = {name: count for name, count in journal.items() if self._noted.get(name) != count}
        self._noted = journal
        return changes

    def _settle(self, changes: Changes, grouped: Grouped) -> Generator[Needs, Loaded, None]:
        """Notes what contributions change: in levels, in cells, and of the entities that were touched."""
        fence = changes.fence
        self._cap.bound(grouped)
        if (mark := self._cap.mark()) != fence.over_cap:
            fence.over_cap = mark
            # Live levels would stand still; cells go with their panes.
            changes.levels = dict.fromkeys(self._cap.invalid(self.levels))
            for group in changes.levels:
                del self.levels[group]
        needs = Needs(cells=self.panes.missing(grouped, fence.clock, fence.retention_clock))
        if needs:
            answer = yield needs
            for pane, groups in needs.cells.items():
                cells = {group: unpack_cell(cell) for group, cell in answer.cells.get(pane, {}).items()}
                self.panes.load(pane, cells, groups)
        self._note_levels(changes, grouped)
        known = set(self.panes.index)
        self.panes.apply(grouped)
        self.panes.advance(fence.clock, fence.retention_clock)
        self._note_cells(changes, known)
        self._note_entities(changes)

    def committed(self, fence: Fence) -> None:
        """The store has the batch: goes on from there."""
        self.fence = fence
        self._touched.clear()
        self.panes.evict()
        self.entities.evict()

    def next_timer_ms(self) -> int:
        """When the next change at a due instant may come: never after it does, now and then before."""
        return self._timers[0][0] if self._timers else FOREVER

    def _count(self, what: str, by: int = 1) -> None:
        self.journal[what] = self.journal.get(what, 0) + by

    def _by_type(self) -> dict[str, int]:
        """Events applied, and those of unknown types, by type, with what the journal had of them when the
        shard was claimed."""
        counts = {f"{IGNORED}{name}": count for name, count in self.intake.ignored.items()}
        counts |= {f"applied_{name}": n for name, n in zip(self._types, self._applied, strict=True) if n}
        return {name: self.journal.get(name, 0) + count for name, count in counts.items()}

    def pending(self, clock: int) -> bool:
        """Whether timers that are due at `clock` wait for the next batch, as there were too many for one."""
        return bool(self._timers) and self._timers[0][0] <= clock

    def _take_due(self, clock: int, most: int) -> None:
        """Takes the timers that are due for this batch."""
        firing: dict[str, int] = {}
        while self._timers and self._timers[0][0] <= clock and len(firing) < most:
            due, subject = heapq.heappop(self._timers)
            if self._armed.get(subject) == due:  # else another one came in its place
                del self._armed[subject]
                firing[subject] = due
        self._firing = firing

    def _expected(self, records: Sequence[LogRecord]) -> list[str]:
        """Entities of the batch that are not in memory, as the records' keys tell them, and those whose
        timers it fires."""
        has = self.entities.has
        subjects: dict[str, None] = {}
        for record in records:
            key: bytes | None = record.key
            if key is not None:
                subject = key.decode("utf-8", "replace")
                if not has(subject):
                    subjects[subject] = None
        for subject in self._firing:
            if not has(subject):
                subjects[subject] = None
        return list(subjects)

    def _unexpected(self, reading: Reading) -> list[str]:
        """Entities of the rest of the batch that are not in memory, by what the records say themselves."""
        subjects: dict[str, None] = {}
        ignored = self.intake.ignored.copy()
        for record in reading.records[reading.place :]:
            item = self.intake.read(record, reading.log_clock)
            if item is not None and item.refused is None and not self.entities.has(item.subject):
                subjects[item.subject] = None
        self.intake.ignored = ignored  # they are read again
        return list(subjects)

    def _put(self, asked: list[str], loaded: Loaded) -> None:
        for subject in asked:
            state = self.entities.put(subject, loaded.states.get(subject)).state
            if self._fold.timed and state.exists:
                # What was due before is counted already, but for a timer that had to wait.
                waits_ms = self._firing.get(subject, self._armed.get(subject, FOREVER))
                self._fold.overlay(Delta(), state, min(self.fence.clock, waits_ms - 1))

    def _fold_on(self, reading: Reading, changes: Changes, grouped: Grouped) -> bool:
        """Folds records until all are, or one's entity is not in memory. One by one: what an event leaves
        behind in the processor's cache serves its fold."""
        count = len(reading.records)
        seen, refusals, latest = changes.fence.seen, changes.fence.refused, changes.fence.latest
        out, begin = Delta(), reading.place
        while reading.place < count:
            record = reading.records[reading.place]
            log_clock = max(reading.log_clock, int(record.timestamp))
            item = self.intake.read(record, log_clock)
            if item is not None:
                refused = item.refused
                if refused is None:
                    latest = item.at_ms if item.at_ms > latest else latest
                    touched = self._touched.get(item.subject)
                    if touched is None:
                        if not self.entities.has(item.subject):
                            break
                        touched = self._touch(item.subject)
                    refused = self._fold_one(item, touched.entity, out)
                    if out.facts:
                        self._tell(record, item.subject, out, changes)
                    if out.marks:
                        self._noticed.take(item.subject, out)
                elif self._contacts and refused.reason == "late":
                    # Too old to change anything: no letter, as it can be told again from what caused it.
                    self._count("refused_late")
                    refused = None
                seen += 1
                if refused is not None:
                    refusals += 1
                    self._refuse(refused, record, changes)
                if (refused is not None and seen > self._sample) or seen == self._sample:
                    self._check_share(refusals, seen)
                if seen >= 2 * self._sample:
                    seen //= 2
                    refusals //= 2
            reading.log_clock = log_clock
            reading.place += 1
            if reading.place - begin >= GROUP_EVENTS:
                group_into(grouped, out)
                out, begin = Delta(), reading.place
        group_into(grouped, out)
        changes.fence.seen, changes.fence.refused, changes.fence.latest = seen, refusals, latest
        return reading.place == count

    def _tell(self, record: LogRecord, subject: str, out: Delta, changes: Changes) -> None:
        """Puts what one record changed in facts about customers into the outbox: the same whatever records
        the batch holds besides."""
        packed = pack_facts(record.timestamp, subject, out.facts)
        out.facts.clear()
        if packed is not None:
            changes.outbox_added[record.offset] = packed

    def _refuse(self, refused: Refused, record: LogRecord, changes: Changes) -> None:
        self._count(f"refused_{refused.reason}")
        changes.outbox_added[record.offset] = dead_letter(refused, self.topic, self.partition, record)

    def _check_share(self, refused: int, seen: int) -> None:
        if self._judge_share and refused > seen * self._config.deadletters.max_share:
            raise TooManyDeadLetters(
                f"{self.topic}/{self.partition}: {refused} of the last {seen} events were "
                f"refused, more than deadletters.max_share ({self._config.deadletters.max_share:g}). "
                f"Nothing was diverted from offset {self.fence.offset} on: mend the producer, "
                "or raise the share if these events are to go to the dead letters."
            )

    def _fold_one(self, item: Incoming, entity: Entity, out: Delta) -> Refused | None:
        fold = self._fold
        if entity.state.ahead:
            # Counted again, if it still is, when the batch has been read (`_fire_timers`).
            fold.clear_overlay(out, entity.state)
        data, sequence, recorded = item.data, item.sequence, item.recorded
        version = item.at_ms if recorded is UNSET else to_ms(recorded)
        if self._contacts:
            version = data.contact.version
        row: Row = (
            item.at_ms,
            item.source,
            0 if sequence is UNSET else int(sequence),
            item.rank,
            item.id,
            version,
            checksum(item.record),
            fold.snapshots.of_subject(item.subject, data, entity.last_snapshot),
            fold.extra_of(item.rank, data),
        )
        result = add(fold, entity, row, out)
        refused = None if result == ADDED else self._not_added(result)
        if self._surveys and row[8] is not None and result != DUPLICATE and result != QUARANTINED:
            state = entity.state
            out_of_scale = (
                isinstance(state, Survey) and state.refused if result == ADDED else refuses(fold, entity, row)
            )
            if out_of_scale:
                refused = Refused("out_of_scale", "data.response.score", "outside the scale of the question")
        if refused is None and result != DUPLICATE:
            self._applied[item.rank] += 1
        sealed_before_ms = item.log_clock - self._horizon_ms
        if entity.first_ms < sealed_before_ms - fold.seal_every_ms:
            prune(fold, entity, sealed_before_ms)
        return refused

    def _not_added(self, result: int) -> Refused | None:
        """Counts what became of an event that was not simply added."""
        if result == DUPLICATE:
            self._count("duplicates")
        elif result == REPLAYED:
            self._count("replayed")
        elif result == QUARANTINED:
            return Refused("quarantined", "subject", "its entity has too many events within the horizon")
        return None

    def _touch(self, subject: str) -> Touched:
        entity = self.entities.get(subject)
        touched = self._touched[subject] = Touched(subject, entity, self._fold, self._horizon_ms)
        return touched

    def _fire_timers(self, out: Delta, clock: int) -> None:
        """Changes at due instants: of what is touched, all up to the new clock."""
        if not self._fold.timed:
            return
        for subject in self._firing:
            # Of one that was forgotten meanwhile there may be a timer left here.
            here = subject not in self._touched and self.entities.has(subject)
            if here and self.entities.get(subject).state.exists:
                self._touch(subject)
        for subject, touched in self._touched.items():
            self._fold.overlay(out, touched.entity.state, clock)
            if out.marks:
                self._noticed.take(subject, out)

    def _note_cells(self, changes: Changes, known: set[tuple[int, int]]) -> None:
        cells, removed = self.panes.take_changes()
        added: dict[Pane, None] = {}
        for pane, group, cell in cells:
            changes.cells.append((pane, group, pack_cell(pane[0], cell) if cell else None))
            if pane not in known:
                added[pane] = None
        changes.panes_removed = [pane for pane in removed if pane in known]
        changes.panes_added = list(added)

    def _note_levels(self, changes: Changes, grouped: Grouped) -> None:
        dirty: set[Group] = set()
        for groups in grouped.values():
            for group, cell in groups.items():
                for level in self.family.levels:
                    change = cell.get(level, 0)
                    if change:
                        live = self.levels.setdefault(group, {})
                        live[level] = live.get(level, 0) + change
                        dirty.add(group)
        for group in dirty:
            live = {level: value for level, value in self.levels[group].items() if value}
            changes.levels[group] = _encode(live) if live else None
            if not live:
                del self.levels[group]

    def _note_entities(self, changes: Changes) -> None:
        fold, states = self._fold, changes.states
        for subject, touched in self._touched.items():
            entity = touched.entity
            states[subject] = pack_entity(entity)
            day = drop_day(fold, entity, self._horizon_ms)
            if day != touched.day:
                if touched.day != NEVER:
                    changes.drops_removed.append((touched.day, subject))
                if day != NEVER:
                    changes.drops_added.append((day, subject))
            if fold.timed:
                self._note_timer(changes, touched)
            note_since(changes, touched)

    def _note_timer(self, changes: Changes, touched: Touched) -> None:
        timer = timer_ms(self._fold, touched.entity)
        # One that fired may have been earlier than what was due: another version came into force.
        if timer != touched.timer or touched.subject in self._firing:
            changes.timers[touched.subject] = None if timer == NEVER else timer
        armed = self._armed.get(touched.subject)
        if armed is not None and armed <= changes.fence.clock:
            del self._armed[touched.subject]  # it had to wait, and is done with
            armed = None
        if timer != NEVER and (armed is None or timer < armed):
            self._armed[touched.subject] = timer
            heapq.heappush(self._timers, (timer, touched.subject))

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

    def _note_notices(self, changes: Changes, told: int) -> None:
        fence = changes.fence
        entities = {subject: touched.entity for subject, touched in self._touched.items()}
        for packed in self._noticed.packed(fence.clock, entities):
            changes.notices_added[fence.noticed] = packed
            fence.noticed += 1
        self.notices.update(changes.notices_added)
        fence.told = max(self.fence.told, told)
        changes.notices_removed = [number for number in self.notices if number < fence.told]
        for number in changes.notices_removed:
            del self.notices[number]
