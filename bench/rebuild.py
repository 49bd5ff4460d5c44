"""A rebuild beside live numbers: how fast it counts the log, and what readers see of the swap."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.events import Log, mix_log, now_ms
from bench.exact import check_numbers
from bench.latency import MAKING_US, publish
from bench.machine import cpu_s
from bench.servers import Deployment
from bench.serving import named
from bench.workers import Progress, floorcast, workers
from stream.embedded.child import Child
from stream.shard.changes import Fence
from stream.shard.family import INPUTS
from stream.store import RedisStore

SAMPLE_S = 0.02
START_S = 20
"""Of a rebuild without any events, and of the swap."""
SLOWEST = 20_000
"""Events a second that a rebuild surely counts."""
PATIENCE_S = 600.0


@dataclass(slots=True)
class Rebuilt:
    """`events` were counted anew in `wall_s` and `cpu_s` of the rebuild's process. `back_events`: the most by
    which readers saw live numbers fall back. `taken_over_s`: from the swap until workers had all shards."""

    events: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    swap_ms: float = 0.0
    back_events: int = 0
    taken_over_s: float = 0.0


async def rebuild(of: Deployment, log: Log, rate: float, cores: Sequence[int]) -> Rebuilt:
    """The log is there and counted; then it is counted anew, while events arrive. `cores`: the worker's and
    the rebuild's. Raises NotExact when what is live afterwards is not what was published."""
    found = Rebuilt()
    with workers(of, cores[:1]) as running:
        async with Progress(of, running) as progress:
            await progress.committed(len(log.events))
            # How long the rebuild lasts is not known before: they arrive for longer.
            more = int(rate * (START_S + len(log.events) / SLOWEST))
            begin_ms = now_ms() + 2_000 + more * MAKING_US // 1000
            arriving = named("arriving", mix_log(more, rate, begin_ms))
            busy = asyncio.create_task(publish(of, arriving))
            await asyncio.sleep((begin_ms - now_ms()) / 1000 + 1)
            with floorcast("rebuild", of, cores[1], "rebuild") as child:
                await _watch(progress.store, child, found)
            await busy
            both = Log([*log.events, *arriving.events], log.types + arriving.types)
            await progress.committed(len(both.events))
            await check_numbers(of.config, progress.store, both)
    return found


async def _watch(store: RedisStore, child: Child, found: Rebuilt) -> None:
    """From the first commit of the second generation until workers have it."""
    deadline, most = time.monotonic() + PATIENCE_S, 0
    began: tuple[float, float, int] | None = None
    swapped_s = 0.0
    while child.running():
        if time.monotonic() > deadline:
            raise TimeoutError("the rebuild does not end")
        live = await store.fences_of(INPUTS)
        read = _read(live)
        found.back_events, most = max(found.back_events, most - read), max(most, read)
        if store.generation == 2:
            if not swapped_s and began is not None:
                swapped_s = time.perf_counter()
                found.wall_s, found.cpu_s = swapped_s - began[0], cpu_s(child.pid) - began[1]
                found.events = read - began[2]
        elif began is None and (first := _read(await store.at(2).fences_of(INPUTS))):
            began = time.perf_counter(), cpu_s(child.pid), first
        await asyncio.sleep(SAMPLE_S)
    found.taken_over_s = time.perf_counter() - swapped_s
    said = child.log.read_text() if child.log is not None else ""
    took = re.search(r"swapped in ([\d.]+) ms", said)
    if took is None:
        raise RuntimeError(f"the rebuild ended with status {child.exit_code}:\n{said[-2000:]}")
    found.swap_ms = float(took[1])


def _read(fences: dict[str, dict[int, Fence]]) -> int:
    return sum(fence.offset for of in fences.values() for fence in of.values())
