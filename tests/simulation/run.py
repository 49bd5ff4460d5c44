"""Plays a plan: processes and who starts them again, the steps, then peace, in which all must catch up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from stream.worker.process import run_worker
from tests.simulation import steps
from tests.simulation.checks import Checks
from tests.simulation.dispatcher import run_dispatcher
from tests.simulation.ending import at_end
from tests.simulation.group import Group
from tests.simulation.loop import Stuck, VirtualLoop
from tests.simulation.plan import Plan
from tests.simulation.process import Process, task_factory
from tests.simulation.seams import in_place
from tests.simulation.server import Server
from tests.simulation.world import World

AGAIN_S = (0.3, 1.5)
"""A process that has ended is started again after this."""
CAUGHT_UP_WITHIN_S = 60.0
"""Of peace."""
LOOK_S = 1.0
LATER_MS = 3_700_000
"""At the end time goes on by so much, so that what can run out does."""


@dataclass
class Outcome:
    """What became of a run."""

    plan: Plan
    world: World
    wrong: list[str]


def play(plan: Plan, server: Server) -> Outcome:
    """One run; the server is emptied for it."""
    server.reset()
    world = World(plan, server)
    with _quiet(), in_place(), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.get_loop().set_task_factory(task_factory)  # type: ignore[arg-type]
        runner.get_loop().set_exception_handler(lambda *_: None)  # of tasks of processes that were killed
        try:
            runner.run(_play(world))
        except Stuck as stuck:
            world.wrong.append(f"stuck: {stuck}")
    return Outcome(plan, world, [*world.ledger.wrong, *world.wrong])


@contextmanager
def _quiet() -> Iterator[None]:
    """What goes wrong is said by hundreds of processes."""
    log = logging.getLogger("floorcast")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)


async def _play(world: World) -> None:
    world.group = Group(world)
    checks = Checks(world)
    stage = Stage(world, checks)
    work = [world.group.run(), stage.keep("alerts", 0, run_dispatcher)]
    work += [stage.keep("worker", number, _worker) for number in range(world.plan.workers)]
    tasks = [asyncio.create_task(one) for one in work]
    try:
        for step in world.plan.steps:
            await asyncio.sleep(max(0.0, step.at_s - asyncio.get_running_loop().time()))
            await steps.do(stage, step)
            if world.wrong or world.ledger.wrong:
                return
        await _peace(stage, checks)
    finally:
        for process in stage.processes.values():
            process.kill()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _worker(process: Process) -> None:
    await run_worker(process.world.config)


class Stage:
    """The processes by role and number, each started again when it ends."""

    def __init__(self, world: World, checks: Checks) -> None:
        self.world = world
        self.checks = checks
        self.processes: dict[tuple[str, int], Process] = {}
        self.records: dict[int, tuple[str, bytes, bytes, int]] = {}
        """What was sent, by its number: topic, key, value, how far its timestamp is off."""
        self.resting: dict[tuple[str, int], float] = {}
        """Not started before."""

    async def keep(
        self, role: str, number: int, main: Callable[[Process], Coroutine[Any, Any, None]]
    ) -> None:
        """Supervises one, until it is cancelled."""
        world, life = self.world, 0
        loop = asyncio.get_running_loop()
        while True:
            life += 1
            name = f"{role} {number}.{life}"
            process = self.processes[role, number] = Process(world, name)
            world.told(f"{name} starts")
            running = process.spawn(main(process))
            gone = asyncio.create_task(process.gone.wait())
            await asyncio.wait({running, gone}, return_when=asyncio.FIRST_COMPLETED)
            gone.cancel()
            if running.done() and not running.cancelled() and (error := running.exception()) is not None:
                world.told(f"{name} ends: {type(error).__name__}: {error}")
                fenced = "not at ours" in str(error)
                world.happened[f"{role} ended: {'Fenced' if fenced else type(error).__name__}"] += 1
            process.dead = True
            await asyncio.sleep(world.random.uniform(*AGAIN_S))
            await asyncio.sleep(max(0.0, self.resting.get((role, number), 0.0) - loop.time()))


async def _peace(stage: Stage, checks: Checks) -> None:
    """Nothing goes wrong any more: everything catches up, and is as it must be."""
    world = stage.world
    steps.heal(stage)
    await _caught_up(checks, "after the last fault")
    world.later_s = asyncio.get_running_loop().time()
    world.jump(LATER_MS)
    world.told("an hour later")
    await _caught_up(checks, "an hour later")
    await at_end(checks)


async def _caught_up(checks: Checks, when: str) -> None:
    waits = ""
    for _ in range(int(CAUGHT_UP_WITHIN_S / LOOK_S)):
        await asyncio.sleep(LOOK_S)
        waits = await checks.waits_for()
        if not waits:
            return
    checks.world.wrong.append(f"stuck {when}: {waits}")
