"""`floorcast doctor`: is everything around floorcast as it must be, and if not, what is to be done?"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from stream.cli.options import config_options, resolve
from stream.cli.running import run
from stream.doctor.checks import findings
from stream.doctor.finding import Finding, Level
from stream.doctor.gather import gather
from stream.printable import json_line, printable

RUNBOOKS: Final = "docs/runbooks.md"
STATUS: Final[dict[Level, int]] = {"ok": 0, "warning": 1, "problem": 2}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="All findings for machines.")
@config_options
def command(as_json: bool, config_path: Path | None, data_dir: Path | None) -> None:
    """Look at Kafka, Redis, workers, clocks and destinations of alerts, and say what to do.

    Changes and sends nothing. Exit status 0: all is well; 1: there are warnings; 2: there are problems.
    """
    for name in ("aiokafka", "faust", "mode"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what is wrong there, findings say
    config = resolve(config_path, data_dir)
    found = findings(run(gather(config)))
    runbooks = config.grafana.runbooks_url or RUNBOOKS
    if as_json:
        click.echo(json_line([_plain(finding, runbooks) for finding in found]))
    else:
        _tell(found, runbooks)
    raise SystemExit(max(STATUS[finding.level] for finding in found))


def _tell(found: Sequence[Finding], runbooks: str) -> None:
    for finding in found:
        click.echo(f"{finding.level:<8} {finding.area:<9} {printable(finding.what)}")
        if finding.runbook is not None:
            click.echo(f"{'':18} {printable(finding.todo)}")
            click.echo(f"{'':18} {_link(finding, runbooks)}")
    levels = Counter(finding.level for finding in found)
    click.echo(f"{levels['problem']} problems, {levels['warning']} warnings, {levels['ok']} ok")


def _plain(finding: Finding, runbooks: str) -> dict[str, object]:
    link = _link(finding, runbooks)
    return {
        "area": finding.area,
        "level": finding.level,
        "what": finding.what,
        "todo": finding.todo,
        "runbook": link,
    }


def _link(finding: Finding, runbooks: str) -> str | None:
    return None if finding.runbook is None else f"{runbooks}#{finding.runbook.lower()}"
