"""One session in the help centre or with a bot: what its events mean, and what it contributes (catalog.md,
Self-service).

It succeeded when something helped and nobody had to go on to a person; that is told of its whole life, what
follows its end included, and counted at the end. One that never ends is in no success rate.
"""

from __future__ import annotations

from typing import Any, Final

from stream.events.selfservice import RANKS
from stream.lifecycle.delta import Delta
from stream.lifecycle.fold import NEVER, Fold, Life
from stream.lifecycle.snapshot import Snapshot, Snapshots, merged
from stream.metrics import measures as m
from stream.metrics.segments import Segment, Segments, with_value

STARTED: Final = RANKS["selfservice.started"]
VIEWED: Final = RANKS["selfservice.article_viewed"]
RATED: Final = RANKS["selfservice.article_rated"]
BOT_RESOLVED: Final = RANKS["selfservice.bot_resolved"]
BOT_HANDED_OFF: Final = RANKS["selfservice.bot_handed_off"]
CONTACT_OPENED: Final = RANKS["selfservice.contact_opened"]
ENDED: Final = RANKS["selfservice.ended"]


class Session(Life):
    """The state of one session. Its end may never be told: any is forgotten once it was silent for long."""

    __slots__ = ("ended_in", "ended_ms", "handed_over", "helped", "started", "succeeded")

    def __init__(self, nothing: Segment) -> None:
        super().__init__(nothing)
        self.started = False
        self.helped = False  # an article was viewed, or the bot resolved it
        self.handed_over = False  # it went on to a person
        self.ended_ms = NEVER  # the first end
        self.ended_in = nothing
        self.succeeded = False  # counted as a success


class SessionFold(Fold):
    """How the histories of sessions are read. `article` is a dimension of ratings only."""

    def __init__(self, segments: Segments, keep_finished_ms: int) -> None:
        fields = tuple([name for name in segments.dimensions if name != "article"])
        super().__init__("selfservice", segments, Snapshots("session", (), fields), keep_finished_ms)
        self._article = segments.dimensions.index("article") if "article" in segments.dimensions else -1

    def new(self) -> Session:
        return Session(self.segments.nothing)

    def extra_of(self, rank: int, data: Any) -> Any:
        """Of a rating: `[whether it was helpful, the article or None]`."""
        return [data.helpful, data.article or None] if rank == RATED else None

    def apply(
        self, out: Delta, life: Life, at: int, rank: int, snapshot: Snapshot | None, extra: Any
    ) -> None:
        """The next event of the session in order."""
        assert isinstance(life, Session)
        session = life
        session.exists = True
        session.last_ms = at
        if snapshot is not None:
            self._take(session, snapshot)
        if rank == STARTED:
            if not session.started:
                session.started = True
                out.add(at, session.segment, m.SESSIONS_STARTED, 1)
        elif rank == RATED:
            where = self._of_article(session.segment, extra[1])
            out.add(at, where, m.ARTICLES_RATED, 1)
            out.add(at, where, m.ARTICLES_HELPFUL, int(extra[0]))
        elif rank in (VIEWED, BOT_RESOLVED):
            session.helped = True
        elif rank in (BOT_HANDED_OFF, CONTACT_OPENED):
            session.handed_over = True
        elif rank == ENDED and session.ended_ms == NEVER:
            session.ended_ms, session.ended_in = at, session.segment
            out.add(at, session.segment, m.SESSIONS_ENDED, 1)
        self._judge(out, session)

    def _judge(self, out: Delta, session: Session) -> None:
        succeeded = session.ended_ms != NEVER and session.helped and not session.handed_over
        if succeeded != session.succeeded:
            out.add(session.ended_ms, session.ended_in, m.SESSIONS_SUCCEEDED, 1 if succeeded else -1)
            session.succeeded = succeeded

    def _take(self, session: Session, snapshot: Snapshot) -> None:
        kept = session.segment.values
        if self._article >= 0:
            kept = (*kept[: self._article], *kept[self._article + 1 :])
        values = merged(kept, snapshot, 0)
        if values is kept:
            return
        if self._article >= 0:
            values = (*values[: self._article], None, *values[self._article :])
        session.segment = self.segments.of(values)

    def _of_article(self, segment: Segment, article: str | None) -> Segment:
        if self._article < 0 or article is None:
            return segment
        return self.segments.of(with_value(segment.values, self._article, article))
