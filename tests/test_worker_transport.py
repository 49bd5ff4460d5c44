"""The transport on a real Apache Kafka: what it delivers, from where, and how it ends."""

import asyncio
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from stream.embedded.pair import Pair
from stream.worker.ports import Partition, WorkerFailed
from stream.worker.watchdog import Limits
from tests.rig.kafka import Kafka
from tests.rig.worker import Memory, create_topic, fill, produce, running, until, worker

NOWHERE = "127.0.0.1:1"  # nothing listens on port 1


async def failure(bootstrap: str, name: str, handler: Memory) -> str:
    """The reason for which a worker with this handler ends by itself."""
    with pytest.raises(WorkerFailed) as failed:
        await asyncio.wait_for(worker(bootstrap, name, handler).run(), 60)
    return failed.value.reason


async def test_every_record_is_delivered_once_and_in_order(kafka: Kafka, unique_name: str) -> None:
    """All partitions from their beginning, batches never larger than asked for."""
    await fill(kafka.bootstrap, unique_name, partitions=3, records=2_000)
    memory = Memory()
    async with running(worker(kafka.bootstrap, unique_name, memory)):
        await until(lambda: memory.count >= 6_000)
        await asyncio.sleep(0.5)
    assert memory.delivered == {Partition(unique_name, p): list(range(2_000)) for p in range(3)}


async def test_several_topics_go_to_one_worker(kafka: Kafka, unique_name: str) -> None:
    """Partitions carry the name of their topic."""
    topics = [f"{unique_name}.a", f"{unique_name}.b"]
    for topic in topics:
        await fill(kafka.bootstrap, topic, partitions=1, records=10)
    memory = Memory()
    async with running(worker(kafka.bootstrap, unique_name, memory, *topics)):
        await until(lambda: memory.count == 20)
    assert set(memory.delivered) == {Partition(topic, 0) for topic in topics}


@pytest.mark.parametrize("codec", ["gzip", "lz4", "snappy", "zstd"])
async def test_compressed_topics_are_read(kafka: Kafka, unique_name: str, codec: str) -> None:
    """With every codec that Kafka has."""
    await create_topic(kafka.bootstrap, unique_name)
    await produce(kafka.bootstrap, unique_name, 0, [b"x" * 1000] * 100, compression_type=codec)
    memory = Memory()
    async with running(worker(kafka.bootstrap, unique_name, memory)):
        await until(lambda: memory.count == 100)
    assert memory.values == [b"x" * 1000] * 100


@pytest.mark.parametrize("restart_at", [0, 30, 100])
async def test_a_restart_begins_at_the_handlers_offsets(
    kafka: Kafka, unique_name: str, restart_at: int
) -> None:
    """Not at those in Kafka, which a first run took to the end of the log."""
    await fill(kafka.bootstrap, unique_name, partitions=1, records=100)
    shard = Partition(unique_name, 0)
    first = Memory()
    async with running(worker(kafka.bootstrap, unique_name, first)):
        await until(lambda: first.count == 100)
    again = Memory({shard: restart_at})
    async with running(worker(kafka.bootstrap, unique_name, again)):
        await until(lambda: again.owned)
        await produce(kafka.bootstrap, unique_name, 0, [b"last"])
        await until(lambda: again.values[-1:] == [b"last"])
    assert again.delivered[shard] == list(range(restart_at, 101))


async def test_a_slow_shard_holds_up_only_itself(kafka: Kafka, unique_name: str) -> None:
    """While one partition's batch waits for ever, the others go on."""

    class OneStuck(Memory):
        async def batch(self, partition: Partition, records: list[Any]) -> None:
            if partition.partition == 0:
                await asyncio.Event().wait()
            await super().batch(partition, records)

    await fill(kafka.bootstrap, unique_name, partitions=3, records=3_000)
    memory = OneStuck()
    member = worker(kafka.bootstrap, unique_name, memory)
    async with running(member):
        await until(lambda: memory.count == 6_000)
        await produce(kafka.bootstrap, unique_name, 1, [b"live"])
        await until(lambda: b"live" in memory.values)
        position = member.position(Partition(unique_name, 0))
    assert position is not None
    assert position.next_offset == 0, "what waits in the handler is not done"
    assert Partition(unique_name, 0) not in memory.delivered


async def test_positions_reach_the_end_and_stay_answered(kafka: Kafka, unique_name: str) -> None:
    """At the end of a quiet log, fetches go on being answered at the end offset."""
    await fill(kafka.bootstrap, unique_name, partitions=1, records=50)
    shard, memory = Partition(unique_name, 0), Memory()
    member = worker(kafka.bootstrap, unique_name, memory)
    async with running(member):
        await until(lambda: (p := member.position(shard)) and p.next_offset == p.end_offset == 50)
        before = member.position(shard)
        assert before is not None
        await until(lambda: (p := member.position(shard)) and p.answered_ms > before.answered_ms)
        assert member.assignment() == {shard}
    assert member.assignment() == frozenset()
    assert member.position(shard) is None


async def test_aborted_transactions_are_not_delivered(kafka: Kafka, unique_name: str) -> None:
    """Committed ones are; markers count as read, so the position still reaches the end."""
    await create_topic(kafka.bootstrap, unique_name)
    options = {"transactional_id": unique_name}
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, **options) as producer:
        async with producer.transaction():
            await producer.send(unique_name, b"yes", partition=0)
        await producer.begin_transaction()
        await producer.send_and_wait(unique_name, b"no", partition=0)
        await producer.abort_transaction()
    shard, memory = Partition(unique_name, 0), Memory()
    member = worker(kafka.bootstrap, unique_name, memory)
    async with running(member):
        await until(lambda: (p := member.position(shard)) and p.next_offset == p.end_offset == 4)
    assert memory.values == [b"yes"]


async def test_a_claim_that_fails_ends_the_worker_with_its_reason(kafka: Kafka, unique_name: str) -> None:
    """Faust alone would go on heartbeating and never consume."""

    class NoRedis(Memory):
        async def assigned(self, partitions: frozenset[Partition]) -> dict[Partition, int]:
            raise OSError("Redis is away")

    await create_topic(kafka.bootstrap, unique_name)
    reason = await failure(kafka.bootstrap, unique_name, NoRedis())
    assert reason == f"claiming {unique_name}/0: Redis is away"


async def test_a_claim_that_hangs_ends_the_worker(kafka: Kafka, unique_name: str) -> None:
    """After the claim's own timeout."""

    class Hanging(Memory):
        async def assigned(self, partitions: frozenset[Partition]) -> dict[Partition, int]:
            await asyncio.Event().wait()
            raise AssertionError

    await create_topic(kafka.bootstrap, unique_name)
    member = worker(kafka.bootstrap, unique_name, Hanging(), claim_timeout_s=0.2)
    with pytest.raises(WorkerFailed, match=f"claiming {unique_name}/0 took longer than 0.2 s"):
        await asyncio.wait_for(member.run(), 60)


async def test_a_batch_that_fails_ends_the_worker_with_its_reason(kafka: Kafka, unique_name: str) -> None:
    """Nothing is delivered after it, and the handler still gets to let go."""

    class Broken(Memory):
        async def batch(self, partition: Partition, records: list[Any]) -> None:
            self.calls.append("batch")
            raise ValueError("a fold is wrong")

    await fill(kafka.bootstrap, unique_name, partitions=1, records=2_000)
    broken = Broken()
    reason = await failure(kafka.bootstrap, unique_name, broken)
    assert reason == f"{unique_name}/0: a fold is wrong"
    assert broken.calls == ["assigned", "batch", "revoked"]


async def test_offsets_beyond_the_log_end_the_worker(kafka: Kafka, unique_name: str) -> None:
    """aiokafka could silently begin anew: the log was truncated, or is another one."""
    await fill(kafka.bootstrap, unique_name, partitions=1, records=10)
    reason = await failure(kafka.bootstrap, unique_name, Memory({Partition(unique_name, 0): 100}))
    assert reason.startswith(f"reading from Kafka: {unique_name}/0: offset 100 is not in the log")


async def test_a_dead_address_ends_the_worker(unique_name: str) -> None:
    """With the address in the reason."""
    reason = await failure(NOWHERE, unique_name, Memory())
    assert reason.startswith(f"cannot start on Kafka at {NOWHERE}")


async def test_a_stop_before_the_run_ends_it_at_once(unique_name: str) -> None:
    """Nothing is connected."""
    member = worker(NOWHERE, unique_name, Memory())
    await member.stop()
    await member.run()


async def test_offsets_are_copied_to_kafka_for_lag_monitors(kafka: Kafka, unique_name: str) -> None:
    """A clean stop leaves the group's committed offsets at what the handler had."""
    await fill(kafka.bootstrap, unique_name, partitions=1, records=10)
    memory = Memory()
    async with running(worker(kafka.bootstrap, unique_name, memory)):
        await until(lambda: memory.count == 10)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    offsets = await admin.list_consumer_group_offsets(unique_name)
    await admin.close()
    assert {(tp.topic, tp.partition): o.offset for tp, o in offsets.items()} == {(unique_name, 0): 10}


async def test_a_batch_that_never_comes_back_ends_the_worker(kafka: Kafka, unique_name: str) -> None:
    """The watchdog's doing: nothing raises here."""

    class Hanging(Memory):
        async def batch(self, partition: Partition, records: list[Any]) -> None:
            await asyncio.Event().wait()

    await fill(kafka.bootstrap, unique_name, partitions=1, records=2_000)
    limits = Limits(stuck_s=1.0)
    member = worker(kafka.bootstrap, unique_name, Hanging(), limits=limits)
    with pytest.raises(WorkerFailed, match=f"{unique_name}/0: stuck at offset 0 of 2000"):
        await asyncio.wait_for(member.run(), 60)


async def test_a_handler_that_does_not_let_go_is_cut_off(kafka: Kafka, unique_name: str) -> None:
    """A stop ends within bounds and says what hung."""

    class Clinging(Memory):
        async def revoked(self, partitions: frozenset[Partition]) -> None:
            await asyncio.Event().wait()

    await create_topic(kafka.bootstrap, unique_name)
    clinging = Clinging()
    member = worker(kafka.bootstrap, unique_name, clinging, release_timeout_s=0.2)
    run = asyncio.create_task(member.run())
    await until(lambda: clinging.owned)
    await member.stop()
    with pytest.raises(WorkerFailed, match=f"releasing {unique_name}/0 took longer than 0.2 s"):
        await run


async def test_the_embedded_broker_is_read_like_kafka(embedded_pair: Pair, unique_name: str) -> None:
    """Once, in order, from the handler's offsets, with positions that reach the end."""
    await fill(embedded_pair.bootstrap, unique_name, partitions=2, records=500)
    shards = [Partition(unique_name, 0), Partition(unique_name, 1)]
    memory = Memory({shards[1]: 400})
    member = worker(embedded_pair.bootstrap, unique_name, memory)
    async with running(member):
        await until(lambda: memory.count == 600)
        await until(lambda: (p := member.position(shards[1])) and p.next_offset == p.end_offset == 500)
    assert memory.delivered == {shards[0]: list(range(500)), shards[1]: list(range(400, 500))}
