"""Refused records into their topics again, by the way that every event takes: same key, headers and bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from stream.config import Config
from stream.events.decode import decoder_of
from stream.events.refusal import Refused, UnknownType
from stream.shard.family import COUNTED
from stream.sources.deadletters import Original, note_replayed
from stream.sources.ingest import Ingest, Outgoing

AT_ONCE: Final = 100
IDENTITY: Final = ("id", "source", "subject")


class OtherEvent(Exception):
    """A correction that is not of the same event; the text says in what."""


class Resent(NamedTuple):
    """`sent`: acknowledged, and noted as replayed. `unsure`: neither; they may be in the log or not."""

    sent: int
    unsure: int
    trouble: str | None
    """What Kafka said of the first of these."""


def families(config: Config) -> dict[str, str]:
    """Topic -> family, of those that are counted."""
    return {getattr(config.kafka.topics, name): name for name in COUNTED}


def key_of(original: Original, family: str) -> bytes:
    """The record's key; where it had none, the event's subject, as the contract says (empty: unreadable)."""
    if original.letter.key is not None:
        return original.letter.key
    try:
        return str(decoder_of(family).decode(original.value, original.headers).subject).encode()
    except (Refused, UnknownType):
        return b""


def corrected(original: Original, value: bytes) -> Original:
    """The record with an event in structured mode instead of what it held. Raises OtherEvent."""
    before, after = _attributes(original.value, original.headers), _attributes(value, ())
    for name in IDENTITY:
        had = before.get(name)
        if isinstance(had, str) and had and after.get(name) != had:
            raise OtherEvent(
                f"its {name} is {after.get(name)!r}, and was {had!r}: that is another event; "
                "`floorcast produce` takes those"
            )
    headers = [(name, raw) for name, raw in original.headers if not name.startswith("ce_")]
    return original._replace(value=value, headers=headers)


async def send_again(config: Config, records: AsyncIterator[Original]) -> Resent:
    """Sends them, and notes each that is acknowledged. One that is sent but not noted, as this was killed in
    between, counts once all the same. Ends at the first trouble. Raises BrokerError."""
    names = families(config)
    ingest = Ingest(config.kafka, config.max_event_bytes)
    sent = 0
    try:
        async for part in in_portions(records):
            verdicts = await ingest.send([_outgoing(one, names) for one in part])
            done = [one.letter for one, trouble in zip(part, verdicts, strict=True) if trouble is None]
            await note_replayed(config.kafka, done)
            sent += len(done)
            if len(done) < len(part):
                return Resent(sent, len(part) - len(done), next(filter(None, verdicts)))
    finally:
        await ingest.close()
    return Resent(sent, 0, None)


def _outgoing(one: Original, names: Mapping[str, str]) -> Outgoing:
    topic = one.letter.original.topic
    return Outgoing(topic, key_of(one, names[topic]), one.value or b"", one.headers)


async def in_portions(records: AsyncIterator[Original]) -> AsyncIterator[list[Original]]:
    """So many at once, so that memory is bounded."""
    part: list[Original] = []
    async for record in records:
        part.append(record)
        if len(part) == AT_ONCE:
            yield part
            part = []
    if part:
        yield part


def _attributes(value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> Mapping[str, Any]:
    """Of an event in either mode, as far as they can be read."""
    told = {name[3:]: raw.decode(errors="replace") for name, raw in headers if name.startswith("ce_")}
    if "specversion" in told or "type" in told:
        return told
    try:
        event = msgspec.json.decode(value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}
