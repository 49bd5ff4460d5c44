"""Simulated runs (tests/simulation): fifty seeds, and that the machine itself can be trusted."""

import pytest

from tests.simulation.mutants import MUTANTS, ROOT, Mutant, found
from tests.simulation.plan import KINDS, Plan, draw
from tests.simulation.run import play
from tests.simulation.series import told
from tests.simulation.server import Server
from tests.simulation.shrink import shrink

SEEDS = range(1, 51)
TRIED = ("the fence is not asked", "the offset is committed before what its records caused")
"""Mutants that are looked for in every run; all of them: `make simulate-mutants`."""


@pytest.mark.parametrize("seeds", [SEEDS[at : at + 10] for at in range(0, len(SEEDS), 10)], ids=str)
def test_whatever_goes_wrong_the_numbers_are_those_of_the_log(simulated_redis: Server, seeds: range) -> None:
    """A seed that fails: `make simulate SEED=...` prints its shortest history."""
    for seed in seeds:
        outcome = play(draw(seed), simulated_redis)
        assert outcome.wrong == [], f"make simulate SEED={seed}\n{told(outcome)}"


def test_a_seed_is_a_run(simulated_redis: Server) -> None:
    """To the last call: else a failure could not be looked into."""
    for seed in (3, 11):
        first, again = (play(draw(seed), simulated_redis).world for _ in range(2))
        assert _without_ids(first.history) == _without_ids(again.history)
        assert first.log.topics == again.log.topics
        assert first.deliveries == again.deliveries


def test_fifty_seeds_draw_every_fault() -> None:
    """None is only written down."""
    assert {step.kind for seed in SEEDS for step in draw(seed).steps} >= set(KINDS)


def test_of_a_history_that_fails_what_it_needs_remains() -> None:
    """Here: two steps together."""
    plan = draw(1)

    def fails(shorter: Plan) -> bool:
        return {4, 9} <= {step.number for step in shorter.steps}

    assert [step.number for step in shrink(plan, fails).steps] == [4, 9]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: str(mutant.name))
def test_what_a_mutant_replaces_stands_in_the_product(mutant: Mutant) -> None:
    """Once; where the text has moved on the mutant has to follow."""
    assert (ROOT / mutant.path).read_text().count(mutant.text) == 1


@pytest.mark.parametrize(
    "mutant", [one for one in MUTANTS if one.name in TRIED], ids=lambda one: str(one.name)
)
def test_the_product_broken_on_purpose_is_found_out(simulated_redis: Server, mutant: Mutant) -> None:
    """By the seed that is noted."""
    assert found(mutant, mutant.found_by, 1)[0] == mutant.found_by


def _without_ids(history: list[str]) -> list[str]:
    """Commit ids are the only thing that is not drawn from the seed."""
    return [line.split("commit")[0] for line in history]
