"""`floorcast test`: what it prints, for people and for machines, and with which exit status it ends."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from stream.cli.main import cli

PAGE = Path(__file__).parents[1] / "docs" / "scenarios.md"

GOOD = """
scenario: two tickets
events:
- [2026-03-02 09:00, ticket.created, T1, {ticket: {team: red}}]
- [2026-03-02 09:30, ticket.created, T2, {ticket: {team: blue}}]
- [2026-03-02 09:30, call.queued, C1, {}]
expect:
- {metric: ticket_volume, window: today, value: 2}
- {metric: ticket_volume, window: 1h, by: [team],
   rows: [{by: {team: red}, value: 1}, {by: {team: blue}, value: 1}]}
- {metric: ticket_volume, window: 10s, value: 1}
- {sla: T1/first_reply, absent: true}
- {alerts: []}
"""
WRONG = GOOD.replace("window: 10s, value: 1", "window: 10s, value: 2")
ORDER_MATTERS = """
scenario: late only because of what was read before it
config: {horizon: 1h}
events:
- [2026-03-02 12:00, ticket.created, T1, {}]
- [2026-03-02 09:30, ticket.created, T2, {}, {recordedtime: 2026-03-02 09:30, arrives: 2026-03-02 12:10}]
expect:
- {metric: ticket_volume, window: today, value: 1}
"""
REFUSED = """
scenario: two events, one of them wrong
events:
- [2026-03-02 09:00, ticket.created, T1, {ticket: {team: 5}}]
- [2026-03-02 09:00, ticket.created, T2, {ticket: {team: red}}]
expect:
- {deadletters: 0}
"""


def play(tmp_path: Path, text: str, *words: str) -> Result:
    """The command on one file."""
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return CliRunner().invoke(cli, ["test", str(path), *words])


def machine(result: Result) -> Any:
    """The JSON that it printed."""
    return json.loads(result.stdout)


def test_all_hold(tmp_path: Path) -> None:
    """Exit status 0, with the seed."""
    result = play(tmp_path, GOOD, "--seed", "7")
    assert result.exit_code == 0
    assert "1 scenario, replayed with --seed 7: 5 expectations hold, 0 expectations fail" in result.output


def test_one_does_not_hold(tmp_path: Path) -> None:
    """Exit status 1: where it stands, expected beside actual, the entities of the topic, and what counts."""
    result = play(tmp_path, WRONG)
    assert result.exit_code == 1
    assert result.output.startswith(
        f"""FAILED {tmp_path / "mine.yaml"}:11: two tickets
  {{metric: ticket_volume, window: 10s, value: 2}}
           expected  actual
    value         2  1
  T1
    2026-03-02 09:00:00  ticket.created {{ticket: {{team: red}}}}
    counted
      2026-03-02 09:00:00  +1 tickets_created team=red  (outside the window)
  T2
    2026-03-02 09:30:00  ticket.created {{ticket: {{team: blue}}}}
    counted
      2026-03-02 09:30:00  +1 tickets_created team=blue

"""
    )


def test_rows_that_are_missing_or_too_many(tmp_path: Path) -> None:
    """`rows` are all of them: one that is not there and one that was not expected both fail."""
    told = machine(play(tmp_path, GOOD.replace("{by: {team: blue}", "{by: {team: green}"), "--json"))
    (failure,) = told["files"][0]["scenarios"][0]["failures"]
    assert failure["expected"] == {"{team: blue} value": "no such row", "{team: green} value": 1}
    assert failure["actual"] == {"{team: blue} value": 1, "{team: green} value": "no such row"}


def test_for_machines(tmp_path: Path) -> None:
    """The same as JSON, by file and scenario; expectations as they are written."""
    result = play(tmp_path, WRONG, "--json")
    assert result.exit_code == 1
    told = machine(result)
    assert (told["held"], told["failed"], told["seed"]) == (4, 1, 1)
    (file,) = told["files"]
    (scenario,) = file["scenarios"]
    assert file["file"].endswith("mine.yaml")
    assert (scenario["name"], scenario["held"]) == ("two tickets", 4)
    (failure,) = scenario["failures"]
    assert failure["expectation"] == {"metric": "ticket_volume", "window": "10s", "value": 2}
    assert (failure["expected"], failure["actual"], failure["shuffled"]) == (
        {"value": 2},
        {"value": 1},
        False,
    )


def test_another_order_must_come_out_the_same(tmp_path: Path) -> None:
    """What holds only in the order of arrival fails when shuffled, unless `replay: false` allows it."""
    told = machine(play(tmp_path, ORDER_MATTERS, "--json"))
    (failure,) = told["files"][0]["scenarios"][0]["failures"]
    assert (failure["expected"], failure["actual"], failure["shuffled"]) == ({"value": 1}, {"value": 2}, True)
    assert told["held"] == 1
    words = play(tmp_path, ORDER_MATTERS, "--seed", "3").output
    assert "not the same when shuffled, doubled and in other batches (--seed 3)" in words
    assert re.search(r"as told  shuffled\n +value +1  2", words)
    assert play(tmp_path, f"replay: false{ORDER_MATTERS}").exit_code == 0


def test_refused_events_are_shown_with_the_reason(tmp_path: Path) -> None:
    """Where dead letters are counted, the history is of what was refused."""
    result = play(tmp_path, REFUSED)
    assert result.exit_code == 1
    assert "(refused: invalid: data.ticket.team: Expected" in result.output
    assert "  T1\n" in result.output
    assert "  T2\n" not in result.output


def test_unknown_types_are_ignored_and_told(tmp_path: Path) -> None:
    """As a worker ignores them; the nearest type is named, as it may be a slip."""
    result = play(tmp_path, GOOD.replace("[2026-03-02 09:30, call.queued", "[2026-03-02 09:30, call.queue"))
    assert result.exit_code == 0
    assert "ignored: 1 of unknown type call.queue; the nearest known one is call.queued" in result.output


def test_a_wrong_file_beside_others(tmp_path: Path) -> None:
    """Exit status 2; the other files are played all the same."""
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "wrong.yaml").write_text(GOOD.replace("value: 2", "vale: 2"))
    result = CliRunner().invoke(cli, ["test", str(tmp_path / "wrong.yaml"), str(tmp_path / "good.yaml")])
    assert result.exit_code == 2
    assert f"Error: {tmp_path / 'wrong.yaml'}:8: document 1: unknown key" in result.stderr
    assert "5 expectations hold" in result.stdout


def test_a_question_without_an_answer_names_its_line(tmp_path: Path) -> None:
    """What only the query can tell is an error of the file, too."""
    two_labels = (
        "- {metric: calls_abandoned, window: today, where: {stage: ivr, direction: inbound}, value: 0}\n"
    )
    result = play(tmp_path, GOOD + two_labels)
    assert result.exit_code == 2
    assert "mine.yaml:14: " in result.stderr


@pytest.mark.parametrize("text", re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL))
def test_the_example_of_the_page_holds(tmp_path: Path, text: str) -> None:
    """docs/scenarios.md shows what really runs."""
    result = play(tmp_path, text)
    assert result.exit_code == 0, result.output
    assert "0 expectations hold" not in result.output
