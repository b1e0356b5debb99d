"""Mutants of a source: the same program with one thing in it dropped or turned round.

None are made of what no promise is about: texts, annotations, logging, the numbers that constants
of a module have, and what is there for type checkers alone.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff

__all__ = ["Mutant", "mutants_of"]

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)  # what is turned round there is not negated
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
}
_FUNCTIONS = {"max": "min", "min": "max", "any": "all", "all": "any"}
_FOR_TYPES = {"Protocol", "TypedDict", "NamedTuple", "IntEnum", "Enum"}
_OF_THE_MACHINE = {"version_info", "platform", "TYPE_CHECKING"}


@dataclass(frozen=True)
class Mutant:
    path: str
    """From the root of the checkout."""
    line: int
    """Where the statement begins that a test has to reach."""
    start: int
    end: int
    """What is replaced, in bytes of the source."""
    new: str

    def applied(self, source: str) -> str:
        """Return the source with the mutant in it."""
        data = source.encode()
        return (data[: self.start] + self.new.encode() + data[self.end :]).decode()

    def diff(self, source: str) -> list[str]:
        """Return the lines that it takes out and puts in."""
        lines = unified_diff(source.splitlines(), self.applied(source).splitlines(), n=0)
        return [line for line in list(lines)[2:] if not line.startswith("@@")]


def mutants_of(path: str, source: str) -> Iterator[Mutant]:
    """Make every mutant of a source that compiles."""
    finder = _Finder(path, source)
    finder.visit(ast.parse(source))
    for mutant in finder.found:
        try:
            compile(mutant.applied(source), path, "exec")
        except SyntaxError:
            continue
        yield mutant


class _Finder(ast.NodeVisitor):
    def __init__(self, path: str, source: str) -> None:
        self.found: list[Mutant] = []
        self._path = path
        self._starts = [0]
        for line in source.encode().splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._function: ast.FunctionDef | ast.AsyncFunctionDef | None = None
        self._line = 0

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.stmt):
            self._line = node.lineno
            if self._function is None and isinstance(node, ast.Assign | ast.AnnAssign):
                return
        super().visit(node)

    def _replace(self, node: ast.expr | ast.stmt, new: str) -> None:
        if node.end_lineno is not None and node.end_col_offset is not None:
            start = self._starts[node.lineno - 1] + node.col_offset
            end = self._starts[node.end_lineno - 1] + node.end_col_offset
            self.found.append(Mutant(self._path, self._line, start, end, new))

    def _exchange(self, node: ast.expr, new: ast.expr) -> None:
        self._replace(node, f"({ast.unparse(new)})")

    # Where mutants may be:

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        if node.name == "__repr__" or "overload" in map(ast.unparse, node.decorator_list):
            return
        outer, self._function = self._function, node
        for part in (*node.args.defaults, *filter(None, node.args.kw_defaults), *node.body):
            self.visit(part)
        self._function = outer

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - ast's names

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        if not _FOR_TYPES & {ast.unparse(base).partition("[")[0] for base in node.bases}:
            for statement in node.body:
                self.visit(statement)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Leave texts as they are."""

    # What is dropped:

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant) or ast.unparse(node).startswith("_log."):
            return
        if isinstance(node.value, ast.Call | ast.Await):
            self._replace(node, "pass")
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        makes = self._function is not None and self._function.name == "__init__"
        if not makes and not any(isinstance(target, ast.Name) for target in node.targets):
            self._replace(node, "pass")
        self.visit(node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._replace(node, "pass")
        self.visit(node.value)

    def visit_Delete(self, node: ast.Delete) -> None:
        unused = self._function is not None and node in self._function.body
        if not (unused and isinstance(node.targets[0], ast.Name)):
            self._replace(node, "pass")

    def visit_Raise(self, node: ast.Raise) -> None:
        self._replace(node, "pass")
        self.generic_visit(node)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None and ast.unparse(node.value) != "None":
            self._replace(node.value, "None")
            self.visit(node.value)

    # What is turned round:

    def visit_Break(self, node: ast.Break) -> None:
        self._replace(node, "continue")

    def visit_Continue(self, node: ast.Continue) -> None:
        self._replace(node, "break")

    def visit_If(self, node: ast.If | ast.While | ast.IfExp) -> None:
        if not any(name in ast.unparse(node.test) for name in _OF_THE_MACHINE):
            self._negate(node.test)
            self.generic_visit(node)

    visit_While = visit_If  # noqa: N815
    visit_IfExp = visit_If  # noqa: N815

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self._negate(test)
        self.generic_visit(node)

    def _negate(self, test: ast.expr) -> None:
        turned = isinstance(test, ast.Compare) and not isinstance(test.ops[0], _ORDERS)
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            self._exchange(test, test.operand)
        elif not turned and not isinstance(test, ast.Constant):
            self._exchange(test, ast.UnaryOp(ast.Not(), test))

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        turned = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        self._exchange(node, ast.BoolOp(turned, node.values))
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        turned = _COMPARISONS[type(node.ops[0])]()
        self._exchange(node, ast.Compare(node.left, [turned, *node.ops[1:]], node.comparators))
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if turned := _OPERATORS.get(type(node.op)):
            self._exchange(node, ast.BinOp(node.left, turned(), node.right))
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self._replace(node, str(not node.value))
        elif isinstance(node.value, int):
            self._replace(node, str(node.value + 1))

    def visit_Call(self, node: ast.Call) -> None:
        name = ast.unparse(node.func)
        if turned := _FUNCTIONS.get(name):
            self._replace(node.func, turned)
        if name.endswith("suppress"):
            self._exchange(node, ast.Call(node.func, [], []))
        self.generic_visit(node)
