"""Which series there are, for tests of what is asked of them: those of the catalog from the exporter's table,
those about floorcast itself from docs/prometheus.md."""

import re
from pathlib import Path

from stream.config import Config
from stream.generate.files import rule_files
from stream.generate.rules import Record
from stream.generate.vocabulary import Vocabulary
from stream.metrics.catalog import catalog_of
from stream.serve.families import blocks

ROOT = Path(__file__).parents[1]
OF_PROMETHEUS = {"up": {"job", "instance"}, "ALERTS": {"alertname", "alertstate"}}
_ROW = re.compile(r"^\| (`support_[^|]*) \|([^|]*)\|([^|]*)", re.MULTILINE)
_WORD = re.compile(r"`([a-z_]+)`")

Known = dict[str, set[str]]
"""Name -> its labels."""


def of_the_catalog(config: Config) -> Known:
    """Gauges and both counters of every pair, with their labels."""
    known: Known = {}
    for block in blocks(catalog_of(config), config):
        for exported in block.exported:
            labels = set(exported.label_names())
            for gauge in exported.gauges:
                windowed = {"window"} if exported.windows else set()
                quantile = {"quantile"} if gauge.stat == "quantile" else set()
                known[gauge.name] = known.get(gauge.name, set()) | labels | windowed | quantile
            for pair in exported.pairs:
                for ending in ("_total", "_retracted_total"):
                    name = pair.name + ending
                    known[name] = known.get(name, set()) | labels
    return known


def of_itself() -> Known:
    """The table of docs/prometheus.md."""
    text = (ROOT / "docs" / "prometheus.md").read_text()
    known: Known = {}
    for names, labels, words in _ROW.findall(text):
        # What stands in brackets or behind a colon are values.
        shown = set(_WORD.findall(re.sub(r"\([^)]*\)|:[^`]*(?:`[^`]*`,? ?)*", "", labels)))
        for name in _WORD.findall(names):
            if "a histogram" in words:
                known |= {f"{name}_bucket": shown | {"le"}, f"{name}_sum": shown, f"{name}_count": shown}
            else:
                known[name] = shown
    return known


def recorded(config: Config) -> Known:
    """What recording rules make."""
    rules = [
        rule for groups in rule_files(Vocabulary(config)).values() for group in groups for rule in group.rules
    ]
    return {rule.name: set(rule.name.split(":")[0].split("_")) for rule in rules if isinstance(rule, Record)}


def known(config: Config) -> Known:
    """All of them."""
    return {**OF_PROMETHEUS, **of_the_catalog(config), **of_itself(), **recorded(config)}
