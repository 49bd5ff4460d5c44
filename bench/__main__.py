"""`python -m bench`: all in one run, on servers of its own. Results: a table, and bench/out/latest.json."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

import uvloop
from rich.console import Console

from bench.plan import MEASUREMENTS, Size, run
from bench.results import Results
from tests.rig.missing import MissingPart


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0; 1 when something is missing or, loudly, a run was not exact."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--events", type=int, default=400_000, help="events of the mix (default 400,000)")
    parser.add_argument(
        "--long", action="store_true", help="a million tickets and a whole day: about 5 minutes more"
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=list(MEASUREMENTS),
        help="only this, and what it needs; may be repeated",
    )
    asked = parser.parse_args(arguments)
    size = Size(asked.events, asked.long)
    results = Results()
    uvloop.install()
    try:
        asyncio.run(run(size, tuple(asked.only or MEASUREMENTS), results))
    except MissingPart as missing:
        print(f"bench: {missing}", file=sys.stderr)
        return 1
    Console(width=None if sys.stdout.isatty() else 160).print(results.table())
    if not asked.only:
        results.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
