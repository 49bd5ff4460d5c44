"""YAML text as plain values, with the line of every one and without what YAML would silently let pass."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

import yaml

from stream.config.problems import ConfigError, Path

VALUES_MAX: Final = 100_000
"""Of one document, its aliases (*name) written out: aliases of aliases can stand for billions."""
DEPTH_MAX: Final = 100
"""Containers around one value, an alias counted as what it stands for."""
_NO_TEXT: Final = "holds half a character (\\ud800 to \\udfff): write the whole one"
_QUOTED = re.compile(r"""(["'])(?!<)[^"']{2,}\1""")


@dataclass
class Document:
    """A YAML document: `value` (None when empty), lines by path, (path, line, what is wrong) of bad parts."""

    value: object = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[tuple[Path, int, str]] = field(default_factory=list)


def read_yaml(text: str, name: str) -> Document:
    """The one document in `text`. Raises ConfigError, with `name` as the place, when it is not YAML.

    Keys are text as written (`on`, `10`). Repeated keys, merge keys and unknown tags become its problems.
    """
    loader, root, fault = None, None, ""
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        fault = f"{name}:{line}: not readable as YAML: it holds a character that YAML does not allow"
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}" if mark else name
        what = ", ".join(filter(None, (error.context, error.problem)))
        # Quoted parts of the text are left out: they may be parts of a password.
        fault = f"{where}: not readable as YAML: {_QUOTED.sub('...', what)}"
    except (RecursionError, ValueError, OverflowError) as error:
        # The last two: a version, or the number of a character in "\U...", that is out of range.
        what = "nested too deeply" if isinstance(error, RecursionError) else "it holds a number out of range"
        fault = f"{name}:{loader.line + 1 if loader else 1}: not readable as YAML: {what}"
    if fault or loader is None:
        raise ConfigError([fault])
    document = Document()
    if root is not None:
        builder = _Builder(loader, document)
        document.value = builder.build(root, (), ())
        if builder.values > VALUES_MAX:
            raise ConfigError([f"{name}: more than {VALUES_MAX:,} values, its aliases (*name) written out"])
    return document


class _Builder:
    """Turns nodes into values, noting lines and problems in the document."""

    def __init__(self, loader: yaml.SafeLoader, document: Document) -> None:
        self._loader = loader
        self._document = document
        self.values = 0

    def build(self, node: yaml.Node, path: Path, above: tuple[yaml.Node, ...]) -> object:
        self.values += 1
        if self.values > VALUES_MAX:
            return None  # aliases of aliases can stand for billions
        self._document.lines.setdefault(path, _line(node))
        if node in above:
            self._wrong(path, node, "contains itself (an alias of what it stands in)")
            return None
        if len(above) > DEPTH_MAX:
            self._wrong(path, node, "nested too deeply")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, (*above, node))
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, i), (*above, node)) for i, item in enumerate(node.value)]
        if not _is_text(node.value):
            self._wrong(path, node, _NO_TEXT)
            return None
        try:
            return self._loader.construct_object(node)
        except (yaml.YAMLError, ValueError, OverflowError, LookupError, AttributeError):
            # The last two: a tag such as !!bool or !!timestamp on what is none.
            self._wrong(path, node, "makes no sense as YAML; put it in quotes to make it text")
            return None

    def _mapping(self, node: yaml.MappingNode, path: Path, above: tuple[yaml.Node, ...]) -> dict[str, object]:
        values: dict[str, object] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._wrong(path, key_node, "has a key that is not a word")
                continue
            if not _is_text(key_node.value):
                self._wrong(path, key_node, _NO_TEXT)
                continue
            key = str(key_node.value)
            here = (*path, key)
            if key_node.tag == "tag:yaml.org,2002:merge":
                self._wrong(path, key_node, "merge keys (<<) are not supported: write the keys out")
            elif key in values:
                first = self._document.lines[here]
                self._wrong(here, key_node, f"given twice, first on line {first}: keep one")
            else:
                self._document.lines[here] = _line(key_node)
                values[key] = self.build(value_node, here, above)
        return values

    def _wrong(self, path: Path, node: yaml.Node, message: str) -> None:
        self._document.problems.append((path, _line(node), message))


def _is_text(value: str) -> bool:
    """Whether it is more than YAML's escapes can say: halves of surrogate pairs cannot be stored or sent."""
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
