"""One session's history -> facts, from catalog.md "Self-service"."""

from typing import Any

from tests.oracle.model import Config, Event, Fact, Segments, Span, merged, segments_of


def facts_and_spans(history: list[Event], config: Config, now_ms: int) -> tuple[list[Fact], list[Span]]:
    """All facts of one subject; sessions have no levels and no lost endings."""
    facts: list[Fact] = []
    for life in lives(history, config.keep_selfservice_ms):
        facts += _facts(life)
    return facts, []


def lives(history: list[Event], keep_ms: int) -> list[list[Event]]:
    """A session that was silent for longer than `keep_finished`, ended or not, is a new one."""
    found: list[list[Event]] = []
    for event in history:
        if found and event["time"] - found[-1][-1]["time"] <= keep_ms:
            found[-1].append(event)
        else:
            found.append([event])
    return found


def _facts(life: list[Event]) -> list[Fact]:
    told = _with_segments(life)
    types = {event["type"].removeprefix("selfservice.") for event in life}
    facts: list[Fact] = []
    # "`selfservice_sessions` (count, started)"
    facts += [Fact("selfservice_sessions", *_place(*one), 1) for one in _first("started", told)]
    # "ended: sessions without `contact_opened` or `bot_handed_off` and with a view or `bot_resolved` / ended"
    succeeded = bool(types & {"article_viewed", "bot_resolved"}) and not types & {
        "contact_opened",
        "bot_handed_off",
    }
    for one in _first("ended", told):
        facts.append(Fact("sessions_ended", *_place(*one), 1))
        facts.append(Fact("sessions_succeeded", *_place(*one), int(succeeded)))
    # "`article_helpful_rate` (ratio, rated)"
    for event, segments in told:
        if event["type"] == "selfservice.article_rated":
            labelled = {**segments, "article": event["data"].get("article") or None}
            facts.append(Fact("articles_rated", event["time"], labelled, 1))
            facts.append(Fact("articles_helpful", event["time"], labelled, int(event["data"]["helpful"])))
    return facts


def _with_segments(life: list[Event]) -> list[tuple[Event, Segments]]:
    """Every event with the segments as of it."""
    state: dict[str, Any] = {}
    told = []
    for event in life:
        state = merged(state, event["data"].get("session") or {})
        told.append((event, segments_of(state)))
    return told


def _first(kind: str, told: list[tuple[Event, Segments]]) -> list[tuple[Event, Segments]]:
    """The first event of a type, if there is one."""
    return [one for one in told if one[0]["type"] == f"selfservice.{kind}"][:1]


def _place(event: Event, segments: Segments) -> tuple[int, Segments]:
    return event["time"], segments
