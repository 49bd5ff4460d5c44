"""`make simulate`: plays seeds, says how far it is, and of one that fails its shortest history."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from collections.abc import Iterator
from pathlib import Path

from stream.embedded.probe import free_ports
from stream.embedded.redis import start_redis
from tests.simulation.plan import draw
from tests.simulation.run import play
from tests.simulation.server import Server


@contextmanager
def server() -> Iterator[Server]:
    """An embedded Valkey for one process of runs."""
    with tempfile.TemporaryDirectory() as directory:
        (port,) = free_ports(1)
        child = start_redis(port, Path(directory) / "valkey.log")
        try:
            yield Server(port)
        finally:
            child.stop()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("-v", action="store_true")
    args = parser.parse_args()
    total: Counter[str] = Counter()
    with server() as one:
        for seed in range(args.seed, args.seed + args.runs):
            began = time.process_time()
            outcome = play(draw(seed), one)
            total.update(outcome.world.happened)
            print(seed, f"{time.process_time() - began:.2f}", outcome.wrong[:2], len(outcome.world.ledger.commits), flush=True)
            if args.v:
                print("\n".join(outcome.world.history))
    print(total)


main()
