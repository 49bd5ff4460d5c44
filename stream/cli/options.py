"""The options that every command has: which configuration, and whose servers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from msgspec.structs import replace

from stream.config import Config, ConfigError, KafkaConfig, RedisConfig, load
from stream.embedded.child import EmbeddedError
from stream.embedded.pair import find_pair
from stream.metrics.catalog import load_catalog
from stream.query.wall_boards import board_clashes

_Command = TypeVar("_Command", bound=Callable[..., Any])

WRONG_INPUT = 2
"""Exit status when what the user gave is wrong: configuration, arguments, input. Other failures: 1."""


class InputError(click.ClickException):
    """Shown as `Error: ...`; the exit status is WRONG_INPUT."""

    exit_code = WRONG_INPUT


def config_option(command: _Command) -> _Command:
    """Adds `--config` to a command that needs no servers, as `config_path` for `resolve`."""
    return click.option(
        "--config",
        "config_path",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The configuration file. Default: FLOORCAST_CONFIG, else floorcast.yaml if there is one.",
    )(command)


def config_options(command: _Command) -> _Command:
    """Adds `--config` and `--data` to a command, as `config_path` and `data_dir` for `resolve`."""
    of_data = click.option(
        "--data",
        "data_dir",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        envvar="FLOORCAST_DATA",
        help="Use the embedded broker and Redis that run in this directory. Default: FLOORCAST_DATA.",
    )
    return config_option(of_data(command))


def read_config(config_path: Path | None) -> Config:
    """The configuration of file and environment, in line with the catalog. Raises ConfigError."""
    return load(config_path, metric_ids=load_catalog().ids(), further=board_clashes)


def resolve(config_path: Path | None, data_dir: Path | None = None) -> Config:
    """The configuration in effect; with `data_dir`, connected to the embedded pair that runs there.

    Raises click's exceptions, which tell the user: the configuration is wrong, or no pair runs there.
    """
    try:
        config = read_config(config_path)
    except ConfigError as error:
        raise InputError(str(error)) from None
    return config if data_dir is None else with_pair(config, data_dir)


def with_pair(config: Config, data_dir: Path) -> Config:
    """The same configuration with the embedded pair's servers, which want neither login nor TLS."""
    try:
        pair = find_pair(data_dir)
    except EmbeddedError as error:
        raise click.ClickException(str(error)) from None
    kafka = KafkaConfig(bootstrap=pair.bootstrap, group=config.kafka.group, topics=config.kafka.topics)
    redis = RedisConfig(url=pair.redis_url, namespace=config.redis.namespace)
    return replace(config, kafka=kafka, redis=redis)
