"""What others say steers no terminal and forges no line: of commands that read, of errors, and of logs."""

import asyncio
import csv
import io
import json
import logging
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from click.testing import CliRunner, Result

from stream.cli.logs import JsonLines, TextLines
from stream.cli.main import cli
from stream.config import Config, load
from stream.embedded.pair import Pair
from stream.shard.deadletter import TOLD
from stream.sources.topics import create_topics
from tests.answers import Told, image, put
from tests.fuzz.mutate import SEGMENTS as NAMES
from tests.fuzz.mutate import TEXTS

NOW = "2026-03-02T10:00:00"
ALL = [("floorcast_reason", b"late"), *((text, text.encode()) for text in NAMES)]
"""The headers of every record that was refused; one of them passes for floorcast's own."""
FORGED = next(text for text in NAMES if "floorcast.worker: forged" in text)
POLICY = "[bold red]x[/] :skull: \x9b31m\u202e\u2028"
TICKETS: list[Told] = [
    ("2026-03-02T09:30:00", "ticket.created", text, {"ticket": {"team": text, "agent": text}})
    for text in NAMES
]
SURVEYS: list[Told] = [
    (
        "2026-03-02T09:40:00", "survey.responded", text,
        {"survey": {"kind": "csat", "ticket": text, "team": text}, "response": {"score": 1, "comment": True}},
    )
    for text in NAMES
]  # fmt: skip

AGENTS: list[Told] = [("2026-03-02T09:59:59", "agent.logged_in", FORGED, {})]


class Terminal:
    """Commands on a very wide terminal, and what they say."""

    def __init__(self, config: Config, path: Path) -> None:
        self.config = config
        self.path = path

    def run(self, *words: str) -> Result:
        """One command; nothing that it says steers the terminal."""
        options = ("--config", str(self.path))
        given = (*words[:2], *options, *words[2:]) if words[0] in GROUPS else (words[0], *options, *words[1:])
        result = CliRunner().invoke(cli, given, env={"COLUMNS": "9999"})
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        steering = {sign for sign in result.output if not sign.isprintable() and sign != "\n"}
        assert steering == set(), words
        return result

    def lines(self, *words: str) -> list[str]:
        """The lines of one that succeeds, without what rich draws between the cells of a table."""
        result = self.run(*words)
        assert result.exit_code == 0, result.output
        return result.stdout.splitlines()


GROUPS = ("deadletters", "surveys", "config")


def seen(text: str) -> str:
    """A text as it is on the terminal."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def cells(lines: list[str], column: int) -> list[str]:
    """What stands in a column of a table."""
    return sorted(line.split("│")[column + 1].strip() for line in lines if line.startswith("│"))


@pytest.fixture(scope="module")
def terminal(embedded_pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """A floor whose tickets, teams, agents, surveys and policy are called like this, in a store and a log of
    its own."""
    name, path = "injection", tmp_path_factory.mktemp("injection") / "floorcast.yaml"
    plain = {
        "kafka": {"bootstrap": embedded_pair.bootstrap, "topics": {}},
        "redis": {"url": embedded_pair.redis_url, "namespace": name},
        "policies": [{"name": POLICY, "targets": {"first_reply": "1h"}, "calendar": POLICY}],
        "calendars": {calendar: {"hours": {"mon-sun": ["00:00-24:00"]}} for calendar in (POLICY, FORGED)},
        "groupings": {"agents": []},
        "metrics": {"backlog": {"owner": POLICY, "target": POLICY, "next_action": POLICY}},
    }
    topics = {each: f"{name}.{each}" for each in Config().kafka.topics.__struct_fields__}
    plain["kafka"]["topics"] = topics  # type: ignore[index]
    path.write_text(json.dumps(plain))
    config = load(path, {})
    images = {
        (family, 0): image(family, config, told, NOW)
        for family, told in (("tickets", TICKETS), ("surveys", SURVEYS), ("agents", AGENTS))
    }
    for one in images.values():
        one.fence.offset = 0  # nothing of it is in the log, so that all of it differs
    asyncio.run(put(config.redis, images))
    asyncio.run(create_topics(config, 1))
    asyncio.run(refuse(config))
    return Terminal(config, path)


async def refuse(config: Config) -> None:
    """Dead letters that nobody but floorcast writes, were it not that anybody may who may write there."""
    producer = AIOKafkaProducer(bootstrap_servers=config.kafka.bootstrap)
    await producer.start()
    try:
        for text in NAMES:
            raw = text.encode()
            told = dict.fromkeys(TOLD, raw) | {"partition": b"0", "offset": b"7"}
            headers = [*ALL, *((f"floorcast_{name}", value) for name, value in told.items())]
            await producer.send_and_wait(config.kafka.topics.deadletters, raw, key=raw, headers=headers)
    finally:
        await producer.stop()


def test_tables_show_every_text_as_it_is(terminal: Terminal) -> None:
    """A row each, whatever is in it: no markup, no emoji, no line break; `?` for what is not printable."""
    wanted = sorted(seen(text).strip() for text in NAMES)
    span = ("--from", "2026-03-02T09:00:00Z", "--to", "2026-03-02T10:00:00Z")
    assert cells(terminal.lines("query", "ticket_volume", *span, "--by", "team"), 0) == wanted
    assert cells(terminal.lines("sla", "--most", "1000"), 4) == wanted
    owners = cells(terminal.lines("sla", "--most", "1000"), 5)
    assert owners == sorted(f"{seen(text)} / {seen(text)}".strip() for text in NAMES)
    letters = terminal.lines("deadletters", "list", "--limit", "1000")
    assert cells(letters, 2) == wanted
    assert cells(letters, 1) == sorted(f"{seen(text)}/0/7".strip() for text in NAMES)


def test_a_sheet_and_json_have_the_texts_themselves(terminal: Terminal) -> None:
    """For machines nothing is left out, nor can JSON steer a terminal; a sheet takes none for a formula."""
    rows = json.loads(terminal.run("query", "backlog", "--by", "team", "--json").stdout)["rows"]
    assert sorted(row["by"]["team"] for row in rows) == sorted(NAMES)
    words = ("query", "--config", str(terminal.path), "backlog", "--by", "team", "--csv")
    told = CliRunner().invoke(cli, words).stdout_bytes.decode()
    found = sorted(row["team"] for row in csv.DictReader(io.StringIO(told, newline="")))
    formulas = ("=", "+", "-", "@", "\t", "\r")
    assert found == sorted(f"'{text}" if text.startswith(formulas) else text for text in NAMES)


def test_lines_begin_where_the_command_begins_them(terminal: Terminal) -> None:
    """What is known of a ticket, of a survey and of a dead letter with its headers; and errors."""
    for text in NAMES:
        head, *_ = terminal.lines("explain", f"tickets/{text}")
        assert head == f"tickets/{seen(text)}"
        for words in (("query", "--", text), ("explain", f"calls/{text}\x1b")):
            missing = terminal.run(*words)
            assert missing.exit_code in (1, 2)
            assert missing.stderr.startswith("Error: ")
    place = f"{terminal.config.kafka.topics.deadletters}/0/{NAMES.index(FORGED)}"
    head, *shown = terminal.lines("deadletters", "show", place)
    assert head == f"{seen(FORGED)}/0/7, as a dead letter {place}"
    assert shown[1] == f"why       {seen(FORGED)} at {seen(FORGED)}: {seen(FORGED)}"
    headers = [f"header    {seen(name)}: {seen(raw.decode())}" for name, raw in ALL]
    assert [line for line in shown if line.startswith("header")] == headers
    low = terminal.lines("surveys", "low", "--window", "365d")
    assert cells(low, 1) == sorted(seen(text).strip() for text in NAMES)


def test_differences_and_names_of_the_configuration_are_one_line_each(terminal: Terminal) -> None:
    """`verify`, `check`, `config history`, `metrics`; what is refused again, with why."""
    result = terminal.run("verify")
    assert result.exit_code == 1, result.output
    assert any(
        line.startswith(f"support.agents/0: states {seen(FORGED)}: ") for line in result.stdout.splitlines()
    )
    checked = terminal.run("check")
    assert f"# policies[0] {seen(POLICY)} (every ticket)" in checked.stdout
    assert f"warning: calendars.{seen(FORGED)}: " in checked.stderr
    assert any(seen(POLICY) in line for line in terminal.lines("metrics"))
    published = terminal.run("config", "publish")
    assert published.exit_code == 0, published.output
    history = terminal.lines("config", "history")
    assert cells(history, 2) == [f"{seen(POLICY)}, {seen(FORGED)}"]
    assert cells(history, 3) == [seen(POLICY)]
    judged = terminal.run("deadletters", "replay", "--all", "--dry-run")
    assert judged.exit_code == 1, judged.output
    assert len(judged.stdout.splitlines()) < 30


def test_errors_about_events_are_one_line(terminal: Terminal, tmp_path: Path) -> None:
    """Of `produce` and `import`, which quote what they refuse, and of an adapter, which says anything."""
    events, adapter = tmp_path / "events.jsonl", tmp_path / "adapter.py"
    for place, text in enumerate(NAMES):
        event = {
            "specversion": "1.0", "id": text, "source": text, "type": "ticket.created", "subject": text,
            "time": "2026-03-02T09:00:00Z", "data": {"ticket": {"status": text, text: text}},
        }  # fmt: skip
        functions = (
            f"def fails(path):\n    raise ValueError({text!r})\n\n\ndef yields(path):\n    yield {event!r}\n"
        )
        adapter.with_stem(f"adapter{place}").write_text(functions)
        for function in ("fails", "yields"):
            name = f"{tmp_path}/adapter{place}.py:{function}"
            result = terminal.run("import", "--adapter", name, str(tmp_path))
            assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1), result.output
    events.write_text(json.dumps({"type": FORGED}) + "\n")
    result = terminal.run("produce", str(events))
    assert result.exit_code == 2, result.output
    assert "is not a type of the contract\n0 events before it were published" in result.stderr


def test_a_record_of_the_log_is_one_line() -> None:
    """A line that somebody sends cannot be taken for one of the log, nor in a traceback: what follows in a
    record is indented. As JSON it is one object, with the text itself."""
    for text in TEXTS:
        fault = (ValueError, ValueError(text), None)
        for failed in (None, fault):
            record = logging.LogRecord("floorcast.x", logging.INFO, __file__, 1, "sent, %s", (text,), failed)
            first, *further = TextLines().format(record).split("\n")
            assert first.endswith(" INFO floorcast.x: sent, " + seen(text.partition("\n")[0]))
            assert all(line.startswith("    ") and line.isprintable() for line in further)
            line = JsonLines().format(record)
            assert line.isprintable()
            assert json.loads(line)["message"] == f"sent, {text}"
