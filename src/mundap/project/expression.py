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
from dataclasses import dataclass

MAX_LENGTH = 500
LARGEST = 1e300
FORMAT = re.compile(r"\+?,?(\.\d{1,2})?[defg%]?")  # of Python's format specs, those that a page needs
COMPARE = {
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
    ast.Eq: ("==", operator.eq),
    ast.NotEq: ("!=", operator.ne),
}
MIRROR = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
ARITHMETIC = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


class NoRecord(Exception):
    """An expression names a snippet that has no record yet; that is said once, at the snippet."""


class ExpressionError(Exception):
    """What is wrong with an expression, at which character (offset), and what to do; all for the author."""

    def __init__(self, offset, what, todo):
        super().__init__(f"{what} {todo}")
        self.offset, self.what, self.todo = offset, what, todo


@dataclass(frozen=True)
class Comparison:
    """One evaluated comparison: source text and value of both sides, the operator, and whether it holds.

    The left side names evidence; offset is where the comparison stands in the check.
    """

    left: str
    left_value: object
    operator: str
    right: str
    right_value: object
    holds: bool
    is_bound: bool  # whether the right side names no evidence
    offset: int


class Expression:
    """A parsed expression. condition: whether it must be a comparison (a check) or a value (inline)."""

    def __init__(self, text, condition=True):
        if len(text) > MAX_LENGTH:
            raise ExpressionError(0, f"식이 {MAX_LENGTH}자보다 길어요.", "조건을 나눠 주장을 여럿으로 적어 주세요.")
        spaced = re.sub(r"\s", " ", text)  # a check may go on in the next line
        self.text, self.shift = spaced.strip(), len(spaced) - len(spaced.lstrip())
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Python's advice about `1if` and the like
                self.tree = ast.parse(self.text, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            offset = (getattr(error, "offset", None) or len(self.text) + 1) - 1  # 0 where more is missing at the end
            raise ExpressionError(
                self.shift + min(offset, len(self.text)),
                f"`{self.text[:60]}` 식을 읽을 수 없어요.",
                "`스니펫.증거 < 1e-5` 꼴로 적어 주세요. `and`로 이을 수 있어요."
                if condition
                else "`{{스니펫.증거}}`나 `{{스니펫.증거:.1%}}` 꼴로 적어 주세요.",
            ) from None
        self.names = []  # [(snippet, evidence, offset)]
        self._check(self.tree, condition, 0)
        if not self.names:
            raise ExpressionError(
                self.shift, "식에 증거가 하나도 없어요.", "`스니펫.증거` 꼴로 실행이 남긴 값을 적어 주세요."
            )

    def _offset(self, node):
        return self.shift + len(self.text.encode()[: node.col_offset].decode())  # ast counts bytes

    def _fail(self, node, what, todo):
        raise ExpressionError(self._offset(node), what, todo)

    def _check(self, node, condition, depth):
        if depth > 30:
            self._fail(node, "식이 너무 깊어요.", "괄호를 줄이거나 조건을 나눠 주세요.")
        if condition:
            if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
                parts = node.values
            elif isinstance(node, ast.Compare) and all(type(op) in COMPARE for op in node.ops):
                parts, condition = [node.left, *node.comparators], False
            else:
                self._fail(
                    node,
                    "여기에는 비교가 와야 해요.",
                    "`<`, `<=`, `>`, `>=`, `==`, `!=`로 비교하고 `and`로 이어 주세요.",
                )
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            self.names.append((node.value.id, node.attr, self._offset(node)))
            parts = []
        elif isinstance(node, ast.Constant) and isinstance(node.value, int | float | str):
            if not isinstance(node.value, str) and not node.value < LARGEST:
                self._fail(node, "수가 너무 커요.", "`1e300`보다 작은 수를 적어 주세요.")
            parts = []
        elif isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
            parts = [node.left, node.right]
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            parts = [node.operand]
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "abs"
            and len(node.args) == 1
            and not node.keywords
        ):
            parts = node.args
        elif isinstance(node, ast.Name):
            self._fail(
                node, f"`{node.id}`만으로는 어느 실행의 증거인지 알 수 없어요.", "`스니펫.증거` 꼴로 적어 주세요."
            )
        else:
            self._fail(
                node,
                f"식에 쓸 수 없는 표현이에요: `{self._text(node)[:40]}`.",
                "증거, 수, 사칙연산, `abs()`, 비교, `and`만 쓸 수 있어요.",
            )
        for part in parts:
            self._check(part, condition, depth + 1)
        if isinstance(node, ast.Compare):
            for left, right in zip(parts, parts[1:]):
                if not _names_evidence(left) and not _names_evidence(right):
                    self._fail(left, "증거 없이 상수끼리 비교해요.", "`스니펫.증거`를 상수와 비교해 주세요.")

    def verify_names(self, evidence):
        """Raise ExpressionError where a name is not in evidence: {snippet: {name: value}, or None: NoRecord}."""
        for snippet, name, offset in self.names:
            if snippet not in evidence:
                near = difflib.get_close_matches(snippet, evidence, 1)
                raise ExpressionError(
                    offset,
                    f"`{snippet}` 스니펫을 찾을 수 없어요.",
                    f"혹시 `{near[0]}`인가요?" if near else f"`snippets/{snippet}.py`가 있어야 해요.",
                )
            if evidence[snippet] is None:
                raise NoRecord(snippet)
            if name not in evidence[snippet]:
                near = difflib.get_close_matches(name, evidence[snippet], 1)
                known = ", ".join(list(evidence[snippet])[:12])
                raise ExpressionError(
                    offset,
                    f"`{snippet}` 실행에 `{name}` 증거가 없어요.",
                    f"혹시 `{near[0]}`인가요?" if near else f"있는 이름: {known}.",
                )

    def value(self, evidence):
        """The value of a value expression; raises ExpressionError on a division by zero or mixed kinds."""
        return self._value(self.tree, evidence)

    def comparisons(self, evidence):
        """Every comparison of a check, in order, evaluated -> [Comparison]; raises ExpressionError like value()."""
        return list(self._comparisons(self.tree, evidence))

    def _comparisons(self, node, evidence):
        if isinstance(node, ast.BoolOp):
            for part in node.values:
                yield from self._comparisons(part, evidence)
            return
        sides = [node.left, *node.comparators]
        for left, kind, right in zip(sides, node.ops, sides[1:]):
            symbol, compare = COMPARE[type(kind)]
            offset = self._offset(left)
            if not _names_evidence(left):  # the measured side first
                left, right, symbol = right, left, MIRROR[symbol]
                compare = next(function for sign, function in COMPARE.values() if sign == symbol)
            one, other = self._value(left, evidence), self._value(right, evidence)
            if isinstance(one, str) != isinstance(other, str):
                self._fail(left, f"글과 수는 비교할 수 없어요: {one!r}, {other!r}.", "같은 종류끼리 비교해 주세요.")
            yield Comparison(
                self._text(left),
                one,
                symbol,
                self._text(right),
                other,
                bool(compare(one, other)),
                not _names_evidence(right),
                offset,
            )

    def _text(self, node):
        return ast.get_source_segment(self.text, node)

    def _value(self, node, evidence):
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Attribute):
            return evidence[node.value.id][node.attr]
        if isinstance(node, ast.BinOp):
            operands, compute = [node.left, node.right], ARITHMETIC[type(node.op)]
        elif isinstance(node, ast.UnaryOp):
            operands, compute = [node.operand], operator.neg if isinstance(node.op, ast.USub) else operator.pos
        else:
            operands, compute = node.args, abs
        values = [self._value(operand, evidence) for operand in operands]
        for operand, value in zip(operands, values):
            if isinstance(value, str):  # Python would repeat or join it
                self._fail(operand, f"글({value[:40]!r})로는 계산할 수 없어요.", "계산에는 수만 써 주세요.")
        try:
            result = compute(*values)
        except ZeroDivisionError:
            self._fail(node, "0으로 나눠요.", "분모가 0이 될 수 없는 식으로 고쳐 주세요.")
        except OverflowError:
            result = math.inf
        if not abs(result) < LARGEST:  # NaN too
            self._fail(node, "계산 결과가 너무 커요.", "더 작은 수가 나오는 식으로 고쳐 주세요.")
        return result


def _names_evidence(node):
    return any(isinstance(part, ast.Attribute) for part in ast.walk(node))


def format_value(value, spec=""):
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
