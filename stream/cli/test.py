"""`floorcast test FILE...`: plays scenario files."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import click
import msgspec

from stream.metrics.catalog import load_catalog
from stream.scenario.file import ScenarioError, read_scenarios
from stream.scenario.run import Result, run_scenario


@click.command("test")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--seed", type=int, default=1, show_default=True, help="Of the shuffled replay.")
@click.option("--json", "as_json", is_flag=True, help="Results for machines.")
def command(files: tuple[Path, ...], seed: int, as_json: bool) -> None:
    """Play scenario FILEs: events at given times and what the metrics must then say.

    Exit status 0: all hold; 1: some do not; 2: a file is wrong.
    """
    catalog = load_catalog()
    results: list[Result] = []
    try:
        for path in files:
            results += [run_scenario(scenario, catalog, seed) for scenario in read_scenarios(path)]
    except ScenarioError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    _report(results, seed, as_json)
    sys.exit(1 if any(result.failures for result in results) else 0)


def _report(results: list[Result], seed: int, as_json: bool) -> None:
    failures = [failure for result in results for failure in result.failures]
    not_yet: Counter[str] = Counter()
    for result in results:
        not_yet.update(result.not_yet)
    if as_json:
        scenarios = [
            {"scenario": r.name, "held": r.held, "failures": r.failures, "not_yet": dict(r.not_yet)}
            for r in results
        ]
        click.echo(msgspec.json.encode({"seed": seed, "scenarios": scenarios}).decode())
        return
    for failure in failures:
        click.echo(f"FAILED {failure}\n")
    held = sum(result.held for result in results)
    played = f"{len(results)} scenarios (replayed with seed {seed})"
    click.echo(f"{played}: {held} expectations hold, {len(failures)} do not")
    if not_yet:
        listed = ", ".join(f"{name} {count}" for name, count in sorted(not_yet.items()))
        click.echo(f"not in this version, skipped: {sum(not_yet.values())} ({listed})")
