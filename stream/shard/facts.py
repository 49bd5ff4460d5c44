"""Facts about customers on their way from the shards that know them to the topic `support.contacts`: packed
for the outbox, then events of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from msgspec import json, msgpack

from stream.events.contacts import CONTACT_WITHDRAWN, RANKS, SOURCE
from stream.lifecycle.delta import Fact

FACTS = b"F"
"""The first byte of what stands in the outbox for a record that caused facts."""

_Packed = tuple[int, str, list[tuple[int, str, int, list[str | None] | None]]]
_decode = msgpack.Decoder(_Packed).decode
_json = json.Encoder().encode
_EPOCH: Final = date(1970, 1, 1)
_DAY_MS: Final = 86_400_000
_DIGITS: Final = [f"{number:02d}" for number in range(100)]
TYPES: Final = tuple(RANKS)


class OutRecord:
    """A record to be written. `timestamp` is that of the record that caused it."""

    __slots__ = ("key", "timestamp", "value")

    def __init__(self, key: bytes, value: bytes, timestamp: int) -> None:
        self.key = key
        self.value = value
        self.timestamp = timestamp


def pack_facts(timestamp: int, subject: str, facts: dict[Fact, int]) -> bytes | None:
    """What a record of that timestamp changed in the facts that its entity tells; `None` when nothing.

    Values of a fact are those that it has now, `None` when it is withdrawn."""
    told: dict[tuple[int, str, int], tuple[str | None, ...] | None] = {}
    for (kind, customer, at, values), amount in facts.items():
        if amount > 0:
            told[kind, customer, at] = values
        elif amount < 0:
            told.setdefault((kind, customer, at), None)
    if not told:
        return None
    return FACTS + msgpack.encode((timestamp, subject, [(*fact, told[fact]) for fact in sorted(told)]))


def is_facts(packed: bytes) -> bool:
    """Whether an entry of the outbox holds facts; else it is a dead letter."""
    return packed.startswith(FACTS)


def contact_records(
    packed: bytes, offset: int, family: str, dimensions: Sequence[str]
) -> Iterator[OutRecord]:
    """The records to be written for an entry of the outbox of a shard of `family`."""
    timestamp, subject, facts = _decode(packed[len(FACTS) :])
    for kind, customer, at_ms, values in facts:
        value = encode_contact(kind, customer, at_ms, f"{family}/{subject}", offset, dimensions, values)
        yield OutRecord(customer.encode(), value, timestamp)


def encode_contact(
    kind: int, customer: str, at_ms: int, entity: str, version: int, dimensions: Sequence[str],
    values: Sequence[str | None] | None,
) -> bytes:  # fmt: skip
    """The event of a fact of that kind (`CONTACT_STARTED`, `CONTACT_RESOLVED`), with the values of the
    dimensions then; without values it is withdrawn.

    Put together from its parts: as one mapping with a datetime it takes twice as long."""
    told = TYPES[kind]
    kind_now = TYPES[CONTACT_WITHDRAWN] if values is None else told
    contact: dict[str, object] = {"entity": entity, "version": version}
    if values is not None:
        for place, value in enumerate(values):
            if value is not None:
                contact[dimensions[place]] = value
    ident = _json(f"{told}/{at_ms}/{entity}")
    head = f'","source":"{SOURCE}","type":"{kind_now}","time":"{rfc3339(at_ms)}","subject":'
    return (
        b'{"specversion":"1.0","id":'
        + ident[:-1]
        + head.encode()
        + _json(customer)
        + (b',"data":{"contact":' + _json(contact) + b"}}")
    )


def rfc3339(at_ms: int) -> str:
    """An instant in UTC."""
    seconds, ms = at_ms // 1000, at_ms % 1000
    minutes = seconds // 60
    time = f"{_DIGITS[minutes // 60 % 24]}:{_DIGITS[minutes % 60]}:{_DIGITS[seconds % 60]}"
    return f"{_date(at_ms // _DAY_MS)}T{time}.{ms // 100}{_DIGITS[ms % 100]}Z"


@lru_cache(1_000)
def _date(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).isoformat()
