"""One agent's history -> level spans, from events.md `support.agents`."""

from typing import Any

from tests.oracle.model import Config, Event, Fact, Segments, Span, merged


def facts_and_spans(history: list[Event], config: Config, now_ms: int) -> tuple[list[Fact], list[Span]]:
    """A span of `agents` for every state but offline, with its label `state`."""
    spans: list[Span] = []
    subject = history[0]["subject"]
    state: str | None = None
    snapshot: dict[str, Any] = {}
    heard_ms: int | None = None
    for place, event in enumerate(history):
        if heard_ms is not None and event["time"] - heard_ms > config.keep_agents_ms:
            snapshot = {}  # a new agent: of the old one nothing is known any more
        if heard_ms is not None and event["time"] - heard_ms > config.gone_agents_ms:
            state = None
        heard_ms = event["time"]
        if event["type"] != "agent.heartbeat":
            snapshot = merged(snapshot, event["data"].get("agent") or {})
            state = _state(event)
        if state in (None, "offline"):
            continue
        # "an agent without any event for 12 h is offline"
        gone_ms = heard_ms + config.gone_agents_ms
        next_ms = history[place + 1]["time"] if place + 1 < len(history) else None
        to_ms: int | None = gone_ms if gone_ms <= now_ms else None
        if next_ms is not None:
            to_ms = min(gone_ms, next_ms)
        if to_ms != heard_ms:
            spans.append(Span("agents", heard_ms, to_ms, _segments(subject, snapshot, state), heard_ms))
    return [], spans


def _state(event: Event) -> str | None:
    """ "`agent.logged_in` (= available), `agent.logged_out` (= offline)"."""
    told = {"agent.logged_in": "available", "agent.logged_out": "offline"}
    state: str | None = told.get(event["type"]) or event["data"]["state"]
    return state


def _segments(subject: str, snapshot: dict[str, Any], state: str | None) -> Segments:
    return {"agent": subject, "team": snapshot.get("team"), "site": snapshot.get("site"), "state": state}
