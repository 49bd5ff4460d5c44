"""docs/prometheus-names.md: every name of the catalog's numbers in `/metrics`, made from families.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from stream.config import Config
from stream.metrics.catalog import Catalog
from stream.serve.families import NO_COUNTERS, ONLY_BY_GROUP, Block, Exported, blocks

_INTRODUCTION: Final = """\
# Names in `/metrics`

<!-- Made by `floorcast metrics --format prometheus > docs/prometheus-names.md`; a test keeps it current. -->

The numbers of the catalog under their names in Prometheus, as exported without any configuration; how to read
them and what else there is stands in [prometheus.md](prometheus.md), what each counts in
[metrics.md](metrics.md). Behind each name of a counter `X` stand `X_total` (what was added) and
`X_retracted_total` (what was taken back).
"""
_COLUMNS: Final = (
    "| metric | gauges | counters, each `_total` and `_retracted_total` | labels |\n|--|--|--|--|"
)


def names_markdown(catalog: Catalog, config: Config) -> str:
    """The page: the whole by family, then groups, then what is missing and why."""
    found = blocks(catalog, config)
    lines = [_INTRODUCTION]
    for block in sorted(found, key=lambda block: bool(block.by)):
        lines += _section(block)
    lines += ["## Exceptions\n", "| metric | what is missing | why |\n|--|--|--|"]
    lines += [f"| {metric} | the whole | {why} |" for metric, why in ONLY_BY_GROUP.items()]
    lines += [f"| {metric} | counters | {why} |" for metric, why in NO_COUNTERS.items()]
    return "\n".join(lines) + "\n"


def _section(block: Block) -> Iterator[str]:
    of = f": by {', '.join(block.by)}" if block.by else ""
    yield f"## {block.family.capitalize()}{of}\n"
    windows = next((exported.windows for exported in block.exported if exported.windows), ())
    if windows:
        yield f"`window`: {', '.join(f'`{window}`' for window in windows)}.\n"
    yield _COLUMNS
    yield from map(_row, block.exported)
    yield ""


def _row(exported: Exported) -> str:
    gauges = ", ".join(f"`{gauge.name}`" for gauge in exported.gauges)
    pairs = ", ".join(f"`{pair.name}`" for pair in exported.pairs) or "-"
    return f"| {exported.metric.id} | {gauges} | {pairs} | {', '.join(_labels(exported)) or '-'} |"


def _labels(exported: Exported) -> Iterator[str]:
    yield from (f"`{name}`" for name in exported.by)
    yield from (f'`{name}="{value}"`' for name, value in exported.labels)
    for label, name in exported.split:
        values = ", ".join(f"`{value}`" for value in exported.metric.labels[label])
        yield f"`{name}` ({values or 'warning levels of the policies'})"
    if any(gauge.stat == "quantile" for gauge in exported.gauges):
        yield "`quantile` (the first gauge)"
    if exported.windows:
        yield "`window` (gauges)"
