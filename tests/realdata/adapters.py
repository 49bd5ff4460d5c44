"""Adapters for `floorcast import --adapter tests/realdata/adapters.py:NAME`: a path -> CloudEvents as dicts.

They only rename and clamp; each yields in the order of its file, which is not the order of time.
"""

import csv
import gzip
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

CloudEvent = dict[str, Any]
Row = dict[str, str]

BANK_ZONE = ZoneInfo("Asia/Jerusalem")
SFO_ZONE = ZoneInfo("America/Los_Angeles")
BOSTON_ZONE = ZoneInfo("America/New_York")


def _event(
    source: str, kind: str, subject: str, at: datetime, number: int, data: dict[str, Any]
) -> CloudEvent:
    """One event; `number` counts the events of the subject: it makes the id and breaks ties of time."""
    return {
        "specversion": "1.0",
        "id": f"{subject}#{number}",
        "source": source,
        "type": kind,
        "subject": f"{source}:{subject}",
        "time": at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "sequence": number,
        "data": data,
    }


def _rows(path: str, delimiter: str = ",") -> Iterator[Row]:
    opened = gzip.open if Path(path).suffix == ".gz" else open
    with opened(path, "rt", encoding="latin-1", newline="") as file:
        yield from csv.DictReader(file, delimiter=delimiter)


def bank(path: str, last: str = "") -> Iterator[CloudEvent]:
    """A month of the "Anonymous Bank": a row is a call, its times are of Asia/Jerusalem without an offset.
    `last`: the last day that is told (yymmdd), else all are.

    Only the arrival (`vru_entry`) is taken as an instant. What follows is counted from it in the seconds that
    the row gives (`vru_time`, `q_time`, `ser_time`), so neither midnight nor the 1-2 s between the clocks of
    the switch and the agents show: wait = `q_time`, talk = `ser_time`. An answered call that met no queue is
    queued and answered at once.
    """
    for row in _rows(path, delimiter="\t"):
        if row["outcome"] == "PHANTOM" or (last and row["date"] > last):
            continue
        arrived = _bank_time(row["date"], row["vru_entry"])
        left_menu = arrived + timedelta(seconds=max(0, int(row["vru_time"])))
        left_queue = left_menu + timedelta(seconds=max(0, int(row["q_time"])))
        call: dict[str, Any] = {
            "queue": row["type"],
            "priority": "high" if row["priority"] == "2" else "normal",
        }
        if row["customer_id"] != "0":
            call["customer"] = row["customer_id"]
        steps: list[tuple[str, datetime, dict[str, Any]]] = [("call.offered", arrived, {"call": call})]
        if row["outcome"] == "AGENT" or row["q_start"] != "0:00:00":
            steps.append(("call.queued", left_menu, {}))
        if row["outcome"] == "AGENT":
            agent = {} if row["server"] == "NO_SERVER" else {"agent": row["server"]}
            hung_up = left_queue + timedelta(seconds=max(0, int(row["ser_time"])))
            steps += [("call.answered", left_queue, {"call": agent}), ("call.ended", hung_up, {})]
        else:
            steps.append(("call.abandoned", left_queue, {}))
        for number, (kind, at, data) in enumerate(steps):
            yield _event("bank", kind, f"{row['vru+line']}-{row['call_id']}", at, number, data)


BANK_WEEK = "990108"
"""A week and a day of January: all kinds of days."""


def bank_week(path: str) -> Iterator[CloudEvent]:
    """The month up to BANK_WEEK."""
    return bank(path, BANK_WEEK)


def _bank_time(day: str, clock: str) -> datetime:
    hour, minute, second = (int(part) for part in clock.split(":"))
    local = datetime(1900 + int(day[:2]), int(day[2:4]), int(day[4:]), hour, minute, second, tzinfo=BANK_ZONE)
    return local.astimezone(UTC)


SERVICENOW_STATUS = {"New": "new", "Active": "open", "Resolved": "resolved", "Closed": "closed"}
SERVICENOW_PRIORITY = {
    "1 - Critical": "urgent",
    "2 - High": "high",
    "3 - Moderate": "normal",
    "4 - Low": "low",
}


def servicenow(path: str) -> Iterator[CloudEvent]:
    """The incident log: a row is the case after an update, sorted by case; times are taken as UTC.

    A case is created at `opened_at`; its rows follow in file order and never run backwards (INC0000137 and
    five cases that were opened after their first update would). The state `-100` says nothing about the
    status.
    """
    case, number, before, status = "", 0, datetime.min.replace(tzinfo=UTC), ""
    for row in _rows(path):
        if row["number"] != case:
            case, number, before, status = row["number"], 0, _servicenow_time(row["opened_at"]), "new"
            created = {**_servicenow_ticket(row), "status": "new", "created_by": "agent"}
            yield _event("servicenow", "ticket.created", case, before, 0, {"ticket": created})
        number += 1
        before = max(before, _servicenow_time(row["sys_updated_at"]))
        ticket = _servicenow_ticket(row)
        kind = _servicenow_type(status, ticket.get("status", status))
        status = ticket.get("status", status)
        yield _event("servicenow", kind, case, before, number, {"ticket": ticket})


def _servicenow_time(text: str) -> datetime:
    return datetime.strptime(text, "%d/%m/%Y %H:%M").replace(tzinfo=UTC)


def _servicenow_ticket(row: Row) -> dict[str, Any]:
    """The snapshot of a row; `?` is missing, which in a whole snapshot means empty."""
    ticket: dict[str, Any] = {
        "channel": row["contact_type"].lower().replace(" ", "_"),
        "priority": SERVICENOW_PRIORITY[row["priority"]],
        "category": row["category"],
        "team": row["assignment_group"],
        "agent": row["assigned_to"],
        "customer": row["caller_id"],
    }
    ticket = {name: None if value == "?" else value for name, value in ticket.items()}
    state = row["incident_state"]
    if state.startswith("Awaiting "):
        return {**ticket, "status": "pending", "pending_reason": state.removeprefix("Awaiting ").lower()}
    if state in SERVICENOW_STATUS:
        ticket["status"] = SERVICENOW_STATUS[state]
    return ticket


def _servicenow_type(before: str, after: str) -> str:
    """The type that names the change of status."""
    if before == after:
        return "ticket.updated"
    if after in ("resolved", "closed"):
        return f"ticket.{after}"
    return "ticket.reopened" if before in ("resolved", "closed") else "ticket.status_changed"


SFO_CHANNEL = {"1": "gate", "2": "mail", "3": "web"}
SFO_LANGUAGE = {"1": "en", "2": "es", "3": "zh", "4": "ja"}
SFO_WEEKDAY = {"MON": 0, "TUE": 1, "WED": 2, "THUR": 3, "FRI": 4, "SAT": 5, "SUN": 6}
# question -> (kind of survey, scale, category)
SFO_QUESTIONS: dict[str, tuple[str, int, int, str]] = {
    "NETPRO": ("nps", 0, 10, "recommend"),
    "Q7ALL": ("csat", 1, 5, "overall"),
    "Q14FIND": ("ces", 1, 5, "finding"),
    "Q14PASSTHRU": ("ces", 1, 5, "security"),
}


def sfo(path: str) -> Iterator[CloudEvent]:
    """The airport's passenger survey of 2017: a row is a respondent, each question a survey of its own.

    Blank answers and "not applicable" lie outside the scale. The hour is not known: noon is taken.
    """
    for row in _rows(path):
        day = sfo_day(int(row["INTDATE"]), row["DAY"])
        at = datetime(day.year, day.month, day.day, 12, tzinfo=SFO_ZONE)
        for question, (kind, low, high, category) in SFO_QUESTIONS.items():
            if not row[question].isdigit() or not low <= int(row[question]) <= high:
                continue
            survey = {
                "kind": kind,
                "scale_min": low,
                "scale_max": high,
                "channel": SFO_CHANNEL[row["METHOD"]],
                "language": SFO_LANGUAGE[row["LANG"]],
                "category": category,
            }
            data = {"survey": survey, "response": {"score": int(row[question])}}
            yield _event("sfo", "survey.responded", f"{row['RESPNUM']}-{question}", at, 0, data)


def sfo_day(day_of_month: int, weekday: str) -> date:
    """The date of an interview: `INTDATE` names no month; the first from May 2017 whose weekday fits."""
    for month in range(5, 13):
        try:
            found = date(2017, month, day_of_month)
        except ValueError:
            continue
        if found.weekday() == SFO_WEEKDAY[weekday]:
            return found
    raise ValueError(f"no {weekday} the {day_of_month}. from May to December 2017")


BOSTON_CHANNEL = {
    "Constituent Call": "phone",
    "Citizens Connect App": "app",
    "City Worker App": "app",
    "Self Service": "web",
}


def boston311(path: str) -> Iterator[CloudEvent]:
    """Service requests of the City of Boston: a row is a request, its times are local without an offset.

    The city's own target is sent as `due_at`; a request without one has none.
    """
    for row in _rows(path):
        ticket: dict[str, Any] = {
            "channel": BOSTON_CHANNEL[row["source"]],
            "team": row["department"],
            "category": row["type"],
        }
        if row["target_dt"]:
            ticket["due_at"] = _boston_time(row["target_dt"]).isoformat()
        case = row["case_enquiry_id"]
        yield _event("boston311", "ticket.created", case, _boston_time(row["open_dt"]), 0, {"ticket": ticket})
        if row["closed_dt"]:
            yield _event("boston311", "ticket.closed", case, _boston_time(row["closed_dt"]), 1, {})


def _boston_time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BOSTON_ZONE)
