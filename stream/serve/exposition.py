"""What was read as the bytes of an answer: written once for all who ask for the same format."""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterable
from itertools import accumulate
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import choose_encoder, gzip_accepted
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from stream.serve.samples import Families
from stream.store.reports import Histogram


class Format(NamedTuple):
    """What a client accepts: its words for the content type, and whether it unpacks gzip."""

    accept: str
    gzip: bool


def format_of(accept: str, encodings: str) -> Format:
    """The format that the headers `Accept` and `Accept-Encoding` ask for."""
    return Format(accept, gzip_accepted(encodings))


class Exposition:
    """One reading, and its bytes by format."""

    def __init__(self, families: Families) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Read(families))
        self._written: dict[tuple[str, bool], bytes] = {}

    def answer(self, asked: Format) -> tuple[bytes, str]:
        """The body and its content type."""
        encode, content_type = choose_encoder(asked.accept)
        plain = content_type, False
        if plain not in self._written:
            self._written[plain] = encode(self._registry)
        if asked.gzip and (content_type, True) not in self._written:
            self._written[content_type, True] = gzip.compress(self._written[plain], 5, mtime=0)
        return self._written[content_type, asked.gzip], content_type


class _Read(Collector):
    """What was read, as prometheus-client wants it."""

    def __init__(self, families: Families) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        for family in self._families:
            metric = Metric(family.name.removesuffix("_total"), family.help, family.type)
            for labels, value in family.samples:
                metric.add_sample(family.name, dict(labels), value)
            for labels, histogram in family.histograms:
                _add_histogram(metric, dict(labels), histogram)
            yield metric

    def describe(self) -> Iterable[Metric]:
        return ()  # else everything would be collected to be registered


def _bound(bound: float) -> str:
    text: str = floatToGoString(bound)  # type: ignore[no-untyped-call]
    return text


def _add_histogram(metric: Metric, labels: dict[str, str], histogram: Histogram) -> None:
    counts = list(accumulate(histogram.counts))
    for bound, count in zip((*histogram.bounds, math.inf), counts, strict=True):
        metric.add_sample(f"{metric.name}_bucket", {**labels, "le": _bound(bound)}, count)
    metric.add_sample(f"{metric.name}_sum", labels, histogram.total)
    metric.add_sample(f"{metric.name}_count", labels, counts[-1])
