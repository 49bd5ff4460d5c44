"""What the commands that read have in common: the store, the time, errors for people."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click
from rich.text import Text

from stream.cli.options import InputError
from stream.config import Config
from stream.metrics.catalog import UnknownMetric
from stream.printable import printable
from stream.query.model import QueryError
from stream.store import RedisStore, StoreError

PATIENCE_S = 5.0
"""A person waits; a worker would wait longer."""


def wall_ms() -> int:
    """The wall's time."""
    return time.time_ns() // 1_000_000


@asynccontextmanager
async def reading(config: Config) -> AsyncIterator[RedisStore]:
    """The store to read from. Trouble with it (exit status 1) or with a question (2) is told."""
    store = RedisStore(config.redis, PATIENCE_S)
    try:
        yield store
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    except (QueryError, UnknownMetric) as error:
        raise InputError(str(error)) from None
    finally:
        await store.close()


def split_list(context: click.Context, parameter: click.Parameter, value: str) -> tuple[str, ...]:
    """click's callback for `a,b,c`."""
    return tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))


where_option = click.option(
    "--where",
    multiple=True,
    metavar="DIM=VALUE",
    help="Only this value; nothing after = for those without one.",
)


def safe(text: str) -> Text:
    """Texts of others for rich, which reads neither markup nor the names of emoji in them."""
    return Text(printable(text))
