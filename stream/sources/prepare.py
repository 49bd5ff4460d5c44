"""One event on its way into Kafka: checked against the contract, as key and bytes, with its time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET

from stream.events.decode import decoder_of, family_of
from stream.events.instants import to_ms
from stream.events.refusal import Refused, UnknownType

_QUOTED_MAX = 100


class Prepared(NamedTuple):
    """A checked event as it will stand in Kafka."""

    recorded_ms: int
    """`recordedtime`, else `time`: the record timestamp of imported history."""
    time_ms: int
    family: str
    key: bytes
    value: bytes


def quoted(value: object) -> str:
    """What an event has where a word is wanted, short enough for an error."""
    if not isinstance(value, str):
        return "nothing" if value is None else f"a value of type {type(value).__name__}"
    return repr(value if len(value) <= _QUOTED_MAX else f"{value[:_QUOTED_MAX]}...")


def prepare(event: Mapping[str, Any], bytes_max: int) -> Prepared:
    """Check one event. Raises Refused: not of the contract, or longer than `bytes_max` as JSON."""
    kind = event.get("type")
    family = family_of(kind) if isinstance(kind, str) else None
    if family is None:
        raise Refused("invalid", "type", f"{quoted(kind)} is not a type of the contract")
    try:
        value = msgspec.json.encode(event)
    except (TypeError, ValueError, RecursionError) as error:
        raise Refused("not_json", "", str(error)) from None
    if len(value) > bytes_max:
        raise Refused("too_large", "", f"{len(value)} bytes, at most {bytes_max} are taken")
    decoder = decoder_of(family)
    try:
        decoded = decoder.decode(value)
    except UnknownType:
        known = ", ".join(decoder.rank)
        raise Refused(
            "invalid", "type", f"{quoted(kind)} is unknown; of this topic there are {known}"
        ) from None
    time_ms = to_ms(decoded.time)
    recorded_ms = time_ms if decoded.recordedtime is UNSET else to_ms(decoded.recordedtime)
    return Prepared(recorded_ms, time_ms, family, decoded.subject.encode(), value)
