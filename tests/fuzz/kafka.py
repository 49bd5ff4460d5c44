"""The bytes of Kafka records: decoded, folded, committed; then the image is compared with one made anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from random import Random
from typing import Any, Final, get_args

from msgspec import json as msgjson

from stream.config import Config, parse
from stream.events.decode import decoder_of
from stream.events.refusal import Reason
from stream.floor.simulate import simulate
from stream.floor.telling import rfc3339
from stream.shard.changes import Changes, Record
from stream.shard.image import Image, run_batch
from stream.sources.live import event_ms
from stream.store.commit import SCRIPT, words
from stream.store.layout import ShardKeys
from stream.store.wire import pack
from stream.verify.compare import compare
from stream.verify.rebuild import Rebuild
from tests.core import forgetful_shard, letters, new_shard
from tests.fuzz.bounds import bounded
from tests.fuzz.mutate import TEXTS, TIMES, Json, Mutator

FAMILIES: Final = ("tickets", "calls", "surveys", "agents", "selfservice", "contacts")
START_MS: Final = 1_772_442_000_000
BATCH: Final = 50
BYTES_MAX: Final = 16_384
CONFIG: Final[Config] = parse(
    {
        "max_event_bytes": BYTES_MAX, "deadletters": {"max_share": 1},
        "policies": [{"name": "all", "targets": {"first_reply": "1h", "resolution": "8h"}, "warn": ["50%"]}],
    }
)  # fmt: skip
REASONS: Final[frozenset[str]] = frozenset(get_args(Reason))
NOWHERE: Final = frozenset({"empty", "too_large", "not_json"})
"""Reasons that are about a whole record, not about a field of it."""
DAY_MS: Final = 86_400_000
JOURNAL_MAX: Final = 80
NAME_MAX: Final = 120
CROWD: Final = 5_000
"""So many unsealed events has an entity before it is quarantined (lifecycle/fold.py)."""


def valid_events(seed: int, count: int) -> dict[str, list[Json]]:
    """So many events of each family, as the simulated floor and the shards of tickets and calls tell them."""
    found: dict[str, list[Json]] = {family: [] for family in FAMILIES}
    for family, event in islice(simulate(seed, START_MS, 2.0), 40 * count):
        if len(found[family]) < count:
            found[family].append(event)
    random = Random(seed)
    found["contacts"] = [_contact(random, number) for number in range(count)]
    return {family: events or found["tickets"] for family, events in found.items()}


def published_events(count: int) -> list[Json]:
    """So many of each family that others publish; contacts are told by workers only."""
    valid = valid_events(1, count)
    return [event for family in FAMILIES if family != "contacts" for event in valid[family]]


def _contact(random: Random, number: int) -> Json:
    at_ms = START_MS + number * 30_000
    return {
        "specversion": "1.0", "id": f"started/{at_ms}/tickets/T{number}", "source": "floorcast",
        "type": random.choice(("contact.started", "contact.started", "contact.resolved",
        "contact.withdrawn")),
        "subject": f"C{random.randrange(20)}", "time": rfc3339(at_ms),
        "data": {"contact": {"entity": f"tickets/T{number}", "version": number, "team": "red",
        "channel": "email"}},
    }  # fmt: skip


class Breaker:
    """Makes records of a family's events: most of them wrong, each in one of the ways that there are."""

    def __init__(self, family: str, random: Random, events: Sequence[Json]) -> None:
        self._family = family
        self._random = random
        self._mutator = Mutator(random)
        self._events = events
        self._required = decoder_of(family)._required
        self._ways = (
            self._valid, self._valid, self._valid, self._valid, self._fields, self._fields, self._fields,
            self._fields,
            self._damaged, self._damaged, self._binary, self._binary, self._out_of_time, self._incomplete,
            self._odd, self._foreign,
        )  # fmt: skip

    def records(self, offset: int, count: int) -> list[Record]:
        """So many records, the first one at `offset`."""
        made = []
        for place in range(offset, offset + count):
            event = self._random.choice(self._events)
            value, headers = self._random.choice(self._ways)(event)
            made.append(Record(place, self._sent_ms(event), value, headers, self._key(event)))
        return made

    def _sent_ms(self, event: Json) -> int:
        return event_ms(event) + self._random.choice((0, 0, 0, 0, 1_000, 60_000, -60_000, 3_600_000))

    def _key(self, event: Json) -> bytes | None:
        how = self._random.randrange(12)
        if how == 0:
            return None
        return self._random.randbytes(5) if how == 1 else str(event["subject"]).encode()

    def _valid(self, event: Json) -> tuple[bytes | None, Any]:
        """As it is; what comes again is a duplicate."""
        return msgjson.encode(event), ()

    def _fields(self, event: Json) -> tuple[bytes | None, Any]:
        return self._mutator.fields(event), ()

    def _damaged(self, event: Json) -> tuple[bytes | None, Any]:
        return self._mutator.damaged(msgjson.encode(event)), ()

    def _binary(self, event: Json) -> tuple[bytes | None, Any]:
        """Attributes as headers, the body only `data`; both may be broken."""
        headers = [(f"ce_{name}", str(value).encode()) for name, value in event.items() if name != "data"]
        data: bytes | None = msgjson.encode(event["data"])
        how = self._random.randrange(8)
        at = self._random.randrange(len(headers))
        if how == 0:
            headers[at] = (headers[at][0], self._mutator.damaged(headers[at][1]))
        elif how == 1:
            headers[at] = (headers[at][0], self._random.choice((*TEXTS, *map(str, TIMES))).encode())
        elif how == 2:
            del headers[at]
        elif how == 3:
            headers.append(
                (self._random.choice(("ce_data", "ce_", "ce_type", "\x1b", "traceparent")), b"\xff")
            )
        elif how == 4:
            data = self._mutator.fields(event["data"])
        elif how == 5:
            data = self._random.choice((None, b"", b"null", b"[]", self._mutator.damaged(data or b"")))
        return data, tuple(headers)

    def _out_of_time(self, event: Json) -> tuple[bytes | None, Any]:
        """Long past or to come: the event itself, or an instant that it tells."""
        shift_ms = self._random.choice((-9, -40, -4_000, 1, 2, 3_000)) * DAY_MS
        changed = event | {"time": rfc3339(event_ms(event) + shift_ms)}
        if self._family == "calls" and self._random.random() < 0.5:
            changed = event | {"type": "call.record", "data": {"call": {"offered_at": changed["time"]}}}
        return msgjson.encode(changed), ()

    def _incomplete(self, event: Json) -> tuple[bytes | None, Any]:
        """Without a part that its type needs."""
        if self._required and self._random.random() < 0.6:
            kind = self._random.choice(sorted(self._required))
            data = {name: part for name, part in event["data"].items() if name != self._required[kind]}
            return msgjson.encode(event | {"type": kind, "data": self._random.choice((data, None))}), ()
        name = self._random.choice(("specversion", "id", "source", "type", "subject", "time"))
        return msgjson.encode({key: part for key, part in event.items() if key != name}), ()

    def _odd(self, event: Json) -> tuple[bytes | None, Any]:
        """Empty, too large, or an answer that is on no scale."""
        how = self._random.randrange(4)
        if how == 0:
            return self._random.choice((None, b"")), ()
        if how == 1:
            return msgjson.encode(event | {"padding": "x" * BYTES_MAX}), ()
        if self._family == "surveys":
            wrong = {
                "survey": {"kind": "csat"},
                "response": {"score": self._random.choice((-1, 0, 6, 10**6))},
            }
            return msgjson.encode(event | {"type": "survey.responded", "data": wrong}), ()
        return msgjson.encode(event["data"]), ()

    def _foreign(self, event: Json) -> tuple[bytes | None, Any]:
        """Of a type that the contract does not know, or another topic's."""
        kind = self._random.choice(
            (*TEXTS, "ticket.frobnicated", "call.ended", f"x.{self._random.randrange(10**6)}")
        )
        return msgjson.encode(event | {"type": kind}), ()


def run_family(family: str, seed: str, events: Sequence[Json], count: int, lead: int = 0) -> Counter[str]:
    """So many payloads through one shard; what became of them. `lead`: so many valid events of one entity
    come first, and are not counted.

    Fails on a crash, a hang, a letter that does not say why or where, and an image that is not the log's.
    """
    random = Random(f"{seed}:{family}")
    log = _crowd(events[0], lead) if lead else []
    log += Breaker(family, random, events[:1] if lead else events).records(len(log), count)
    image = Image()
    shard = new_shard(family, CONFIG)
    for place, batch in enumerate(_batches(log, lead)):
        if place % 7 == 3 and not lead:
            shard = forgetful_shard(family, CONFIG)
            shard.restore(image.restored())
        now_ms = random.choice((None, max(record.timestamp for record in batch)))
        with bounded(f"{seed} {family} offsets {batch[0].offset}..{batch[-1].offset}"):
            changes = run_batch(shard, image, batch, now_ms)
        _check_commit(family, changes)
    counts = _counts(image, log, lead)
    check_letters(image, log)
    check_image(family, image, log)
    return counts


def _crowd(event: Json, count: int) -> list[Record]:
    """Valid events of one entity."""
    at_ms = event_ms(event)
    return [
        Record(
            place, at_ms + place,
            msgjson.encode(event | {"id": f"crowd{place}", "time": rfc3339(at_ms + place),
            "sequence": place}),
            key=str(event["subject"]).encode(),
        )
        for place in range(count)
    ]  # fmt: skip


def _batches(log: Sequence[Record], lead: int) -> Iterator[Sequence[Record]]:
    if lead:
        yield log[:lead]
    for start in range(lead, len(log), BATCH):
        yield log[start : start + BATCH]


def _check_commit(family: str, changes: Changes) -> None:
    """It can be sent, and its journal has a bound."""
    call = words(ShardKeys("fuzz", family, 0), "before", changes)
    assert pack(("EVALSHA", SCRIPT.sha, *call)).startswith(b"*")
    assert len(changes.journal) < JOURNAL_MAX
    assert max(map(len, changes.journal)) < NAME_MAX


def _counts(image: Image, log: Sequence[Record], lead: int) -> Counter[str]:
    journal = image.journal
    counts = Counter({name: n for name, n in journal.items() if name.startswith("refused_")})
    counts["ignored"] = sum(n for name, n in journal.items() if name.startswith("ignored_"))
    assert journal["records"] == len(log)
    counts["accepted"] = len(log) - lead - counts.total()
    return counts


def check_letters(image: Image, log: Sequence[Record]) -> None:
    """Each refusal says why and where, and holds what was sent, untouched."""
    for letter in letters(image):
        record = log[letter.offset]
        said = (letter.reason, letter.path, letter.detail, record)
        assert letter.reason in REASONS, said
        assert letter.detail, said
        assert letter.path or letter.reason in NOWHERE or "Expected `object`" in letter.detail, said
        assert (letter.value, letter.key, letter.timestamp) == (record.value, record.key, record.timestamp)
        assert letter.headers == list(record.headers), said
        assert len(letter.detail) <= 500
        for name, text in letter.record_headers():
            name.encode()
            assert isinstance(text, bytes)


def check_image(family: str, image: Image, log: Sequence[Record]) -> None:
    """What the worker holds is what the log says: `floorcast verify`."""
    rebuild = Rebuild(family, f"support.{family}", 0, CONFIG, image.fence)
    for start in range(0, len(log), 3 * BATCH):
        rebuild.read(log[start : start + 3 * BATCH])
    kept = replace(image, drops={day: subjects for day, subjects in image.drops.items() if subjects})
    found = compare(family, kept, rebuild.finish())
    assert found.same(), found.differences
