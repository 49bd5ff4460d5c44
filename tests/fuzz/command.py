"""A command, run again and again in this process."""

from __future__ import annotations

from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import NamedTuple

import click


class Ended(NamedTuple):
    """How it ended, and what it wrote."""

    status: object
    stdout: str
    stderr: str


class Command:
    """Its streams are the same each time: click keeps what it knows of each stream that it ever wrote to."""

    def __init__(self, command: click.Command) -> None:
        self._command = command
        self._streams = StringIO(), StringIO()

    def run(self, *words: str) -> Ended:
        """The command with these words. Whatever it does not tell the user is raised."""
        for stream in self._streams:
            stream.seek(0)
            stream.truncate()
        status: object = 0
        with redirect_stdout(self._streams[0]), redirect_stderr(self._streams[1]):
            try:
                self._command.main(list(words))
            except SystemExit as end:
                status = end.code
        return Ended(status, *(stream.getvalue() for stream in self._streams))
