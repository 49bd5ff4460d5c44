"""The contract's own scenarios, beside the project in `shared/scenarios`, and ours in `tests/scenarios`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from stream.metrics.catalog import load_catalog
from stream.scenario.file import read_scenarios
from stream.scenario.run import Result, run_scenario

ROOT = Path(__file__).resolve().parent.parent
CONTRACT = ROOT.parent / "shared" / "scenarios"
OURS = sorted((ROOT / "tests" / "scenarios").glob("*.yaml"))
SEEDS = (1, 2, 3)

NOT_YET = {
    "alerts": 1, "backlog_past_sla": 3, "first_response_time_business": 6,
    "sla_at_risk": 4, "sla_breaches": 5, "sla_compliance": 6, "sla_compliance_received": 1, "sla_running": 3,
}  # fmt: skip
"""What `metrics/*.yaml` of the contract ask for that is not in the catalog yet, and how often."""


def _play(paths: list[Path], seed: int) -> list[Result]:
    catalog = load_catalog()
    return [run_scenario(scenario, catalog, seed) for path in paths for scenario in read_scenarios(path)]


def _contract(folder: str) -> list[Path]:
    paths = sorted((CONTRACT / folder).glob("*.yaml"))
    if not paths:
        pytest.skip(f"the contract's scenarios are not at {CONTRACT / folder}")
    return paths


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("folder", ["metrics", "sla"])
def test_every_expectation_about_a_metric_of_the_catalog_holds(folder: str, seed: int) -> None:
    """As told, and shuffled, doubled and cut into other batches."""
    results = _play(_contract(folder), seed)
    assert [failure for result in results for failure in result.failures] == []
    assert sum(result.held for result in results) > 0


def test_what_is_skipped_is_known() -> None:
    """Only ids that are not in the catalog yet; a metric that is added must leave this list."""
    skipped: Counter[str] = Counter()
    for result in _play(_contract("metrics"), 1):
        skipped.update(result.not_yet)
    assert skipped == NOT_YET
    assert not [name for name in skipped if name in load_catalog()]


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_ours_hold(path: Path) -> None:
    """One file a rule."""
    for seed in SEEDS:
        for result in _play([path], seed):
            assert result.failures == []
            assert result.held > 0
            assert not result.not_yet
