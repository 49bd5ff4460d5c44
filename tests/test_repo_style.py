"""House rules that no linter knows: what may import what, and how long a file may be."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STREAM = ROOT / "stream"
PURE_PACKAGES = ("lifecycle", "sla", "metrics", "shard")
# No clock, no I/O, nothing that knows either.
IMPURE_MODULES = ("aiokafka", "asyncio", "faust", "redis", "stream.store", "stream.worker", "time")
# Library -> the one package that speaks to it (design: edges are thin and single).
SOLE_USERS = {
    "redis": ("store",),
    "faust": ("worker",),
    "mode": ("worker",),
    "aiokafka": ("worker", "sources"),
    "httpx": ("alerts",),
    "grafana_foundation_sdk": ("generate",),
}
# Clocks that need no import of `time`.
CLOCK_CALLS = ("datetime.now", "datetime.today", "datetime.utcnow", "date.today")
FILE_LINES_MAX = 500

MODULES = sorted(STREAM.rglob("*.py"))
SOURCES = sorted(path for top in ("stream", "tests", "bench") for path in (ROOT / top).rglob("*.py"))


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _imports(path: Path) -> set[str]:
    """Full dotted names of everything imported anywhere in a file, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(path, node)
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return found


def _absolute(path: Path, node: ast.ImportFrom) -> str:
    """The module of a `from` import, with a relative one resolved."""
    parents = path.relative_to(ROOT).parts[: -node.level] if node.level else ()
    return ".".join([*parents, *([node.module] if node.module else [])])


def _imports_of(path: Path, module: str) -> list[str]:
    return sorted(name for name in _imports(path) if name == module or name.startswith(f"{module}."))


def _package(path: Path) -> str:
    return path.relative_to(STREAM).parts[0]


@pytest.mark.parametrize("path", [path for path in MODULES if _package(path) in PURE_PACKAGES], ids=_name)
def test_the_core_does_no_io_and_reads_no_clock(path: Path) -> None:
    """Time and data are arguments of the pure packages: they import neither clocks nor clients."""
    assert [name for module in IMPURE_MODULES for name in _imports_of(path, module)] == []
    nodes = ast.walk(ast.parse(path.read_text()))
    attributes = [ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)]
    assert [name for name in attributes if name.endswith(CLOCK_CALLS)] == []


@pytest.mark.parametrize("library", SOLE_USERS)
def test_a_library_has_one_home(library: str) -> None:
    """Only `store` speaks Redis, only `worker` knows Faust, only `worker` and `sources` speak Kafka."""
    strangers = [
        _name(path)
        for path in MODULES
        if _imports_of(path, library) and _package(path) not in SOLE_USERS[library]
    ]
    assert strangers == []


def test_the_core_never_imports_the_embedded_pair() -> None:
    """The extra `demo` stays optional: only the command line and the pair itself import `stream.embedded`."""
    users = {_package(path) for path in MODULES if _imports_of(path, "stream.embedded")}
    assert users <= {"cli", "embedded"}


def test_no_file_is_longer_than_can_be_read() -> None:
    """Every file of the source and the tests has at most 500 lines."""
    lengths = {_name(path): len(path.read_text().splitlines()) for path in SOURCES}
    assert {name: lines for name, lines in lengths.items() if lines > FILE_LINES_MAX} == {}


def test_the_rules_see_every_form_of_import(tmp_path: Path) -> None:
    """`import a.b`, `from a import b` and imports inside functions are all found."""
    module = tmp_path / "module.py"
    module.write_text(
        "import redis.asyncio as r\ndef f():\n    from stream import store\n    from time import time\n"
    )
    assert _imports_of(module, "redis") == ["redis.asyncio"]
    assert _imports_of(module, "stream.store") == ["stream.store"]
    assert _imports_of(module, "time") == ["time", "time.time"]
