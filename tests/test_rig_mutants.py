"""Which changes the mutation tool makes to a source, and which it does not."""

import ast

from tests.mutants.mutate import mutants

SOURCE = b'''"""Text."""

LIMIT = 5


def wait_ms(now: int, then: int, most: int = 7) -> int:
    """At most so many, 3 for example."""
    if now < then and most:
        raise ValueError(f"not {now + 1}, \xc3\xa4")
    return min(now - then, most)


def note(seen: dict[str, int], name: str) -> None:
    log.info("noted %d", 9)
    seen[name] = 1
    seen.pop(name)
'''

CHANGES = {
    ("comparison", "now < then", "(now <= then)"),
    ("comparison", "now < then", "(now >= then)"),
    ("and/or", "now < then and most", "(now < then or most)"),
    ("condition", "now < then and most", "(not (now < then and most))"),
    ("arithmetic", "now - then", "(now + then)"),
    ("arguments", "min(now - then, most)", "(min(most, now - then))"),
    ("returned early", "seen[name] = 1", "return"),
    ("statement removed", "seen[name] = 1", "pass"),
    ("constant", "1", "(2)"),
    ("constant", "1", "(0)"),
    ("statement removed", "seen.pop(name)", "pass"),
}


def test_what_is_changed() -> None:
    """Every kind of change where it may matter; no docstring, message, log line, annotation or default."""
    found = mutants(SOURCE)
    assert {(m.kind, SOURCE[m.start : m.end].decode(), m.text) for m in found} == CHANGES
    assert len(found) == len(CHANGES)


def test_a_mutant_is_the_source_with_one_change() -> None:
    """Nothing else of the file is touched, so that it compiles and its diff is short; letters of several
    bytes before it do not move it."""
    for mutant in mutants(SOURCE):
        changed = mutant.applied(SOURCE)
        ast.parse(changed)
        assert changed == SOURCE[: mutant.start] + mutant.text.encode() + SOURCE[mutant.end :]
