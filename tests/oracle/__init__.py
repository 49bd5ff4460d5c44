"""The oracle: what the numbers must be, written a second time from catalog.md, events.md and
sla.md.

Slow on purpose. It imports nothing of the product, keeps every event of an entity, walks the whole history
again for every answer and adds up by brute force. Where the contract leaves a choice, AMBIGUITIES.md says
which one was taken.

    image = walk(events, Config(), now_ms)          # events: dicts made by `model.parse`
    rows = answer(image, "backlog", None, now_ms, where={"channel": "email"})
    views = clocks(config, events, "T1", now_ms)    # config: the raw `config:` mapping of a scenario
"""

from tests.oracle.answer import Row, answer
from tests.oracle.clock import ClockView
from tests.oracle.model import Config, Event, Fact, Image, QueueRule, Span, parse
from tests.oracle.settings import config_of
from tests.oracle.sla import clocks
from tests.oracle.walk import walk

__all__ = [
    "ClockView", "Config", "Event", "Fact", "Image", "QueueRule", "Row", "Span", "answer", "clocks",
    "config_of", "parse", "walk",
]  # fmt: skip
