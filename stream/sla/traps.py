"""Policies that do what they say and still not what was meant: targets in business time that are longer than
they look, entries that never apply, warnings that say nothing, calendars that nobody uses."""

from __future__ import annotations

from collections.abc import Iterator

from stream.config import PolicyConfig, format_duration
from stream.sla.calendar import ALWAYS
from stream.sla.explain import Explained, Explainer, used_ms

Trap = tuple[str, str]
"""Where in the configuration, and what to think about."""


def traps(explainer: Explainer) -> Iterator[Trap]:
    """All that are found, in the order of the entries of `policies`."""
    for explained in explainer.explain():
        where = f"policies[{explained.place}]"
        covering = _covering(explainer, explained.place)
        if covering is not None:
            name = explainer.config.policies[covering].name
            yield (
                where,
                f"never applies: policies[{covering}] ({name}) stands before it and matches every ticket "
                "that this one does; put the narrower one first",
            )
        yield from _never_open(where, explained)
        yield from _long_targets(where, explained)
        yield from _silent_warnings(where, explained)
    yield from _unused_calendars(explainer)


def _never_open(where: str, explained: Explained) -> Iterator[Trap]:
    if explained.policy.targets and not explained.samples:
        name = explained.calendar.name
        yield where, f"nothing is ever due: the calendar {name} has no hours in the year that follows"


def _long_targets(where: str, explained: Explained) -> Iterator[Trap]:
    calendar = explained.calendar
    if calendar is ALWAYS:
        return
    for clock, target_ms in explained.policy.targets.items():
        if target_ms > calendar.day_ms:
            days = f"{target_ms / calendar.day_ms:.1f}".removesuffix(".0")
            target, day = _hours(target_ms), _hours(calendar.day_ms)
            yield (
                f"{where}.targets.{clock}",
                f"{target} is longer than a working day of the calendar {calendar.name} ({day}): it is "
                f"{days} such days",
            )


def _silent_warnings(where: str, explained: Explained) -> Iterator[Trap]:
    for place, warn in enumerate(explained.policy.warn):
        for clock, target_ms in explained.policy.targets.items():
            if not 0 < used_ms(warn, target_ms) < target_ms:
                yield (
                    f"{where}.warn[{place}]",
                    f"{warn.said} lies not between start and target of {clock} ({_hours(target_ms)}): it "
                    "does not warn in time",
                )


def _unused_calendars(explainer: Explainer) -> Iterator[Trap]:
    config = explainer.config
    used = {config.default_calendar, *(policy.calendar for policy in config.policies)}
    for name in config.calendars:
        if name not in used:
            yield (
                f"calendars.{name}",
                "is not used: no policy names it, and default_calendar is "
                f"{config.default_calendar or ALWAYS.name}",
            )


def _covering(explainer: Explainer, place: int) -> int | None:
    """An earlier entry that takes every ticket of this one, whenever this one counts; the last such one."""
    covering = None
    for at_ms in explainer.instants():
        in_force = explainer.in_force(at_ms)
        if place not in in_force:
            continue
        policies = explainer.config.policies
        covering = next(
            (other for other in in_force if other < place and _covers(policies[other], policies[place])), None
        )
        if covering is None:
            return None
    return covering


def _covers(wide: PolicyConfig, narrow: PolicyConfig) -> bool:
    """Whether every ticket that matches `narrow` matches `wide`."""
    return all(
        field in narrow.when and set(narrow.when[field]) <= set(values) for field, values in wide.when.items()
    )


def _hours(duration_ms: int) -> str:
    return format_duration(duration_ms, days=False)
