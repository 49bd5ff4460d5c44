"""`floorcast metrics`: the catalog."""

from __future__ import annotations

from typing import Any

import click
import msgspec
from rich.console import Console
from rich.padding import Padding

from stream.metrics.catalog import Metric, load_catalog


@click.command("metrics")
@click.option("--json", "as_json", is_flag=True, help="The catalog for machines.")
def command(as_json: bool) -> None:
    """List every metric: what it counts, unit and stats, owner, target, and what to do about it."""
    entries = [entry(metric) for metric in load_catalog()]
    if as_json:
        click.echo(msgspec.json.encode({"metrics": entries}).decode())
        return
    console = Console(highlight=False)
    for family in dict.fromkeys(e["family"] for e in entries):
        console.rule(family, align="left")
        for e in entries:
            if e["family"] == family:
                console.print(f"[bold]{e['id']}[/] {e['kind']}, {e['unit']}, {e['group']}")
                console.print(Padding(_words(e), (0, 0, 1, 4)))


def entry(metric: Metric) -> dict[str, Any]:
    """A metric as JSON has it."""
    return {
        "id": metric.id,
        "kind": metric.kind,
        "unit": metric.unit,
        "group": metric.group,
        "family": metric.family,
        "owner": metric.owner,
        "target": metric.target,
        "next_action": metric.next_action,
        "help": metric.help,
        "labels": {label: list(values) for label, values in metric.labels.items()},
        "stats": list(metric.formula.stats),
    }


def _words(e: dict[str, Any]) -> str:
    asked = [f"by {label}: {', '.join(values)}" for label, values in e["labels"].items()]
    duty = f"{e['owner']}: {e['target']}. {e['next_action']}"
    return "\n".join([e["help"], duty, f"stats: {', '.join(e['stats'])}", *asked])
