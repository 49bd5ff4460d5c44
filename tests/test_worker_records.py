"""What is taken from a fetch is what aiokafka itself would hand out, and so is the position afterwards."""

import asyncio
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder, _DefaultRecordBatchBuilderPy
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.util import calc_crc32c
from hypothesis import given
from hypothesis import strategies as st

from stream.worker.rawbatch import KeptRecords
from stream.worker.records import BatchedRecords, take_fetched
from tests.rig.kafka import Kafka
from tests.rig.worker import create_topic, until

TP = TopicPartition("t", 0)
ABORT, COMMIT = 0, 1
NO_PRODUCER = -1


@dataclass(frozen=True)
class Batch:
    """One batch of a log: `marker` makes it a transaction's end, `removed` so many records were compacted."""

    producer: int = NO_PRODUCER
    marker: int | None = None
    records: int = 1
    removed: int = 0
    codec: int = 0


def packed(batch: Batch, base_offset: int) -> bytes:
    """As it stands in a log file."""
    in_transaction = batch.producer != NO_PRODUCER
    builder = DefaultRecordBatchBuilder(2, batch.codec, in_transaction, batch.producer, 0, 0, 1 << 20)
    if batch.marker is not None:
        builder.append(0, 1_000, struct.pack(">hh", 0, batch.marker), b"\0" * 6, [])
    else:
        for place in range(batch.records):
            builder.append(place, 1_000 + place, None if place else b"key", b"v%d" % place, [("h", b"1")])
    data = bytearray(builder.build())
    struct.pack_into(">q", data, 0, base_offset)
    attributes, last = struct.unpack_from(">hi", data, 21)
    control = 0x20 if batch.marker is not None else 0
    struct.pack_into(">hi", data, 21, attributes | control, last + batch.removed)
    struct.pack_into(">I", data, 17, calc_crc32c(bytes(data[21:])))
    return bytes(data)


def log_of(batches: Sequence[Batch]) -> tuple[bytes, list[tuple[int, int]]]:
    """The bytes of a fetch, and its aborted transactions: (producer, first offset)."""
    data, offset = b"", 0
    began: dict[int, int] = {}
    aborted: list[tuple[int, int]] = []
    for batch in batches:
        data += packed(batch, offset)
        if batch.marker is None:
            began.setdefault(batch.producer, offset)
        elif (first := began.pop(batch.producer, None)) is not None and batch.marker == ABORT:
            aborted.append((batch.producer, first))
        offset += (1 if batch.marker is not None else batch.records) + batch.removed
    return data, aborted


def fetched(data: bytes, aborted: Sequence[tuple[int, int]] = (), offset: int = 0) -> PartitionRecords:
    """What aiokafka makes of an answer for a fetch at `offset`."""
    return PartitionRecords(TP, KeptRecords(data), aborted, offset, None, None, True, READ_COMMITTED)


def told(record: Any) -> tuple[Any, ...]:
    """All that anybody asks of a record."""
    return (
        record.offset, record.timestamp, record.timestamp_type, record.key, record.value,
        tuple(record.headers),
    )  # fmt: skip


def drained(records: BatchedRecords, count_max: int) -> list[tuple[Any, ...]]:
    """All of it, so many at a time."""
    found: list[tuple[Any, ...]] = []
    while True:
        part, at_end = records.take(count_max)
        assert len(part) <= count_max
        found += map(told, part)
        if at_end:
            return found
        if part:
            assert found[-1][0] < records.next_fetch_offset


DATA = st.builds(
    Batch,
    producer=st.sampled_from([NO_PRODUCER, 1, 2]),
    records=st.integers(1, 4),
    removed=st.integers(0, 2),
    codec=st.sampled_from([0, 1, 3]),  # none, gzip, lz4
)
MARKERS = st.builds(Batch, producer=st.sampled_from([1, 2]), marker=st.sampled_from([ABORT, COMMIT]))


@given(st.lists(DATA | MARKERS, min_size=1, max_size=12), st.integers(0, 12), st.integers(1, 9))
def test_the_same_as_aiokafka_hands_out(batches: list[Batch], offset: int, count_max: int) -> None:
    """Transactions, markers, compaction, compression; from any offset, in parts of any size."""
    data, aborted = log_of(batches)
    stock, ours = fetched(data, aborted, offset), BatchedRecords(fetched(data, aborted, offset))
    assert drained(ours, count_max) == list(map(told, stock))
    assert ours.next_fetch_offset == stock.next_fetch_offset


@pytest.mark.parametrize("codec", [0, 1, 2, 3, 4])
def test_a_name_of_a_header_that_is_not_utf8_stops_nobody(codec: int) -> None:
    """To Kafka it is bytes; aiokafka fails on it for ever. What is not UTF-8 stands as `\\xff`; all else of
    the record, and its neighbours, is as it was, in whichever batch of the fetch it stands."""
    builder: Any = _DefaultRecordBatchBuilderPy(2, codec, False, -1, 0, 0, 1 << 20)
    for place, name in enumerate(("ce_id", "NAME", "trace")):
        value = None if place == 2 else b"v" * 99
        builder.append(place, 1_000 + place, b"key", value, [(name, b"1"), ("x", None)])
    at = builder._buffer.index(b"NAME")
    builder._buffer[at : at + 4] = b"N\xff\xfeE"
    batch = builder.build()
    struct.pack_into(">q", batch, 0, 2)
    ours = BatchedRecords(fetched(packed(Batch(records=2), 0) + bytes(batch)))
    found = [(one.offset, one.timestamp, one.key, one.value, list(one.headers)) for one in ours.take(9)[0]]
    assert [one[0] for one in found] == [0, 1, 2, 3, 4]
    assert found[3] == (3, 1_001, b"key", b"v" * 99, [("N\\xff\\xfeE", b"1"), ("x", None)])
    assert found[4] == (4, 1_002, b"key", None, [("trace", b"1"), ("x", None)])
    assert ours.next_fetch_offset == 5


@pytest.mark.parametrize("magic", [0, 1])
def test_old_message_formats(magic: int) -> None:
    """A log that a broker before 0.11 wrote."""
    builder = LegacyRecordBatchBuilder(magic, 1, 1 << 20)
    for place in range(5):
        builder.append(place, 1_000 + place, b"key", b"v%d" % place)
    data = builder.build()
    struct.pack_into(">q", data, 0, 4)  # a broker gives the batch the offset of its last record
    stock, ours = fetched(bytes(data), offset=2), BatchedRecords(fetched(bytes(data), offset=2))
    assert drained(ours, 2) == list(map(told, stock))
    assert ours.next_fetch_offset == stock.next_fetch_offset == 5


@pytest.mark.parametrize("sound", [0, 1])
def test_nothing_is_skipped_behind_a_corrupt_batch(sound: int) -> None:
    """It raises; afterwards there are no more records, and no position behind what was not handed out."""
    data = bytearray(log_of([Batch(records=3)] * 3)[0])
    damaged = sound * len(data) // 3 + len(data) // 3 - 1
    data[damaged] ^= 1
    ours = BatchedRecords(fetched(bytes(data)))
    with pytest.raises(CorruptRecordException):
        ours.take(100)
    # Not the position, which is still 0: then aiokafka drops the fetch; or it: then it is at its end.
    assert ours.next_fetch_offset == 3 * sound
    assert ours.take(100) == ([], True)
    assert ours.next_fetch_offset == 3 * sound


@asynccontextmanager
async def reading(kafka: Kafka, topic: str, offset: int) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer as the worker has it, at an offset of the topic's only partition."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap, isolation_level="read_committed", auto_offset_reset="none"
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, 0)])
        consumer.seek(TopicPartition(topic, 0), offset)
        yield consumer
    finally:
        await consumer.stop()


async def fill_with_everything(kafka: Kafka, topic: str) -> None:
    """Transactions that commit and abort, each codec, headers, nulls: offsets 0 to 249."""
    await create_topic(kafka.bootstrap, topic)
    for codec in (None, "gzip", "lz4", "snappy", "zstd"):
        options: dict[str, Any] = {"transactional_id": f"{topic}-{codec}", "compression_type": codec}
        async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, linger_ms=20, **options) as producer:
            for abort in (False, True):
                await producer.begin_transaction()
                sent = [
                    await producer.send(topic, value, key, 0, 1_000 + n, [("ce_type", b"x"), ("empty", b"")])
                    for n in range(8)
                    for key, value in ((b"k", b"v%d" % n), (None, b"w" * 500), (b"removed", None))
                ]
                await asyncio.gather(*sent)
                await (producer.abort_transaction() if abort else producer.commit_transaction())


@pytest.mark.parametrize(("offset", "count_max"), [(0, 1_000), (0, 7), (10, 5), (60, 1_000), (249, 1)])
async def test_the_same_from_a_real_broker(
    kafka: Kafka, unique_name: str, offset: int, count_max: int
) -> None:
    """Also from the middle of a batch, and to the end behind the last marker."""
    await fill_with_everything(kafka, unique_name)
    tp = TopicPartition(unique_name, 0)
    expected: list[Any] = []
    found: list[Any] = []
    async with reading(kafka, unique_name, offset) as stock:
        while await stock.position(tp) < 250:
            for records in (await stock.getmany(timeout_ms=1_000, max_records=count_max)).values():
                expected += map(told, records)
    async with reading(kafka, unique_name, offset) as consumer:
        while await consumer.position(tp) < 250:
            for records in (await take_fetched(consumer._fetcher, {tp}, 1.0, count_max)).values():
                assert 0 < len(records) <= count_max
                found += map(told, records)
    assert found == expected
    assert len(found) == {0: 120, 10: 110, 60: 86, 249: 0}[offset]


async def test_partitions_not_asked_for_stay_where_they_are(kafka: Kafka, unique_name: str) -> None:
    """What was fetched of them waits; a seek makes it void."""
    await fill_with_everything(kafka, unique_name)
    tp = TopicPartition(unique_name, 0)
    async with reading(kafka, unique_name, 0) as consumer:
        await until(lambda: tp in consumer._fetcher._records)
        assert await take_fetched(consumer._fetcher, {TopicPartition("other", 0)}, 0.05, 10) == {}
        assert await consumer.position(tp) == 0
        first = await take_fetched(consumer._fetcher, {tp}, 1.0, 10)
        assert [record.offset for record in first[tp]] == list(range(10))
        consumer.seek(tp, 4)
        again = await take_fetched(consumer._fetcher, {tp}, 5.0, 10)
        assert [record.offset for record in again[tp]] == list(range(4, 14))
