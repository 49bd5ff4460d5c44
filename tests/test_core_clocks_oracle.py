"""The fold of clocks against the oracle, which reads the contract's page by itself: every clock."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, given

from stream.config import ConfigError, parse
from stream.query.clocks import ClockView, clock_views
from stream.query.model import Question
from stream.shard.image import Image, run_batch
from tests import oracle
from tests.core import new_shard
from tests.strategies import DAY_MS
from tests.strategies_sla import BASES_MS, Play, sla_calls, sla_tickets
from tests.test_core_oracle import CATALOG, OF_CLOCKS, answer_of, check

SLOT_MS = 10_000
"""Answers are cut at these."""


def family_of(play: Play) -> str:
    """All of a play is of one family."""
    return "calls" if play.sent[0].event["type"].startswith("call.") else "tickets"


def ours(play: Play, image: Image, subject: str) -> dict[tuple[str, int], dict[str, Any]]:
    """The clocks of a ticket or call as the fold has them."""
    config = parse(play.config)
    rules = new_shard(family_of(play), config).family
    views = clock_views(rules, image.states[subject], play.now_ms)
    return {(view.clock, view.instance): _plain(view) for view in views}


def _plain(view: ClockView) -> dict[str, Any]:
    return {
        "state": view.state, "due": view.due_ms, "elapsed": view.elapsed_ms, "started": view.started_ms,
        "breached": view.breached_ms, "fulfilled": view.fulfilled_ms, "overdue": view.overdue_ms,
        "level": view.level if view.state == "at_risk" else None,
        "policy": view.policy if view.clock != "queue_wait" else "",  # the name of its queue
    }  # fmt: skip


def theirs(play: Play, subject: str) -> dict[tuple[str, int], dict[str, Any]]:
    """The same of the oracle."""
    events = [oracle.parse(one.event) for one in play.sent]
    return {
        (view.clock, view.instance): {
            "state": view.state, "due": view.due_ms, "elapsed": view.elapsed_ms, "started": view.started_ms,
            "breached": view.breached_at_ms, "fulfilled": view.fulfilled_at_ms, "overdue": view.overdue_ms,
            "level": view.level if view.state == "at_risk" else None, "policy": view.policy or "",
        }
        for view in oracle.clocks(play.config, events, subject, play.now_ms)
    }  # fmt: skip


def image_of(play: Play) -> Image:
    """What a shard makes of it, in order and in one batch; order and batches are another test's."""
    shard, image = new_shard(family_of(play), parse(play.config)), Image()
    run_batch(shard, image, [one.record(place) for place, one in enumerate(play.sent)], None)
    run_batch(shard, image, [], play.now_ms)
    while shard.pending(shard.fence.clock):
        run_batch(shard, image, [], None)
    return image


@given(play=sla_tickets() | sla_calls())
def test_every_clock_is_what_the_oracle_says(play: Play) -> None:
    """Random calendars, zones, policies and versions, or queues, and histories around them."""
    try:
        parse(play.config)
    except ConfigError:
        assume(False)
    image = image_of(play)
    for subject in sorted({one.event["subject"] for one in play.sent}):
        have, want = ours(play, image, subject), theirs(play, subject)
        assert have == want, subject


@given(play=sla_tickets() | sla_calls())
def test_every_metric_of_clocks_is_what_the_oracle_says(play: Play) -> None:
    """Over the whole history, by clock and not (but for the levels at risk, whose labels are configured)."""
    try:
        config = parse(play.config)
    except ConfigError:
        assume(False)
    images = {("tickets", 0): Image(), ("calls", 0): Image(), (family_of(play), 0): image_of(play)}
    events = [oracle.parse(one.event) for one in play.sent]
    truth = oracle.walk(events, oracle.config_of(play.config), play.now_ms)
    until_ms = play.now_ms - play.now_ms % SLOT_MS + SLOT_MS
    for metric in (one for one in CATALOG if one.id in OF_CLOCKS and not one.crossed):
        for by in ((), ("clock",) if metric.labels else ("team",)):
            question = Question(metric.id, play.now_ms, BASES_MS[0] - DAY_MS, until_ms, by)
            answer = answer_of(images, question, config)
            expected = oracle.answer(truth, metric.id, answer.from_ms, answer.to_ms, {}, by)
            check(metric, answer, expected)
