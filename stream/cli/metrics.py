"""`floorcast metrics`: the catalog."""

from __future__ import annotations

from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from stream.metrics.catalog import Metric, load_catalog


@click.command("metrics")
@click.option("--json", "as_json", is_flag=True, help="The catalog for machines.")
def command(as_json: bool) -> None:
    """List every metric: what it counts, unit and stats, owner, target, and what to do about it."""
    entries = [entry(metric) for metric in load_catalog()]
    if as_json:
        click.echo(msgspec.json.encode({"metrics": entries}).decode())
        return
    console = Console()
    for family in dict.fromkeys(e["family"] for e in entries):
        console.print(_table(family, [e for e in entries if e["family"] == family]))


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


def _table(family: str, entries: list[dict[str, Any]]) -> Table:
    table = Table(title=family, title_justify="left", show_lines=True)
    table.add_column("metric", no_wrap=True)
    for name in ("what it counts", "owner and target", "next action"):
        table.add_column(name, ratio=2 if name == "what it counts" else 1)
    for e in entries:
        asked = [f"by {label}: {', '.join(values)}" for label, values in e["labels"].items()]
        table.add_row(
            f"{e['id']}\n{e['kind']}, {e['unit']}\n{e['group']}",
            "\n".join([e["help"], f"stats: {', '.join(e['stats'])}", *asked]),
            f"{e['owner']}: {e['target']}",
            e["next_action"],
        )
    return table
