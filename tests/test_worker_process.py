"""How a worker's parts end together."""

import asyncio
from typing import Any, cast

import pytest

from stream.worker.ports import WorkerFailed
from stream.worker.process import until_first_ends


class Transport:
    """Runs until it is stopped, and notes that it was."""

    def __init__(self) -> None:
        self.stopped = asyncio.Event()

    async def run(self) -> None:
        await self.stopped.wait()

    async def stop(self) -> None:
        self.stopped.set()


async def test_a_part_that_a_library_cancels_is_a_failure() -> None:
    """Else the process would end as one that was asked to: without a word, and with status 0, after which
    nobody starts it again."""

    async def follow() -> None:
        raise asyncio.CancelledError

    transport = Transport()
    with pytest.raises(WorkerFailed, match="follow was cancelled by something below it"):
        await until_first_ends(cast(Any, transport), [follow()])
    assert transport.stopped.is_set()
