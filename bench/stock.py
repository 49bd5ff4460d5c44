"""A stock Faust agent that only counts: default settings, plain `async for`. Run by bench/baselines.py.

Arguments: bootstrap, topics (with commas), number of events after which it ends.
Prints events, CPU and wall seconds, from its first event to its last.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections import Counter
from typing import Any

import faust


def main(bootstrap: str, topics: str, count: int) -> None:
    """Counts until it has enough, then ends the process."""
    app = faust.App(
        f"stock-{os.getpid()}",
        broker=f"kafka://{bootstrap}",
        web_enabled=False,  # the default port may be taken; it costs nothing by event
        datadir=tempfile.mkdtemp(),
    )
    topic = app.topic(*topics.split(","), value_serializer="json")
    counts: Counter[str] = Counter()

    @app.agent(topic)
    async def counting(events: Any) -> None:
        seen, cpu_s, wall_s = 0, 0.0, 0.0
        async for event in events:
            if not seen:
                cpu_s, wall_s = time.process_time(), time.perf_counter()
            counts[event["type"]] += 1
            seen += 1
            if seen == count:
                took = {
                    "events": count,
                    "cpu_s": time.process_time() - cpu_s,
                    "wall_s": time.perf_counter() - wall_s,
                }
                print(json.dumps(took), file=sys.__stdout__, flush=True)  # Faust logs what goes to stdout
                os._exit(0)  # leaving the group in order takes Faust seconds

    faust.Worker(app, loglevel="warning").execute_from_commandline()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
