"""Checks between the keys of SLA clocks: calendars that are named exist, versions can be told apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stream.config.model import Config
from stream.config.problems import Path, nearest, path_text, shown
from stream.config.sla import AROUND_THE_CLOCK

Clash = tuple[tuple[Path, ...], str]
"""The paths whose values do not go together, the one to change first; and what is wrong."""


def sla_clashes(config: Config) -> Iterator[Clash]:
    """What does not go together in calendars and policies whose single values are all good."""
    named: list[tuple[Path, str | None]] = [(("default_calendar",), config.default_calendar)]
    named += [(("policies", i, "calendar"), policy.calendar) for i, policy in enumerate(config.policies)]
    known = [AROUND_THE_CLOCK, *config.calendars]
    for path, name in named:
        if name is not None and name not in known:
            near = nearest(name, known)
            yield (
                (path, ("calendars",), ("calendars", name)),
                f"unknown calendar {shown(name)}; the nearest known one is {near}",
            )
    for calendar, versions in config.calendars.items():
        yield from _same_instant(
            (version.effective_ms(config.timezone), ("calendars", calendar, i), "")
            for i, version in enumerate(versions)
        )
    yield from _same_instant(
        (policy.effective_ms(config.timezone), ("policies", i), policy.name)
        for i, policy in enumerate(config.policies)
    )


def _same_instant(versions: Iterable[tuple[int, Path, str]]) -> Iterator[Clash]:
    """Versions (from when on, path, name) of one name of which none is the later one."""
    first_of: dict[tuple[int, str], Path] = {}
    for effective_ms, path, name in versions:
        first = first_of.setdefault((effective_ms, name), path)
        if first != path:
            whose = f"policy {shown(name)}" if name else "calendar"
            yield (
                ((*path, "effective_from"), path, (*first, "effective_from"), first),
                f"the same {whose} has a version from the same time on in {path_text(first)}: "
                "each needs its own effective_from",
            )
