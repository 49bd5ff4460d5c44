"""Finds the changes that may be made to a source file. Each replaces the text of one node, so that its diff
is as short as if it had been made by hand."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass

FLIPPED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
}
SAID = ("log", "click")
"""Names whose calls only tell a person something."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """`start` and `end`: the replaced text, in bytes of the file."""

    kind: str
    line: int
    start: int
    end: int
    text: str

    def applied(self, source: bytes) -> bytes:
        """The file with this change."""
        return source[: self.start] + self.text.encode() + source[self.end :]


def mutants(source: bytes) -> list[Mutant]:
    """All of a file, in its order. What cannot matter is left out: docstrings, messages, types, constants of
    modules that are judgement."""
    tree = ast.parse(source)
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = []
    for kind, node, new in _changes(tree):
        text = new if isinstance(new, str) else ast.unparse(new)
        if isinstance(node, ast.expr):
            text = f"({text})"
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        place = (
            starts[node.lineno - 1] + node.col_offset,
            starts[node.end_lineno - 1] + node.end_col_offset,
        )
        found.append(Mutant(kind, node.lineno, *place, text))
    return sorted(found, key=lambda mutant: (mutant.start, mutant.end, mutant.text))


Change = tuple[str, ast.expr | ast.stmt, ast.AST | str]


def _changes(tree: ast.Module) -> Iterator[Change]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _early_return(function)
            for statement in function.body:
                yield from _in(statement)


def _early_return(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Change]:
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    nothing = function.returns is None or ast.unparse(function.returns) == "None"
    generates = any(isinstance(node, ast.Yield | ast.YieldFrom) for node in ast.walk(function))
    if nothing and not generates and len(body) > 1:
        yield "returned early", body[len(body) // 2], "return"


def _in(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return  # walked as a function of its own
    if isinstance(node, ast.Raise | ast.Assert) or _only_says(node):
        return
    yield from _of(node)
    annotation = node.annotation if isinstance(node, ast.AnnAssign) else None
    for child in ast.iter_child_nodes(node):
        if child is not annotation and not isinstance(child, ast.JoinedStr):
            yield from _in(child)


def _only_says(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and ast.unparse(node.value.func).partition(".")[0] in SAID
    )


def _of(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.Compare(ops=[operator]):
            for other in FLIPPED[type(operator)]:
                changed = deepcopy(node)
                changed.ops = [other()]
                yield "comparison", node, changed
        case ast.BoolOp():
            changed_op = deepcopy(node)
            changed_op.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield "and/or", node, changed_op
        case ast.BinOp() if type(node.op) in ARITHMETIC:
            changed_sum = deepcopy(node)
            changed_sum.op = ARITHMETIC[type(node.op)]()
            yield "arithmetic", node, changed_sum
        case ast.Constant(value=bool()):
            yield "constant", node, repr(not node.value)
        case ast.Constant(value=int()):
            yield "constant", node, repr(int(str(node.value)) + 1)
            yield "constant", node, repr(int(str(node.value)) - 1)
        case ast.If() | ast.While() | ast.IfExp():
            yield "condition", node.test, f"not ({ast.unparse(node.test)})"
        case ast.Call(args=[first, second, *rest]) if not isinstance(first, ast.Starred):
            if not isinstance(second, ast.Starred) and ast.dump(first) != ast.dump(second):
                swapped = deepcopy(node)
                swapped.args = [second, first, *rest]
                yield "arguments", node, swapped
        case ast.Expr(value=ast.Call() | ast.Await()) | ast.AugAssign():
            yield "statement removed", node, "pass"
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield "statement removed", node, "pass"
        case ast.Continue():
            yield "statement removed", node, "pass"
