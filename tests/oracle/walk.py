"""All events -> the image: every history walked from its beginning."""

from collections.abc import Callable, Iterable
from typing import Any

from tests.oracle import agents, calls, contacts, queuewait, selfservice, sla, surveys, tickets
from tests.oracle.model import Config, Event, Image, histories, json_hash

_WALKS = {
    "tickets": (tickets.facts_and_spans, sla.facts_and_spans),
    "calls": (calls.facts_and_spans, queuewait.facts_and_spans),
    "surveys": (surveys.facts_and_spans,),
    "selfservice": (selfservice.facts_and_spans,),
    "agents": (agents.facts_and_spans,),
}


def walk(
    events: Iterable[Event],
    config: Config,
    now_ms: int,
    content_hash: Callable[[Event], Any] = json_hash,
) -> Image:
    """The image of a set of events at `now_ms`; lost endings due after `now_ms` have not happened.

    `content_hash` decides between two events of one identity and equal `recordedtime`; anything orderable.
    """
    image = Image(now_ms)
    found = histories(events, content_hash)
    image.facts += contacts.facts(found, config)
    for (topic, _subject), history in found.items():
        for one in _WALKS[topic]:
            facts, spans = one(history, config, now_ms)
            image.facts += facts
            image.spans += spans
    return image
