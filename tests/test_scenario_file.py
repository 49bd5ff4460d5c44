"""Scenario files are read strictly: what makes no sense is refused with its place and what to write."""

from pathlib import Path

import pytest

from stream.scenario.file import ScenarioError, read_scenarios

HEAD = "scenario: one\n"
EVENT = "events:\n- [2026-03-02 09:00, ticket.created, T1, {}]\n"
EXPECT = "expect:\n- {metric: ticket_volume, window: 1h, value: 1}\n"


def refusal(tmp_path: Path, text: str) -> str:
    """Why the file is refused, without the directory."""
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ScenarioError) as refused:
        list(read_scenarios(path))
    return str(refused.value).removeprefix(f"{tmp_path}/")


def expecting(tmp_path: Path, expectation: str) -> str:
    """The same of a file with this expectation on line 5."""
    said = refusal(tmp_path, f"{HEAD}{EVENT}expect:\n- {{{expectation}}}\n")
    assert said.startswith("mine.yaml:5: document 1: ")
    return said.removeprefix("mine.yaml:5: document 1: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "mine.yaml: holds no scenario"),
        ("- 1\n", "mine.yaml:1: document 1: a scenario is a mapping"),
        (f"{HEAD}{EVENT}", "mine.yaml:1: document 1: `expect` is missing"),
        (
            f"{HEAD}event: []\n{EXPECT}",
            "mine.yaml:2: document 1: unknown key 'event'; the nearest known one is events",
        ),
        (
            f"{HEAD}{EVENT}{EXPECT}end: soon\n",
            "mine.yaml:6: document 1: end: 'soon' is no time; write 2026-03-02 09:00",
        ),
        (f"{HEAD}{EVENT}{EXPECT}end: 13:00\n", "mine.yaml:6: document 1: end: 780 is no time"),
        (f"{HEAD}timezone: Mars/Base\n{EXPECT}", "mine.yaml:2: document 1: timezone: 'Mars/Base' is no zone"),
        (f"{HEAD}replay: 0\n{EXPECT}", "mine.yaml:2: document 1: replay: true or false is wanted, not 0"),
        (f"{HEAD}{EVENT}{EXPECT}lag: [2026-03-02 09:00]\n", "mine.yaml:6: document 1: lag: pairs [from, to]"),
        (
            f"{HEAD}{EXPECT}lag:\n- [2026-03-02 09:10, 2026-03-02 09:00]\n",
            "mine.yaml:5: document 1: lag: ['2026-03-02 09:10', '2026-03-02 09:00'] ends before it begins",
        ),
        (
            f"{HEAD}config: {{horizont: 1h}}\n{EXPECT}",
            "mine.yaml:2: document 1: config: horizont: unknown key; the nearest",
        ),
        (f"{HEAD}config: {{horizon: long}}\n{EXPECT}", "mine.yaml:2: document 1: config: horizon: "),
        (f"{HEAD}{EVENT}{EXPECT}{EVENT}", "mine.yaml:1: not readable as YAML: the key 'events' stands twice"),
        (f"{HEAD}events: [\n", "mine.yaml:3: not readable as YAML: "),
        (f"{HEAD}{EVENT}{EXPECT}---\n{HEAD}end: x\n{EXPECT}", "mine.yaml:8: document 2: end: 'x' is no time"),
    ],
)
def test_documents(tmp_path: Path, text: str, said: str) -> None:
    """The file, the line, the document, and what is wrong."""
    assert refusal(tmp_path, text).startswith(said)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (
            "[2026-03-02 09:00, tickets.created, T1, {}]",
            "unknown event type 'tickets.created'; the nearest known one is ticket.created",
        ),
        ("[2026-03-02 09:00, ticket.created, 17, {}]", "the subject 17 is no text to YAML: put it in quotes"),
        ("[2026-03-02 09:00, ticket.created, NO, {}]", "the subject False is no text to YAML"),
        ("[2026-02-30 09:00, ticket.created, T1, {}]", "time: '2026-02-30 09:00' is no time"),
        ("[1026-02-03 09:00, ticket.created, T1, {}]", "time: '1026-02-03 09:00': times are read from 1970"),
        ("[2026-03-02 09:00, ticket.created]", "an event is [time, type, subject, data"),
        ("[2026-03-02 09:00, ticket.created, T1, {}, late]", "an event is [time, type, subject, data"),
        (
            "[2026-03-02 09:00, ticket.created, T1, {}, {arrive: 2026-03-02 09:10}]",
            "unknown option 'arrive'; the nearest known one is arrives",
        ),
    ],
)
def test_events(tmp_path: Path, event: str, said: str) -> None:
    """A subject that YAML reads as a number or a truth value, a slip in a type, a day that does not exist."""
    said = f"mine.yaml:3: document 1: {said}"
    assert refusal(tmp_path, f"{HEAD}events:\n- {event}\n{EXPECT}").startswith(said)


@pytest.mark.parametrize(
    ("expectation", "said"),
    [
        ("value: 3", "an expectation is about one of metric, sla, alerts, deadletters, duplicates, late"),
        (
            "metric: ticket_volum, window: 1h, value: 3",
            "unknown metric 'ticket_volum'; the nearest known one is ticket_volume",
        ),
        ("metric: ticket_volume, window: 1h", "nothing to compare: add one of value, count"),
        (
            "metric: ticket_volume, window: 1h, vale: 3",
            "unknown key of an expectation about metric 'vale'; the nearest known one is value",
        ),
        ("metric: ticket_volume, window: 1h, value: many", "value: a number or null is wanted, not 'many'"),
        ("metric: ticket_volume, window: 1h, value: yes", "value: a number or null is wanted, not True"),
        ("metric: ticket_volume, window: 1h, mean: 3", "ticket_volume has no 'mean'; it offers value"),
        ("metric: ticket_volume, value: 3", "ticket_volume needs a window"),
        ("metric: ticket_volume, window: soon, value: 3", "window 'soon': "),
        ("metric: ticket_volume, window: 15s, value: 3", "window '15s': time is kept in panes of 10 s"),
        (
            "metric: ticket_volume, window: 1h, from: 2026-03-02 09:00, value: 3",
            "a window is either `window` or `from` and `to`",
        ),
        ("metric: ticket_volume, from: 2026-03-02 09:00, value: 3", "`from` and `to` go together"),
        ("metric: ticket_volume, from: 2026-03-02 09:00, to: 2026-03-02 09:00, value: 3", "an empty window"),
        ("metric: backlog, mean: 3", "the mean of backlog is its average over a window"),
        ("metric: longest_wait, window: 1h, value: 3", "longest_wait is read at one instant"),
        (
            "metric: ticket_volume, window: 1h, where: {taem: a}, value: 3",
            "unknown segment or label of ticket_volume 'taem'; the nearest known one is team",
        ),
        (
            "metric: ticket_volume, window: 1h, where: {team: 5}, value: 3",
            "team: 5 is no text to YAML: put it in quotes",
        ),
        (
            "metric: calls_abandoned, window: 1h, where: {stage: lobby}, value: 3",
            "unknown stage of calls_abandoned 'lobby'",
        ),
        (
            "metric: ces, window: 1h, value: 3",
            "ces is never mixed over polarity: add where: {polarity: ease or effort}",
        ),
        ("metric: ticket_volume, window: 1h, by: team, rows: []", "by: a list of segments or labels"),
        ("metric: ticket_volume, window: 1h, by: [team], value: 3", "`by` gives rows"),
        ("metric: ticket_volume, window: 1h, rows: [{by: {team: a}, value: 3}]", "`rows` need `by`"),
        ("metric: ticket_volume, window: 1h, by: [team], rows: [{value: 3}]", "a row is a mapping with `by`"),
        (
            "metric: ticket_volume, window: 1h, by: [team], rows: [{by: {agent: a}, value: 3}]",
            "the row {'agent': 'a'} must say team",
        ),
        (
            "metric: ticket_volume, window: 1h, by: [team], rows: [{by: {team: a}}]",
            "the row {'team': 'a'} compares nothing",
        ),
        (
            "metric: ticket_volume, window: 1h, by: [team], rows: [{by: {team: a}, vale: 3}]",
            "unknown stat 'vale'",
        ),
        ("metric: ticket_volume, window: 1h, by: [team], value: 3, rows: []", "value stands beside `rows`"),
        (
            "metric: ticket_volume, by: [team], rows: [{by: {team: a}, sum: 3}, {by: {team: a}, sum: 3}]",
            "two rows are of the same `by`",
        ),
        ("deadletters: some", "deadletters: a number of events is wanted, not 'some'"),
        ("late: -1", "late: a number of events is wanted, not -1"),
        ("sla: T1, state: met", "sla: SUBJECT/CLOCK such as T1/first_reply is wanted, not 'T1'"),
        ("sla: T1/first_reply", "an expectation about sla compares nothing"),
        (
            "sla: T1/first_reply, stat: met",
            "unknown key of an expectation about sla 'stat'; the nearest known one is state",
        ),
        ("alerts: [{kin: breach}]", "unknown key of an alert 'kin'; the nearest known one is kind"),
    ],
)
def test_expectations(tmp_path: Path, expectation: str, said: str) -> None:
    """No expectation that could never fail, and none that only a slip made different."""
    assert expecting(tmp_path, expectation).startswith(said)


def test_times_are_read_in_the_zone_of_the_scenario(tmp_path: Path) -> None:
    """Without an offset they are local, with one they are what they say."""
    path = tmp_path / "mine.yaml"
    events = "[2026-03-02 09:00, ticket.created, T1], ['2026-03-02T09:00:00Z', ticket.created, T2]"
    path.write_text(f"{HEAD}timezone: Europe/Berlin\nevents: [{events}]\n{EXPECT}")
    (scenario,) = read_scenarios(path)
    assert [event.at_ms for event in scenario.events] == [1_772_438_400_000, 1_772_442_000_000]
    assert scenario.config.timezone == "Europe/Berlin"
    assert scenario.end_ms == 1_772_442_000_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("about: !!map [a]\n", "a mapping is wanted after !!map"),
        (f"about: {'1:' * 300}1.5\n", "makes no sense as YAML; put it in quotes to make it text"),
        ("about: !!timestamp x\n", "makes no sense as YAML; put it in quotes to make it text"),
        (f"timezone: 0x{'f' * 5000}\n", "a number of so many digits is not read"),
        ("about: \a\n", "it holds a character that YAML does not allow"),
        (f"about: {'[' * 150}{']' * 150}\n", "nested too deeply"),
        (f"about: {'[' * 5000}\n", "while increasing flow level, exceeded maximum nesting depth"),
    ],
)
def test_what_no_yaml_should_hold_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    """Also what the library takes for an error of its own, or of Python."""
    assert refusal(tmp_path, HEAD + text).startswith(f"mine.yaml:2: not readable as YAML: {said}")


def test_aliases_are_counted_as_what_they_stand_for(tmp_path: Path) -> None:
    """A few lines could stand for billions of values, or for no end of them."""
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    for text in (bomb, "about: &a {<<: *a}\n", "about: &a [*a]\n"):
        assert "more than 100,000 values, its aliases (*name) written out" in refusal(tmp_path, HEAD + text)


def test_aliases_are_as_deep_as_what_they_stand_for(tmp_path: Path) -> None:
    """Each of them would fit; one inside the other they are deeper than Python writes."""
    deep = "about:\n- &a0 [x]\n"
    deep += "".join(f"- &a{n} {'[' * 60}*a{n - 1}{']' * 60}\n" for n in range(1, 30))
    assert refusal(tmp_path, f"{deep}events: [*a29]\n{EXPECT}").endswith("nested too deeply")


def test_many_keys_are_read_in_the_time_that_they_take(tmp_path: Path) -> None:
    """Not in its square."""
    assert "unknown key 'k0'" in refusal(tmp_path, "".join(f"k{n}: 1\n" for n in range(20_000)))


def test_of_a_long_value_an_error_shows_the_ends(tmp_path: Path) -> None:
    """What is wanted instead stands behind it."""
    said = refusal(tmp_path, f"{HEAD}{EVENT}{EXPECT}end: {'x' * 100_000}\n")
    assert len(said) < 3_000
    assert said.endswith("is no time; write 2026-03-02 09:00 (in quotes when with seconds)")


@pytest.mark.parametrize("given", ["subject: 5", "subject: .inf", "level: null", "level: [x]"])
def test_what_an_alert_is_compared_with_is_text(tmp_path: Path, given: str) -> None:
    """A number would be taken for a time when the difference is shown."""
    said = expecting(tmp_path, f"alerts: [{{{given}}}]")
    assert said.endswith("is no text to YAML: put it in quotes")
