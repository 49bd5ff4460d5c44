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
TIMEOUT_S = 600.0
"""Of one row of tests, on a busy machine. A mutant that hangs is found, too."""
HANG = "a hang"
IMPORT = "its import"
EXAMPLES = "3"
PYTEST = (sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--no-header")

CORE = ("test_scenario_contract.py", "test_core_[!o]*.py", "test_oracle_*.py", "test_core_o*.py")
STORE = ("test_store_[clrw]*.py", "test_store_drops.py", "test_store_trouble.py")
WORKER = ("test_worker_[!rt]*.py", "test_worker_rec*.py", "test_worker_transport.py")
TESTS: dict[str, tuple[str, ...]] = {
    "lifecycle": ("test_query_low.py", *CORE),
    "sla": ("test_sla_*.py", "test_config_sla.py", *CORE),
    "metrics": ("test_metrics_*.py", "test_query_[!e]*.py", *CORE, "test_serve_families.py"),
    "store": (*STORE, "test_query_*.py", "test_store_server.py", "test_pipeline_verify.py"),
    "worker": (*WORKER, "test_worker_rebalance.py", "test_pipeline_[cdsv]*.py"),
}
"""Package -> rows of quick tests, those that find most first."""


class UnsoundTest(Exception):
    """A test that says nothing about a mutant."""


@dataclass(frozen=True, slots=True)
class Tried:
    """`outcome`: the test that failed, `a hang`, or None: it survived."""

    path: str
    mutant: Mutant
    outcome: str | None
    seconds: float
    diff: str


def drawn(count: int, seed: int, packages: tuple[str, ...]) -> list[tuple[str, Mutant]]:
    """So many different mutants, equally many of every package; a package's do not depend on the others."""
    found: list[tuple[str, Mutant]] = []
    for number, package in enumerate(packages):
        share = count // len(packages) + (number < count % len(packages))
        every = [
            (str(path.relative_to(ROOT)), mutant)
            for path in sorted((ROOT / "stream" / package).glob("*.py"))
            for mutant in mutants(path.read_bytes())
        ]
        found += Random(f"{seed}:{package}").sample(every, min(share, len(every)))
    return found


def tried(chosen: list[tuple[str, Mutant]], directory: Path) -> Iterator[Tried]:
    """Each in a copy of the project that is made in the directory."""
    copy = directory / "project"
    ignored = shutil.ignore_patterns(".git", ".venv", ".*cache", "__pycache__", "build", "*.so", "*.egg-info")
    shutil.copytree(ROOT, copy, ignore=ignored)
    shared = ROOT.parent / "shared"
    if shared.exists():
        (directory / "shared").symlink_to(shared.resolve())
    sound = {HANG, IMPORT}
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
        if outcome is not None and outcome not in sound:
            if _run([*PYTEST, outcome], copy) is not None:
                raise UnsoundTest(f"{outcome} fails without any mutant, too")
            sound.add(outcome)
        yield Tried(path, mutant, outcome, time.monotonic() - began_s, _diff(path, source, changed))


def _found(copy: Path, path: str) -> str | None:
    package = Path(path).parts[1]
    for pattern in TESTS[package]:
        files = sorted((copy / "tests").glob(pattern))
        outcome = _run([*PYTEST, *map(str, files)], copy)
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
        return HANG
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    if process.returncode == 0:
        return None
    failed = [line for line in output.splitlines() if line.startswith(("FAILED tests/", "ERROR tests/"))]
    if not failed and "while loading conftest" in output:
        return IMPORT
    if not failed:
        raise UnsoundTest(f"the tests could not be run:\n{output[-2000:]}")
    return failed[0].partition(" ")[2].partition(" - ")[0]


def _diff(path: str, source: bytes, changed: bytes) -> str:
    lines = difflib.unified_diff(
        source.decode().splitlines(), changed.decode().splitlines(), path, path, n=2, lineterm=""
    )
    return "\n".join(lines)
