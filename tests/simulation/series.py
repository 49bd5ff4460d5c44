"""Many seeds, on several processes; and of one that fails the shortest history, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from multiprocessing import get_context
from typing import NamedTuple

from tests.simulation.plan import Plan, draw
from tests.simulation.run import Outcome, play
from tests.simulation.server import valkey
from tests.simulation.shrink import shrink

AT_ONCE = 10
"""Seeds that a process plays before it reports."""


class Played(NamedTuple):
    """What became of a seed."""

    seed: int
    wrong: list[str]
    happened: Counter[str]


def play_seeds(first: int, runs: int, processes: int) -> Iterator[Played]:
    """So many seeds from the first one on, in their order."""
    seeds = range(first, first + runs)
    if processes == 1 or runs < 2 * AT_ONCE:
        yield from _play_each(seeds)
        return
    portions = [seeds[at : at + AT_ONCE] for at in range(0, runs, AT_ONCE)]
    with get_context("spawn").Pool(processes) as pool:
        for found in pool.imap(_play_portion, portions):
            yield from found


def _play_portion(seeds: range) -> list[Played]:
    return list(_play_each(seeds))


def _play_each(seeds: range) -> Iterator[Played]:
    with valkey() as server:
        for seed in seeds:
            outcome = play(draw(seed), server)
            yield Played(seed, outcome.wrong, outcome.world.happened)


def shortest(seed: int) -> str:
    """The history of a failing seed without what it does not need, and how to repeat it."""
    with valkey() as server:

        def fails(plan: Plan) -> bool:
            return bool(play(plan, server).wrong)

        plan = shrink(draw(seed), fails)
        outcome = play(plan, server)
    numbers = ",".join(str(step.number) for step in plan.steps)
    return f"{told(outcome)}\nRepeat it: make simulate SEED={seed} ONLY={numbers}"


def told(outcome: Outcome) -> str:
    """A run in words."""
    plan = outcome.plan
    shape = ", ".join(f"{family} in {count}" for family, count in plan.families.items())
    lines = [f"seed {plan.seed}: {plan.workers} workers, {shape}"]
    lines += [f"{step.at_s:8.3f} s  {step.number}: {step.kind} {step.what}" for step in plan.steps]
    lines += ["what happened:", *outcome.world.history, "what is wrong:", *(outcome.wrong or ["nothing"])]
    return "\n".join(lines)
