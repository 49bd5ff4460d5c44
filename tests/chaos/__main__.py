"""`python -m tests.chaos`: minutes of faults on a real Kafka and a real Redis; then the image must be equal.

Everything it starts listens on 127.0.0.1 alone, and ends with it. Exit status 0: equal; 1: not, or a fault
was not survived (the directory with all logs is then kept, and named); 130: interrupted.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from random import Random

from stream.cli.running import run
from stream.embedded.child import EmbeddedError
from tests.chaos.crew import Broken
from tests.chaos.faults import KINDS
from tests.chaos.report import Results
from tests.chaos.run import Plan, hurt
from tests.chaos.scene import scene
from tests.rig.kafka import Kafka, kafka_libs
from tests.rig.missing import MissingPart
from tests.rig.redis import RedisServer, redis_program

WORKERS = 3


def main() -> int:
    """The exit status."""
    asked = _arguments()
    for library in ("aiokafka", "asyncio"):  # that a server is away is no news here
        logging.getLogger(library).setLevel(logging.CRITICAL)
    plan = Plan(asked.seconds, asked.seed, asked.rate, tuple(asked.kind or KINDS), not asked.kind)
    directory = Path(tempfile.mkdtemp(prefix="floorcast-chaos-"))
    print(f"seed {plan.seed}, {plan.seconds:g} s, {plan.rate:g} events/s; logs in {directory}", flush=True)
    kept = True
    try:
        results = run(_run(plan, directory))
        kept = bool(results.differences)
    except MissingPart as missing:
        print(f"chaos: {missing}", file=sys.stderr)
        kept = False
        return 1
    except (Broken, EmbeddedError, TimeoutError, AssertionError) as broken:
        print(f"chaos: NOT SURVIVED: {broken}\nlogs: {directory}", file=sys.stderr)
        return 1
    except SystemExit:
        kept = False
        raise
    finally:
        if not kept:
            shutil.rmtree(directory, ignore_errors=True)
    print("\n".join(results.lines()))
    if asked.json is not None:
        asked.json.write_bytes(results.json())
    if kept:
        print(f"logs: {directory}")
    return 1 if results.differences else 0


async def _run(plan: Plan, directory: Path) -> Results:
    with ExitStack() as cleanup:
        kafka = Kafka(_new(directory / "kafka"), kafka_libs())
        redis = RedisServer(_new(directory / "redis"), redis_program(), save=True)
        cleanup.callback(redis.kill9)
        cleanup.callback(kafka.kill9)
        kafka.start()
        redis.start()
        async with scene(kafka, redis, "chaos", directory, WORKERS, Random(plan.seed)) as everything:
            return await hurt(everything, plan, lambda line: print(line, flush=True))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="of faults (default 600)")
    parser.add_argument("--seed", type=int, default=1, help="draws faults and events (default 1)")
    parser.add_argument("--rate", type=float, default=400.0, help="events/s of the floor (default 400)")
    parser.add_argument("--kind", action="append", choices=list(KINDS), help="only this; may be repeated")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the results as JSON, too")
    return parser.parse_args()


def _new(directory: Path) -> Path:
    directory.mkdir()
    return directory


if __name__ == "__main__":
    sys.exit(main())
