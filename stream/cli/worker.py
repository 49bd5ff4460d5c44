"""`floorcast worker`: folds the log into Redis."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from stream.cli.options import config_options, resolve
from stream.cli.running import run
from stream.cli.until import until_option


@click.command("worker")
@until_option
@config_options
def command(until_ms: int | None, config_path: Path | None, data_dir: Path | None) -> None:
    """Read the topics and keep the numbers in Redis, until it is interrupted.

    Start as many as there are partitions at most: they share them. A worker that cannot go on says why and exits with
    status 1; start it again and it continues from Redis.
    """
    from stream.worker.process import run_worker  # noqa: PLC0415  (Faust is slow to import)

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    config = resolve(config_path, data_dir)
    run(run_worker(config, until_ms=until_ms, session_timeout_ms=10_000 if data_dir is None else 6_000))
