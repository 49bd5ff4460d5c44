"""Scenario files, broken: `floorcast test` plays them, or says in which line what is wrong."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from random import Random
from typing import Final

from stream.cli import test
from stream.cli.options import WRONG_INPUT
from stream.scenario.document import documents
from tests.fuzz.bounds import bounded
from tests.fuzz.command import Command
from tests.fuzz.mutate import Json
from tests.fuzz.yaml_text import YamlMutator

ROOT: Final = Path(__file__).parents[2]
FOLDERS: Final = (ROOT / "tests" / "scenarios", ROOT.parent / "shared" / "scenarios")
"""The second one is no part of the project."""
SAID_MAX: Final = 2_500
KINDS: Final = {
    "not YAML": r"not readable as YAML|not UTF-8",
    "configuration": "document [0-9]+: config: ",
    "name": r"unknown |holds no|no document",
    "time": r"no time|no zone|times are read|window|ends before|from .* to ",
    "another part wanted": r"wanted|is a mapping|an event is|data must be JSON|put it in quotes|is no number",
    "nothing to compare": r"missing|nothing| none$|need|add |keep |write |leave |alone|must say|offers",
}
OUTCOMES: Final[dict[object, str]] = {0: "holds", 1: "fails"}
_TEST: Final = Command(test.command)


def valid_scenarios(every: int = 3) -> list[Json]:
    """One in so many of those that are there; times as text."""
    found = [path for folder in FOLDERS for path in sorted(folder.rglob("*.yaml"))]
    return [
        json.loads(json.dumps(document.value, default=str))
        for path in found[::every]
        for document in documents(path.read_text())
    ]


def run_scenarios(seed: str, valid: list[Json], count: int, directory: Path) -> Counter[str]:
    """So many files through the command; what became of them. Fails on whatever is neither a result nor an
    error with a place."""
    random = Random(f"{seed}:scenarios")
    mutator = YamlMutator(random)
    file = directory / "scenario.yaml"
    counts: Counter[str] = Counter()
    for number in range(count):
        file.write_bytes(mutator.payload(random.choice(valid)))
        with bounded(f"{seed} scenarios {number}"):
            counts[_outcome(file, as_json=number % 4 == 0)] += 1
    return counts


def _outcome(file: Path, as_json: bool) -> str:
    options = ["--json", str(file)] if as_json else [str(file)]
    result = _TEST.run(*options)
    if as_json:
        json.loads(result.stdout)
    if result.status in OUTCOMES:
        assert not result.stderr, result.stderr
        return OUTCOMES[result.status]
    assert result.status == WRONG_INPUT, result
    said = result.stderr.rstrip("\n")
    told = (said, file.read_bytes())
    assert re.match(rf"Error: {re.escape(str(file))}:(\d+: | not UTF-8 text \(byte \d+\)| holds no)", said), (
        told
    )
    assert len(said) <= SAID_MAX, told
    assert said.isprintable(), told
    return next(name for name, pattern in KINDS.items() if re.search(pattern, said))
