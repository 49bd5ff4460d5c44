"""Workers from which a guard against a stall of Faust or aiokafka is taken away: the watchdog has to find it.

`worker`: claims slower than Faust waits for a seek. Faust's recovery task then ends without a word, and the
worker would send heartbeats and read nothing for ever.
`standby BOOTSTRAP NAME`: of a bare worker that has no partitions, with a bound on how long it may be idle, as
the library has by default (5 minutes). It leaves the group and never comes back.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any
from unittest.mock import patch

from stream.cli.main import cli
from stream.worker import faust_app, transport
from stream.worker.faust_app import App, build_app
from stream.worker.ports import Partition
from stream.worker.shards import Shards
from tests.rig import worker_process

REQUEST_TIMEOUT_S = 12.0
"""Faust's bound on a seek; else 60 s, above what our own claim may take."""
CLAIM_S = 15.0
IDLE_S_MAX = 5.0


def _impatient_app(*arguments: Any) -> App:
    app = build_app(*arguments)
    app.conf.broker_request_timeout = REQUEST_TIMEOUT_S
    return app


_assigned = Shards.assigned


async def _slowly_assigned(shards: Shards, partitions: frozenset[Partition]) -> dict[Partition, int]:
    await asyncio.sleep(CLAIM_S)
    return await _assigned(shards, partitions)


def main(what: str, *arguments: str) -> None:
    """Run until the watchdog ends it."""
    if what == "worker":
        with (
            patch.object(transport, "build_app", _impatient_app),
            patch.object(Shards, "assigned", _slowly_assigned),
        ):
            cli(["worker"])
    else:
        bootstrap, name = arguments
        with patch.object(faust_app, "FOR_EVER_S", IDLE_S_MAX):
            asyncio.run(worker_process.main(bootstrap, name, "10000"))


if __name__ == "__main__":
    main(*sys.argv[1:])
