"""The workers: as many as there should be, started again when they end."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable

from stream.cli.supervise import NEEDS_A_PERSON
from tests.rig.pipeline import Pipeline, Process, until

FOR_EVER_S = 1e9
PAUSE_S = 0.5
"""Between a worker's end and its new start, as `floorcast run` begins with."""
ASSIGNED = re.compile(r" (assigned|released) (.*)")


class Broken(Exception):
    """The run has failed, whatever comes after; says why."""


class Worker:
    """One place in the crew and the process that has it now."""

    def __init__(self, number: int, start: Callable[[], Process]) -> None:
        self.number = number
        self.process = start()
        self.start = self._healthy = start
        """How the next process is started; those after it are healthy again."""
        self.hurt = False
        """Whether a fault is at it, so that no other one comes near."""

    def restart(self) -> None:
        """Another process in its place."""
        start, self.start = self.start, self._healthy
        self.process, self.hurt = start(), False

    def __str__(self) -> str:
        return f"worker {self.number} (pid {self.process.pid})"

    @property
    def running(self) -> bool:
        """Whether the process is there, and no fault at it."""
        return self.process.exit_code is None and not self.hurt

    @property
    def assigned(self) -> int:
        """How often it was assigned its shards; 0 while it has none."""
        lines = ASSIGNED.findall(self.process.output)
        return 0 if not lines or lines[-1][0] == "released" else sum(word == "assigned" for word, _ in lines)


class Crew:
    """Keeps `count` workers running."""

    def __init__(self, deployment: Pipeline, count: int) -> None:
        self.workers = [Worker(number, deployment.worker) for number in range(1, count + 1)]
        self.ends: Counter[str] = Counter()
        """Ends of workers by what they said."""

    async def keep(self) -> None:
        """Until cancelled. Raises Broken when a worker says that a person has to look."""
        await asyncio.gather(*map(self._keep, self.workers))

    def running(self) -> list[Worker]:
        """Those that a fault may hit."""
        return [worker for worker in self.workers if worker.running]

    def complete(self) -> bool:
        """Whether all run and have their shards."""
        return all(worker.running and worker.assigned for worker in self.workers)

    async def _keep(self, worker: Worker) -> None:
        while True:
            await until(lambda: worker.process.exit_code is not None, patience_s=FOR_EVER_S)
            self._note(worker.process)
            await asyncio.sleep(PAUSE_S)
            worker.restart()

    def _note(self, process: Process) -> None:
        status = process.exit_code
        said = [line for line in process.output.splitlines() if line.startswith("floorcast worker: ")]
        reason = _kind(said[-1]) if said else "killed" if status == -9 else f"status {status}"
        self.ends[reason] += 1
        if status == NEEDS_A_PERSON:
            raise Broken(f"a worker must not go on: {said[-1] if said else process.output[-2000:]}")


def _kind(line: str) -> str:
    """A worker's last words without what differs between two of a kind."""
    words = line.removeprefix("floorcast worker: ")
    words = re.sub(r"(claiming|releasing) .*?(?=: | took)|[\w.]+[/:]\d+|(?<=at commit )\w+", "...", words)
    return re.sub(r"\d+", "N", words)[:160]
