"""One ticket: what its events mean, and what it contributes (catalog.md, Tickets).

The rules live in `Ticket.apply`, which takes the next event in order. Whatever an event undoes, it takes back
explicitly from where it was counted, so replaying a history from its start gives the same sum as following it
live. Its levels are in backlog.py, what its resolution counts in resolution.py.
"""

from __future__ import annotations

from msgspec import UNSET

from stream.events.contacts import CONTACT_RESOLVED, CONTACT_STARTED
from stream.lifecycle.backlog import ACTIVE, Backlogged
from stream.lifecycle.delta import Delta
from stream.lifecycle.fold import NEVER
from stream.lifecycle.resolution import FIRST_CONTACT, NO_WORK, Figures, count_resolution
from stream.lifecycle.snapshot import Snapshot, merged
from stream.lifecycle.ticket_rules import (
    BY_CUSTOMER,
    CLOSED,
    CREATED,
    CUSTOMER_ASIDE,
    DONE,
    DUE_AT,
    ESCALATED,
    EXEMPTED,
    HUMAN_REPLY,
    MACHINE_REPLY,
    MERGED,
    MESSAGE,
    REOPENED,
    RESOLVED,
    RESTORED,
    TAGS,
    UNASSIGNED,
    WORK_LOGGED,
    Rules,
)
from stream.metrics.measures import (
    ANY_RESPONSE,
    ANY_RESPONSE_SUM,
    ASSIGNMENT,
    ASSIGNMENT_SUM,
    FIRST_RESPONSE,
    FIRST_RESPONSE_BUSINESS,
    FIRST_RESPONSE_BUSINESS_SUM,
    FIRST_RESPONSE_SUM,
    NEXT_RESPONSE,
    NEXT_RESPONSE_SUM,
    RESOLUTION,
    RESOLUTION_SUM,
    TICKETS_BY_OTHERS,
    TICKETS_CREATED,
    TICKETS_CREATED_RESOLVED,
    TICKETS_DONE_BREACHED,
    TICKETS_ESCALATED,
    TICKETS_FIRST_REOPENED,
    TICKETS_FIRST_RESOLVED,
    TICKETS_NEGATIVE,
    TICKETS_REOPENED,
    TICKETS_TRANSFERRED,
)
from stream.metrics.segments import Segment, with_value
from stream.sla.clocks import Clocks


class Ticket(Backlogged):
    """The state of one ticket."""

    __slots__ = (
        "answer_from", "answered", "answered_any", "assigned_in", "assigned_ms",
        "contact", "created_by", "created_in", "creation_ms", "customer", "due_at_ms", "escalated", "figures",
        "first_resolved_in", "first_resolved_ms", "held_ms", "human_replies", "interactions", "last_agent",
        "last_team", "late_counted", "logged_ms", "merged", "reassignments", "reopened", "resolved_counted",
        "resolved_in", "resolved_ms", "status_since_ms", "tags", "transferred", "worked_ms",
    )  # fmt: skip

    def __init__(self, nothing: Segment) -> None:
        super().__init__(nothing)
        self.created_in = nothing
        self.created_by: str | None = None  # the customer
        self.status_since_ms = NEVER
        self.worked_ms = 0  # in status new and open
        self.held_ms = 0  # in status on_hold
        self.answer_from = NEVER  # where first response time starts
        self.answered = False  # first response given, by a person
        self.answered_any = False  # by whomever
        self.interactions = 0
        self.human_replies = 0
        self.last_agent: str | None = None  # the last that was set, like the team
        self.last_team: str | None = None
        self.assigned_ms = NEVER  # the first time
        self.assigned_in = nothing
        self.reassignments = 0
        self.transferred = False
        self.escalated = False
        self.reopened = False
        self.logged_ms = NO_WORK
        self.resolved_ms = NEVER  # the resolution in force
        self.resolved_in = nothing
        self.figures: Figures = ()  # what that counts
        self.first_resolved_ms = NEVER
        self.first_resolved_in = nothing
        self.resolved_counted = False  # among those created
        self.merged = False
        self.customer: str | None = None
        self.contact = False  # created by the customer
        self.tags: str | None = None
        self.due_at_ms = NEVER
        self.creation_ms = NEVER  # of a `ticket.created` that is still to come
        self.late_counted = False  # among those resolved with a clock that breached

    def finished(self) -> bool:
        """When it is removed, resolved or closed."""
        return self.removed or self.status in DONE

    def apply(
        self, out: Delta, at: int, rank: int, snapshot: Snapshot | None, extra: int | None, rules: Rules
    ) -> None:
        """The next event of the ticket in order."""
        first = not self.exists
        if first:
            self.exists = True
            self.created_ms = at
        else:
            self.age(out, at)
            if self.clocks is not None:
                self.clocks.advance(out, rules.policies, at, False)
        self.last_ms = at
        self.stale_ms = rules.stale_ms(at)
        team, agent = self.segment.values[rules.team], self.segment.values[rules.agent]
        if snapshot is not None:
            if snapshot[1] is not UNSET:
                self.created_by = snapshot[1]
            if rules.tagged and snapshot[TAGS] is not UNSET:
                self.tags = snapshot[TAGS]
            if snapshot[DUE_AT] is not UNSET:
                self.due_at_ms = NEVER if snapshot[DUE_AT] is None else snapshot[DUE_AT]
            if snapshot[2] is not UNSET and snapshot[2] != self.customer:
                self._tell(out, -1)
                self.customer = snapshot[2] or None
                self._tell(out, 1)
            values = merged(self.segment.values, snapshot, rules.fields)
            if values is not self.segment.values:
                self._move_to(out, at, values, rules)
        if rank == UNASSIGNED:
            self._unassign(snapshot, rules)
        before = self.status
        after = self._status_after(rank, snapshot, first)
        if after != before:
            self._spend(at)
            self.status = after
        was_done, is_done = before in DONE, after in DONE
        clocks = self.clocks
        if clocks is None and (rules.policies.clocks or self.due_at_ms != NEVER):
            clocks = self._wind_up(out, at, first, rules)
        if clocks is not None:
            # Who removes or exempts it acts before all else that the event says.
            if MERGED <= rank < RESTORED:
                clocks.remove(out, rules.policies, at, rank == MERGED)
            elif rank == EXEMPTED:
                clocks.exempted(out, rules.policies, at)
            clocks.change(out, rules.policies, at, after, self.segment, self.tags, self.due_at_ms)
        # A reopening acts before a message of the same event, a resolution after it.
        if (was_done or (before is None and rank == REOPENED)) and after in ACTIVE:
            self._reopen(out, at, rules)
        if first and clocks is not None and self.creation_ms <= at:
            assigned = self.segment.values[rules.agent] is not None
            clocks.create(out, rules.policies, at, assigned, rank == REOPENED)
        if rank == MESSAGE:
            self._message(out, at, extra, rules)
        elif rank == CREATED:
            self._create(out, at, rules)
        elif rank == ESCALATED:
            self._escalate(out)
        elif rank == WORK_LOGGED and extra is not None:
            self.logged_ms = max(self.logged_ms, 0) + extra
        if clocks is not None:
            self._own(out, at, clocks, team, agent, rules)
        if is_done and not was_done:
            self._resolve(out, at, first)
        if clocks is not None and after is not None and is_done and after != before:
            if was_done:
                clocks.closed(at, after)
            else:
                clocks.resolve(out, rules.policies, at, after)
        if is_done != self.resolved_counted and self.created_counted:
            out.add(self.created_ms, self.created_in, TICKETS_CREATED_RESOLVED, 1 if is_done else -1)
            self.resolved_counted = is_done
        if RESTORED >= rank >= MERGED:
            self._remove_or_restore(rank)
        self.stand(out, at, rules.agent)
        if clocks is not None:
            if not self.removed:
                clocks.restore(out, rules.policies, at)
            clocks.settle(out, at, self.backlog_in)
            self.count_late(out, clocks, 1)

    def _wind_up(self, out: Delta, at: int, first: bool, rules: Rules) -> Clocks:
        """The clocks of a ticket that had none: at its first event, or where only a promise makes them."""
        clocks = self.clocks = Clocks(self.segment)
        clocks.status = self.status
        clocks.spans.append((at if first else self.created_ms, self.status))
        if not first:
            clocks.change(out, rules.policies, at, self.status, self.segment, self.tags, NEVER)
            # A creation that is this event, or still to come, starts them itself.
            begun = self.creation_ms < at or self.created_ms == at == self.creation_ms
            if self.first_resolved_ms == NEVER and begun:
                clocks.create(out, rules.policies, self.created_ms, True)
        return clocks

    def _own(
        self, out: Delta, at: int, clocks: Clocks, team: str | None, agent: str | None, rules: Rules
    ) -> None:
        """Who has it, `team` and `agent` before the event."""
        values = self.segment.values
        if values[rules.team] != team:
            clocks.team_set(out, rules.policies, at, values[rules.team])
        if values[rules.agent] is not None and values[rules.agent] != agent:
            clocks.agent_set(out, rules.policies, at)

    def count_late(self, out: Delta, clocks: Clocks, sign: int) -> None:
        """Counts it among those created that are resolved with a clock that breached, or no more."""
        late = self.resolved_counted and clocks.ever_breached
        if late != self.late_counted:
            out.add(self.created_ms, self.created_in, TICKETS_DONE_BREACHED, 1 if late else -1)
            self.late_counted = late

    def _move_to(self, out: Delta, at: int, values: tuple[str | None, ...], rules: Rules) -> None:
        """Other values of dimensions. Agents and teams are compared with the last that were set."""
        self.segment = rules.segments.of(values)
        agent, team = values[rules.agent], values[rules.team]
        if agent is not None and agent != self.last_agent:
            if self.last_agent is None:
                self.assigned_ms, self.assigned_in = at, self.segment
                self._observe_assignment(out, 1)
            else:
                self.reassignments += 1
            self.last_agent = agent
        if team is not None and team != self.last_team:
            if self.last_team is not None and not self.transferred:
                self.transferred = True
                if self.created_counted:
                    out.add(self.created_ms, self.created_in, TICKETS_TRANSFERRED, 1)
            self.last_team = team

    def _unassign(self, snapshot: Snapshot | None, rules: Rules) -> None:
        told = snapshot is not None and snapshot[rules.fields + rules.agent] is not UNSET
        if not told and self.segment.values[rules.agent] is not None:
            self.segment = rules.segments.of(with_value(self.segment.values, rules.agent, None))

    def _status_after(self, rank: int, snapshot: Snapshot | None, first: bool) -> str | None:
        if snapshot is not None and snapshot[0] is not UNSET:
            told: str | None = snapshot[0]
            return told
        if rank == RESOLVED:
            return "resolved"
        if rank == CLOSED:
            return "closed"
        if rank == REOPENED:
            return "open"
        if self.status is None and (
            (rank == CREATED and not self.created_counted) or (first and rank == MESSAGE)
        ):
            return "new"
        return self.status

    def _spend(self, at: int) -> None:
        """The status changes: the time in it is known."""
        if self.status == "new" or self.status == "open":
            self.worked_ms += at - self.status_since_ms
        elif self.status == "on_hold":
            self.held_ms += at - self.status_since_ms
        self.status_since_ms = at

    def _create(self, out: Delta, at: int, rules: Rules) -> None:
        if self.created_counted:
            return
        if self.clocks is not None and self.creation_ms == at and self.created_ms != at:
            assigned = self.segment.values[rules.agent] is not None
            was_resolved = self.first_resolved_ms != NEVER or self.reopened
            self.clocks.create(out, rules.policies, at, assigned, was_resolved)
        self.creation_ms = NEVER
        known_ms = self.created_ms
        if at != known_ms:
            # Resolved or assigned before it was created: measured from here instead of from the first event.
            self._observe_from_creation(out, -1)
        self.know_creation(out, at)
        if at != known_ms:
            self._observe_from_creation(out, 1)
        self.created_in = self.segment
        out.add(at, self.segment, TICKETS_CREATED, 1)
        if self.escalated:
            out.add(at, self.segment, TICKETS_ESCALATED, 1)
        if self.transferred:
            out.add(at, self.segment, TICKETS_TRANSFERRED, 1)
        if self.created_by is None or self.created_by == "customer":
            self.contact = True
            self._tell_start(out, 1)
            self._message(out, at, BY_CUSTOMER, rules)
        else:
            out.add(at, self.segment, TICKETS_BY_OTHERS, 1)

    def _message(self, out: Delta, at: int, kind: int | None, rules: Rules) -> None:
        clocks = self.clocks
        if kind in (BY_CUSTOMER, CUSTOMER_ASIDE):
            if clocks is not None:
                clocks.customer_wrote(out, rules.policies, at, self.human_replies > 0)
            if kind == BY_CUSTOMER:
                self.interactions += 1
            if self.unanswered_ms == NEVER:
                self.unanswered_ms = at
            if self.answer_from == NEVER:
                self.answer_from = at
        elif kind == HUMAN_REPLY:
            self.interactions += 1
            self.human_replies += 1
            self._answer_any(out, at)
            if clocks is not None:
                clocks.person_replied(out, rules.policies, at)
            if not self.answered:
                if self.answer_from != NEVER:
                    self._answer_first(out, at, rules)
            elif self.unanswered_ms != NEVER:
                took = at - self.unanswered_ms
                out.observe(at, self.segment, NEXT_RESPONSE_SUM, NEXT_RESPONSE, took, TICKETS_NEGATIVE, 1)
            self.unanswered_ms = NEVER
        elif kind == MACHINE_REPLY:
            self._answer_any(out, at)

    def _answer_first(self, out: Delta, at: int, rules: Rules) -> None:
        self.answered = True
        took = at - self.answer_from
        out.observe(at, self.segment, FIRST_RESPONSE_SUM, FIRST_RESPONSE, took, TICKETS_NEGATIVE, 1)
        policies = rules.policies
        if self.clocks is not None:
            calendar = self.clocks.policy(policies).calendar
        else:
            calendar = policies.epochs[policies.number_at(at)].calendar
        took = calendar.elapsed_ms(self.answer_from, at)
        out.observe(
            at, self.segment, FIRST_RESPONSE_BUSINESS_SUM, FIRST_RESPONSE_BUSINESS, took, TICKETS_NEGATIVE, 1
        )

    def _answer_any(self, out: Delta, at: int) -> None:
        # Until anyone has answered no person has: both responses start at the same message.
        if not self.answered_any and self.answer_from != NEVER:
            self.answered_any = True
            took = at - self.answer_from
            out.observe(at, self.segment, ANY_RESPONSE_SUM, ANY_RESPONSE, took, TICKETS_NEGATIVE, 1)

    def _escalate(self, out: Delta) -> None:
        if not self.escalated:
            self.escalated = True
            if self.created_counted:
                out.add(self.created_ms, self.created_in, TICKETS_ESCALATED, 1)

    def _resolve(self, out: Delta, at: int, first: bool) -> None:
        self.unanswered_ms = NEVER
        if first:
            return  # it was resolved before anything was heard of it
        self._take_resolution_back(out)  # one is in force where a cleared status came between
        self.resolved_ms = at
        self.resolved_in = self.segment
        if self.first_resolved_ms == NEVER:
            self.first_resolved_ms, self.first_resolved_in = at, self.segment
            self._observe_first(out, 1)
            out.add(at, self.segment, TICKETS_FIRST_RESOLVED, 1)
            if self.reopened:
                out.add(at, self.segment, TICKETS_FIRST_REOPENED, 1)
        self.figures = (
            self.worked_ms + self.held_ms, self.worked_ms, self.interactions, self.reassignments,
            self.logged_ms, 1 if self._at_first_contact() else 0, 0 if self.human_replies else 1,
        )  # fmt: skip
        self._count_resolution(out, 1)
        self._tell_resolution(out, 1)

    def _at_first_contact(self) -> bool:
        return self.human_replies <= 1 and not (self.transferred or self.escalated or self.reopened)

    def _tell(self, out: Delta, sign: int) -> None:
        """Tells (1) or takes back (-1) all facts about the customer."""
        self._tell_start(out, sign)
        self._tell_resolution(out, sign)

    def _tell_start(self, out: Delta, sign: int) -> None:
        if self.customer is not None and self.contact:
            out.tell(CONTACT_STARTED, self.customer, self.created_ms, self.created_in, sign)

    def _tell_resolution(self, out: Delta, sign: int) -> None:
        if self.customer is not None and self.figures and self.figures[FIRST_CONTACT]:
            out.tell(CONTACT_RESOLVED, self.customer, self.resolved_ms, self.resolved_in, sign)

    def _reopen(self, out: Delta, at: int, rules: Rules) -> None:
        if self.clocks is not None:
            answered = self.human_replies > 0
            ahead = self.creation_ms >= at and self.creation_ms != self.created_ms
            created_ms = NEVER if ahead else self.created_ms
            self.clocks.reopen(out, rules.policies, at, created_ms, self.unanswered_ms, answered)
        out.add(at, self.segment, TICKETS_REOPENED, 1)
        self._take_resolution_back(out)
        if not self.reopened:
            self.reopened = True
            if self.first_resolved_ms != NEVER:
                out.add(self.first_resolved_ms, self.first_resolved_in, TICKETS_FIRST_REOPENED, 1)
        if not self.answered:
            # sla.md 15: measured from the oldest customer message since the resolution, else from the next
            # one.
            self.answer_from = self.unanswered_ms

    def _take_resolution_back(self, out: Delta) -> None:
        if self.resolved_ms != NEVER:
            self._count_resolution(out, -1)
            self._tell_resolution(out, -1)
            self.resolved_ms = NEVER
            self.figures = ()

    def _count_resolution(self, out: Delta, sign: int) -> None:
        count_resolution(out, self.resolved_ms, self.resolved_in, self.created_ms, self.figures, sign)

    def _observe_from_creation(self, out: Delta, sign: int) -> None:
        if self.assigned_ms != NEVER:
            self._observe_assignment(out, sign)
        if self.first_resolved_ms != NEVER:
            self._observe_first(out, sign)
        if self.resolved_ms != NEVER:
            self._count_resolution(out, sign)

    def _observe_assignment(self, out: Delta, sign: int) -> None:
        at, took = self.assigned_ms, self.assigned_ms - self.created_ms
        out.observe(at, self.assigned_in, ASSIGNMENT_SUM, ASSIGNMENT, took, TICKETS_NEGATIVE, sign)

    def _observe_first(self, out: Delta, sign: int) -> None:
        at, took = self.first_resolved_ms, self.first_resolved_ms - self.created_ms
        out.observe(at, self.first_resolved_in, RESOLUTION_SUM, RESOLUTION, took, TICKETS_NEGATIVE, sign)

    def _remove_or_restore(self, rank: int) -> None:
        if rank == RESTORED:
            self.removed = self.merged
        else:
            self.removed = True
            self.merged = self.merged or rank == MERGED
