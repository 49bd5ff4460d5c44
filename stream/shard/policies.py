"""From the configuration to the policies that the fold of tickets asks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from stream.config import Config
from stream.config.resolve import Versions, calendars_of, resolve
from stream.config.sla import AROUND_THE_CLOCK, PolicyConfig, warn_levels
from stream.events.clocks import CLOCKS, QUEUE_WAIT
from stream.sla.calendar import ALWAYS, Calendar
from stream.sla.policy import (
    ALWAYS_MS,
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


def policies_of(config: Config, dimensions: Sequence[str]) -> Policies:
    """The policies of a configuration for tickets whose segments have these dimensions."""
    levels = warn_levels(config.policies)
    calendars = {AROUND_THE_CLOCK: _ALWAYS, **calendars_of(resolve(config))}
    versions: dict[str, list[tuple[int, int, PolicyConfig]]] = {}
    for place, policy in enumerate(config.policies):
        versions.setdefault(policy.name, []).append((policy.effective_ms(config.timezone), place, policy))
    starts = {ALWAYS_MS, *(at for at, _ in chain(*calendars.values()))}
    starts |= {at for at, _, _ in chain(*versions.values())}
    epochs = [
        _epoch(at, config, calendars, versions, {said: n for n, said in enumerate(levels)}, dimensions)
        for at in sorted(starts)
    ]
    return Policies(epochs, levels)


def waits_of(config: Config, dimensions: Sequence[str]) -> Policies:
    """The targets of the clock `queue_wait` as policies: the first entry of `queues` that matches counts,
    also where it has no target."""
    if not any(rule.max_wait_ms for rule in config.queues):
        return NO_POLICIES
    policies = [
        Policy(
            ", ".join(value for values in rule.when.values() for value in values) or "every queue",
            [(dimensions.index(field), frozenset(values)) for field, values in rule.when.items()],
            ALWAYS,
            [*[NO_TARGET] * QUEUE_WAIT, rule.max_wait_ms or NO_TARGET],
            NO_PAUSES,
            [],
        )
        for rule in config.queues
    ]
    return Policies([Epoch(ALWAYS_MS, policies, ALWAYS)], [])


def _epoch(
    at: int, config: Config, calendars: dict[str, Versions],
    versions: dict[str, list[tuple[int, int, PolicyConfig]]], numbers: dict[str, int],
    dimensions: Sequence[str],
) -> Epoch:  # fmt: skip
    in_force = [
        max(entry for entry in entries if entry[0] <= at)
        for entries in versions.values()
        if any(entry[0] <= at for entry in entries)
    ]
    default = config.default_calendar or AROUND_THE_CLOCK
    return Epoch(
        at,
        [
            _policy(policy, _calendar(calendars[policy.calendar or default], at), numbers, dimensions)
            for _, _, policy in sorted(in_force, key=lambda entry: entry[1])
        ],
        _calendar(calendars[default], at),
    )


def _calendar(versions: Versions, at: int) -> Calendar:
    return [calendar for begin, calendar in versions if begin <= at][-1]


def _policy(
    policy: PolicyConfig, calendar: Calendar, numbers: dict[str, int], dimensions: Sequence[str]
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
