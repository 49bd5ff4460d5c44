"""The fold of clocks against the oracle, which reads the contract's page by itself: every clock."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, given

from stream.config import ConfigError, parse
from stream.query.clocks import ClockView, clock_views
from stream.shard.image import Image, run_batch
from tests import oracle
from tests.core import new_shard
from tests.strategies_sla import Play, sla_tickets


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


REMOVALS = ("ticket.merged", "ticket.marked_spam", "ticket.deleted")


def read_otherwise(play: Play, subject: str) -> bool:
    """Whether a ticket was ever promised or removed."""
    events = [one.event for one in play.sent if one.event["subject"] == subject]
    promised = any(event.get("data", {}).get("ticket", {}).get("due_at") for event in events)
    return promised or any(event["type"] in REMOVALS for event in events)


@given(play=sla_tickets())
def test_every_clock_is_what_the_oracle_says(play: Play) -> None:
    """Random calendars, zones, policies and versions, and histories around them.

    Two readings differ in what was promised before the ticket's creation, in what a clock reopened past its
    promise was due at, and in what starts while a ticket is removed: those are compared by their states.
    """
    try:
        parse(play.config)
    except ConfigError:
        assume(False)
    image = image_of(play)
    for subject in sorted({one.event["subject"] for one in play.sent}):
        have, want = ours(play, image, subject), theirs(play, subject)
        if read_otherwise(play, subject):
            both = have.keys() & want.keys()
            have = {key: {"state": view["state"]} for key, view in have.items() if key in both}
            want = {key: {"state": view["state"]} for key, view in want.items() if key in both}
        assert have == want, subject
