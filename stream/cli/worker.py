"""`floorcast worker`: folds the log into Redis."""

from __future__ import annotations

import sys
from collections.abc import Coroutine
from pathlib import Path

import click

from stream.cli.logs import say, set_up
from stream.cli.options import config_options, resolve
from stream.cli.running import run
from stream.cli.supervise import NEEDS_A_PERSON
from stream.cli.until import until_option
from stream.config import Config
from stream.shard.shard import TooManyDeadLetters
from stream.store import StoreError, Unsuitable


@click.command("worker")
@until_option
@config_options
def command(until_ms: int | None, config_path: Path | None, data_dir: Path | None) -> None:
    """Read the topics and keep the numbers in Redis, until it is interrupted.

    Start as many as there are partitions at most: they share them. Exit status 0: interrupted; 1: it failed
    and goes on from Redis when started again; 3: it must not go on before somebody has looked (it says why).
    """
    # Faust is slow to import, and nothing else needs it.
    from stream.worker.process import run_worker

    config = resolve(config_path, data_dir)
    work(
        "worker",
        config,
        run_worker(config, until_ms=until_ms, session_timeout_ms=10_000 if data_dir is None else 6_000),
    )


def work(name: str, config: Config, main: Coroutine[object, object, None]) -> None:
    """Runs what folds the log, and exits with its status."""
    import uvloop

    from stream.worker.claim import WrongImage
    from stream.worker.ports import WorkerFailed

    set_up(config)
    uvloop.install()
    try:
        run(main)
    except (WorkerFailed, StoreError) as error:
        say(name, f"floorcast {name}: {error}")
        final = (WrongImage, TooManyDeadLetters, Unsuitable)
        sys.exit(NEEDS_A_PERSON if isinstance(error, final) or isinstance(error.__cause__, final) else 1)
    except SystemExit:
        sys.exit(0)  # interrupted is how a worker ends
