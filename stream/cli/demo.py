"""`floorcast demo`: everything on this machine, with a simulated floor and its board."""

from __future__ import annotations

import os
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from stream.cli.run import environment, parts, prepare
from stream.cli.supervise import Part, Supervisor, ended_by_signals
from stream.embedded.child import Child, EmbeddedError
from stream.embedded.pair import start_pair

HISTORY = timedelta(hours=2)
"""The floor has been open for so long when the demo begins, so that its board is full at once."""


@click.command("demo")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the simulated floor.")
@click.option(
    "--rate",
    type=click.FloatRange(0, 10_000, min_open=True),
    default=20.0,
    show_default=True,
    help="Events/s.",
)
def command(seed: int, rate: float) -> None:
    """Show moving numbers: embedded broker and Redis, worker, exporter, wallboards, a simulated floor and
    `floorcast top`.

    Ends with Ctrl-C; nothing stays behind.
    """
    with ended_by_signals(), tempfile.TemporaryDirectory(prefix="floorcast-demo-") as directory:
        data_dir = Path(directory)
        try:
            with start_pair(data_dir):
                config = prepare(None, data_dir)
                click.echo(f"wallboards at http://{config.serve.host}:{config.serve.port}/")
                click.echo(
                    f"metrics for Prometheus at http://{config.exporter.host}:{config.exporter.port}/metrics"
                )
                start = (datetime.now(UTC) - HISTORY).isoformat()
                floor = ["simulate", "--seed", str(seed), "--rate", str(rate), "--start", start]
                every = [*parts(None, data_dir, None, data_dir), Part("floor", floor, data_dir / "floor.log")]
                board = _board(data_dir)
                status = Supervisor(every, environment(data_dir)).run(board)
        except EmbeddedError as error:
            raise click.ClickException(str(error)) from None
    sys.exit(status)


def _board(data_dir: Path) -> Child:
    return Child(
        "board", [sys.executable, "-m", "stream", "top"], None, {**os.environ, **environment(data_dir)}
    )
