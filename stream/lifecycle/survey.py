"""One survey invitation or quality review: what its events mean, and what it contributes (catalog.md,
Surveys)."""

from __future__ import annotations

from typing import Any, Final

from msgspec import UNSET

from stream.events.surveys import RANKS
from stream.lifecycle.delta import Delta
from stream.lifecycle.fold import NEVER, Fold, Life
from stream.lifecycle.snapshot import Snapshot, Snapshots, merged
from stream.metrics import measures as m
from stream.metrics.segments import Segment, Segments, with_value

SENT: Final = RANKS["survey.sent"]
RESPONDED: Final = RANKS["survey.responded"]
UPDATED: Final = RANKS["survey.updated"]
REVIEWED: Final = RANKS["qa.reviewed"]

FIELDS: Final = ("kind", "scale_min", "scale_max", "satisfied_min", "polarity")
REFERENCES: Final = ("ticket", "call", "customer")
"""What it is about, kept for whoever follows a low score up (query/low.py)."""
ANY_SCORE: Final = (-1_000_000, 1_000_000)
"""While neither kind nor scale are known."""
SCALES: Final = {"csat": (1, 5), "nps": (0, 10), "ces": (1, 7), "cx": (1, 5), "employee": (0, 10)}
"""Default scales. `fcr` has none: its answer is yes or no."""


Facts = tuple[Any, ...]
"""kind, scale_min, scale_max, satisfied_min, polarity: what is known of the question, in the order of
`FIELDS`."""


def scale(facts: Facts) -> tuple[int, int]:
    """Least and greatest score of the question."""
    least, greatest = SCALES.get(facts[0], ANY_SCORE)
    return (least if facts[1] is None else facts[1], greatest if facts[2] is None else facts[2])


def fits(facts: Facts, answer: object) -> bool:
    """Whether an answer is one that the question allows: yes or no for fcr, else a score on the scale. Either
    while the kind is unknown."""
    if isinstance(answer, bool):
        return facts[0] in (None, "fcr")
    assert isinstance(answer, int)
    least, greatest = scale(facts)
    return facts[0] != "fcr" and least <= answer <= greatest


def _score(facts: Facts, answer: object) -> int | None:
    """An answer that the question allows, as a number (yes is 1), else None."""
    # Before it is narrowed to an integer: compiled, a bool is none any more from there on.
    if answer is None or not fits(facts, answer):
        return None
    assert isinstance(answer, int)
    return int(answer)


def _satisfied_from(facts: Facts) -> int:
    """The least satisfied score of csat: the top two points unless told otherwise."""
    return scale(facts)[1] - 1 if facts[3] is None else facts[3]


def measured(facts: Facts, answer: object) -> tuple[tuple[int, int], ...]:
    """What an answer adds to which measure: `((code, amount), ...)`; nothing while the kind is unknown."""
    kind = facts[0]
    score = _score(facts, answer)
    if score is None:
        return ()
    if kind == "csat":
        satisfied = score >= _satisfied_from(facts)
        return ((m.CSAT_ANSWERS, 1), (m.CSAT_SATISFIED, 1)) if satisfied else ((m.CSAT_ANSWERS, 1),)
    if kind == "nps":
        code = m.NPS_PROMOTERS if score >= 9 else m.NPS_PASSIVES if score >= 7 else m.NPS_DETRACTORS
        return ((code, 1),)
    if kind == "ces" and facts[4] == "effort":
        return ((m.CES_EFFORT_ANSWERS, 1), (m.CES_EFFORT_SUM, score), *_index(facts, score))
    if kind == "ces":
        return ((m.CES_EASE_ANSWERS, 1), (m.CES_EASE_SUM, score), *_index(facts, score))
    if kind == "fcr":
        return ((m.SURVEYS_FCR_ANSWERS, 1), (m.SURVEYS_FCR_CONFIRMED, score))
    if kind == "cx":
        return ((m.CX_ANSWERS, 1), (m.CX_SUM, score))
    if kind == "employee":
        return ((m.EMPLOYEE_ANSWERS, 1), (m.EMPLOYEE_SUM, score))
    return ()


def is_low(facts: Facts, answer: object) -> bool:
    """Whether an answer calls for somebody to follow it up: csat below satisfied, nps 0-6, fcr not confirmed;
    of the other kinds one on the worse half of the scale."""
    score = _score(facts, answer)
    if score is None:
        return False
    if facts[0] == "csat":
        return score < _satisfied_from(facts)
    if facts[0] == "nps":
        return score <= 6
    if facts[0] == "fcr":
        return not score
    least, greatest = scale(facts)
    ease = greatest - score if facts[0] == "ces" and facts[4] == "effort" else score - least
    return facts[0] is not None and 2 * ease < greatest - least


def _index(facts: Facts, answer: int) -> tuple[tuple[int, int], ...]:
    """The part of `ces_ease`: how far the answer is from the hard end of its scale. A scale of one point has
    none."""
    least, greatest = scale(facts)
    width = greatest - least
    if width <= 0:
        return ()
    parts = (greatest - answer if facts[4] == "effort" else answer - least) * m.EASE_UNIT
    counted = ((m.CES_INDEX_ANSWERS, 1), (m.CES_INDEX_SUM, (2 * parts + width) // (2 * width)))
    return counted if parts % width == 0 else (*counted, (m.CES_INDEX_ROUNDED, 1))


class Survey(Life):
    """The state of one invitation or review. Silence is measured from its first event,
    normally the sending."""

    __slots__ = (
        "answer", "answered_in", "answered_ms", "commented", "counted", "counted_in", "facts", "refused",
        "review", "reviewed_in", "reviewed_ms", "sent_in", "sent_ms",
    )  # fmt: skip

    def __init__(self, nothing: Segment) -> None:
        super().__init__(nothing)
        self.facts: Facts = (None,) * len(FIELDS)
        self.sent_ms = NEVER
        self.sent_in = nothing
        self.answered_ms = NEVER  # the first answer, and its segment: later answers replace its value there
        self.answered_in = nothing
        self.answer: object = None  # a score or a bool: compiled, a union of both would keep integers only
        self.commented = False
        self.counted: tuple[tuple[int, int], ...] = ()
        self.counted_in = nothing
        self.refused = False  # the answer of the last event is outside its scale
        self.reviewed_ms = (
            NEVER  # the first review, and its segment: a corrected one replaces its score there
        )
        self.reviewed_in = nothing
        self.review: int | None = None


class SurveySnapshots(Snapshots):
    """Takes the kept fields of `data.survey`, or of `data.review`, which has the segment fields only."""

    def of(self, data: Any, last: Snapshot | None = None) -> Snapshot | None:
        """As of `Snapshots`."""
        if data and data.review:
            return self._shared([getattr(data.review, name, UNSET) for name in self.names], last)
        return super().of(data, last)


class SurveyFold(Fold):
    """How the histories of invitations are read."""

    def __init__(self, segments: Segments, keep_finished_ms: int) -> None:
        others = tuple([name for name in (*FIELDS, *REFERENCES) if name not in segments.dimensions])
        snapshots = SurveySnapshots("survey", others, segments.dimensions)
        super().__init__("surveys", segments, snapshots, keep_finished_ms)
        self._fact_places = [self.snapshots.names.index(name) for name in FIELDS]
        self._dimensions_from = len(others)
        self._kind = segments.dimensions.index("kind") if "kind" in segments.dimensions else -1

    def new(self) -> Survey:
        return Survey(self.segments.nothing)

    def extra_of(self, rank: int, data: Any) -> Any:
        """The answer: a score or (kind fcr) a bool, in a list when there is a comment; a review's score."""
        if rank == REVIEWED:
            return data.review.score
        if not data or not data.response:
            return None
        answer = data.response.confirmed if data.response.score is UNSET else data.response.score
        return [answer] if data.response.comment is True else answer

    def apply(
        self, out: Delta, life: Life, at: int, rank: int, snapshot: Snapshot | None, extra: Any
    ) -> None:
        """The next event of the invitation in order. An answer outside the scale sets `refused` and changes
        nothing else."""
        assert isinstance(life, Survey)
        survey = life
        commented = isinstance(extra, list)
        if commented:
            (extra,) = extra
        survey.exists = True
        if survey.last_ms == NEVER:
            survey.last_ms = at
        facts = survey.facts
        if snapshot is not None:
            given = [snapshot[place] for place in self._fact_places]
            facts = tuple([old if new is UNSET else new for old, new in zip(facts, given, strict=True)])
        survey.refused = rank != REVIEWED and extra is not None and not fits(facts, extra)
        if survey.refused:
            return
        survey.facts = facts
        if snapshot is not None:
            values = merged(survey.segment.values, snapshot, self._dimensions_from)
            if values is not survey.segment.values:
                survey.segment = self.segments.of(values)
        if rank == SENT and survey.sent_ms == NEVER:
            survey.sent_ms, survey.sent_in = at, survey.segment
            out.add(at, survey.segment, m.SURVEYS_SENT, 1)
            if survey.answered_ms != NEVER:
                out.add(at, survey.segment, m.SURVEYS_ANSWERED, 1)
        elif RESPONDED <= rank <= UPDATED and extra is not None:
            survey.commented = commented
            self._answer(out, survey, at, extra)
        elif rank == REVIEWED:
            self._review(out, survey, at, extra)

    def _review(self, out: Delta, survey: Survey, at: int, score: int) -> None:
        if survey.review is None:
            survey.reviewed_ms, survey.reviewed_in = at, survey.segment
            out.add(at, survey.segment, m.QA_REVIEWS, 1)
        out.add(survey.reviewed_ms, survey.reviewed_in, m.QA_SUM, score - (survey.review or 0))
        survey.review = score

    def _answer(self, out: Delta, survey: Survey, at: int, answer: object) -> None:
        survey.answer = answer
        if survey.answered_ms == NEVER:
            survey.answered_ms, survey.answered_in = at, survey.segment
            if survey.sent_ms != NEVER:
                out.add(survey.sent_ms, survey.sent_in, m.SURVEYS_ANSWERED, 1)
        counts, where = measured(survey.facts, survey.answer), self._under_kind(survey)
        if counts == survey.counted and where is survey.counted_in:
            return
        for code, amount in survey.counted:
            out.add(survey.answered_ms, survey.counted_in, code, -amount)
        for code, amount in counts:
            out.add(survey.answered_ms, where, code, amount)
        survey.counted, survey.counted_in = counts, where

    def _under_kind(self, survey: Survey) -> Segment:
        """The segment of the first answer, but under the kind of the answer in force: it may have been
        unknown."""
        if self._kind < 0:
            return survey.answered_in
        return self.segments.of(with_value(survey.answered_in.values, self._kind, survey.facts[0]))
