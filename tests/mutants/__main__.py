"""`python -m tests.mutants`: draws random small faults into the sources, and says which ones no test notices.

Exit status 0: all were found; 1: some survived (their diffs are shown).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from stream.cli.supervise import ended_by_signals
from tests.mutants.tries import TESTS, Tried, drawn, tried


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--count", type=int, default=50, help="mutants (default 50)")
    parser.add_argument("--seed", type=int, default=1, help="draws them (default 1)")
    parser.add_argument("--package", action="append", choices=list(TESTS), help="only of this; repeatable")
    asked = parser.parse_args()
    chosen = drawn(asked.count, asked.seed, tuple(asked.package or TESTS))
    survived: list[Tried] = []
    with ended_by_signals(), tempfile.TemporaryDirectory(prefix="floorcast-mutants-") as directory:
        for number, one in enumerate(tried(chosen, Path(directory)), start=1):
            where = f"{one.path}:{one.mutant.line}"
            said = f"found by {one.outcome}" if one.outcome else "SURVIVED"
            print(f"{number:3} {where:40} {one.mutant.kind:18} {one.seconds:4.0f} s  {said}", flush=True)
            if one.outcome is None:
                survived.append(one)
                print(one.diff, flush=True)
    print(f"seed {asked.seed}: of {len(chosen)} mutants {len(chosen) - len(survived)} were found")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
