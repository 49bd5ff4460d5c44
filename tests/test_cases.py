"""What others got wrong (public bugs and requests of other products) -> what shows that we do not.

A value names a scenario in `tests/scenarios` or a test, as `file::test`.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
SCENARIOS = TESTS / "scenarios"

CASES: dict[str, tuple[str, ...]] = {
    "business hours": ("case-chatwoot-13392-business-hours",),
    "split shifts": (
        "case-chatwoot-14009-split-shift",
        "test_sla_calendar.py::test_a_split_shift_stands_still_over_lunch",
    ),
    "a minute lost at midnight": (
        "case-zammad-3180-no-minute-lost-at-midnight",
        "test_sla_calendar.py::test_no_minute_is_lost_at_midnight",
    ),
    "an edit reaches open tickets": ("case-zammad-534-calendar-edit-reaches-open-tickets",),
    "first reply overridden by next reply": ("case-zammad-5177-next-reply-leaves-first-reply",),
    "escalates although the agent answered last": ("case-zammad-3140-agent-answered-last",),
    "thanks after the answer": ("case-chatwoot-10178-thanks-after-the-answer",),
    "bot resolved, then reopened": ("case-chatwoot-12058-bot-resolved-then-reopened",),
    "merged tickets": ("case-zammad-904-merged-ticket-is-silent",),
    "a change of priority forgets the pause": ("case-glpi-6902-priority-change-keeps-the-pause",),
    "pending over a weekend": (
        "case-glpi-10594-pending-over-a-weekend",
        "test_sla_calendar.py::test_a_pause_over_a_weekend_is_worth_no_office_time",
    ),
    "resolved out of a pause": ("case-frappe-3776-resolved-out-of-a-pause",),
    "time resolved counted on reopening": ("case-glpi-9267-time-resolved-is-not-counted",),
    "breach while pending": ("case-glpi-24481-no-breach-while-pending",),
    "warned at midnight": ("case-glpi-22678-warning-in-the-hour-before",),
    "deadline in the zone of the viewer": ("case-erpnext-38745-deadline-is-an-instant",),
    "changes of the clocks": (
        "case-dbt-zendesk-86-forty-hours-over-the-change",
        "test_sla_calendar.py::test_business_minutes_are_right_in_the_weeks_of_the_changes",
    ),
    "schedules keep their history": ("case-dbt-zendesk-171-schedule-keeps-its-history",),
    "reminders at midnight and weekends": ("case-zammad-4432-no-reminder-at-the-weekend",),
    "a change of team changes the policy": ("case-chatwoot-10178-team-change-changes-the-policy",),
    "median and figures of each agent": ("case-helpy-105-median-response-of-each-agent",),
    "alert before the breach": ("case-posthog-warned-before-the-breach",),
    "alert until someone acts, per channel": (
        "test_alerts_state.py::test_it_is_repeated_until_it_is_fulfilled",
        "test_alerts_state.py::test_it_is_repeated_until_somebody_takes_note",
        "test_alerts_routing.py::test_all_keys_must_match_and_any_value_of_a_list_does",
    ),
    "short breaches missed by polling": ("case-chatwoot-polling-misses-no-short-breach",),
    "failed looked at before paused": ("case-frappe-paused-is-not-failed-by-a-save",),
}

VECTORS: dict[str, tuple[str, ...]] = {
    "Berlin, Friday, spring": ("vector-7-berlin-friday-over-the-spring-change",),
    "Berlin, Friday, autumn": ("vector-7-berlin-friday-over-the-autumn-change",),
    "New York, Friday": ("vector-7-new-york-friday-over-the-spring-change",),
    "around the clock, spring and autumn": ("vector-7-around-the-clock-over-both-changes",),
    "night shift, spring and autumn": (
        "vector-7-night-shift-over-both-changes",
        "test_sla_calendar.py::test_a_night_shift_has_seven_hours_in_spring_and_nine_in_autumn",
    ),
    "paused overnight": (
        "vector-7-paused-overnight",
        "test_sla_calendar.py::test_created_monday_at_ten_and_paused_overnight",
    ),
    "warned an hour before": ("case-glpi-22678-warning-in-the-hour-before",),
    "warned across closing time": ("vector-7-warning-across-closing-time",),
    "all, by the calendar alone": ("test_sla_calendar.py::test_vectors",),
}

MEANINGS: dict[str, tuple[str, ...]] = {
    "Zendesk: the oldest unanswered message, many instances; libredesk": (
        "case-libredesk-95-every-question-has-a-clock",
    ),
    "Zendesk: updates, paused or not": ("sla-pending-stops-no-reply-clock",),
    "Zendesk: requester wait, agent work, total resolution": ("case-zendesk-what-waits-and-what-works",),
    "Zendesk: the first policy that matches, at every update": (
        "case-chatwoot-10178-team-change-changes-the-policy",
    ),
    "Zendesk's gap: edits wait for the next event of a ticket": (
        "case-zammad-534-calendar-edit-reaches-open-tickets",
    ),
    "Zendesk's gap: overdue in calendar time": ("case-zendesk-overdue-in-office-hours",),
    "Zendesk's gap: another policy, another breach": ("case-zendesk-another-policy-after-a-breach",),
    "ServiceNow: retroactive start": ("sla-tighter-target-already-past",),
    "ServiceNow: retroactive pause": ("case-glpi-6902-priority-change-keeps-the-pause",),
    "ServiceNow: shares of the target as timers; GLPI: levels before it is due": (
        "sla-warnings-by-share-and-by-time-left",
    ),
    "Plain: a reopening starts no first resolution; Zammad: and leaves a clock": (
        "sla-reopening-takes-a-met-back",
    ),
    "Plain: an old thread that is reopened does not breach at once": (
        "case-glpi-9267-time-resolved-is-not-counted",
    ),
    "Plain: cancelled where nobody replied": ("sla-resolved-without-an-answer",),
    "Freshdesk: a due date set by hand": ("case-freshdesk-a-person-sets-the-due-date",),
    "Freshdesk: a timer of each status": ("sla-pauses-of-the-new-policy",),
    "Intercom: a day that is three": (
        "test_sla_explain.py::test_a_target_longer_than_a_working_day_is_a_trap",
    ),
    "Intercom: speed of answer of calls": ("sla-queue-wait-leaves-without-an-answer",),
    "Frappe: holidays, and holds in business time; Odoo: working hours": (
        "test_sla_calendar.py::test_holidays_and_closed_days_have_no_hours",
        "case-glpi-10594-pending-over-a-weekend",
    ),
    "GLPI: time to own": ("sla-group-ownership",),
    "FreeITSM: computed from the history, under the calendar of then": (
        "case-dbt-zendesk-171-schedule-keeps-its-history",
        "test_pipeline_verify.py::test_verify_finds_what_was_altered_by_hand",
    ),
}
"""How the clocks of others are meant, or what is known to be missing in them."""

SHOWN = {**CASES, **VECTORS, **MEANINGS}


def _tests_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("case", SHOWN)
def test_what_shows_it_exists(case: str) -> None:
    """`test_scenario_contract.py` plays the scenarios; this only says that none is lost."""
    for place in SHOWN[case]:
        file, _, test = place.partition("::")
        if test:
            assert test in _tests_in(TESTS / file)
        else:
            assert (SCENARIOS / f"{file}.yaml").is_file()


def test_every_scenario_of_a_case_is_in_the_table() -> None:
    """A file that no row names would not be found by who looks for its case."""
    named = {place for places in SHOWN.values() for place in places}
    files = {path.stem for pattern in ("case-*.yaml", "vector-*.yaml") for path in SCENARIOS.glob(pattern)}
    assert files <= named
