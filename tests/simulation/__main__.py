"""`make simulate`: plays seeds, says how far it is, and of one that fails its shortest history."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from tests.simulation.plan import draw
from tests.simulation.run import play
from tests.simulation.series import play_seeds, shortest, told
from tests.simulation.server import valkey


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
    for number, played in enumerate(play_seeds(options.seed, options.runs, options.processes), 1):
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


if __name__ == "__main__":
    sys.exit(main())
