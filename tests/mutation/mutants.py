"""Mutants of a module: small faults, each of which a test of the module should notice.

A mutant replaces one span of the source and leaves every other byte, so its line numbers are those of the file.
"""

import ast
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], tuple[str, ...]] = {
    ast.Lt: ("<=", ">="),
    ast.LtE: ("<", ">"),
    ast.Gt: (">=", "<="),
    ast.GtE: (">", "<"),
    ast.Eq: ("!=",),
    ast.NotEq: ("==",),
    ast.Is: ("is not",),
    ast.IsNot: ("is",),
    ast.In: ("not in",),
    ast.NotIn: ("in",),
}
"""The other side of each comparison, and for an order also the boundary's other side."""

ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "/",
    ast.Div: "*",
    ast.FloorDiv: "*",
    ast.Mod: "*",
    ast.Pow: "*",
    ast.BitOr: "&",
    ast.BitAnd: "|",
    ast.LShift: ">>",
    ast.RShift: "<<",
}

SWAPPED_FUNCTIONS = {"min": "max", "max": "min", "any": "all", "all": "any"}

LOGGERS = {"log", "logger", "_log"}
LOG_METHODS = {"debug", "info", "warning", "error", "exception"}
METRICS = {"Counter", "Gauge", "Histogram", "Summary"}


@dataclass(frozen=True)
class Mutant:
    """One fault.

    Attributes:
        line: Number of the line where it begins, from 1.
        start: Offset of the replaced span in the source, in bytes.
        end: Offset of the span's end, in bytes.
        old: The replaced text.
        new: The text that replaces it.
    """

    line: int
    start: int
    end: int
    old: str
    new: str

    def apply(self, source: bytes) -> bytes:
        """Return `source` with this fault."""
        return source[: self.start] + self.new.encode() + source[self.end :]

    def __str__(self) -> str:
        old, new = (" ".join(text.split()) for text in (self.old, self.new))
        return f"{old[:100]}  ->  {new[:100]}"


def mutants_of(source: bytes) -> list[Mutant]:
    """Return the mutants of a module, in the order of its lines.

    Some code is left alone because no test should notice a change of it: docstrings and other bare texts, type
    annotations, calls of a logger, definitions of metrics, sentences of exceptions, and the values of module-level
    constants. A slightly different limit is no fault; mutants of the code that uses the limit show whether it works.
    """
    finder = _Finder(source)
    finder.visit(ast.parse(source))
    found = {(mutant.start, mutant.end, mutant.new): mutant for mutant in finder.found}
    usable = [mutant for mutant in found.values() if _compiles(mutant.apply(source))]
    return sorted(usable, key=lambda mutant: (mutant.line, mutant.start, mutant.new))


def _compiles(source: bytes) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


class _Finder(ast.NodeVisitor):
    def __init__(self, source: bytes) -> None:
        self.found: list[Mutant] = []
        self._source = source
        self._line_starts = [0]
        for line in source.splitlines(keepends=True):
            self._line_starts.append(self._line_starts[-1] + len(line))
        self._depth = 0
        """Number of functions that enclose the node; 0 in a module's or a class's body."""
        self._begins_object = False
        """True in an `__init__`, where a missing attribute breaks everything and is too easily noticed."""

    # Code that is left alone.

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None and self._depth:
            self.visit(node.value)

    def visit_arg(self, node: ast.arg) -> None:
        """Visit no annotation."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Leave texts for people alone."""

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        enclosing, self._begins_object = self._begins_object, node.name == "__init__"
        self._depth += 1
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                self.visit(default)
        for statement in node.body:
            self.visit(statement)
        self._depth -= 1
        self._begins_object = enclosing

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - the visitor's own spelling

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        if any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases):
            return
        for statement in node.body:
            self.visit(statement)

    # Statements.

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant) or _is_logging(node.value):
            return
        if self._depth and not isinstance(node.value, ast.Yield):
            self._replace(node, "pass")
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        if not self._depth:
            self._visit_definitions(node.value)
            return
        of_others = all(isinstance(target, ast.Attribute | ast.Subscript) for target in node.targets)
        if of_others and not self._begins_object:
            self._replace(node, "pass")
        self.visit(node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._replace(node, "pass")
        if (other := ARITHMETIC.get(type(node.op))) is not None:
            self._operator(node.target, node.value, other + "=")
        self.visit(node.value)

    def visit_Delete(self, node: ast.Delete) -> None:
        self._replace(node, "pass")

    def visit_Raise(self, node: ast.Raise) -> None:
        self._replace(node, "pass")

    def visit_Break(self, node: ast.Break) -> None:
        self._replace(node, "continue")

    def visit_Continue(self, node: ast.Continue) -> None:
        self._replace(node, "break")

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is None:
            self._replace(node, "pass")
        elif isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            self._replace(node.value, repr(f"not {node.value.value}"))
        elif not isinstance(node.value, ast.Constant):
            self._replace(node, "return None")
        if node.value is not None:
            self.visit(node.value)

    def visit_If(self, node: ast.If | ast.While | ast.IfExp) -> None:
        if not isinstance(node.test, ast.Compare | ast.Constant) and not _is_negation(node.test):
            self._replace(node.test, f"(not ({self._text(node.test)}))")
        self.generic_visit(node)

    visit_While = visit_If  # noqa: N815 - the visitor's own spelling
    visit_IfExp = visit_If  # noqa: N815

    # Expressions.

    def visit_Compare(self, node: ast.Compare) -> None:
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            for other in COMPARISONS[type(operator)]:
                self._operator(left, right, other)
            left = right
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        texts = (ast.Constant, ast.JoinedStr)
        of_text = isinstance(node.left, texts) and not _is_number(node.left)
        if (other := ARITHMETIC.get(type(node.op))) is not None and not of_text:
            self._operator(node.left, node.right, other)
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        other = "or" if isinstance(node.op, ast.And) else "and"
        for left, right in zip(node.values, node.values[1:], strict=False):
            self._operator(left, right, other)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not | ast.USub):
            self._replace(node, f"({self._text(node.operand)})")
        if not (isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant)):
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if _is_logging(node):
            return
        if isinstance(node.func, ast.Name) and node.func.id in SWAPPED_FUNCTIONS:
            self._replace(node.func, SWAPPED_FUNCTIONS[node.func.id])
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self._replace(node, str(not node.value))
        elif _is_number(node):
            self._replace(node, repr(node.value + 1))

    def _visit_definitions(self, node: ast.expr) -> None:
        """Visit the value of a name that a module or a class defines: only a function's body is code there."""
        if isinstance(node, ast.Lambda):
            self._depth += 1
            self.visit(node.body)
            self._depth -= 1

    # Spans.

    def _replace(self, node: ast.AST, new: str) -> None:
        self._add(*self._span(node), new)

    def _operator(self, left: ast.AST, right: ast.AST, new: str) -> None:
        """Replace the operator between two operands, and leave the parentheses around them."""
        start, end = self._span(left)[1], self._span(right)[0]
        between = self._source[start:end]
        operator = between.strip(b" \t\n\r()\\")
        if b"#" in between or not operator:
            return
        at = start + between.index(operator)
        self._add(at, at + len(operator), new, shown=(self._span(left)[0], self._span(right)[1]))

    def _add(self, start: int, end: int, new: str, *, shown: tuple[int, int] | None = None) -> None:
        line = self._source.count(b"\n", 0, start) + 1
        old = self._source[start:end].decode()
        mutant = Mutant(line, start, end, old, new)
        if shown is not None:  # an operator alone says little, so its operands are shown too
            first, last = shown
            head, tail = self._source[first:start].decode(), self._source[end:last].decode()
            mutant = _Shown(line, start, end, old, new, head, tail)
        self.found.append(mutant)

    def _span(self, node: ast.AST) -> tuple[int, int]:
        assert isinstance(node, ast.expr | ast.stmt)
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        starts = self._line_starts
        return starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset

    def _text(self, node: ast.AST) -> str:
        start, end = self._span(node)
        return self._source[start:end].decode()


@dataclass(frozen=True)
class _Shown(Mutant):
    """A mutant of an operator, shown with its operands."""

    head: str
    tail: str

    def __str__(self) -> str:
        return str(Mutant(0, 0, 0, f"{self.head}{self.old}{self.tail}", f"{self.head}{self.new}{self.tail}"))


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool)


def _is_negation(node: ast.expr) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)


def _is_logging(node: ast.expr) -> bool:
    """Return whether an expression calls a logger, `log.info(…)` or `context.log.info(…)`."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LOG_METHODS):
        return False
    owner = node.func.value
    return (isinstance(owner, ast.Name) and owner.id in LOGGERS) or (
        isinstance(owner, ast.Attribute) and owner.attr in LOGGERS
    )
