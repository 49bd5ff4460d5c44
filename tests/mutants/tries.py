"""Tries mutants, one after another, in a copy of the project: is there a test that fails?"""

from __future__ import annotations

import difflib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.mutants.mutate import Mutant, mutants

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 240.0
"""Of the tests of one mutant. A mutant that hangs is found, too."""
EXAMPLES = "10"

CORE = ("test_core_*.py", "test_oracle_*.py", "test_scenario_*.py")
STORE = ("test_store_[clrw]*.py", "test_store_drops.py", "test_store_trouble.py")
WORKER = ("test_worker_[dlmqw]*.py", "test_worker_rec*.py", "test_worker_transport.py")
TESTS: dict[str, tuple[str, ...]] = {
    "lifecycle": CORE,
    "sla": ("test_sla_*.py", "test_config_sla.py", *CORE),
    "metrics": ("test_metrics_*.py", *CORE, "test_query_*.py", "test_serve_families.py"),
    "store": (*STORE, "test_query_*.py", "test_store_server.py", "test_pipeline_verify.py"),
    "worker": (*WORKER, "test_worker_rebalance.py", "test_pipeline_[cdsv]*.py"),
}
"""Package -> the quick tests of it, those that find most first."""


@dataclass(frozen=True, slots=True)
class Tried:
    """`outcome`: the test that failed, `a hang`, or None: it survived."""

    path: str
    mutant: Mutant
    outcome: str | None
    seconds: float
    diff: str


def drawn(count: int, seed: int, packages: tuple[str, ...]) -> list[tuple[str, Mutant]]:
    """So many different mutants: a file by its weight in mutants, equally many of every package."""
    random = Random(seed)
    found: list[tuple[str, Mutant]] = []
    for number, package in enumerate(packages):
        share = count // len(packages) + (number < count % len(packages))
        every = [
            (str(path.relative_to(ROOT)), mutant)
            for path in sorted((ROOT / "stream" / package).glob("*.py"))
            for mutant in mutants(path.read_bytes())
        ]
        found += random.sample(every, min(share, len(every)))
    return found


def tried(chosen: list[tuple[str, Mutant]], directory: Path) -> Iterator[Tried]:
    """Each in a copy of the project that is made in the directory."""
    copy = directory / "project"
    ignored = shutil.ignore_patterns(".git", ".venv", ".*cache", "__pycache__", "build", "*.so", "*.egg-info")
    shutil.copytree(ROOT, copy, ignore=ignored)
    shared = ROOT.parent / "shared"
    if shared.exists():
        (directory / "shared").symlink_to(shared.resolve())
    for path, mutant in chosen:
        file = copy / path
        source = file.read_bytes()
        changed = mutant.applied(source)
        began_s = time.monotonic()
        try:
            file.write_bytes(changed)
            outcome = _found(copy, path)
        finally:
            file.write_bytes(source)
        yield Tried(path, mutant, outcome, time.monotonic() - began_s, _diff(path, source, changed))


def _found(copy: Path, path: str) -> str | None:
    package = Path(path).parts[1]
    # File by file, so that what finds most is asked first, and little is collected in vain.
    for pattern in TESTS[package]:
        files = sorted((copy / "tests").glob(pattern))
        command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--no-header"]
        outcome = _run([*command, *map(str, files)], copy)
        if outcome is not None:
            return outcome
    return None


def _run(command: list[str], copy: Path) -> str | None:
    environment = {**os.environ, "FLOORCAST_TEST_EXAMPLES": EXAMPLES, "PYTHONPATH": str(copy)}
    process = subprocess.Popen(
        command, cwd=copy, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        output, _ = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return "a hang"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    if process.returncode == 0:
        return None
    failed = [line for line in output.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    return failed[0].split(" - ")[0] if failed else output.strip().splitlines()[-1]


def _diff(path: str, source: bytes, changed: bytes) -> str:
    lines = difflib.unified_diff(
        source.decode().splitlines(), changed.decode().splitlines(), path, path, n=2, lineterm=""
    )
    return "\n".join(lines)
