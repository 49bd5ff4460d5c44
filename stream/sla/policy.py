"""Policies: which clocks a ticket has, their targets, calendars, pauses and warnings, and from when on.

The configuration has versions by `effective_from`. Between two instants at which any of them comes into
force lies an *epoch*: within one, which policy a ticket falls under is a function of its segments and tags.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

from stream.events.clocks import AGENT_WORK, CLOCKS, PAUSABLE_UPDATE, REQUESTER_WAIT
from stream.events.instants import ALWAYS_MS, FOREVER
from stream.metrics.segments import Segment, Segments
from stream.sla.calendar import ALWAYS, Calendar

PAUSES: Final[dict[int, tuple[str, ...]]] = {
    PAUSABLE_UPDATE: ("pending",),
    REQUESTER_WAIT: ("pending",),
    AGENT_WORK: ("pending", "on_hold"),
}
"""The statuses in which a clock pauses unless its policy says otherwise."""

NO_TARGET: Final = -1


class Level:
    """A warning level. `number`: its place among all levels of the configuration, which is stored. `share`:
    parts of 10,000 of the target that are used, or `left_ms`: business time that is left; the other is -1."""

    __slots__ = ("left_ms", "number", "said", "share")

    def __init__(self, number: int, said: str, share: int, left_ms: int) -> None:
        self.number = number
        self.said = said
        self.share = share
        self.left_ms = left_ms

    def used_ms(self, target_ms: int) -> int:
        """The business time after which it is passed, of a target; at or past the target it never is."""
        # Rounded up: a share is used up once all of it is.
        return -(-target_ms * self.share // 10_000) if self.share >= 0 else target_ms - self.left_ms


class Policy:
    """One policy in one epoch. `targets` (ms) and `pauses` by the number of the clock."""

    __slots__ = ("calendar", "levels", "name", "pauses", "targets", "when")

    def __init__(
        self,
        name: str,
        when: list[tuple[int, frozenset[str]]],
        calendar: Calendar,
        targets: list[int],
        pauses: list[frozenset[str]],
        levels: list[Level],
    ) -> None:
        """`when`: places of dimensions (or `TAGS`) with the values that match; `levels` as listed."""
        self.name = name
        self.when = when
        self.calendar = calendar
        self.targets = targets
        self.pauses = pauses
        self.levels = levels

    def matches(self, values: tuple[str | None, ...], tags: str | None) -> bool:
        """Whether a ticket with these values of dimensions and tags (as in its history) falls under it."""
        for place, wanted in self.when:
            if place == TAGS:
                if tags is None or wanted.isdisjoint(tags.split(TAGS_APART)):
                    return False
            elif values[place] not in wanted:
                return False
        return True


TAGS: Final = -1
TAGS_APART: Final = "\x1f"
"""Stands between tags in a history."""

NO_PAUSES: Final[list[frozenset[str]]] = [frozenset(PAUSES.get(clock, ())) for clock in range(len(CLOCKS))]


def none_of(calendar: Calendar) -> Policy:
    """What holds where no policy matches: no targets."""
    return Policy("", [], calendar, [NO_TARGET] * len(CLOCKS), NO_PAUSES, [])


class Epoch:
    """The policies in force from `from_ms` on, the first that matches wins, and the default calendar."""

    __slots__ = ("_known", "_nothing", "calendar", "from_ms", "policies")

    def __init__(self, from_ms: int, policies: list[Policy], calendar: Calendar) -> None:
        self.from_ms = from_ms
        self.policies = policies
        self.calendar = calendar
        self._nothing = none_of(calendar)
        self._known: dict[tuple[Segment, str | None], Policy] = {}

    def policy_of(self, segment: Segment, tags: str | None) -> Policy:
        """The policy of a ticket; one without targets where none matches."""
        key = (segment, tags)
        found = self._known.get(key)
        if found is None:
            if len(self._known) > Segments.BOUND:
                self._known.clear()
            found = self._nothing
            for policy in self.policies:
                if policy.matches(segment.values, tags):
                    found = policy
                    break
            self._known[key] = found
        return found


class Policies:
    """All epochs, in order of time; the first begins before everything."""

    __slots__ = ("_starts", "clocks", "epochs", "levels", "tagged")

    def __init__(self, epochs: list[Epoch], levels: list[str]) -> None:
        """`levels`: the warning levels as spelled, by their number."""
        self.epochs = epochs
        self.levels = levels
        self._starts = [epoch.from_ms for epoch in epochs]
        self.clocks = frozenset(
            clock
            for epoch in epochs
            for policy in epoch.policies
            for clock in range(len(CLOCKS))
            if policy.targets[clock] != NO_TARGET
        )
        """The clocks that any policy has."""
        self.tagged = any(
            place == TAGS for epoch in epochs for policy in epoch.policies for place, _ in policy.when
        )
        """Whether any policy asks for tags."""

    def number_at(self, at_ms: int) -> int:
        """The number of the epoch that an instant lies in."""
        return bisect_right(self._starts, at_ms) - 1

    def start_ms(self, number: int) -> int:
        """When an epoch begins; `FOREVER` for the one behind the last."""
        starts = self._starts
        return starts[number] if number < len(starts) else FOREVER


NO_POLICIES: Final = Policies([Epoch(ALWAYS_MS, [], ALWAYS)], [])
