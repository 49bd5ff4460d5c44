"""The entry point: finds the command's file when it is asked for, so that starting is quick."""

from __future__ import annotations

import importlib
from typing import Any

import click

import stream
from stream.printable import printable_lines

COMMANDS = {
    "check": "check",
    "doctor": "doctor",
    "config": "config",
    "test": "test",
    "topics": "topics",
    "produce": "produce",
    "import": "import_",
    "simulate": "simulate",
    "worker": "worker",
    "alerts": "alerts",
    "run": "run",
    "demo": "demo",
    "wait": "wait",
    "verify": "verify",
    "rebuild": "rebuild",
    "namespaces": "namespaces",
    "deadletters": "deadletters",
    "query": "query",
    "metrics": "metrics",
    "explain": "explain",
    "top": "top",
    "surveys": "surveys",
    "sla": "sla",
    "exporter": "exporter",
    "serve": "serve",
    "generate": "generate",
}
"""Command -> its module in this package."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        found: click.Command = importlib.import_module(f"stream.cli.{module}").command
        return found

    def invoke(self, ctx: click.Context) -> Any:
        """As click does; what an error quotes does not steer the terminal that shows it."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            error.message = printable_lines(error.message)
            raise


@click.command(cls=_Commands)
@click.version_option(stream.__version__, prog_name="floorcast")
def cli() -> None:
    """Exact, live metrics for support operations."""


def main() -> None:
    """Runs the command line."""
    cli()
