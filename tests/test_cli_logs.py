"""The log in JSON: one object a line, whatever is said."""

import json
import logging
import sys

import pytest

from stream.cli.logs import JsonLines, say


def line(text: str, **extra: object) -> dict[str, object]:
    """What is written of a record."""
    record = logging.LogRecord("floorcast.worker", logging.WARNING, __file__, 1, "%s", (text,), None)
    record.__dict__.update(extra)
    written = JsonLines().format(record)
    assert "\n" not in written
    told: dict[str, object] = json.loads(written)
    return told


def test_a_record_is_one_object_with_what_it_is_about() -> None:
    """Line breaks, half a surrogate pair and quotes break nothing; what is no field of ours is left out."""
    told = line('one\n"two"\r\x1b\udc80', shard="support.tickets/3", offset=7, password="hunter2")
    assert told["message"] == 'one\n"two"\r\x1b?'
    assert (told["level"], told["logger"]) == ("WARNING", "floorcast.worker")
    assert (told["shard"], told["offset"]) == ("support.tickets/3", 7)
    assert "hunter2" not in json.dumps(told)


def test_an_error_keeps_its_traceback() -> None:
    """In one field."""
    try:
        raise ValueError("at\nfault")
    except ValueError:
        told = line("oops", exc_info=sys.exc_info())
    assert "ValueError: at\nfault" in str(told["exception"])


def test_what_a_command_says_itself_is_json_where_the_log_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that whoever reads it needs not tell two kinds of lines apart."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    say("run", "worker ended")
    assert capsys.readouterr().err == "worker ended\n"
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    say("run", "worker ended")
    assert json.loads(capsys.readouterr().err)["message"] == "worker ended"
