"""A shard's batch asks for what it has not in memory: whoever has to fetch that drives it so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from stream.shard.changes import Changes, Loaded, Needs
from stream.shard.shard import Batch


async def drive(batch: Batch, load: Callable[[Needs], Awaitable[Loaded]]) -> Changes:
    """What a batch changes. `load` is asked as often as it needs something. (In memory: image.py, `run`.)"""
    try:
        needs = next(batch)
        while True:
            needs = batch.send(await load(needs) if needs else Loaded())
    except StopIteration as done:
        changes: Changes = done.value
    return changes
