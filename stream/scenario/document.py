"""The YAML documents of a file, with the lines of their parts."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import yaml

from stream.config.document import DEPTH_MAX, VALUES_MAX

_INTEGER_BITS_MAX: Final = 1024
"""Python writes no number that is much longer."""

Part = tuple[str, int] | tuple[str]
"""A key of a document, or one entry of the list under it."""

# The loader written in C reads ten times as fast; not every build of PyYAML has it.
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    """YAML in which times stay text: they are read in the scenario's time zone."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """As YAML says, but a key that stands twice is an error: one of the two would be lost."""
        if not isinstance(node, yaml.MappingNode):
            raise _wrong(node, "a mapping is wanted after !!map")
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise _wrong(node, f"the key {key.value!r} stands twice: keep one")
            seen.add(key.value)
        found: dict[Hashable, Any] = super().construct_mapping(node, deep=True)
        return found

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """As YAML says, but what makes no sense has a place."""
        try:
            value = super().construct_object(node, deep=deep)
        except (ValueError, OverflowError, LookupError, AttributeError):
            # The last two: a tag such as !!bool or !!timestamp on what is none.
            raise _wrong(node, "makes no sense as YAML; put it in quotes to make it text") from None
        if isinstance(value, int) and value.bit_length() > _INTEGER_BITS_MAX:
            raise _wrong(node, "a number of so many digits is not read; put it in quotes to make it text")
        return value


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_constructor(
    "tag:yaml.org,2002:map", lambda loader, node: loader.construct_mapping(node, deep=True)
)


@dataclass(frozen=True, slots=True)
class Document:
    """One document as plain values, and on which line its parts begin."""

    value: Any
    line: int
    lines: dict[Part, int]


def documents(text: str) -> Iterator[Document]:
    """The documents of a text; raises yaml.YAMLError. Those without any content are left out."""
    loader = _Loader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            if _size(node, {})[0] > VALUES_MAX:
                raise _wrong(node, f"more than {VALUES_MAX:,} values, its aliases (*name) written out")
            value = loader.construct_document(node)
            if value is not None:
                yield Document(value, node.start_mark.line + 1, _lines(node))
    finally:
        loader.dispose()


def _size(node: yaml.Node, known: dict[int, tuple[int, int]], depth: int = 0) -> tuple[int, int]:
    """How many values a node stands for, endless when it contains itself, and in how many levels. `known`: by
    the id of a node."""
    if id(node) not in known and depth <= DEPTH_MAX:
        known[id(node)] = VALUES_MAX, 0
        inner = [] if isinstance(node, yaml.ScalarNode) else node.value
        parts = chain.from_iterable(inner) if isinstance(node, yaml.MappingNode) else inner
        sizes = [_size(part, known, depth + 1) for part in parts]
        known[id(node)] = (
            1 + sum(values for values, _ in sizes),
            1 + max((levels for _, levels in sizes), default=0),
        )
    values, levels = known.get(id(node), (1, 1))
    if depth + levels > DEPTH_MAX + 1:
        raise _wrong(node, "nested too deeply")
    return values, levels


def _wrong(node: yaml.Node, what: str) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, what, node.start_mark)


def _lines(node: yaml.Node) -> dict[Part, int]:
    lines: dict[Part, int] = {}
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        lines[key.value,] = key.start_mark.line + 1
        if isinstance(value, yaml.SequenceNode):
            lines |= {
                (key.value, place): entry.start_mark.line + 1 for place, entry in enumerate(value.value)
            }
    return lines
