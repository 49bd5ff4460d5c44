"""The contract's own scenarios, beside the project in `shared/scenarios`, and ours in `tests/scenarios`."""

from __future__ import annotations

from pathlib import Path

import pytest

from stream.scenario.file import read_scenarios
from stream.scenario.run import Result, run_scenario

ROOT = Path(__file__).resolve().parent.parent
CONTRACT = ROOT.parent / "shared" / "scenarios"
OURS = sorted((ROOT / "tests" / "scenarios").glob("*.yaml"))
SEEDS = (1, 2, 3)


def _play(paths: list[Path], seed: int) -> list[Result]:
    return [run_scenario(scenario, seed) for path in paths for scenario in read_scenarios(path)]


def _contract(folder: str) -> list[Path]:
    paths = sorted((CONTRACT / folder).glob("*.yaml"))
    if not paths:
        pytest.skip(f"the contract's scenarios are not at {CONTRACT / folder}")
    return paths


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("folder", ["metrics", "sla"])
def test_every_expectation_holds(folder: str, seed: int) -> None:
    """As told, and shuffled, doubled and cut into other batches."""
    results = _play(_contract(folder), seed)
    assert [failure for result in results for failure in result.failures] == []
    assert sum(result.held for result in results) > 0


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_ours_hold(path: Path) -> None:
    """One file a rule."""
    for seed in SEEDS:
        for result in _play([path], seed):
            assert result.failures == []
            assert result.held > 0
