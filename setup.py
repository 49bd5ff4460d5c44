"""Only for what pyproject.toml cannot say: FLOORCAST_COMPILE=1 compiles the pure core with mypyc.

The same sources run without it; compiled they take about half the CPU. `make compile` does it in place.
"""

import os

from setuptools import setup

COMPILED = [
    "stream/events/decode.py",
    "stream/events/instants.py",
    "stream/events/partition.py",
    "stream/lifecycle/agent.py",
    "stream/lifecycle/backlog.py",
    "stream/lifecycle/call.py",
    "stream/lifecycle/call_counts.py",
    "stream/lifecycle/call_facts.py",
    "stream/lifecycle/checkpoint.py",
    "stream/lifecycle/contact.py",
    "stream/lifecycle/delta.py",
    "stream/lifecycle/entity.py",
    "stream/lifecycle/fold.py",
    "stream/lifecycle/heartbeats.py",
    "stream/lifecycle/record.py",
    "stream/lifecycle/replay.py",
    "stream/lifecycle/resolution.py",
    "stream/lifecycle/rows.py",
    "stream/lifecycle/snapshot.py",
    "stream/lifecycle/session.py",
    "stream/lifecycle/survey.py",
    "stream/lifecycle/ticket.py",
    "stream/lifecycle/ticket_fold.py",
    "stream/lifecycle/ticket_rules.py",
    "stream/metrics/cells.py",
    "stream/metrics/panes.py",
    "stream/metrics/segments.py",
    "stream/metrics/sizes.py",
    "stream/metrics/sketch.py",
    "stream/shard/carry.py",
    "stream/shard/entities.py",
    "stream/shard/facts.py",
    "stream/shard/intake.py",
    "stream/shard/shard.py",
    "stream/shard/touched.py",
    "stream/sla/calendar.py",
    "stream/sla/clock.py",
    "stream/sla/clocks.py",
    "stream/sla/marks.py",
    "stream/sla/policy.py",
    "stream/sla/running.py",
    "stream/store/commit.py",
]


def extensions() -> list[object]:
    """The compiled modules, when they are wanted."""
    if os.environ.get("FLOORCAST_COMPILE") != "1":
        return []
    from mypyc.build import mypycify

    return list(mypycify(COMPILED, opt_level="3"))


setup(ext_modules=extensions())
