"""What the pipeline is compared with, on the same events in the same run: stock Faust, and the limit."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass

from bench.servers import Deployment
from stream.embedded.child import Child
from stream.shard.family import INPUTS

TIMEOUT_S = 180.0


@dataclass(frozen=True, slots=True)
class Took:
    """What a program said of itself."""

    events: int
    cpu_s: float
    wall_s: float

    @property
    def per_cpu_s(self) -> float:
        """Events per CPU-second of its process."""
        return self.events / self.cpu_s


async def stock_faust(of: Deployment, events: int, core: int) -> Took:
    """bench/stock.py on the topics of a deployment."""
    return await _run(of, "bench.stock", ",".join(of.topics()), events, core)


async def limit(of: Deployment, events: int, core: int) -> Took:
    """bench/limit.py on the topics of a deployment."""
    pairs = zip(INPUTS, of.topics(), strict=True)
    return await _run(
        of, "bench.limit", ",".join(f"{family}={topic}" for family, topic in pairs), events, core
    )


async def _run(of: Deployment, module: str, topics: str, events: int, core: int) -> Took:
    log = of.path.with_name(f"{module}.log")
    command = [sys.executable, "-m", module, of.config.kafka.bootstrap, topics, str(events)]
    child = Child(module, command, log)
    try:
        os.sched_setaffinity(child.pid, {core})
        async with asyncio.timeout(TIMEOUT_S):
            while child.running():  # noqa: ASYNC110 - another process sets no event of ours
                await asyncio.sleep(0.05)
    finally:
        child.stop()
    said = log.read_text(errors="replace")
    for line in reversed(said.splitlines()):  # the log goes on from run to run
        if line.startswith('{"events"'):
            return Took(**json.loads(line))
    raise RuntimeError(f"{module} ended with status {child.exit_code} and no figures:\n{said[-2000:]}")
