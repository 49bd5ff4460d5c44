"""`floorcast test FILE...`: plays scenario files."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import click
import msgspec

from stream.metrics.catalog import Catalog, load_catalog
from stream.scenario.file import Scenario, ScenarioError, read_scenarios
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
    results: list[tuple[Path, Result]] = []
    try:
        for path in files:
            for scenario in read_scenarios(path):
                results.append((path, _play(path, scenario, catalog, seed)))
    except ScenarioError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    if as_json:
        click.echo(msgspec.json.encode(_plain(results, seed)).decode())
    else:
        _print(results, seed)
    sys.exit(1 if any(result.failures for _, result in results) else 0)


def _play(path: Path, scenario: Scenario, catalog: Catalog, seed: int) -> Result:
    try:
        return run_scenario(scenario, catalog, seed)
    except ScenarioError as error:
        raise ScenarioError(f"{path}, {scenario.name!r}: {error}") from None


def _plain(results: list[tuple[Path, Result]], seed: int) -> dict[str, Any]:
    """The results as JSON has them."""
    return {
        "seed": seed,
        "held": sum(result.held for _, result in results),
        "failed": sum(len(result.failures) for _, result in results),
        "not_yet": sum(sum(result.not_yet.values()) for _, result in results),
        "scenarios": [
            {
                "file": str(path),
                "scenario": result.name,
                "held": result.held,
                "failures": result.failures,
                "history": result.history if result.failures else [],
                "not_yet": result.not_yet,
            }
            for path, result in results
        ],
    }


def _print(results: list[tuple[Path, Result]], seed: int) -> None:
    """The results for people: what does not hold, beside the events."""
    not_yet: Counter[str] = Counter()
    for path, result in results:
        not_yet.update(result.not_yet)
        if not result.failures:
            continue
        click.echo(f"FAILED {path}: {result.name}")
        for failure in result.failures:
            how = f" when shuffled with --seed {seed}" if failure.replayed else ""
            click.echo(f"    {failure.expectation}\n      {failure.problem}{how}")
        click.echo("    of the events")
        click.echo("".join(f"      {line}\n" for line in result.history))
    held = sum(result.held for _, result in results)
    failed = sum(len(result.failures) for _, result in results)
    played = f"{len(results)} scenarios (replayed with seed {seed})"
    click.echo(f"{played}: {held} expectations hold, {failed} do not")
    if not_yet:
        listed = ", ".join(f"{name} {count}" for name, count in sorted(not_yet.items()))
        click.echo(f"not in this version, skipped: {sum(not_yet.values())} ({listed})")
