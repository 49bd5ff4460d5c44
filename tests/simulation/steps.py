"""What each kind of step does."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from stream.worker.versions import publish
from tests.simulation.events import BROKEN
from tests.simulation.kafka import read_versions
from tests.simulation.plan import LATER, Json, Step
from tests.simulation.process import Process
from tests.simulation.store import NotedStore
from tests.simulation.world import configured

if TYPE_CHECKING:
    from tests.simulation.run import Stage

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def do(stage: Stage, step: Step) -> None:
    """One step."""
    world, what = stage.world, step.what
    if step.kind in ("record", "again"):
        _send(stage, step)
        return
    if step.kind != "look":
        world.happened[step.kind] += 1
        world.told(
            f"step {step.number}: {step.kind} {' '.join(f'{name}={value}' for name, value in what.items())}"
        )
    match step.kind:
        case "look":
            await stage.checks.look()
        case "kill" | "call":
            _arm(stage.processes.get(("worker", what["who"] % world.plan.workers)), what)
        case "alerts":
            _arm(stage.processes.get(("alerts", 0)), what)
        case "freeze":
            if process := _worker(stage, what):
                process.freeze()
                _later(what, process.thaw)
        case "leave":
            if process := _worker(stage, what):
                now_s = asyncio.get_running_loop().time()
                stage.resting["worker", what["who"] % world.plan.workers] = now_s + what["for_s"]
                process.stop()
        case "skew":
            if process := _worker(stage, what):
                process.skew_ms = what["ms"]
        case "deal":
            world.group.deal()
        case "configure":
            if "policies" in world.plan.settings:
                _configure(stage, LATER[what["to"]])
        case _:
            _to_the_world(stage, step.kind, what)


def _to_the_world(stage: Stage, kind: str, what: Json) -> None:
    world = stage.world
    match kind:
        case "down":
            world.redis_down = True
            _later(what, lambda: setattr(world, "redis_down", False))
        case "silent":
            world.kafka_silent = True
            _later(what, lambda: setattr(world, "kafka_silent", False))
        case "refuse":
            world.refusing = what["maybe"]
            _later(what, lambda: setattr(world, "refusing", None))
        case "twice":
            world.repeating = True
        case "remember":
            world.server.remember()
            world.remembered = True
        case "tail":
            if world.remembered:
                world.server.lose_tail()
        case "empty":
            world.server.lose_everything()
        case "jump":
            world.jump(what["ms"])
        case "truncate":
            topic = getattr(world.config.kafka.topics, what["family"])
            for part in world.log.topics[topic]:
                part.start = max(part.start, round(what["share"] * part.end))


def heal(stage: Stage) -> None:
    """Whatever is wrong is over."""
    world = stage.world
    world.told("peace")
    world.redis_down = world.kafka_silent = world.repeating = False
    world.refusing = None
    world.jump(world.furthest_ms - world.jump_ms)
    for process in stage.processes.values():
        process.armed.clear()
        process.armed_at.clear()
        process.skew_ms = 0
        process.thaw()
    stage.resting.clear()


def _send(stage: Stage, step: Step) -> None:
    world, what = stage.world, step.what
    if step.kind == "again":
        sent = stage.records.get(what["of"])
        if sent is None:
            return
    else:
        sent = _record(stage, what)
    stage.records[what["record"]] = sent
    topic, key, value, stamp_ms = sent
    world.log.append(topic, key, value, world.wall_ms() + stamp_ms)


def _record(stage: Stage, what: Json) -> tuple[str, bytes, bytes, int]:
    topic = getattr(stage.world.config.kafka.topics, what["family"])
    if "broken" in what:
        return topic, b"X1", BROKEN[what["broken"]], what["stamp_ms"]
    event = dict(what["event"])
    at_ms = stage.world.wall_ms() - what["ago_ms"]
    event["time"] = _rfc3339(at_ms)
    recorded_ms = event.pop("recorded_ms", None)
    if recorded_ms is not None:
        event["recordedtime"] = _rfc3339(at_ms + recorded_ms)
    return topic, event["subject"].encode(), msgspec.json.encode(event), what["stamp_ms"]


def _rfc3339(at_ms: int) -> str:
    return (_EPOCH + timedelta(milliseconds=at_ms)).isoformat(timespec="milliseconds")


def _worker(stage: Stage, what: Json) -> Process | None:
    process = stage.processes.get(("worker", what["who"] % stage.world.plan.workers))
    return None if process is None or process.dead else process


def _arm(process: Process | None, what: Json) -> None:
    if process is None:
        return
    times = what.get("times", 1)
    if "at" in what:
        process.armed_at[what["at"]] = [what["how"]] * times
        return
    for call in range(times):
        process.armed[process.calls + what["call"] + call] = what["how"]


def _later(what: Json, act: object) -> None:
    assert callable(act)
    asyncio.get_running_loop().call_later(what["for_s"], act)


def _configure(stage: Stage, to: Json) -> None:
    """Whoever starts from now on has the new one; somebody publishes it."""
    world = stage.world
    world.config = configured({**world.plan.settings, **to}, world.server)
    config, process = world.config, Process(world, "publish")

    async def work() -> None:
        store = NotedStore(config.redis)
        try:
            await publish(config, store, await read_versions(config.kafka))
        finally:
            await store.close()

    process.spawn(work()).add_done_callback(
        lambda task: world.told(f"published: {task.exception() if not task.cancelled() else 'not'}")
    )
