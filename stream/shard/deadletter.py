"""A dead letter: what was refused, why, and where it stands in the log. Packed for the outbox, then a record
of its own."""

from __future__ import annotations

from typing import Final

from msgspec import Struct, msgpack

from stream.events.refusal import Refused
from stream.shard.changes import LogRecord

TOLD: Final = ("reason", "path", "detail", "topic", "partition", "offset")
"""What the dead-letter record says in its last headers, each behind `floorcast_`."""


class DeadLetter(Struct, array_like=True):
    """The original record with the reason. `value` and `headers` are its bytes, untouched."""

    reason: str
    path: str
    detail: str
    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]

    def record_headers(self) -> list[tuple[str, bytes]]:
        """The headers of the dead-letter record: the original ones, then what happened."""
        told = [(f"floorcast_{name}", str(getattr(self, name)).encode()) for name in TOLD]
        return [(name, raw or b"") for name, raw in self.headers] + told


def dead_letter(refused: Refused, topic: str, partition: int, record: LogRecord) -> bytes:
    """The packed dead letter of a refused record."""
    letter = DeadLetter(
        refused.reason, refused.path, refused.detail[:500], topic, partition, record.offset, record.timestamp,
        record.key,
        record.value, list(record.headers),
    )  # fmt: skip
    return msgpack.encode(letter)


def read_dead_letter(packed: bytes) -> DeadLetter:
    """A dead letter from the outbox."""
    return msgpack.decode(packed, type=DeadLetter)
