"""Adapters: anyone's function, named on the command line; its faults are told with their place."""

from pathlib import Path

import pytest

from stream.sources.adapter import AdapterError, events_of, load_adapter

CODE = """
from dataclasses import dataclass

@dataclass
class Row:
    path: str

def good(path):
    yield {"id": Row(path.name).path}

def broken(path):
    yield {}
    return [][1]

def wrong(path):
    return ["not an event"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with adapters."""
    path = tmp_path / "my_adapter.py"
    path.write_text(CODE)
    return path


def test_a_function_of_a_file(file: Path) -> None:
    """FILE.py:FUNCTION is called with the path."""
    assert list(events_of(load_adapter(f"{file}:good"), file)) == [{"id": "my_adapter.py"}]


def test_a_function_of_a_module(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MODULE:FUNCTION, also of a module in the current directory."""
    monkeypatch.chdir(file.parent)
    assert list(events_of(load_adapter("my_adapter:good"), file)) == [{"id": "my_adapter.py"}]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("adapter.py", "expected MODULE:FUNCTION or FILE.py:FUNCTION"),
        ("nowhere.py:good", "there is no file nowhere.py"),
        ("no_such_module:good", "no_such_module cannot be loaded: ModuleNotFoundError"),
        ("{file}:bad", "has no function bad; it has Row, broken, dataclass, good, wrong"),
    ],
)
def test_an_adapter_that_is_not_there(name: str, message: str, file: Path) -> None:
    """The error says what is missing and what there is."""
    with pytest.raises(AdapterError, match=message):
        load_adapter(name.format(file=file))


def test_a_file_that_is_not_python(tmp_path: Path) -> None:
    """The syntax error is shown with its line."""
    (tmp_path / "bad.py").write_text("x = 1\ndef (:\n")
    with pytest.raises(AdapterError, match=r"SyntaxError: .*bad.py, line 2"):
        load_adapter(f"{tmp_path / 'bad.py'}:f")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("broken", r"the adapter failed after event 1: IndexError: .* \(.*my_adapter.py, line 13\)"),
        ("wrong", "the adapter yielded a str as event 1, an event is a dict"),
    ],
)
def test_an_adapter_that_fails(name: str, message: str, file: Path) -> None:
    """The error names the path it was given and the line where it failed."""
    with pytest.raises(AdapterError, match=f"{file}: {message}"):
        list(events_of(load_adapter(f"{file}:{name}"), file))
