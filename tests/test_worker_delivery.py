"""The lanes between consumer and handler: what must hold when they are closed."""

import asyncio
from typing import Any

from stream.worker.delivery import Delivery
from stream.worker.ports import Partition
from tests.rig.worker import Memory

PARTITION = Partition("t", 0)


def no_failure(reason: str, cause: BaseException) -> None:
    """For `Delivery`: nothing may fail here."""
    raise AssertionError(reason)


async def test_closing_does_not_depend_on_a_cancellation_being_heard() -> None:
    """asyncio.wait_for, which libraries use, swallows one now and then: the lane ends with its batch."""

    class Deaf(Memory):
        def __init__(self) -> None:
            super().__init__()
            self.busy = asyncio.Event()

        async def batch(self, partition: Partition, records: list[Any]) -> None:
            self.busy.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.calls.append("swallowed")

    handler = Deaf()
    delivery = Delivery(handler, no_failure)
    lanes = delivery.prepare({PARTITION: 0})
    delivery.open(lanes)
    for offset in (0, 1):
        lanes["t", 0].held.append(offset)
        lanes["t", 0].put([])
    await handler.busy.wait()
    async with asyncio.timeout(30):
        await delivery.close()
    assert handler.calls == ["swallowed"]  # the batch behind it was not begun
