"""`floorcast run`: worker, exporter, server and alerts as one; with `--embedded` broker and Redis, too."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import click

from stream.cli.logs import set_up
from stream.cli.options import resolve
from stream.cli.supervise import Part, Supervisor, ended_by_signals
from stream.cli.until import until_option
from stream.config import Config
from stream.embedded.child import EmbeddedError
from stream.embedded.pair import start_pair
from stream.sources.broker import BrokerError
from stream.sources.topics import create_topics


@click.command("run")
@click.option("--embedded", is_flag=True, help="Start the embedded broker and Redis in --data DIR, too.")
@until_option
@click.option(
    "--config", "config_path", type=click.Path(path_type=Path), metavar="FILE", help="The configuration file."
)
@click.option(
    "--data", "data_dir", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
    envvar="FLOORCAST_DATA",
    help="Where the embedded pair runs. Default: FLOORCAST_DATA.",
)  # fmt: skip
def command(embedded: bool, until_ms: int | None, config_path: Path | None, data_dir: Path | None) -> None:
    """Run worker, exporter, wallboards and (with destinations) alerts, and start again what fails, until
    interrupted."""
    if embedded and data_dir is None:
        raise click.UsageError(
            "--embedded needs --data DIR: where its files go, and where other commands find it"
        )
    with ended_by_signals():
        if embedded and data_dir is not None:
            status = _run_embedded(config_path, data_dir, until_ms)
        else:
            config = resolve(config_path, data_dir)
            set_up(config)
            alerting = [alerts(config_path, data_dir)] if alerts_anybody(config) else []
            status = Supervisor([*parts(config_path, data_dir, until_ms), *alerting]).run()
    sys.exit(status)


def _run_embedded(config_path: Path | None, data_dir: Path, until_ms: int | None) -> int:
    try:
        with start_pair(data_dir) as pair:
            click.echo(
                f"embedded broker at {pair.bootstrap}, Redis at {pair.redis_url}: both keep everything in "
                f"memory, nothing outlives this process. Other commands find them with "
                f"--data {data_dir} or FLOORCAST_DATA."
            )
            config = prepare(config_path, data_dir)
            set_up(config)
            alerting = [alerts(config_path, data_dir)] if alerts_anybody(config) else []
            running = [*parts(config_path, data_dir, until_ms), *alerting]
            return Supervisor(running, environment(data_dir)).run()
    except EmbeddedError as error:
        raise click.ClickException(str(error)) from None


def parts(
    config_path: Path | None, data_dir: Path | None, until_ms: int | None, log_dir: Path | None = None
) -> list[Part]:
    """Worker, exporter and server. With `log_dir` their output goes to files there."""
    common = _common(config_path, data_dir)
    until = [] if until_ms is None else ["--until", _instant(until_ms)]
    return [
        Part("worker", ["worker", *until, *common], log_dir / "worker.log" if log_dir else None),
        Part("exporter", ["exporter", *common], log_dir / "exporter.log" if log_dir else None),
        Part("serve", ["serve", *common], log_dir / "serve.log" if log_dir else None),
    ]


def alerts(config_path: Path | None, data_dir: Path | None) -> Part:
    """The dispatcher of alerts."""
    return Part("alerts", ["alerts", *_common(config_path, data_dir)])


def alerts_anybody(config: Config) -> bool:
    """Whether there is anything for a dispatcher to do: of history nobody is alerted."""
    return bool(config.alerts.destinations) and config.clock == "wall"


def _common(config_path: Path | None, data_dir: Path | None) -> list[str]:
    of_config = ["--config", str(config_path)] if config_path else []
    return of_config + (["--data", str(data_dir)] if data_dir else [])


def prepare(config_path: Path | None, data_dir: Path) -> Config:
    """Makes the topics of a pair that has just started."""
    config = resolve(config_path, data_dir)
    try:
        asyncio.run(create_topics(config, partitions=4))
    except BrokerError as error:
        raise click.ClickException(str(error)) from None
    return config


def environment(data_dir: Path) -> Mapping[str, str]:
    """The environment of the parts: like ours, with the pair."""
    return {**os.environ, "FLOORCAST_DATA": str(data_dir)}


def _instant(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()
