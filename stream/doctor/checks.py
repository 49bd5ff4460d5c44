"""All checks, by area, in the order in which they are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from stream.doctor import alerts, clocks, kafka, redis, shards, software
from stream.doctor.finding import Finding
from stream.doctor.gather import Facts

Check = Callable[[Facts], Iterator[Finding]]
CHECKS: tuple[Check, ...] = (
    *software.CHECKS, *kafka.CHECKS, *redis.CHECKS, *shards.CHECKS, *clocks.CHECKS, *alerts.CHECKS,
)  # fmt: skip


def findings(facts: Facts) -> list[Finding]:
    """What all checks say."""
    return list(chain.from_iterable(check(facts) for check in CHECKS))
