"""A batch with a header whose name is not UTF-8. To Kafka such a name is bytes like others; aiokafka's parser
fails on it, each time again, so that one record would stop its partition for good."""

from __future__ import annotations

import struct
from typing import Any, Final

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record import default_records, memory_records
from aiokafka.record.util import decode_varint

from stream.shard.changes import LogRecord, Record

_FetchedBytes: Any = memory_records.MemoryRecords
_PlainBatch: Any = default_records._DefaultRecordBatchPy
_HEAD: Final = 12
"""The bytes of a batch's first offset and length; the rest of the batch follows."""


class KeptRecords(_FetchedBytes):  # type: ignore[misc]
    """What was fetched of a partition, with its bytes: aiokafka's keeps them to itself."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.data = data


def keep_bytes() -> None:
    """From now on every fetch keeps its bytes (aiokafka is pinned)."""
    fetcher.MemoryRecords = KeptRecords


def read_leniently(data: bytes, base_offset: int) -> list[LogRecord]:
    """The records of the batch of a fetch that begins at an offset; in the names of headers, what is not
    UTF-8 stands as `\\xff`."""
    batch = _PlainBatch(bytearray(_bytes_of(data, base_offset)))
    batch._maybe_uncompress()
    return _records(batch, bytes(batch._buffer), batch._pos)


def _bytes_of(data: bytes, base_offset: int) -> bytes:
    at = 0
    while at < len(data):
        first, length = struct.unpack_from(">qi", data, at)
        if first == base_offset:
            return data[at : at + _HEAD + length]
        at += _HEAD + length
    raise CorruptRecordException(f"no batch of this fetch begins at offset {base_offset}")


def _records(batch: Any, data: bytes, at: int) -> list[LogRecord]:
    """Of the bytes behind a batch's header (Kafka's record format, version 2)."""
    found: list[LogRecord] = []
    while at < len(data):
        _, at = decode_varint(data, at)  # length
        _, at = decode_varint(data, at)  # attributes
        later_ms, at = decode_varint(data, at)
        further, at = decode_varint(data, at)
        key, at = _nullable(data, at)
        value, at = _nullable(data, at)
        count, at = decode_varint(data, at)
        headers = []
        for _ in range(count):
            name, at = _nullable(data, at)
            header, at = _nullable(data, at)
            headers.append(((name or b"").decode("utf-8", "backslashreplace"), header))
        sent_ms = batch.max_timestamp if batch.timestamp_type else batch.first_timestamp + later_ms
        found.append(Record(batch.base_offset + further, sent_ms, value, tuple(headers), key))
    return found


def _nullable(data: bytes, at: int) -> tuple[bytes | None, int]:
    length, at = decode_varint(data, at)
    return (None, at) if length < 0 else (data[at : at + length], at + length)
