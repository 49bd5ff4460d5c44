"""Plays the events of a scenario through real shards over images in memory, with a clock moved by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from random import Random
from typing import Final, NamedTuple

from msgspec.structs import replace

from stream.config import Config
from stream.events.clocks import CLOCKS
from stream.events.decode import FAMILIES, decoder_of, family_of
from stream.metrics.segments import Grouping
from stream.scenario.file import Scenario, Told
from stream.shard.changes import Changes, Record
from stream.shard.deadletter import DeadLetter, dead_letter, read_dead_letter
from stream.shard.facts import contact_records, is_facts
from stream.shard.family import COUNTED, INPUTS, family
from stream.shard.image import Image, run_batch
from stream.shard.intake import Intake
from stream.shard.notices import RETRACTED, notices_of
from stream.shard.shard import Shard
from stream.sla.marks import AT_RISK, BREACHED

_APART = ("refused_late", "refused_future")
"""Counted apart from the other dead letters."""


ALERTS: Final = {AT_RISK: "at_risk", BREACHED: "breach", RETRACTED: "breach_retracted"}
"""Of what happens to clocks, what alerts."""


class Alert(NamedTuple):
    """One alert; `at` is when it was found (ms), `level` that of a warning."""

    at: int
    kind: str
    subject: str
    clock: str
    level: str


class Floor:
    """One shard a family, in memory: what a worker with one partition a topic would be."""

    def __init__(self, config: Config, groupings: dict[str, tuple[Grouping, ...]]) -> None:
        config = replace(config, groupings=replace(config.groupings, **groupings))
        self.images = {(name, 0): Image() for name in COUNTED}
        self.shards = {
            name: Shard(family(name, config, groupings[name]), f"support.{name}", 0, config)
            for name in COUNTED
        }
        self._others = {
            name: Intake(decoder_of(name), config.horizon_ms, config.future_ms, config.max_event_bytes)
            for name in FAMILIES
            if name not in COUNTED
        }
        self._clocks: Counter[str] = Counter()
        self._offsets: Counter[str] = Counter()
        self._journal: Counter[str] = Counter()
        self.alerts: list[Alert] = []
        self.refusals: dict[bytes, str] = {}
        """Why which record was refused."""

    def read(self, events: Sequence[Told], now_ms: int) -> None:
        """Reads events that arrive at an instant, and fires the timers due up to it of the topics that have
        any; `tick` fires the others'."""
        batches: dict[str, list[Record]] = {}
        for event in events:
            name = family_of(event.type)
            assert name is not None
            batches.setdefault(name, []).append(Record(self._offsets[name], event.sent_ms, event.value))
            self._offsets[name] += 1
        told: list[Record] = []
        for name, records in batches.items():
            if name not in self.shards:
                self._read_uncounted(name, records)
                continue
            changes = self._run(name, records, now_ms)
            told += self._facts(self.shards[name], changes)
            letters = [packed for packed in changes.outbox_added.values() if not is_facts(packed)]
            self._note(map(read_dead_letter, letters))
        if told:
            run_batch(self.shards["contacts"], self.images["contacts", 0], told, now_ms)

    def wait(self, until_ms: int) -> None:
        """Lets time pass up to just before an instant: what is due on the way happens when it is due."""
        for name, shard in self.shards.items():
            while shard.next_timer_ms() < until_ms:
                self._run(name, [], max(shard.next_timer_ms(), shard.fence.clock))

    def tick(self, now_ms: int) -> None:
        """Moves the clock of every shard and fires the timers due up to it."""
        for name, shard in self.shards.items():
            self._run(name, [], now_ms)
            while shard.pending(shard.fence.clock):
                self._run(name, [], now_ms)

    def _run(self, name: str, records: Sequence[Record], now_ms: int) -> Changes:
        changes = run_batch(self.shards[name], self.images[name, 0], records, now_ms)
        for packed in changes.notices_added.values():
            found_ms, notices = notices_of(packed)
            self.alerts += [
                Alert(found_ms, ALERTS[notice.kind], notice.subject, CLOCKS[notice.clock], notice.level)
                for notice in notices
                if notice.kind in ALERTS
            ]
        return changes

    def _read_uncounted(self, name: str, records: Sequence[Record]) -> None:
        """What a worker makes of a topic of which nothing is counted: dead letters."""
        intake = self._others[name]
        for record in records:
            self._clocks[name] = max(self._clocks[name], record.timestamp)
            item = intake.read(record, self._clocks[name])
            if item is not None and item.refused is not None:
                self._journal[f"refused_{item.refused.reason}"] += 1
                letter = dead_letter(item.refused, f"support.{name}", 0, record)
                self._note([read_dead_letter(letter)])

    def _note(self, letters: Iterable[DeadLetter]) -> None:
        for letter in letters:
            reason = ": ".join(filter(None, (letter.reason, letter.path, letter.detail)))
            self.refusals[bytes(letter.value or b"")] = reason

    def _facts(self, shard: Shard, changes: Changes) -> list[Record]:
        """What a batch tells of customers, as records of their topic."""
        name, told = shard.family.name, []
        for offset, packed in changes.outbox_added.items():
            if is_facts(packed):
                for fact in contact_records(packed, offset, name, shard.family.fold.segments.dimensions):
                    told.append(Record(self._offsets["contacts"], fact.timestamp, fact.value, key=fact.key))
                    self._offsets["contacts"] += 1
        return told

    def journal(self, what: str) -> int:
        """`deadletters`, `duplicates` or `late`."""
        counts = Counter(self._journal)
        for name in INPUTS:
            counts.update(self.shards[name].journal)
        if what == "deadletters":
            return sum(
                count for name, count in counts.items() if name.startswith("refused_") and name not in _APART
            )
        return counts["refused_late" if what == "late" else what]

    def ignored(self) -> Counter[str]:
        """Events of types that the contract does not know."""
        intakes = [*self._others.values(), *(shard.intake for shard in self.shards.values())]
        return sum((intake.ignored for intake in intakes), Counter[str]())


def arrivals(scenario: Scenario) -> list[tuple[int, list[Told]]]:
    """When what is read: events by their arrival, and what arrives while the worker lags at the end of
    that."""
    read: dict[int, list[Told]] = {}
    for event in sorted(scenario.events, key=lambda event: event.arrives_ms):
        at = event.arrives_ms
        for begin, until in scenario.lag:
            if begin <= at < until:
                at = until
        read.setdefault(at, []).append(event)
    return sorted(read.items())


def shuffled(scenario: Scenario, seed: int) -> list[list[Told]]:
    """The same events in another order, each twice, in batches cut at random.

    No event comes behind one that is more than the horizon later: it would be late, which is another
    scenario.
    """
    random = Random(seed)
    delay = max((event.sent_ms - event.at_ms for event in scenario.events), default=0)
    reach = max(0, scenario.config.horizon_ms - max(0, delay))
    twice = [(event.at_ms + random.random() * reach, event) for event in scenario.events for _ in range(2)]
    order = [event for _, event in sorted(twice, key=lambda pair: pair[0])]
    batches: list[list[Told]] = []
    while order:
        size = random.randint(1, max(1, len(order) // 2))
        batches.append(order[:size])
        order = order[size:]
    return batches
