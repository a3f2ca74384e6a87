"""Checks and inline values: comparisons and arithmetic over evidence, parsed and walked, never evaluated as code.

Grammar: comparison chains (`<`, `<=`, `>`, `>=`, `==`, `!=`) of arithmetic (`+`, `-`, `*`, `/`, `abs()`, parentheses)
over `snippet.evidence` names, numbers, quoted text, True and False; comparisons are joined by `and`. Each comparison
names some evidence.
"""

import ast
import difflib
import math
import operator
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

Value = bool | int | float | str
Evidence = dict[str, Value]

MAX_LENGTH = 500
LARGEST = 1e300
FORMAT = re.compile(r"\+?,?(\.\d{1,2})?[defg%]?")  # of Python's format specs, those that a page needs
COMPARE: dict[type[ast.cmpop], tuple[str, Callable[[Any, Any], bool]]] = {
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
    ast.Eq: ("==", operator.eq),
    ast.NotEq: ("!=", operator.ne),
}
MIRROR = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


class NoRecord(Exception):
    """An expression names a snippet that has no record yet; that is said once, at the snippet."""


class ExpressionError(Exception):
    """What is wrong with an expression, at which character (offset), and what to do; all for the author."""

    def __init__(self, offset: int, what: str, todo: str) -> None:
        super().__init__(f"{what} {todo}")
        self.offset, self.what, self.todo = offset, what, todo


@dataclass(frozen=True)
class Comparison:
    """One evaluated comparison: source text and value of both sides, the operator, and whether it holds.

    The left side names evidence; offset is where the comparison stands in the check.
    """

    left: str
    left_value: Value
    operator: str
    right: str
    right_value: Value
    holds: bool
    is_bound: bool  # whether the right side names no evidence
    offset: int


class Expression:
    """A parsed expression. condition: whether it must be a comparison (a check) or a value (inline).

    names: the evidence that it names, [(snippet, evidence, offset)]. Raises ExpressionError.
    """

    def __init__(self, text: str, condition: bool = True) -> None:
        if len(text) > MAX_LENGTH:
            raise ExpressionError(0, f"식이 {MAX_LENGTH}자보다 길어요.", "조건을 나눠 주장을 여럿으로 적어 주세요.")
        spaced = re.sub(r"\s", " ", text)  # a check may go on in the next line
        self.text, self.shift = spaced.strip(), len(spaced) - len(spaced.lstrip())
        self.names: list[tuple[str, str, int]] = []
        self.tree = self._parse(condition)
        self._verify(self.tree, condition, 0)
        if not self.names:
            todo = "`스니펫.증거` 꼴로 실행이 남긴 값을 적어 주세요."
            raise ExpressionError(self.shift, "식에 증거가 하나도 없어요.", todo)

    def _parse(self, condition: bool) -> ast.expr:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Python's advice about `1if` and the like
                return ast.parse(self.text, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            offset = (getattr(error, "offset", None) or len(self.text) + 1) - 1  # 0 where more is missing at the end
            as_check = "`스니펫.증거 < 1e-5` 꼴로 적어 주세요. `and`로 이을 수 있어요."
            as_value = "`{{스니펫.증거}}`나 `{{스니펫.증거:.1%}}` 꼴로 적어 주세요."
            what, todo = f"`{self.text[:60]}` 식을 읽을 수 없어요.", as_check if condition else as_value
            raise ExpressionError(self.shift + min(offset, len(self.text)), what, todo) from None

    def offset(self, node: ast.expr) -> int:
        """Where a part of the expression begins in the text as it was given."""
        return self.shift + len(self.text.encode()[: node.col_offset].decode())  # ast counts bytes

    def source(self, node: ast.expr) -> str:
        """The text of a part of the expression."""
        return ast.get_source_segment(self.text, node) or ""

    def fail(self, node: ast.expr, what: str, todo: str) -> NoReturn:
        """Raise ExpressionError at a part of the expression."""
        raise ExpressionError(self.offset(node), what, todo)

    def _verify(self, node: ast.expr, condition: bool, depth: int) -> None:
        """Walk the tree by the grammar, and note the names."""
        if depth > 30:
            self.fail(node, "식이 너무 깊어요.", "괄호를 줄이거나 조건을 나눠 주세요.")
        parts = self._parts_of_condition(node) if condition else self._parts_of_value(node)
        for part in parts:
            self._verify(part, condition and isinstance(node, ast.BoolOp), depth + 1)
        if isinstance(node, ast.Compare):
            for left, right in zip(parts, parts[1:]):
                if not names_evidence(left) and not names_evidence(right):
                    self.fail(left, "증거 없이 상수끼리 비교해요.", "`스니펫.증거`를 상수와 비교해 주세요.")

    def _parts_of_condition(self, node: ast.expr) -> list[ast.expr]:
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
            return node.values
        if isinstance(node, ast.Compare) and all(type(op) in COMPARE for op in node.ops):
            return [node.left, *node.comparators]
        todo = "`<`, `<=`, `>`, `>=`, `==`, `!=`로 비교하고 `and`로 이어 주세요."
        self.fail(node, "여기에는 비교가 와야 해요.", todo)

    def _parts_of_value(self, node: ast.expr) -> list[ast.expr]:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            self.names.append((node.value.id, node.attr, self.offset(node)))
            return []
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str):
            if not isinstance(node.value, str) and not node.value < LARGEST:
                self.fail(node, "수가 너무 커요.", "`1e300`보다 작은 수를 적어 주세요.")
            return []
        if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
            return [node.left, node.right]
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            return [node.operand]
        if isinstance(node, ast.Call) and is_abs(node):
            return node.args
        if isinstance(node, ast.Name):
            what = f"`{node.id}`만으로는 어느 실행의 증거인지 알 수 없어요."
            self.fail(node, what, "`스니펫.증거` 꼴로 적어 주세요.")
        what = f"식에 쓸 수 없는 표현이에요: `{self.source(node)[:40]}`."
        self.fail(node, what, "증거, 수, 사칙연산, `abs()`, 비교, `and`만 쓸 수 있어요.")

    def verify_names(self, evidence: Mapping[str, Evidence | None]) -> None:
        """Raise ExpressionError where a name is not in evidence: {snippet: {name: value}, or None: NoRecord}."""
        for snippet, name, offset in self.names:
            if snippet not in evidence:
                near = difflib.get_close_matches(snippet, evidence, 1)
                raise ExpressionError(
                    offset,
                    f"`{snippet}` 스니펫을 찾을 수 없어요.",
                    f"혹시 `{near[0]}`인가요?" if near else f"`snippets/{snippet}.py`가 있어야 해요.",
                )
            values = evidence[snippet]
            if values is None:
                raise NoRecord(snippet)
            if name not in values:
                near = difflib.get_close_matches(name, values, 1)
                known = ", ".join(list(values)[:12])
                raise ExpressionError(
                    offset,
                    f"`{snippet}` 실행에 `{name}` 증거가 없어요.",
                    f"혹시 `{near[0]}`인가요?" if near else f"있는 이름: {known}.",
                )

    def value(self, evidence: Mapping[str, Evidence | None]) -> Value:
        """The value of a value expression. Raises ExpressionError on a division by zero or mixed kinds."""
        return evaluate(self, self.tree, evidence)

    def comparisons(self, evidence: Mapping[str, Evidence | None]) -> list[Comparison]:
        """Every comparison of a check, in order, evaluated. Raises ExpressionError like value()."""
        return list(compare(self, self.tree, evidence))


def is_abs(node: ast.Call) -> bool:
    """Whether a call is `abs(x)`."""
    return isinstance(node.func, ast.Name) and node.func.id == "abs" and len(node.args) == 1 and not node.keywords


def names_evidence(node: ast.expr) -> bool:
    """Whether a part of an expression names evidence."""
    return any(isinstance(part, ast.Attribute) for part in ast.walk(node))


def compare(expression: Expression, node: ast.expr, evidence: Mapping[str, Evidence | None]) -> Iterator[Comparison]:
    """The comparisons below a part of a verified check, evaluated."""
    if isinstance(node, ast.BoolOp):
        for part in node.values:
            yield from compare(expression, part, evidence)
        return
    assert isinstance(node, ast.Compare)
    sides = [node.left, *node.comparators]
    for left, kind, right in zip(sides, node.ops, sides[1:]):
        symbol, offset = COMPARE[type(kind)][0], expression.offset(left)
        if not names_evidence(left):  # the measured side first
            left, right, symbol = right, left, MIRROR[symbol]
        holds = next(function for sign, function in COMPARE.values() if sign == symbol)
        one, other = evaluate(expression, left, evidence), evaluate(expression, right, evidence)
        if isinstance(one, str) != isinstance(other, str):
            what = f"글과 수는 비교할 수 없어요: {one!r}, {other!r}."
            expression.fail(left, what, "같은 종류끼리 비교해 주세요.")
        yield Comparison(
            left=expression.source(left),
            left_value=one,
            operator=symbol,
            right=expression.source(right),
            right_value=other,
            holds=bool(holds(one, other)),
            is_bound=not names_evidence(right),
            offset=offset,
        )


def evaluate(expression: Expression, node: ast.expr, evidence: Mapping[str, Evidence | None]) -> Value:
    """The value of a part of a verified expression. Raises ExpressionError."""
    operands: list[ast.expr]
    compute: Callable[..., Any]
    match node:
        case ast.Constant(value=bool() | int() | float() | str() as value):
            return value
        case ast.Attribute(value=ast.Name(id=snippet), attr=name):
            return (evidence[snippet] or {})[name]
        case ast.BinOp():
            operands, compute = [node.left, node.right], ARITHMETIC[type(node.op)]
        case ast.UnaryOp():
            operands, compute = [node.operand], operator.neg if isinstance(node.op, ast.USub) else operator.pos
        case ast.Call():
            operands, compute = node.args, abs
        case _:
            raise TypeError(ast.dump(node))
    return calculate(expression, node, operands, compute, evidence)


def calculate(
    expression: Expression,
    node: ast.expr,
    operands: list[ast.expr],
    compute: Callable[..., Any],
    evidence: Mapping[str, Evidence | None],
) -> Value:
    """A function of the values of operands. Raises ExpressionError where it has no finite number."""
    values = [evaluate(expression, operand, evidence) for operand in operands]
    for operand, value in zip(operands, values):
        if isinstance(value, str):  # Python would repeat or join it
            expression.fail(operand, f"글({value[:40]!r})로는 계산할 수 없어요.", "계산에는 수만 써 주세요.")
    try:
        result = compute(*values)
    except ZeroDivisionError:
        expression.fail(node, "0으로 나눠요.", "분모가 0이 될 수 없는 식으로 고쳐 주세요.")
    except OverflowError:
        result = math.inf
    if not abs(result) < LARGEST:  # NaN too
        expression.fail(node, "계산 결과가 너무 커요.", "더 작은 수가 나오는 식으로 고쳐 주세요.")
    return result


def format_value(value: Value, spec: str = "") -> str:
    """A value as a page shows it: by a format spec, or short: 4 significant digits, thousands separated.

    Raises ValueError where the spec does not fit the value, or could make a page grow.
    """
    if spec:
        if not FORMAT.fullmatch(spec):
            raise ValueError(spec)
        try:
            return format(value, spec)
        except OverflowError:
            raise ValueError(spec) from None
    if isinstance(value, bool):
        return "참" if value else "거짓"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        size = abs(value)
        if value == int(value) and size < 1e15:
            return f"{int(value):,}"
        if size < 1e-3 or size >= 1e7:
            return f"{value:.2e}"
        return f"{value:.4g}" if size < 1000 else f"{value:,.1f}"
    return str(value)
