"""What this command itself is made of."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from importlib import metadata

import stream
from stream.doctor.finding import Finding, ok, warning
from stream.doctor.gather import Facts
from stream.shard import shard
from stream.store.reports import DispatcherReport, WorkerReport


def versions(facts: Facts) -> Iterator[Finding]:
    """Python, floorcast and whether its core is compiled."""
    compiled = "compiled" if not str(shard.__file__).endswith(".py") else "plain Python"
    yield ok(
        "software",
        f"floorcast {stream.__version__} ({compiled}) on {platform.python_implementation()} "
        f"{platform.python_version()}",
    )


def pinned(facts: Facts) -> Iterator[Finding]:
    """Faust and what is below it must be exactly those that the transport was written for."""
    try:
        wanted = metadata.requires("floorcast") or []
    except metadata.PackageNotFoundError:  # run from its sources
        return
    for requirement in wanted:
        exact = re.match(r"([A-Za-z0-9._-]+)==([0-9.]+)$", requirement)
        if exact is None:
            continue
        name, version = exact.groups()
        found = _installed(name)
        if found == version:
            yield ok("software", f"{name} {version}")
        else:
            yield warning(
                "software", f"{name} is {found}, and {version} is what this version was made for",
                f"pip install {name}=={version}", "OtherVersions",
            )  # fmt: skip


def others(facts: Facts) -> Iterator[Finding]:
    """Workers and dispatchers of one deployment are of one version."""
    reports: list[WorkerReport | DispatcherReport] = [*facts.workers(), *facts.dispatchers()]
    for report in reports:
        if report.version != stream.__version__:
            yield warning(
                "software", f"{report.name} runs floorcast {report.version}, this is {stream.__version__}",
                "stop the old ones, then start the new", "OtherVersions",
            )  # fmt: skip


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "missing"


CHECKS = (versions, pinned, others)
