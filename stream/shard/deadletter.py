"""A dead letter: what was refused, why, and where it stands in the log. Packed for the outbox, then a record
of its own."""

from __future__ import annotations

from msgspec import Struct, msgpack

from stream.events.refusal import Refused
from stream.shard.changes import LogRecord


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
        told = {
            "floorcast_reason": self.reason,
            "floorcast_path": self.path,
            "floorcast_detail": self.detail,
            "floorcast_topic": self.topic,
            "floorcast_partition": str(self.partition),
            "floorcast_offset": str(self.offset),
        }
        return [(name, raw or b"") for name, raw in self.headers] + [
            (name, text.encode()) for name, text in told.items()
        ]


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
