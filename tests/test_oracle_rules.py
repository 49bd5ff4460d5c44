"""The oracle at those edge rules of sla.md that no scenario of the contract shows, worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.test_oracle_scenarios import Scenario

RULES = """
scenario: 19, paused at the very instant it is due, it breaches at the resume
config: {policies: [{name: all, targets: {requester_wait: 2h}}]}
events:
- [2026-03-02 09:00, ticket.created, T1, {}]
- [2026-03-02 11:00, ticket.status_changed, T1, {ticket: {status: pending}}]
- [2026-03-02 13:00, ticket.status_changed, T1, {ticket: {status: open}}]
end: 2026-03-02 14:00
expect:
- {at: 2026-03-02 12:00, sla: T1/requester_wait, state: paused, due: null, elapsed: 2h}
- {sla: T1/requester_wait, state: breached, breached_at: 2026-03-02 13:00, elapsed: 3h, overdue: 1h}
---
scenario: 15, a reply clock after a reopening starts at the oldest message since the resolution
config: {policies: [{name: all, targets: {first_reply: 2h}}]}
events:
- [2026-03-02 09:00, ticket.created, T1, {}]
- [2026-03-02 10:00, ticket.resolved, T1, {}]
- [2026-03-02 11:00, ticket.message_added, T1, {message: {author: customer}}]
- [2026-03-02 12:00, ticket.reopened, T1, {}]
end: 2026-03-02 12:30
expect:
- {at: 2026-03-02 11:30, sla: T1/first_reply, state: cancelled, elapsed: 1h}
- {sla: "T1/first_reply#2", state: running, started: 2026-03-02 11:00, due: 2026-03-02 13:00, elapsed: 1h30m}
---
scenario: 5 and 17, a resolution cancels six clocks, also after earlier instances were met
config:
  policies:
  - {name: all, targets: {periodic_update: 4h, pausable_update: 4h, assignment: 4h, resolution: 4h}}
events:
- [2026-03-02 09:00, ticket.created, T1, {}]
- [2026-03-02 09:10, ticket.message_added, T1, {message: {author: agent}}]
- [2026-03-02 09:20, ticket.message_added, T1, {message: {author: agent}}]
- [2026-03-02 10:00, ticket.closed, T1, {}]
end: 2026-03-02 18:00
expect:
- {sla: "T1/periodic_update#1", state: met, elapsed: 10m}
- {sla: "T1/periodic_update#2", state: cancelled, elapsed: 40m}
- {sla: "T1/pausable_update#2", state: cancelled, elapsed: 40m}
- {sla: T1/assignment, state: cancelled, elapsed: 1h}
- {sla: T1/resolution, state: met, elapsed: 1h}
- {metric: sla_breaches, window: 12h, value: 0}
---
scenario: 23, restored as if the deletion had been a pause
config:
  policies:
  - {name: urgent, when: {priority: urgent}, targets: {first_reply: 30m}}
  - {name: rest, targets: {first_reply: 2h}}
events:
- [2026-03-02 09:00, ticket.created, T1, {}]
- [2026-03-02 10:00, ticket.deleted, T1, {}]
- [2026-03-02 12:00, ticket.restored, T1, {}]
- [2026-03-02 09:00, ticket.created, T2, {}]
- [2026-03-02 10:00, ticket.deleted, T2, {}]
- [2026-03-02 11:00, ticket.updated, T2, {ticket: {priority: urgent}}]
- [2026-03-02 12:00, ticket.restored, T2, {}]
end: 2026-03-02 12:30
expect:
- {at: 2026-03-02 11:30, sla: T1/first_reply, state: cancelled, due: null, elapsed: 1h}
- {sla: T1/first_reply, state: running, due: 2026-03-02 13:00, elapsed: 1h30m}
- {at: 2026-03-02 11:30, sla: T2/first_reply, state: cancelled, elapsed: 1h}
- {at: 2026-03-02 11:30, metric: sla_breaches, window: 6h, value: 0}
- {sla: T2/first_reply, state: breached, due: 2026-03-02 09:30, breached_at: 2026-03-02 12:00, overdue: 1h}
---
scenario: 16, a call that is over waits no more; moved to a queue whose target is past it breaches there
config: {queues: [{when: {queue: sales}, max_wait: 5m}, {when: {queue: help}, max_wait: 45s}]}
events:
- ["2026-03-02T09:00:00Z", call.offered, C1, {}]
- ["2026-03-02T09:01:00Z", call.ended, C1, {}]
- ["2026-03-02T09:02:00Z", call.queued, C1, {call: {queue: sales}}]
- ["2026-03-02T09:00:00Z", call.queued, C2, {call: {queue: sales}}]
- ["2026-03-02T09:01:00Z", call.queued, C2, {call: {queue: help}}]
end: "2026-03-02T09:03:00Z"
expect:
- {sla: C1/queue_wait, absent: true}
- {sla: C2/queue_wait, state: breached, due: "2026-03-02T09:00:45Z", overdue: 2m15s}
- {sla: C2/queue_wait, breached_at: "2026-03-02T09:01:00Z"}
---
scenario: 14, a retarget acts before the answer in the same event
config:
  policies:
  - {name: urgent, when: {priority: urgent}, targets: {first_reply: 30m}}
  - {name: rest, targets: {first_reply: 2h}}
events:
- [2026-03-02 09:00, ticket.created, T1, {}]
- [2026-03-02 10:00, ticket.message_added, T1, {ticket: {priority: urgent}, message: {author: agent}}]
expect:
- {sla: T1/first_reply, state: breached, breached_at: 2026-03-02 10:00, overdue: 30m}
- {sla: T1/first_reply, fulfilled_at: 2026-03-02 10:00}
---
scenario: 22, dropped and named again it is the same instance
config: {policies: [{name: mail, when: {channel: email}, targets: {resolution: 4h}}]}
events:
- [2026-03-02 09:00, ticket.created, T1, {ticket: {channel: email}}]
- [2026-03-02 10:00, ticket.updated, T1, {ticket: {channel: chat}}]
- [2026-03-02 11:00, ticket.updated, T1, {ticket: {channel: email}}]
end: 2026-03-02 12:00
expect:
- {at: 2026-03-02 10:30, sla: T1/resolution, state: cancelled, due: null, elapsed: 1h}
- {sla: T1/resolution, state: running, due: 2026-03-02 13:00, elapsed: 3h}
- {sla: "T1/resolution#2", absent: true}
---
scenario: 12 and 22, due_at starts resolution without a policy; set into the past it breaches at the change
events:
- [2026-03-02 09:00, ticket.created, T1, {}]
- [2026-03-02 10:00, ticket.updated, T1, {ticket: {due_at: "2026-03-02T12:00:00Z"}}]
- [2026-03-02 11:00, ticket.updated, T1, {ticket: {due_at: "2026-03-02T10:30:00Z"}}]
end: 2026-03-02 12:00
expect:
- {at: 2026-03-02 09:30, sla: T1/resolution, absent: true}
- {at: 2026-03-02 10:30, sla: T1/resolution, state: running, started: 2026-03-02 09:00, due: 2026-03-02 12:00}
- {sla: T1/resolution, state: breached, due: 2026-03-02 10:30, breached_at: 2026-03-02 11:00, overdue: 1h30m}
---
scenario: 18, an agent kept through a change of team does not fulfil the new instance
config: {policies: [{name: all, targets: {group_ownership: 4h}}]}
events:
- [2026-03-02 09:00, ticket.created, T1, {ticket: {team: a}}]
- [2026-03-02 09:30, ticket.assigned, T1, {ticket: {agent: ann}}]
- [2026-03-02 10:00, ticket.assigned, T1, {ticket: {team: b, agent: ann}}]
- [2026-03-02 11:00, ticket.assigned, T1, {ticket: {team: c}}]
end: 2026-03-02 12:00
expect:
- {sla: "T1/group_ownership#1", state: met, elapsed: 30m}
- {sla: "T1/group_ownership#2", state: cancelled, elapsed: 1h}
- {sla: "T1/group_ownership#3", state: running, elapsed: 1h}
---
scenario: 21, at risk by position under the target of now; paused wins; what is at the target never fires
config:
  policies:
  - {name: high, when: {priority: high}, targets: {agent_work: 2h}, warn: [50%, 30m, 100%]}
  - {name: rest, targets: {agent_work: 8h}, warn: [50%, 30m, 100%]}
events:
- [2026-03-02 09:00, ticket.created, T1, {}]
- [2026-03-02 10:15, ticket.updated, T1, {ticket: {priority: high}}]
- [2026-03-02 10:40, ticket.status_changed, T1, {ticket: {status: pending}}]
- [2026-03-02 10:50, ticket.updated, T1, {ticket: {priority: low, status: open}}]
expect:
- {at: 2026-03-02 10:10, sla: T1/agent_work, state: running}
- {at: 2026-03-02 10:20, sla: T1/agent_work, state: at_risk, due: 2026-03-02 11:00}
- {at: 2026-03-02 10:20, metric: sla_at_risk, by: [level], rows: [{by: {level: 50%}, value: 1}]}
- {at: 2026-03-02 10:35, metric: sla_at_risk, by: [level], rows: [{by: {level: 30m}, value: 1}]}
- {at: 2026-03-02 10:45, sla: T1/agent_work, state: paused, elapsed: 1h40m}
- {at: 2026-03-02 10:45, metric: sla_running, value: 0}
- {sla: T1/agent_work, state: running, due: 2026-03-02 17:10}
"""


@pytest.mark.parametrize("told", [pytest.param(one, id=one["scenario"]) for one in yaml.safe_load_all(RULES)])
def test_the_edge_rules(told: dict[str, Any]) -> None:
    """Every expectation, at its instant."""
    scenario = Scenario(told)
    for expected in scenario.expect:
        if "sla" in expected:
            scenario.check_clock(expected)
        else:
            scenario.check_metric(expected)
