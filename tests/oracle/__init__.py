"""The oracle: what the numbers must be, written a second time from catalog.md and events.md.

Slow on purpose. It imports nothing of the product, keeps every event of an entity, walks the whole history
again for every answer and adds up by brute force. Where the contract leaves a choice, AMBIGUITIES.md says
which one was taken.

    image = walk(events, Config(), now_ms)          # events: dicts made by `model.parse`
    rows = answer(image, "backlog", None, now_ms, where={"channel": "email"})
"""

from tests.oracle.answer import Row, answer
from tests.oracle.model import Config, Event, Fact, Image, QueueRule, Span, parse
from tests.oracle.walk import walk

__all__ = ["Config", "Event", "Fact", "Image", "QueueRule", "Row", "Span", "answer", "parse", "walk"]
