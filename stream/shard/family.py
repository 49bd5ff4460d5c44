"""The rules of one topic family under a configuration: fold, groupings, level codes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stream.config import Config
from stream.config.history import asked_fields, history_of
from stream.config.published import History
from stream.lifecycle.agent import AgentFold
from stream.lifecycle.call import CallFold
from stream.lifecycle.call_facts import Thresholds
from stream.lifecycle.contact import ContactFold
from stream.lifecycle.fold import Fold
from stream.lifecycle.session import SessionFold
from stream.lifecycle.survey import SurveyFold
from stream.lifecycle.ticket_fold import TicketFold
from stream.metrics.measures import LEVELS, SLA_RUNNING, at_risk_code
from stream.metrics.segments import Grouping, Segments
from stream.shard.policies import policies_of, waits_of
from stream.sla.policy import Policies

COUNTED = ("tickets", "calls", "surveys", "selfservice", "agents", "contacts")
"""The families that are folded and counted."""
INPUTS = COUNTED[:-1]
"""Of these, those that producers write to. `contacts` is told by the shards of tickets and calls."""


@dataclass(frozen=True, slots=True)
class Family:
    """Everything that a shard needs to know of its topic. `horizon_ms`: how late an event may arrive,
    `future_ms`: how far it may be ahead of its record."""

    name: str
    fold: Fold
    levels: tuple[int, ...]
    horizon_ms: int
    future_ms: int


def family(
    name: str,
    config: Config,
    groupings: tuple[Grouping, ...] | None = None,
) -> Family:
    """The rules of a family of `COUNTED`; `groupings` instead of the configured ones (scenarios ask for their
    own)."""
    known = history_of(config)
    wanted = groupings if groupings is not None else getattr(config.groupings, name)
    plain = config.groupings.without_sketches
    if name == "contacts":
        # A fact is as old as what it is about; a record of a call may tell times ahead of its own.
        fold: Fold = ContactFold(Segments(wanted, ("category",)))
        return Family(name, fold, LEVELS[name], config.keep_finished.contacts_ms, config.horizon_ms)
    if name == "tickets":
        segments = Segments(wanted, ("agent", "team", *_told(config), *_asked(known)), plain.tickets)
        policies = policies_of(known, segments.dimensions)
        fold = TicketFold(segments, config.keep_finished.tickets_ms, policies)
    elif name == "calls":
        fold = _calls(config, wanted, known)
    elif name == "selfservice":
        fold = SessionFold(Segments(wanted), config.keep_finished.selfservice_ms)
    elif name == "agents":
        # `team` in any case: histories keep at least one dimension.
        fold = AgentFold(Segments(wanted, ("team",)), config.keep_finished.agents_ms, config.lost.agents_ms)
    else:
        fold = SurveyFold(Segments(wanted), config.keep_finished.surveys_ms)
    levels = tuple(dict.fromkeys((*LEVELS[name], *_clock_levels(fold.policies))))
    return Family(name, fold, levels, config.horizon_ms, config.future_ms)


def _asked(history: History) -> tuple[str, ...]:
    """The dimensions that policies ask for."""
    return tuple(field for field in asked_fields(history) if field != "tags")


def _clock_levels(policies: Policies) -> Iterator[int]:
    """The codes of levels of clocks that a policy has, and of its warnings."""
    for clock in sorted(policies.clocks):
        yield SLA_RUNNING + 2 * clock
        for level in range(len(policies.levels)):
            yield at_risk_code(clock, level)


def _told(config: Config) -> tuple[str, ...]:
    """The dimensions that facts about customers have."""
    return ("category", *(field for grouping in config.groupings.contacts for field in grouping))


def _calls(config: Config, groupings: tuple[Grouping, ...], history: History) -> Fold:
    asked = dict.fromkeys(field for rule in config.queues for field in rule.when)
    plain = config.groupings.without_sketches.calls
    segments = Segments(groupings, (*asked, *_told(config), "direction"), plain)
    rules = [
        (
            {field: frozenset(values) for field, values in rule.when.items()},
            rule.answer_within_ms,
            rule.short_abandon_ms,
        )
        for rule in config.queues
    ]
    thresholds = Thresholds(rules, segments.dimensions)
    return CallFold(
        segments, config.keep_finished.calls_ms, thresholds, config.lost.waiting_ms,
        config.lost.unfinished_ms, waits_of(history, segments.dimensions),
    )  # fmt: skip
