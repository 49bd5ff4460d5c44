"""One invitation's history -> facts, from catalog.md "Surveys" and "Rules for surveys"."""

from dataclasses import dataclass
from typing import Any

from tests.oracle.model import SEGMENT_FIELDS, Config, Event, Fact, Segments, Span, merged, segments_of

# events.md 3: "defaults csat 1-5, nps 0-10, ces 1-7, cx 1-5, employee 0-10".
SCALES = {"csat": (1, 5), "nps": (0, 10), "ces": (1, 7), "cx": (1, 5), "employee": (0, 10)}


@dataclass(frozen=True)
class Answer:
    """One answer: where it was given, with which segments, and the survey as it was known then."""

    at_ms: int
    segments: Segments
    survey: dict[str, Any]
    score: int | None
    confirmed: bool | None = None


def facts_and_spans(history: list[Event], config: Config, now_ms: int) -> tuple[list[Fact], list[Span]]:
    """All facts of one subject; surveys have no levels and no lost endings."""
    facts: list[Fact] = []
    for life in lives(history, config.keep_surveys_ms):
        facts += _facts(life)
    return facts, []


def lives(history: list[Event], keep_ms: int) -> list[list[Event]]:
    """events.md 3: "survey invitations 90 days after sending": heard of after that it is a new one."""
    found: list[list[Event]] = []
    for event in history:
        if found and event["time"] - _start_ms(found[-1]) <= keep_ms:
            found[-1].append(event)
        else:
            found.append([event])
    return found


def _start_ms(life: list[Event]) -> int:
    return int(life[0]["time"])


def _facts(life: list[Event]) -> list[Fact]:
    state: dict[str, Any] = {}
    sent: tuple[int, dict[str, Any]] | None = None
    answers: list[Answer] = []
    reviews: list[Answer] = []
    for event in life:
        if event["type"] == "qa.reviewed":
            # `data.review` has segment fields only: the rest of the survey stays as it is.
            review = event["data"]["review"]
            state = merged(state, {name: review[name] for name in SEGMENT_FIELDS if name in review})
            reviews.append(Answer(event["time"], segments_of(state), state, review["score"]))
            continue
        after = merged(state, event["data"].get("survey") or {})
        response = event["data"].get("response")
        if event["type"] in ("survey.responded", "survey.updated") and response is not None:
            score = response.get("score")
            if not _allowed(after, score):
                # "A scale known only from `survey.sent` is checked in the fold: the answer outside it is a
                # dead letter", so nothing of the event is applied.
                continue
            confirmed = response.get("confirmed")
            answers.append(Answer(event["time"], segments_of(after), after, score, confirmed))
        state = after
        if event["type"] == "survey.sent" and sent is None:
            sent = (event["time"], after)
    return _sent_facts(sent, answers) + _answer_facts(answers) + _review_facts(reviews)


def _allowed(survey: dict[str, Any], score: int | None) -> bool:
    """events.md 3: "`score` integer, or `confirmed` bool for kind fcr" (no score); either while unknown."""
    kind = survey.get("kind")
    if score is None:
        return kind in (None, "fcr")
    low, high = scale(survey)
    return kind != "fcr" and (low is None or score >= low) and (high is None or score <= high)


def scale(survey: dict[str, Any]) -> tuple[int | None, int | None]:
    """(min, max) of the survey's scale: as declared, else the kind's default; None where neither is known."""
    low, high = SCALES.get(survey.get("kind") or "", (None, None))
    declared_low, declared_high = survey.get("scale_min"), survey.get("scale_max")
    return (low if declared_low is None else declared_low, high if declared_high is None else declared_high)


def _sent_facts(sent: tuple[int, dict[str, Any]] | None, answers: list[Answer]) -> list[Fact]:
    """`survey_response_rate`: "the denominator's event sets instant *and* segments of both"."""
    if sent is None:
        return []
    at_ms, survey = sent
    segments = _labelled(segments_of(survey), survey)
    facts = [Fact("surveys_sent", at_ms, segments, 1)]
    if answers:
        facts.append(Fact("surveys_answered", at_ms, segments, 1))
    return facts


def _labelled(segments: Segments, survey: dict[str, Any]) -> Segments:
    """The labels `kind` and (ces only) `polarity` beside the segments."""
    labels: Segments = {"kind": survey.get("kind")}
    if survey.get("kind") == "ces":
        labels["polarity"] = survey.get("polarity") or "ease"
    return {**segments, **labels}


def _answer_facts(answers: list[Answer]) -> list[Fact]:
    """ "An updated answer replaces the old one in its own pane (`at` of the first answer)"."""
    if not answers:
        return []
    first, last = answers[0], answers[-1]
    kind, score = last.survey.get("kind"), last.score
    segments = _labelled(first.segments, last.survey)
    if kind == "fcr":
        assert last.confirmed is not None  # a score is not allowed
        confirmed = int(last.confirmed)
        return [
            Fact("fcr_answers", first.at_ms, segments, 1),
            Fact("fcr_confirmed", first.at_ms, segments, confirmed),
        ]
    if kind is None or score is None:
        return []
    if kind == "csat":
        return [Fact("csat", first.at_ms, segments, int(score >= _satisfied_min(last.survey)))]
    if kind == "nps":
        return [Fact(_nps_group(score), first.at_ms, segments, 1)]
    if kind == "ces":
        return [Fact("ces", first.at_ms, segments, score), *_ease(first, last.survey, score, segments)]
    return [
        Fact({"cx": "cx_rating", "employee": "employee_satisfaction"}[kind], first.at_ms, segments, score)
    ]


def _ease(first: Answer, survey: dict[str, Any], score: int, segments: Segments) -> list[Fact]:
    """ "(score - min) / (max - min), turned round for `effort`": the measure tells the denominator."""
    low, high = scale(survey)
    assert low is not None
    assert high is not None  # a ces always has both
    if high <= low:
        return []  # nothing to be told on a scale of one point
    points = high - score if survey.get("polarity") == "effort" else score - low
    return [Fact(f"ease_of/{high - low}", first.at_ms, segments, points)]


def _review_facts(reviews: list[Answer]) -> list[Fact]:
    """A corrected review replaces the first one in its pane, as answers do."""
    if not reviews:
        return []
    first, last = reviews[0], reviews[-1]
    assert last.score is not None
    return [Fact("qa_score", first.at_ms, _labelled(first.segments, first.survey), last.score)]


def _satisfied_min(survey: dict[str, Any]) -> int:
    """events.md 3: "`satisfied_min` (default: the top two points of the scale)"."""
    declared = survey.get("satisfied_min")
    if declared is not None:
        return int(declared)
    high = scale(survey)[1]
    assert high is not None  # a csat always has one
    return high - 1


def _nps_group(score: int) -> str:
    """catalog.md: "100 x (9-10 less 0-6) / answers"."""
    if score >= 9:
        return "nps_promoters"
    return "nps_detractors" if score <= 6 else "nps_passives"
