"""Facts about customers on their way from the shards that know them to the topic `support.contacts`: packed
for the outbox, then events of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec import msgpack

from stream.events.contacts import encode_contact
from stream.lifecycle.delta import Fact

FACTS = b"F"
"""The first byte of what stands in the outbox for a record that caused facts."""

_Packed = tuple[int, str, list[tuple[int, str, int, list[str | None] | None]]]
_decode = msgpack.Decoder(_Packed).decode


class OutRecord(NamedTuple):
    """A record to be written. `timestamp` is that of the record that caused it."""

    key: bytes
    value: bytes
    timestamp: int


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
        segments = None if values is None else zip(dimensions, values, strict=True)
        value = encode_contact(kind, customer, at_ms, f"{family}/{subject}", offset, segments)
        yield OutRecord(customer.encode(), value, timestamp)
