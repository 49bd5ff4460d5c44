"""Sessions in the help centre and with its bot: searches, articles, ratings; some go on to a ticket."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

from stream.floor import world
from stream.floor.agenda import Agenda
from stream.floor.telling import Entity, Told

OPENED_SHARE = 0.24
"""Of the sessions so many go on to a ticket: measured, and pinned by a test."""

ARTICLES = 12
"""Of each category; the first are read most."""

_KNOWN_SHARE = 0.5
"""Of the customers so many are logged in."""
_ENDED_SHARE = 0.9
"""The others close the page, and nobody tells."""

Open = Callable[[dict[str, Any]], str]
"""Opens a ticket with these fields, now: its subject."""


class HelpCentre:
    """Starts sessions and lets them go on. `open_ticket` is how a session reaches a person."""

    def __init__(self, seed: int, agenda: Agenda, outbox: deque[Told], open_ticket: Open) -> None:
        self.random = Random(f"{seed}:sessions")
        self.agenda = agenda
        self.open_ticket = open_ticket
        self._outbox = outbox
        self._made = 0

    def arrive(self, prefix: str) -> None:
        """Somebody looks for help without asking a person."""
        self._made += 1
        entity = Entity("selfservice", "session", f"{prefix}H{self._made:06d}", self._outbox)
        about = world.contact(self.random)
        bot = self.random.random() < 0.3
        known = self.random.random() < _KNOWN_SHARE
        entity.snapshot |= {"channel": "chat" if bot else "web", **about}
        if not known:
            del entity.snapshot["customer"]
        session = Session(self, entity, about)
        entity.tell("selfservice.started", self.agenda.now_ms)
        self.agenda.after(self.random.uniform(3, 40), session.ask_bot if bot else session.look)


class Session:
    """One session on its way. Its methods are the steps on the agenda."""

    def __init__(self, centre: HelpCentre, entity: Entity, about: dict[str, Any]) -> None:
        """`about`: who it is and what it is about, for the ticket."""
        self._entity = entity
        self._about = about
        self._centre = centre
        self._random = centre.random

    def look(self, now_ms: int) -> None:
        """In the help centre: by the search, or straight to an article."""
        if self._random.random() < 0.6:
            self._entity.tell("selfservice.searched", now_ms)
        if self._random.random() < 0.08:  # nothing fits
            self._later(self._open if self._random.random() < 0.5 else self._end)
        else:
            self._later(self._read)

    def ask_bot(self, now_ms: int) -> None:
        """The bot answers, or hands over to the desk."""
        if self._random.random() < 0.62:
            self._entity.tell("selfservice.bot_resolved", now_ms)
            self._later(self._end)
        else:
            self._entity.tell("selfservice.bot_handed_off", now_ms)
            self._later(self._open)

    def _read(self, now_ms: int) -> None:
        number = min(int(self._random.paretovariate(0.9)), ARTICLES)
        article = f"kb-{self._about['category']}-{number}"
        self._entity.tell("selfservice.article_viewed", now_ms, article=article)
        fate = self._random.random()
        if fate < 0.2:
            self._later(lambda at: self._rate(at, article))
        elif fate < 0.5:
            self._later(self._read)
        else:
            self._later(self._open if fate < 0.58 else self._end)

    def _rate(self, now_ms: int, article: str) -> None:
        helpful = self._random.random() < 0.74
        self._entity.tell("selfservice.article_rated", now_ms, article=article, helpful=helpful)
        self._later(self._open if not helpful and self._random.random() < 0.5 else self._end)

    def _open(self, now_ms: int) -> None:
        ticket = self._centre.open_ticket({"channel": self._entity.snapshot["channel"], **self._about})
        self._entity.tell("selfservice.contact_opened", now_ms, ticket=ticket)
        self._later(self._end)

    def _end(self, now_ms: int) -> None:
        if self._random.random() < _ENDED_SHARE:
            self._entity.tell("selfservice.ended", now_ms)

    def _later(self, step: Callable[[int], None]) -> None:
        self._centre.agenda.after(min(self._random.lognormvariate(3.6, 0.8), 900), step)
