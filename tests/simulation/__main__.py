"""`make simulate`: plays seeds, says how far it is, and of one that fails its shortest history."""

from __future__ import annotations

import argparse
import sys
import time
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


def main() -> int:
    """The exit status: 1 when a run fails."""
    options = _options()
    if options.only is not None:
        kept = {int(number) for number in options.only.split(",") if number}
        with valkey() as server:
            outcome = play(draw(options.seed).only(kept), server)
        print(told(outcome))
        return 1 if outcome.wrong else 0
    began_s, happened, failed = time.monotonic(), Counter[str](), 0
    for number, played in enumerate(_played(options), 1):
        happened.update(played.happened)
        if played.wrong:
            failed += 1
            print(f"seed {played.seed} fails: {played.wrong[0]}", flush=True)
            if options.first:
                return 1
            print(shortest(played.seed), flush=True)
        if number % 50 == 0 or number == options.runs:
            passed_s = time.monotonic() - began_s
            print(f"{number} of {options.runs} runs in {passed_s:.0f} s, {failed} failed", flush=True)
    print("\n".join(f"{count:8} {name}" for name, count in sorted(happened.items())))
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first one")
    parser.add_argument("--runs", type=int, default=1, help="so many seeds from it on")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", help="numbers of steps: one seed with these alone, and its history")
    parser.add_argument("--first", action="store_true", help="stop at the first failure, as it is")
    return parser.parse_args()


def _played(options: argparse.Namespace) -> Iterator[Played]:
    seeds = range(options.seed, options.seed + options.runs)
    if options.processes == 1 or options.runs < 2 * AT_ONCE:
        yield from _play_all(seeds)
        return
    portions = [seeds[at : at + AT_ONCE] for at in range(0, len(seeds), AT_ONCE)]
    with get_context("spawn").Pool(options.processes) as pool:
        for found in pool.imap(_play_portion, portions):
            yield from found


def _play_portion(seeds: range) -> list[Played]:
    return list(_play_all(seeds))


def _play_all(seeds: range) -> Iterator[Played]:
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


if __name__ == "__main__":
    sys.exit(main())
