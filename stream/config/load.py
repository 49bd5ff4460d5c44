"""From floorcast.yaml and the environment to a checked `Config`, or a ConfigError with all that is wrong."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from stream.config.checks import clashes
from stream.config.checks_sla import Clash
from stream.config.document import Document, read_yaml
from stream.config.keys import PREFIX, environment_name, leaves
from stream.config.model import Config
from stream.config.problems import (
    PROBLEMS_MAX,
    At,
    ConfigError,
    Path,
    Reading,
    TooMany,
    nearest,
    path_text,
)
from stream.config.structs import read_struct

OTHER_VARIABLES = ("FLOORCAST_CONFIG", "FLOORCAST_DATA")
OTHER_PREFIXES = ("FLOORCAST_TEST_", "FLOORCAST_BENCH_", "FLOORCAST_FUZZ_", "FLOORCAST_KAFKA_LIBS")
"""Variables of floorcast that are no keys of the configuration."""
DEFAULT_FILE = "floorcast.yaml"

_AFTER_EVERY_LINE = 1 << 31


@dataclass
class _Sources:
    """What was given and where: a place is (order among the problems, text before the path)."""

    root: object = field(default_factory=dict)
    overrides: dict[Path, object] = field(default_factory=dict)
    places: dict[Path, tuple[int, str]] = field(default_factory=dict)
    problems: list[tuple[int, str]] = field(default_factory=list)
    faulty: set[Path] = field(default_factory=set)

    def note(self, path: Path, message: str, place: tuple[int, str] | None = None) -> None:
        order, where = place or self.place(path)
        self.problems.append((order, ": ".join(filter(None, (where, path_text(path), message)))))
        self.faulty.add(path)

    def place(self, path: Path) -> tuple[int, str]:
        """The place of the path, or of the nearest thing above it that was given."""
        while path not in self.places and path:
            path = path[:-1]
        return self.places.get(path, (0, ""))


def load(
    path: FilePath | None = None,
    env: Mapping[str, str] = os.environ,
    metric_ids: Collection[str] = (),
    further: Callable[[Config], Iterable[Clash]] = lambda config: (),
) -> Config:
    """The configuration of a file and the environment, which wins.

    The file is `path`, else what FLOORCAST_CONFIG names, else ./floorcast.yaml if there is one, else none.
    `metric_ids` is what `metrics` may name; without it every id is taken. `further` are checks that need more
    than the configuration (the catalog). Raises ConfigError.
    """
    sources = _Sources()
    file = _file(path, env)
    if file is not None:
        _take_file(file, sources)
    _take_environment(env, sources)
    return _config(sources, metric_ids, further)


def parse(data: Mapping[str, object]) -> Config:
    """The configuration that a mapping describes; no file and no environment is read. Raises ConfigError."""
    return _config(_Sources(root=data), (), lambda config: ())


def environment_names() -> list[str]:
    """The environment variable of every key, in the order of the model."""
    return [environment_name(path) for path, _ in leaves(Config)]


def _file(path: FilePath | None, env: Mapping[str, str]) -> FilePath | None:
    if path is not None:
        return path
    if env.get("FLOORCAST_CONFIG"):
        return FilePath(env["FLOORCAST_CONFIG"])
    return FilePath(DEFAULT_FILE) if FilePath(DEFAULT_FILE).exists() else None


def _take_file(file: FilePath, sources: _Sources) -> None:
    text, fault = "", ""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        fault = f"cannot be read ({error.strerror}): give another with --config or FLOORCAST_CONFIG"
    except UnicodeDecodeError as error:
        fault = f"not UTF-8 text (byte {error.start})"
    if fault:
        # Raised out here: a decoding error carries the file's bytes, which may hold a password.
        raise ConfigError([f"{file}: {fault}"])
    document = read_yaml(text, str(file))
    sources.places = {path: (line, f"{file}:{line}") for path, line in document.lines.items()}
    sources.places.setdefault((), (1, f"{file}:1"))
    _take_problems(document, sources, str(file))
    if document.value is not None:
        sources.root = document.value


def _take_problems(document: Document, sources: _Sources, name: str) -> None:
    for path, line, message in document.problems:
        sources.note(path, message, (line, f"{name}:{line}"))


def _take_environment(env: Mapping[str, str], sources: _Sources) -> None:
    fields = {environment_name(path): (path, field) for path, field in leaves(Config)}
    for name, text in sorted(env.items()):
        if not name.startswith(PREFIX) or name in OTHER_VARIABLES or name.startswith(OTHER_PREFIXES):
            continue
        here = (_AFTER_EVERY_LINE, name)
        if name not in fields:
            near = nearest(name, [*fields, *OTHER_VARIABLES])
            sources.note((), f"unknown variable; the nearest known one is {near}", here)
        elif text:
            path, leaf = fields[name]
            yaml_text = leaf.key is not None and leaf.key.kind.yaml_text
            value = _environment_yaml(text, name, path, sources) if yaml_text else text
            # Lines of a list in the file mean nothing for the list that replaces it.
            sources.places = {at: line for at, line in sources.places.items() if at[: len(path)] != path}
            sources.places[path] = here
            sources.overrides[path] = value


def _environment_yaml(text: str, name: str, path: Path, sources: _Sources) -> object:
    try:
        document = read_yaml(text, name)
    except ConfigError as error:
        sources.problems.extend((_AFTER_EVERY_LINE, problem) for problem in error.problems)
        sources.faulty.add(path)
        return None
    for inner, _, message in document.problems:
        sources.note((*path, *inner), message, (_AFTER_EVERY_LINE, name))
    return document.value


def _config(
    sources: _Sources, metric_ids: Collection[str], further: Callable[[Config], Iterable[Clash]]
) -> Config:
    reading = Reading(sources.overrides, tuple(path for path, _ in leaves(Config)))
    config = Config()
    with suppress(TooMany):
        config = read_struct(Config, sources.root, At(reading))
    for path, message in reading.problems:
        if path not in sources.faulty:
            sources.note(path, message)
    for found in (clashes(config), further(config), _unknown_metrics(config, metric_ids)):
        _check(found, sources)
    if sources.problems:
        raise ConfigError(_told(sources.problems))
    return config


def _unknown_metrics(config: Config, metric_ids: Collection[str]) -> Iterator[Clash]:
    for metric_id in config.metrics:
        if metric_ids and metric_id not in metric_ids:
            near = nearest(metric_id, metric_ids)
            yield (("metrics", metric_id),), f"unknown metric; the nearest known one is metrics.{near}"


def _told(problems: list[tuple[int, str]]) -> list[str]:
    """In the order of their places, as many as are told."""
    lines = [line for _, line in sorted(problems, key=lambda problem: problem[0])]
    if len(lines) < PROBLEMS_MAX:
        return lines
    return [*lines[:PROBLEMS_MAX], f"these are the first {PROBLEMS_MAX} problems: mend them, then look again"]


def _check(found: Iterable[Clash], sources: _Sources) -> None:
    """Note what does not go together, except where a value, or a part of it, was refused and its default
    stands in for it."""
    faulty = frozenset(sources.faulty)
    for paths, message in found:
        if len(sources.problems) >= PROBLEMS_MAX:
            return
        if faulty.isdisjoint(paths) and not any(path[: len(paths[0])] == paths[0] for path in faulty):
            given = next((path for path in paths if path in sources.places), paths[0])
            sources.note(paths[0], message, sources.place(given))
