"""Everything together: customers arrive with the day, the floor works, its events come out in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, tzinfo
from random import Random
from zlib import crc32

from stream.floor.agenda import Agenda
from stream.floor.calls import Phones
from stream.floor.day import PEAK, load
from stream.floor.sessions import OPENED_SHARE, HelpCentre
from stream.floor.surveys import Surveys
from stream.floor.telling import Told
from stream.floor.tickets import Desk

EVENTS_PER_TICKET = 10.8
EVENTS_PER_CALL = 10.8
EVENTS_PER_SESSION = 4.0
"""Mean events that a ticket or a call causes in all, its surveys and what the agents say included, and a
session without its ticket: measured, and pinned by a test."""
TICKETS_SHARE = 0.5
"""Of the contacts so many are tickets, which makes nearly half of the events theirs."""
SESSIONS = 0.5
"""Sessions of self-service for each contact."""


def simulate(seed: int, start_ms: int, rate: float, zone: tzinfo = UTC) -> Iterator[Told]:
    """The events of a floor that opens at `start_ms`, for ever: (topic family, CloudEvent), in order of time.

    Families are tickets, calls, surveys, agents (those on the phones) and selfservice. `rate` is the mean
    number of events per second of event time over a week: at noon more than twice as many, at night few, and
    fewer in the first two days, until there are tickets of every age; `zone` is where noon is. The same
    arguments give the same events; others give other subjects, so that two runs never mix. Memory grows with
    what is alive, not with time.
    """
    if not 0 < rate < 1_000_000:
        raise ValueError(f"rate must be above 0 and below 1,000,000 events per second, not {rate}")
    outbox: deque[Told] = deque()
    agenda = Agenda(start_ms, zone)
    _open(seed, rate, zone, agenda, outbox)
    while True:
        agenda.advance()
        while outbox:
            yield outbox.popleft()


def _open(seed: int, rate: float, zone: tzinfo, agenda: Agenda, outbox: deque[Told]) -> None:
    prefix = f"sim:{_tag(seed, agenda.now_ms, rate, zone)}:"
    contacts = rate / (
        TICKETS_SHARE * EVENTS_PER_TICKET
        + (1 - TICKETS_SHARE) * EVENTS_PER_CALL
        + SESSIONS * EVENTS_PER_SESSION
    )
    sessions = contacts * SESSIONS
    writers = contacts * TICKETS_SHARE - sessions * OPENED_SHARE
    surveys = Surveys(seed, agenda, outbox, prefix)
    desk = Desk(seed, contacts * TICKETS_SHARE, agenda, outbox, surveys.follow)
    callers = contacts * (1 - TICKETS_SHARE)
    phones = Phones(seed, callers, agenda, outbox, surveys.follow, surveys.ask_staff, prefix)
    centre = HelpCentre(seed, agenda, outbox, lambda about: desk.open(prefix, about))
    _Arrivals(f"{seed}:writers", writers, agenda, lambda: desk.arrive(prefix)).plan()
    _Arrivals(f"{seed}:visitors", sessions, agenda, lambda: centre.arrive(prefix)).plan()
    _Arrivals(f"{seed}:callers", callers, agenda, phones.arrive).plan()


class _Arrivals:
    """A Poisson process whose intensity follows the day, by thinning one that has the peak's intensity."""

    def __init__(self, seed: str, per_second: float, agenda: Agenda, arrive: Callable[[], None]) -> None:
        self._random = Random(seed)
        self._peak_per_second = per_second * PEAK
        self._agenda = agenda
        self._arrive = arrive

    def plan(self) -> None:
        """Plan the next arrival."""
        self._agenda.after(self._random.expovariate(self._peak_per_second), self._step)

    def _step(self, now_ms: int) -> None:
        if self._random.random() * PEAK < load(self._agenda.local_ms()):
            self._arrive()
        self.plan()


def _tag(seed: int, start_ms: int, rate: float, zone: tzinfo) -> str:
    """Five characters that tell this run's subjects from another's."""
    number = crc32(f"{seed}:{start_ms}:{rate}:{zone}".encode())
    return "".join("0123456789abcdefghijklmnopqrstuvwxyz"[number // 36**place % 36] for place in range(5))
