"""A worker in a process of its own: prints `ready`, then what its handler is told, one line each.

Arguments: bootstrap, group and topic, session timeout in ms.
"""

import asyncio
import signal
import sys
from typing import Any

from stream.worker.ports import Partition
from tests.rig.worker import Memory, worker


class Telling(Memory):
    """A Memory that prints."""

    async def assigned(self, partitions: frozenset[Partition]) -> dict[Partition, int]:
        print("assigned", *sorted(map(str, partitions)), flush=True)
        return await super().assigned(partitions)

    async def batch(self, partition: Partition, records: list[Any]) -> None:
        await super().batch(partition, records)
        print("batch", partition, records[0].offset, records[-1].offset, flush=True)


async def main(bootstrap: str, name: str, session_timeout_ms: str) -> None:
    """Run until SIGTERM."""
    member = worker(bootstrap, name, Telling(), session_timeout_ms=int(session_timeout_ms))
    stopping: list[asyncio.Task[None]] = []
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, lambda: stopping.append(asyncio.create_task(member.stop())))
    print("ready", flush=True)
    await member.run()
    await asyncio.gather(*stopping)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
