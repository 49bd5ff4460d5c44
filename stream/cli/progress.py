"""Progress for people: a bar on a terminal, a line every few seconds elsewhere. On standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

LINE_EVERY_S = 5.0

Step = Callable[[int], None]
"""Told how much of a step is done."""


class Reporter(Protocol):
    """Shows steps, one after the other."""

    def step(self, name: str, total: int | None = None) -> Step:
        """Begin a step; `total` None when it is not known how much there is."""
        ...


@contextmanager
def reporter() -> Iterator[Reporter]:
    """The reporter that fits where standard error goes."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    columns = (TextColumn("{task.description:>10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield _Bars(progress)


class Lines:
    """A plain line now and then."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock

    def step(self, name: str, total: int | None = None) -> Step:
        """As of Reporter."""
        said_s = self._clock()

        def tell(done: int) -> None:
            nonlocal said_s
            if self._clock() - said_s >= LINE_EVERY_S:
                said_s = self._clock()
                click.echo(f"{name}: {done}{f' of {total}' if total is not None else ''} events", err=True)

        return tell


class _Bars:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def step(self, name: str, total: int | None = None) -> Step:
        task = self._progress.add_task(name, total=total)
        return lambda done: self._progress.update(task, completed=done)
