"""The form of generated files: YAML that reads well in a review, JSON that differs only where it must."""

from __future__ import annotations

import json
from typing import Any, Final

import yaml

from stream.generate.rules import uid

MADE: Final = "# Made by `floorcast generate`. Change floorcast.yaml or stream/generate and run it again.\n"


def as_yaml(plain: object, words: str = "") -> str:
    """A file of YAML; `words` are comments under the first line, each beginning with `#`."""
    return MADE + words + yaml.dump(plain, Dumper=_Dumper, sort_keys=False, width=100, allow_unicode=True)


def as_json(plain: object) -> str:
    """A file of JSON."""
    return json.dumps(plain, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def is_made(path: str, text: str) -> bool:
    """Whether a file comes from here: by its first line, or the uid of a dashboard."""
    if path.endswith(".yml"):
        return text.startswith(MADE)
    name = path.rpartition("/")[2].removesuffix(".json")
    return path.endswith(".json") and f'"uid": "{uid(name)}"' in text


class _Dumper(yaml.SafeDumper):
    """Expressions stand as they are, in blocks."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
