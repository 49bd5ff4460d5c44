"""The kinds of faults. Each has mended what it hurt when it returns a note of what it did."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import AlterConfigsRequest

from tests.chaos.crew import ASSIGNED, Broken, Worker
from tests.chaos.scene import Scene
from tests.rig.pipeline import until

Action = Callable[[Scene], Awaitable[str]]

FOUND_WITHIN_S = 150.0
"""So soon a stall must be found: the watchdog's 60 s, and what a start and a claim take."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`hurts`: of what only one fault at a time may."""

    act: Action
    hurts: tuple[str, ...] = ()

    @property
    def about(self) -> str:
        """What it does, in a sentence or two."""
        return " ".join((self.act.__doc__ or "").split())


async def kill_worker(scene: Scene) -> str:
    """kill -9 of a worker, which is started again."""
    worker = await _some_worker(scene)
    said = str(worker)
    worker.process.kill9()
    return said


async def zombie(scene: Scene) -> str:
    """SIGSTOP of a worker for longer than its session (10 s): others take over; then SIGCONT."""
    worker = await _some_worker(scene)
    process, assigned = worker.process, worker.assigned
    worker.hurt = True
    process.freeze()
    await asyncio.sleep(scene.random.uniform(12.0, 15.0))
    process.thaw()
    # It is refused, and ends, or hears of it first, and joins again.
    with suppress(TimeoutError):
        await until(lambda: process.exit_code is not None or worker.assigned > assigned, 30.0)
    worker.hurt = False
    return f"{worker}: {'ended' if worker.process is not process or process.exit_code else 'joined again'}"


async def kill_broker(scene: Scene) -> str:
    """kill -9 of Kafka, and a start some seconds later."""
    began_s = scene.watch.at_s
    scene.kafka.kill9()
    await asyncio.sleep(scene.random.uniform(0.5, 8.0))
    await scene.start_kafka()
    return f"away for {scene.watch.at_s - began_s:.1f} s"


async def kill_redis(scene: Scene) -> str:
    """kill -9 of Redis, and a start from its last snapshot, which is up to 10 s old."""
    began_s = scene.watch.at_s
    scene.redis.kill9()
    await asyncio.sleep(scene.random.uniform(0.2, 4.0))
    await scene.start_redis()
    return f"away for {scene.watch.at_s - began_s:.1f} s"


async def slow_redis(scene: Scene) -> str:
    """Every answer of Redis to a worker comes 0.05 to 0.5 s late, for some seconds."""
    scene.line.delay_s = scene.random.uniform(0.05, 0.5)
    said = f"{scene.line.delay_s:.2f} s"
    await asyncio.sleep(scene.random.uniform(4.0, 10.0))
    scene.line.delay_s = 0.0
    return said


async def half_open(scene: Scene) -> str:
    """The workers' connections to Redis are dead without being closed, for some seconds new ones too."""
    deaf_s = scene.random.uniform(1.0, 6.0)
    scene.line.go_deaf()
    await asyncio.sleep(deaf_s)
    scene.line.hear()
    return f"for {deaf_s:.1f} s"


async def lost_replies(scene: Scene) -> str:
    """Redis does what it is told, but every tenth answer is lost, and the connection with it."""
    before = scene.line.cuts
    scene.line.lost_share = 0.1
    await asyncio.sleep(scene.random.uniform(3.0, 8.0))
    scene.line.lost_share = 0.0
    return f"{scene.line.cuts - before} lost"


async def refused_writes(scene: Scene) -> str:
    """Kafka takes no record, not even its own (min.insync.replicas above what there are), but is read: what a
    broker with a full disk looks like to its clients, as long as it does not end."""
    refused_s = scene.random.uniform(3.0, 10.0)
    await _insist_on_replicas(scene, 2)
    await asyncio.sleep(refused_s)
    await _insist_on_replicas(scene, 1)
    return f"for {refused_s:.1f} s"


async def rebalance_storm(scene: Scene) -> str:
    """Two more workers join and are gone again at once, three times, some without a word."""
    random = scene.random
    for _ in range(3):
        joined = [scene.deployment.worker() for _ in range(2)]
        with suppress(TimeoutError):  # one that does not come that far is gone while it joins
            await until(lambda joined=joined: any(ASSIGNED.search(p.output) for p in joined), 15.0)  # type: ignore[misc]
        await asyncio.sleep(random.uniform(0.0, 2.0))
        for process in joined:
            if process.exit_code is None:
                process.ask_to_end() if random.random() < 0.5 else process.kill9()
        await until(lambda joined=joined: all(p.exit_code is not None for p in joined))  # type: ignore[misc]
    return "6 workers came and went"


async def slow_seek(scene: Scene) -> str:
    """A rebalance while Redis answers nothing for 35 s: Faust alone would lose its recovery task, silently.
    The workers give up their claims, and begin again."""
    scene.line.go_deaf()
    worker = await _some_worker(scene)
    worker.process.kill9()
    await asyncio.sleep(35.0)
    scene.line.hear()
    return f"beside {worker}"


async def lost_recovery(scene: Scene) -> str:
    """A worker whose guard against that stall is taken away: nothing of it is heard but heartbeats until its
    watchdog ends it."""
    worker = await _some_worker(scene)
    worker.start = lambda: scene.deployment.start_python("-m", "tests.chaos.sick", "worker")
    healthy = worker.process
    healthy.kill9()
    await until(lambda: worker.process is not healthy)
    sick, worker.hurt = worker.process, True
    try:
        await until(lambda: sick.exit_code is not None, FOUND_WITHIN_S)
    except TimeoutError:
        raise Broken(f"the watchdog did not find the lost recovery task of {worker}") from None
    if "joining the consumer group or rebalancing has taken" not in sick.output:
        raise Broken(f"{worker} ended, but not by its watchdog:\n{sick.output[-2000:]}")
    return f"{worker}: found by its watchdog"


KINDS: dict[str, Fault] = {
    "kill_worker": Fault(kill_worker),
    "zombie": Fault(zombie, ("workers",)),
    "kill_broker": Fault(kill_broker, ("broker",)),
    "kill_redis": Fault(kill_redis, ("redis",)),
    "slow_redis": Fault(slow_redis, ("line",)),
    "half_open": Fault(half_open, ("line",)),
    "lost_replies": Fault(lost_replies, ("line",)),
    "refused_writes": Fault(refused_writes, ("broker",)),
    "rebalance_storm": Fault(rebalance_storm, ("workers",)),
    "slow_seek": Fault(slow_seek, ("line", "workers")),
    "lost_recovery": Fault(lost_recovery, ("broker", "line", "redis", "workers")),
}


async def _some_worker(scene: Scene) -> Worker:
    await until(scene.crew.running)
    return scene.random.choice(scene.crew.running())


async def _insist_on_replicas(scene: Scene, count: int) -> None:
    """The default of all topics. There is one replica of each."""
    cluster, default = 4, ""  # the kind of resource, and the name of what all brokers share
    wanted = [(cluster, default, [("min.insync.replicas", str(count))])]
    admin = AIOKafkaAdminClient(bootstrap_servers=scene.kafka.bootstrap)
    await admin.start()
    try:
        answer = await admin._send_request(AlterConfigsRequest(resources=wanted))
        if any(resource[0] for resource in answer.resources):
            raise Broken(f"Kafka did not take the setting: {answer}")
    finally:
        await admin.close()
