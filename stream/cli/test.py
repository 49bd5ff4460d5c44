"""`floorcast test FILE...`: plays scenario files."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from stream.cli.options import WRONG_INPUT
from stream.printable import json_line, printable
from stream.scenario.errors import ScenarioError
from stream.scenario.file import read_scenarios
from stream.scenario.report import Played, for_machines, for_people
from stream.scenario.run import Result, run_scenario


@click.command("test")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--seed", type=int, default=1, show_default=True, help="Of the shuffled replay.")
@click.option("--json", "as_json", is_flag=True, help="Results for machines.")
def command(files: tuple[Path, ...], seed: int, as_json: bool) -> None:
    """Play scenario FILEs: events at given times and what the metrics must then say.

    Exit status 0: all hold; 1: some do not; 2: a file is wrong (the others are played).
    """
    played: list[Played] = []
    wrong = False
    for path in files:
        try:
            played.append(Played(path, _play(path, seed)))
        except ScenarioError as error:
            click.echo(printable(f"Error: {error}"), err=True)
            wrong = True
    if as_json:
        click.echo(json_line(for_machines(played, seed)))
    else:
        for line in for_people(played, seed):
            click.echo(printable(line))
    failed = any(result.failures for file in played for result in file.results)
    sys.exit(WRONG_INPUT if wrong else int(failed))


def _play(path: Path, seed: int) -> list[Result]:
    """What came of the scenarios of a file, once all of it has been read."""
    scenarios = list(read_scenarios(path))
    try:
        return [run_scenario(scenario, seed) for scenario in scenarios]
    except ScenarioError as error:
        raise ScenarioError(f"{path}:{error}") from None
