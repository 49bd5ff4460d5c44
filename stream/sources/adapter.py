"""Other people's functions that turn an export or a log into events."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

Adapter = Callable[[Path], Iterable[Mapping[str, Any]]]
"""Takes the path of a file or directory and yields CloudEvents as dicts."""

_SAID_MAX = 300
_FORM = "MODULE:FUNCTION or FILE.py:FUNCTION"


class AdapterError(Exception):
    """The adapter cannot be loaded, or failed on a path; the text says where."""


def load_adapter(name: str) -> Adapter:
    """The function that `MODULE:FUNCTION` or `FILE.py:FUNCTION` names. Raises AdapterError."""
    place, colon, function_name = name.rpartition(":")
    if not colon or not place or not function_name:
        raise AdapterError(f"--adapter {name}: expected {_FORM}")
    if place.endswith(".py") and not Path(place).is_file():
        raise AdapterError(f"--adapter {name}: there is no file {place}")
    try:
        module = _from_file(Path(place)) if place.endswith(".py") else _from_path(place)
    except Exception as error:
        raise AdapterError(f"--adapter {name}: {place} cannot be loaded: {_what(error)}") from error
    function = getattr(module, function_name, None)
    if not callable(function):
        known = sorted(n for n, v in vars(module).items() if callable(v) and not n.startswith("_"))
        raise AdapterError(
            f"--adapter {name}: {place} has no function {function_name}; it has {', '.join(known) or 'none'}"
        )
    return function  # type: ignore[no-any-return]


def events_of(adapter: Adapter, path: Path) -> Iterator[Mapping[str, Any]]:
    """What the adapter yields for a path. Raises AdapterError when it fails, or yields no mapping."""
    if not path.exists():
        raise AdapterError(f"{path}: there is no such file or directory")
    number = 0
    try:
        for number, event in enumerate(adapter(path), 1):
            if not isinstance(event, Mapping):
                raise AdapterError(
                    f"{path}: the adapter yielded a {type(event).__name__} as event {number}, "
                    "an event is a dict"
                )
            yield event
    except AdapterError:
        raise
    except Exception as error:
        after = f"after event {number}" if number else "before the first event"
        raise AdapterError(f"{path}: the adapter failed {after}: {_what(error)}") from error


def _from_file(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None, "a name that ends in .py has a loader"
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and others look their module up by name
    spec.loader.exec_module(module)
    return module


def _from_path(module: str) -> ModuleType:
    if "" not in sys.path:
        sys.path.insert(0, "")  # as `python -m` would: the current directory
    return importlib.import_module(module)


def _what(error: Exception) -> str:
    frames = [at for at in traceback.extract_tb(error.__traceback__)[1:] if "importlib" not in at.filename]
    at = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {str(error)[:_SAID_MAX]}{at}"
