"""What other products got wrong, each as a test of ours: the public bugs and requests that the contract lists
(cases, section 1). The names of scenarios begin with `case-`, their `about` has product and number."""

from __future__ import annotations

from pathlib import Path

import pytest

SCENARIOS = Path(__file__).parent / "scenarios"


CASES = {
    "business hours are ignored": "case-chatwoot-13392-business-hours",
    "lunch breaks cannot be said": "case-chatwoot-14009-split-shifts",
    "a day to 23:59 loses a minute": "case-zammad-3180-no-minute-lost-at-midnight",
    "an edited policy misses open tickets": "case-zammad-534-a-new-target-reaches-open-tickets",
    "next reply overrides first reply": "case-zammad-5177-next-reply-leaves-the-first-alone",
    "escalated though answered last": "case-zammad-3140-the-agent-answered-last",
    "a thank-you runs on after the resolution": "case-chatwoot-10178-thanks-after-the-answer",
    "five days instead of ten minutes": "case-chatwoot-12058-resolved-by-a-bot-then-reopened",
    "merged tickets escalate": "case-zammad-904-merged-tickets-are-quiet",
    "a new priority forgets the pause": "case-glpi-6902-a-new-priority-keeps-the-pause",
    "a weekend of pause is credited whole": "case-glpi-10594-a-pause-over-a-weekend",
    "resolved out of a pause": "case-frappe-3776-resolved-out-of-a-pause",
    "time spent resolved counts": "case-glpi-9267-the-time-spent-resolved",
    "a breach while pending": "case-glpi-24481-no-breach-while-pending",
    "warned at midnight": "case-glpi-22678-a-warning-in-business-hours",
    "red at creation in another zone": "case-erpnext-38745-read-in-another-zone",
    "wrong minutes when clocks change": "case-dbt-zendesk-86-daylight-saving",
    "schedules lose their history": "case-dbt-zendesk-171-schedules-keep-their-history",
    "reminded at the weekend": "case-glpi-22678-a-warning-in-business-hours",
    "another team keeps the old policy": "case-chatwoot-9747-met-by-team",
    "no median, no agents": "case-helpy-105-median-response-by-agent",
    "polling misses short breaches": "case-chatwoot-polling-misses-no-short-breach",
    "failed is looked at before paused": "case-glpi-24481-no-breach-while-pending",
}
"""Each row in a few words -> the scenario that shows it. The row about alerts before a breach, repeated by
team, is a matter of routes."""


@pytest.mark.parametrize("row", CASES)
def test_a_row_has_its_scenario(row: str) -> None:
    """It names where it was reported; that it holds is tested with the others of ours."""
    about = (SCENARIOS / f"{CASES[row]}.yaml").read_text(encoding="utf-8")
    assert "about: " in about


def test_no_case_is_without_a_row() -> None:
    """Nor a scenario of one without being listed."""
    assert {path.stem for path in SCENARIOS.glob("case-*.yaml")} == {*CASES.values()}
