"""What stands in an expression of PromQL: metric names, selectors; and what Grafana puts in for variables."""

import re
from dataclasses import dataclass

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_SELECTOR = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)?\s*(\{[^{}]*\})")
_RANGE = re.compile(r"\[[^\[\]]*\]")
_LABELS = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)")
_WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*(?!\s*\()(?![a-zA-Z0-9_:])")
_KEYWORDS = {"and", "or", "unless", "offset", "bool", "inf", "nan", "by", "without", "on", "ignoring"}
_DURATION = re.compile(r"\b[0-9]+(?:ms|[smhdwy])\b|\b[0-9.]+(?:e[+-]?[0-9]+)?\b")
_MATCHER = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)(=~|!~|!=|=)("(?:[^"\\]|\\.)*")')


@dataclass(frozen=True)
class Selector:
    """A metric's name and its matchers: label, operator, value."""

    name: str
    matchers: tuple[tuple[str, str, str], ...] = ()

    def __str__(self) -> str:
        inner = ",".join(f'{label}{operator}"{value}"' for label, operator, value in self.matchers)
        return f"{self.name}{{{inner}}}" if inner else self.name


def selectors(expr: str) -> list[Selector]:
    """Every selector of an expression, in the order in which they stand."""
    kept: list[str] = []

    def keep(found: re.Match[str]) -> str:
        kept.append(found.group(0))
        return f'"{len(kept) - 1}"'

    text = _STRING.sub(keep, expr)  # so that braces and words in strings mean nothing
    text = _RANGE.sub(" ", _LABELS.sub(" ", text))
    found: list[tuple[int, Selector]] = []
    for match in _SELECTOR.finditer(text):
        inner = re.sub(r'"([0-9]+)"', lambda one: kept[int(one.group(1))], match.group(2))
        matchers = tuple((m[0], m[1], m[2][1:-1]) for m in _MATCHER.findall(inner))
        found.append((match.start(), Selector(match.group(1) or "", matchers)))
    blank = _SELECTOR.sub(lambda one: " " * len(one.group(0)), text)
    blank = _DURATION.sub(lambda one: " " * len(one.group(0)), re.sub(r'"[0-9]+"', _spaces, blank))
    for match in _WORD.finditer(blank):
        if match.group(0).lower() not in _KEYWORDS:
            found.append((match.start(), Selector(match.group(0))))
    return [selector for _, selector in sorted(found, key=lambda one: one[0])]


def metric_names(expr: str) -> list[str]:
    """Every metric that an expression names."""
    return [selector.name for selector in selectors(expr)]


def filled(expr: str, rate_interval: str = "30s") -> str:
    """An expression as Grafana sends it when everything is chosen."""
    text = expr.replace("$__rate_interval", rate_interval)
    return re.sub(r"\$\{?[a-z_]+\}?", ".*", text)


def _spaces(match: re.Match[str]) -> str:
    return " " * len(match.group(0))
