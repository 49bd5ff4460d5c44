"""The shape hash: equal for configurations that make the same numbers, different for those that do not."""

import os
import subprocess
import sys

import pytest

from stream.config import Config, parse


def test_the_hash_of_the_defaults_is_pinned() -> None:
    """A change of it makes running workers refuse their shards: it must be meant, and in the changelog."""
    assert Config().shape_hash() == "065b9ac3afe9bbb16cb4bd5cd74bccc994474aa0d03406fa4069056d98c4af3a"


def test_it_is_the_same_in_every_process() -> None:
    """It does not depend on the hash seed of the interpreter."""
    code = (
        "from stream.config import parse\n"
        "print(parse({'queues': [{'when': {'team': ['b', 'a'], 'queue': 'x'}}]}).shape_hash())"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(hashes) == 1


@pytest.mark.parametrize(
    "data",
    [
        {"timezone": "Europe/Berlin"},
        {"clock": "events"},
        {"horizon": "9d"},
        {"future": "6m"},
        {"keep_finished": {"tickets": "31d"}},
        {"keep_finished": {"calls": "3d"}},
        {"keep_finished": {"surveys": "91d"}},
        {"keep_finished": {"selfservice": "3d"}},
        {"keep_finished": {"agents": "31d"}},
        {"keep_finished": {"contacts": "46d"}},
        {"lost": {"waiting": "5h"}},
        {"lost": {"unfinished": "13h"}},
        {"lost": {"agents": "13h"}},
        {"groupings": {"tickets": [["team"]]}},
        {"groupings": {"calls": [["team"]]}},
        {"groupings": {"surveys": [["team"]]}},
        {"groupings": {"selfservice": [["team"]]}},
        {"groupings": {"agents": [["site"]]}},
        {"groupings": {"contacts": [["team"]]}},
        {"groupings": {"without_sketches": {"tickets": [["team"]]}}},
        {"groupings": {"without_sketches": {"calls": [["queue"]]}}},
        {"queues": [{}]},
        {"retention": {"1d": "500d"}},
        {"max_event_bytes": 4096},
    ],
)
def test_what_shapes_numbers_changes_it(data: dict[str, object]) -> None:
    """Each of these keys does."""
    assert parse(data).shape_hash() != Config().shape_hash()


@pytest.mark.parametrize(
    "rule",
    [
        {"when": {"queue": "b"}, "answer_within": "20s"},
        {"when": {"team": "a"}},
        {"when": {"queue": "a"}, "answer_within": "21s"},
        {"when": {"queue": "a"}, "short_abandon": "6s"},
    ],
)
def test_every_part_of_a_queue_rule_changes_it(rule: dict[str, object]) -> None:
    """Condition and thresholds."""
    assert (
        parse({"queues": [rule]}).shape_hash() != parse({"queues": [{"when": {"queue": "a"}}]}).shape_hash()
    )


@pytest.mark.parametrize(
    "data",
    [
        {"policies": [{"name": "all", "targets": {"first_reply": "1h"}}]},
        {"calendars": {"office": {"hours": {"mon": ["09:00-17:00"]}}}},
        {"default_calendar": "24x7"},
        {"queues": [{"max_wait": "6s"}]},
    ],
)
def test_what_is_published_changes_it_only_for_history_that_is_over(data: dict[str, object]) -> None:
    """On a running system versions follow each other."""
    bare: dict[str, object] = {"queues": [{}]} if "queues" in data else {}
    assert parse(data).shape_hash() == parse(bare).shape_hash()
    over: dict[str, object] = {"clock": "events"}
    assert parse({**data, **over}).shape_hash() != parse({**bare, **over}).shape_hash()


@pytest.mark.parametrize(
    "data",
    [
        {"kafka": {"bootstrap": "other:9092", "group": "g", "topics": {"calls": "c"}}},
        {"redis": {"url": "redis://other:6379/1", "namespace": "n"}},
        {"worker": {"batch_records": 1}, "exporter": {"port": 0}},
        {"deadletters": {"sample": 5}},
        {"metrics": {"csat": {"target": "at least 90 %", "owner": "Ann", "next_action": "Ask."}}},
        {"horizon": "192h", "queues": [], "timezone": "UTC"},
    ],
)
def test_addresses_and_sizes_do_not_change_it(data: dict[str, object]) -> None:
    """Nor does another spelling of the same."""
    assert parse(data).shape_hash() == Config().shape_hash()


def test_the_order_of_keys_and_of_a_conditions_values_does_not_count() -> None:
    """A list in a condition means any of, and keys have no order."""
    one = {"queues": [{"when": {"queue": ["a", "b"], "team": "t"}, "max_wait": "1m"}], "clock": "events"}
    two = {"clock": "events", "queues": [{"max_wait": "60s", "when": {"team": ["t"], "queue": ["b", "a"]}}]}
    assert parse(one).shape_hash() == parse(two).shape_hash()


def test_the_order_of_queue_rules_counts() -> None:
    """The first rule that matches is the one that holds."""
    rules = [{"when": {"queue": "a"}, "answer_within": "1s"}, {"when": {"team": "t"}}]
    assert parse({"queues": rules}).shape_hash() != parse({"queues": rules[::-1]}).shape_hash()


def test_the_order_of_what_keeps_no_sketches_does_not_count() -> None:
    """It is a choice among the groupings, whose order is given there."""
    one, two = ["team"], ["team", "priority"]

    def shape(*plain: list[str]) -> str:
        return parse({"groupings": {"without_sketches": {"tickets": list(plain)}}}).shape_hash()

    assert shape(one, two) == shape(two[::-1], one)
    assert len({shape(one), shape(two), shape(one, two)}) == 3
