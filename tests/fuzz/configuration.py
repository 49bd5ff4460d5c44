"""floorcast.yaml, broken: it is taken, or it is said in which line what is wrong and what instead."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Final

import yaml

from stream.cli import check
from stream.cli.options import read_config
from stream.config import Config, ConfigError, describe, parse
from stream.config.document import read_yaml
from stream.config.problems import PROBLEMS_MAX
from stream.config.secrets import MASK
from stream.scenario.document import documents
from tests.fuzz.bounds import bounded
from tests.fuzz.command import Command
from tests.fuzz.mutate import Json
from tests.fuzz.yaml_text import YamlMutator

ROOT: Final = Path(__file__).parents[2]
SECRET: Final = "hunter2"
LINE_MAX: Final = 2_000
KINDS: Final = {
    "not YAML": r"not readable as YAML|not UTF-8",
    "no value of YAML": r"makes no sense|half a character|contains itself|nested too deep|more than 100,000",
    "a key of YAML": r"merge keys|given twice|key that is not a word",
    "unknown key": "unknown key",
    "unknown name": r"unknown |the nearest|no destination is called",
    "another value expected": "expected ",
    "duration": "duration|longer than|shorter than|too short",
    "not together": r"need|keep|remove|give|write|not used|not in|overlap|name|offers|most|make|add |take|"
    r"put |can be|begin|ascend|has no|is no|twice|same|ask ",
}
"""How an error begins to be sorted: by what it says, the first that fits."""
WITHOUT_LINE: Final = r"not UTF-8|more than 100,000|cannot be read"


def valid_documents() -> list[Json]:
    """Those of the docs, of the project's own files and of the scenarios; and one with every key."""
    texts = [block for page in sorted((ROOT / "docs").glob("*.md")) for block in _blocks(page)]
    found = [_read(text) for text in (*texts, (ROOT / "stream" / "cli" / "demo.yaml").read_text())]
    found = [value for value in found if value and _is_good(value)]
    found += [
        _plain(document.value["config"])
        for path in sorted((ROOT / "tests" / "scenarios").glob("*.yaml"))
        for document in documents(path.read_text())
        if document.value.get("config")
    ]
    shown = [_read(block) for block in _blocks(ROOT / "docs" / "configuration.md")]
    every = describe(parse({name: part for one in shown if _is_good(one) for name, part in one.items()}))
    return [*{json.dumps(one): one for one in found}.values(), _read(every)]


def _blocks(page: Path) -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)


def _read(text: str) -> Json:
    return _plain(read_yaml(text, "a document").value)


def _plain(value: Any) -> Json:
    plain: Json = json.loads(json.dumps(value, default=str))
    return plain


def _is_good(value: Json) -> bool:
    """Whether it is a configuration, and one that no mask hides a part of."""
    try:
        return MASK not in describe(parse(value))
    except ConfigError:
        return False


SECRETS: Final[tuple[Json, ...]] = (
    {"kafka": {"security": "sasl_ssl", "username": "desk", "password": SECRET}},
    {"redis": {"url": f"redis://:{SECRET}@redis:6379/0"}},
    {"redis": {"username": "desk", "password": SECRET}},
    {"alerts": {"destinations": {
        "floor": {"kind": "slack", "channel": "C1", "token": SECRET},
        "pager": {"kind": "pagerduty", "routing_key": SECRET},
        "other": {"kind": "webhook", "url": f"https://host/{SECRET}"},
    }, "routes": [{"to": ["floor"]}]}},
)  # fmt: skip


SECRET_KEYS: Final = ("password", "url", "token", "routing_key")


def run_configuration(seed: str, valid: list[Json], count: int, directory: Path) -> Counter[str]:
    """So many documents through the loader of every command; what became of them. Fails on whatever is
    neither a configuration nor an error with a place, and on a secret that an error shows."""
    random = Random(f"{seed}:configuration")
    mutator = YamlMutator(random)
    file = directory / "floorcast.yaml"
    counts: Counter[str] = Counter()
    for number in range(count):
        file.write_bytes(mutator.payload(_document(random, valid)))
        with bounded(f"{seed} configuration {number}"):
            counts[_outcome(file, whole=number % 8 == 0)] += 1
    return counts


def _document(random: Random, valid: list[Json]) -> Json:
    """One of the valid ones; of that with every key some of its sections. Half have a secret."""
    chosen = random.choice(valid)
    if len(chosen) > 10:
        chosen = {name: chosen[name] for name in random.sample(sorted(chosen), 3)}
    secret = random.choice(SECRETS)
    return random.choice((chosen, chosen, secret, {**chosen, **secret}))


def _outcome(file: Path, whole: bool) -> str:
    try:
        config = read_config(file)
    except ConfigError as error:
        problems = error.problems
    else:
        if whole:
            _check_command(file, config)
        return "accepted"
    assert len(problems) <= PROBLEMS_MAX + 1
    for problem in problems:
        said = (problem, file.read_bytes())
        place = re.match(rf"{re.escape(str(file))}(:\d+)?: ", problem)
        assert place or problem == problems[PROBLEMS_MAX], said
        if not place:
            continue
        assert place[1] or re.search(WITHOUT_LINE, problem), said
        assert len(problem) <= LINE_MAX, said
        assert problem.isprintable(), said
        assert SECRET not in problem or _is_elsewhere(file), said
        _kind(problem)
    return _kind(problems[0])


def _kind(problem: str) -> str:
    """Which of the kinds; one of them, so that no error only says that something is wrong."""
    return next(name for name, pattern in KINDS.items() if re.search(pattern, problem))


def _is_elsewhere(file: Path) -> bool:
    """Whether the secret has become a key, or the value of one that is not for secrets: those are told."""
    root = yaml.compose(file.read_bytes(), yaml.SafeLoader)
    return any(SECRET in word and key not in SECRET_KEYS for key, word in _words(root, ""))


def _words(node: yaml.Node | None, at: str) -> Iterator[tuple[str, str]]:
    """Every word with the key that it stands at; of a key that is none."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield "", str(key.value)
            yield from _words(value, str(key.value))
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _words(value, at)
    elif node is not None:
        yield at, str(node.value)


def _check_command(file: Path, config: Config) -> None:
    """`floorcast check` shows it, without a secret; what it shows is the same configuration."""
    result = _CHECK.run("--config", str(file))
    assert result.status == 0, result
    assert SECRET not in result.stdout + result.stderr, result
    effective = describe(config)
    if MASK not in effective:
        assert parse(yaml.load(effective, _Loader)) == config, effective


_CHECK: Final = Command(check.command)
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
