"""From the history of the configuration to the policies that the fold of tickets asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import get_args

from stream.config.history import levels_of
from stream.config.published import History, PublishedPolicy, PublishedQueue, Sla
from stream.config.resolve import Versions, calendars_of
from stream.config.sla import AROUND_THE_CLOCK
from stream.events.calls import Direction
from stream.events.clocks import CLOCKS, QUEUE_WAIT
from stream.events.instants import ALWAYS_MS, FOREVER
from stream.sla.calendar import ALWAYS, Calendar
from stream.sla.policy import (
    NO_PAUSES,
    NO_POLICIES,
    NO_TARGET,
    PAUSES,
    TAGS,
    Epoch,
    Level,
    Policies,
    Policy,
)

_ALWAYS: Versions = [(ALWAYS_MS, ALWAYS)]


def policies_of(history: History, dimensions: Sequence[str]) -> Policies:
    """The policies of a history for tickets whose segments have these dimensions.

    Each version is in force from its publication to the next one's, the first from always; within that time
    `effective_from` counts.
    """
    levels = levels_of(policy for version in history for policy in version.sla.policies)
    numbers = {said: number for number, said in enumerate(levels)}
    epochs: list[Epoch] = []
    for begin, end, sla in _in_force(history, _of_tickets):
        calendars = {AROUND_THE_CLOCK: _ALWAYS, **calendars_of(sla.calendars)}
        changes = (at for at, _ in chain(*calendars.values()))
        starts = {begin, *changes, *(policy.effective_ms for policy in sla.policies)}
        epochs += [
            _epoch(at, sla, calendars, numbers, dimensions) for at in sorted(starts) if begin <= at < end
        ]
    return Policies(epochs, levels)


def waits_of(history: History, dimensions: Sequence[str]) -> Policies:
    """The targets of the clock `queue_wait` as policies: the first entry of `queues` that matches counts,
    also where it has no target. Calls of other directions than inbound have none."""
    if not any(queue.max_wait_ms for version in history for queue in version.sla.queues):
        return NO_POLICIES
    outward = [(dimensions.index("direction"), frozenset(get_args(Direction)) - {"inbound"})]
    nothing = Policy("", outward, ALWAYS, [NO_TARGET] * len(CLOCKS), NO_PAUSES, [])
    epochs = [
        Epoch(begin, [nothing, *(_wait(queue, dimensions) for queue in sla.queues)], ALWAYS)
        for begin, _, sla in _in_force(history, _of_calls)
    ]
    return Policies(epochs, [])


def _of_tickets(sla: Sla) -> object:
    return sla.default_calendar, sla.calendars, sla.policies


def _of_calls(sla: Sla) -> object:
    return sla.queues


def _in_force(history: History, part: Callable[[Sla], object]) -> list[tuple[int, int, Sla]]:
    """From when (inclusive) to when each version counts; one that changes nothing in its part is left out, so
    that no clock is recomputed for it."""
    first, *later = history
    found = [(ALWAYS_MS, first.sla)]
    for version in later:
        if part(version.sla) != part(found[-1][1]):
            found.append((version.from_ms, version.sla))
    ends = [*(begin for begin, _ in found[1:]), FOREVER]
    return [(begin, end, sla) for (begin, sla), end in zip(found, ends, strict=True)]


def _wait(queue: PublishedQueue, dimensions: Sequence[str]) -> Policy:
    return Policy(
        ", ".join(value for values in queue.when.values() for value in values) or "every queue",
        [(dimensions.index(field), frozenset(values)) for field, values in queue.when.items()],
        ALWAYS,
        [*[NO_TARGET] * QUEUE_WAIT, queue.max_wait_ms or NO_TARGET],
        NO_PAUSES,
        [],
    )


def _epoch(
    at: int, sla: Sla, calendars: dict[str, Versions], numbers: dict[str, int], dimensions: Sequence[str]
) -> Epoch:
    latest: dict[str, tuple[int, int, PublishedPolicy]] = {}
    for place, policy in enumerate(sla.policies):
        entry = (policy.effective_ms, place, policy)
        if policy.effective_ms <= at and (policy.name not in latest or entry[:2] > latest[policy.name][:2]):
            latest[policy.name] = entry
    default = sla.default_calendar or AROUND_THE_CLOCK
    return Epoch(
        at,
        [
            _policy(policy, _calendar(calendars[policy.calendar or default], at), numbers, dimensions)
            for _, _, policy in sorted(latest.values(), key=lambda entry: entry[1])
        ],
        _calendar(calendars[default], at),
    )


def _calendar(versions: Versions, at: int) -> Calendar:
    return [calendar for begin, calendar in versions if begin <= at][-1]


def _policy(
    policy: PublishedPolicy, calendar: Calendar, numbers: dict[str, int], dimensions: Sequence[str]
) -> Policy:
    return Policy(
        policy.name,
        [
            (TAGS if field == "tags" else dimensions.index(field), frozenset(values))
            for field, values in policy.when.items()
        ],
        calendar,
        [policy.targets.get(clock, NO_TARGET) for clock in CLOCKS],
        [frozenset(policy.pause.get(name, PAUSES.get(clock, ()))) for clock, name in enumerate(CLOCKS)],
        [
            Level(numbers[warn.said], warn.said, -1, warn.left_ms)
            if warn.left_ms is not None
            else Level(numbers[warn.said], warn.said, (warn.share or 0) * 10, -1)
            for warn in policy.warn
        ],
    )
