"""`floorcast metrics`: the catalog."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from stream.cli.options import config_option, resolve
from stream.metrics.catalog import Catalog, Metric, catalog_of
from stream.metrics.page import catalog_markdown
from stream.printable import json_line, printable
from stream.query.plain import metric_plain
from stream.serve.names import names_markdown


@click.command("metrics")
@click.option(
    "--format",
    "layout",
    type=click.Choice(["table", "markdown", "prometheus", "json"]),
    default="table",
    help="For the terminal, as a page, as the page of names in /metrics, or for machines. Default: table.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@config_option
def command(layout: str, as_json: bool, config_path: Path | None) -> None:
    """List every metric: meaning, unit, stats, owner and target, what to do, what to read it with."""
    config = resolve(config_path)
    catalog = catalog_of(config)
    if as_json or layout == "json":
        click.echo(json_line({"metrics": [metric_plain(metric) for metric in catalog]}))
    elif layout == "markdown":
        click.echo(catalog_markdown(catalog), nl=False)
    elif layout == "prometheus":
        click.echo(names_markdown(catalog, config), nl=False)
    else:
        _show(catalog)


def _show(catalog: Catalog) -> None:
    console = Console(highlight=False)
    for family in dict.fromkeys(metric.family for metric in catalog):
        console.rule(family, align="left")
        for metric in catalog:
            if metric.family == family:
                console.print(f"[bold]{metric.id}[/] {metric.kind}, {metric.unit}, {metric.group}")
                console.print(Padding(_words(metric), (0, 0, 1, 4)))


def _words(metric: Metric) -> Text:
    asked = [f"by {label}: {', '.join(values)}" for label, values in metric.labels.items()]
    duty = f"{metric.owner}: {metric.target}. {metric.next_action}"
    stats = f"stats: {', '.join(metric.formula.stats)}"
    lines = [metric.help, duty, f"read with: {', '.join(metric.pairs)}", stats, *asked]
    return Text("\n".join(map(printable, lines)))
