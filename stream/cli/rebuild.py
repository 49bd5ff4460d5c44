"""`floorcast rebuild`: counts the log anew beside the live numbers, and puts the new ones in their place."""

from __future__ import annotations

from pathlib import Path

import click

from stream.cli.options import config_options, resolve
from stream.cli.worker import work


@click.command("rebuild")
@click.option(
    "--from-log", is_flag=True,
    help="Count what the log has alone, also where its beginning is gone: what is older is then missing.",
)  # fmt: skip
@config_options
def command(from_log: bool, config_path: Path | None, data_dir: Path | None) -> None:
    """Count the log from its start into a second generation beside the live one, and swap when it has caught
    up. Where retention has deleted its beginning, what is older is carried over from the live one.

    Workers and readers go on meanwhile, and move over by themselves. Killed in the middle, it goes on where
    it was when it is run again; started more than once, these share the work. It ends when workers have
    claimed every shard. Exit status as of `floorcast worker`.
    """
    # Faust is slow to import, and nothing else needs it.
    from stream.worker.rebuild import run_rebuild

    config = resolve(config_path, data_dir)
    work(
        "rebuild",
        config,
        run_rebuild(config, from_log=from_log, session_timeout_ms=10_000 if data_dir is None else 6_000),
    )
