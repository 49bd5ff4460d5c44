"""Running a command's coroutine: signals end it cleanly, errors of ours are shown without a traceback."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import click

from stream.cli.options import InputError
from stream.config import ConfigError
from stream.sources.broker import BrokerError
from stream.sources.publish import Publisher

T = TypeVar("T")
INTERRUPTED = 130


def run(main: Coroutine[Any, Any, T]) -> T:
    """The coroutine's result. SIGINT and SIGTERM cancel it, so that it ends in order; exit status 130."""
    try:
        return asyncio.run(_cancelled_by_signals(main))
    except asyncio.CancelledError:
        raise SystemExit(INTERRUPTED) from None
    except BrokerError as error:
        raise click.ClickException(str(error)) from None
    except ConfigError as error:
        raise InputError(str(error)) from None


def say_if_not_idempotent(publisher: Publisher) -> None:
    """One line for the user where the broker cannot tell a repeated batch from a new one."""
    if not publisher.idempotent:
        click.echo(
            "note: this broker has no idempotent producer: "
            "a lost connection may put events into the log twice (they count once)",
            err=True,
        )


async def _cancelled_by_signals(main: Coroutine[Any, Any, T]) -> T:
    task = asyncio.ensure_future(main)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # not on Windows
            loop.add_signal_handler(number, task.cancel)
    return await task
