"""What is remembered of closed panes changes no answer."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from stream.config import parse
from stream.metrics.formula import Ages, Oldest
from stream.query.look import Look
from stream.query.model import Question
from stream.query.panes import KEPT_BYTES, KEPT_CODES, PaneMemory
from stream.query.query import Queries
from stream.scenario.judge import run_now
from stream.shard.image import Image, run_batch
from tests.core import new_shard
from tests.marking import Marking
from tests.strategies import BASE_MS, DAY_MS, HOUR_MS, MINUTE_MS, Sent, deliveries, told
from tests.test_core_oracle import CATALOG, OF_CLOCKS
from tests.test_core_order import KEPT_LONG, KEPT_SHORT

DAYS = 4
CONFIGS = [parse(KEPT_LONG), parse(KEPT_SHORT)]
ASKED = [
    metric
    for metric in CATALOG
    if metric.family == "tickets"
    and not metric.also
    and not isinstance(metric.formula, Oldest | Ages)
    and metric.id not in OF_CLOCKS
]
WINDOWS = [
    (BASE_MS, BASE_MS + DAY_MS),
    (BASE_MS + HOUR_MS, BASE_MS + 2 * DAY_MS + 40 * MINUTE_MS),
    (BASE_MS - DAY_MS, BASE_MS + 4 * DAY_MS),
]


@given(data=st.data())
def test_answers_are_those_without_a_memory(data: st.DataObject) -> None:
    """While two shards go on, each at its own pace, with late events; also when little can be remembered."""
    config = data.draw(st.sampled_from(CONFIGS))
    sent: list[Sent] = data.draw(told("tickets", DAYS))
    delivery = data.draw(deliveries(sent, config.horizon_ms))
    images = {("tickets", 0): Image(), ("tickets", 1): Image()}
    shards = [new_shard("tickets", config), new_shard("tickets", config)]
    reader = Marking(images)
    kept = data.draw(st.sampled_from([(KEPT_BYTES, KEPT_CODES), (3_000, 300)]))
    memory = PaneMemory(*kept)
    by = data.draw(st.sampled_from([(), ("team",), ("channel",)]))
    metrics = data.draw(st.lists(st.sampled_from(ASKED), min_size=1, max_size=3))
    windows = data.draw(st.lists(st.sampled_from(WINDOWS), min_size=1, max_size=3))
    offset, now_ms = 0, 0
    for place, batch in enumerate(delivery.batches):
        partition = place % 2
        records = [one.record(offset + number) for number, one in enumerate(batch)]
        offset += len(records)
        # Time goes on a little faster than events come: what they change has been closed already.
        now_ms = max([now_ms, *(one.sent_ms + DAY_MS for one in batch)])
        changes = run_batch(shards[partition], images["tickets", partition], records, now_ms)
        reader.commit(partition, changes)
        look = Look(reader, config, memory)
        remembering = Queries(CATALOG, config, look, remembered=look.remembered)
        plain = Queries(CATALOG, config, reader)
        for metric, (from_ms, to_ms) in product(metrics, windows):
            question = Question(metric.id, now_ms, from_ms, to_ms, by)
            assert run_now(remembering.ask(question)) == run_now(plain.ask(question)), metric.id
