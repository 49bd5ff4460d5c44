"""The YAML documents of a file, with the lines of their parts."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

Part = tuple[str, int] | tuple[str]
"""A key of a document, or one entry of the list under it."""

# The loader written in C reads ten times as fast; not every build of PyYAML has it.
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    """YAML in which times stay text: they are read in the scenario's time zone."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """As YAML says, but a key that stands twice is an error: one of the two would be lost."""
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = next((key for place, key in enumerate(keys) if key in keys[:place]), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {twice!r} stands twice: keep one", node.start_mark
            )
        found: dict[Hashable, Any] = super().construct_mapping(node, deep=True)
        return found


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
            value = loader.construct_document(node)
            if value is not None:
                yield Document(value, node.start_mark.line + 1, _lines(node))
    finally:
        loader.dispose()


def _lines(node: yaml.Node) -> dict[Part, int]:
    lines: dict[Part, int] = {}
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        lines[key.value,] = key.start_mark.line + 1
        if isinstance(value, yaml.SequenceNode):
            lines |= {
                (key.value, place): entry.start_mark.line + 1 for place, entry in enumerate(value.value)
            }
    return lines
