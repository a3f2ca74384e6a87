"""Checks and inline values: comparisons and arithmetic over evidence, parsed and walked, never evaluated as code.

Grammar: comparison chains (`<`, `<=`, `>`, `>=`, `==`, `!=`) of arithmetic (`+`, `-`, `*`, `/`, `abs()`, parentheses)
over `snippet.evidence` names, numbers, quoted text, True and False; comparisons are joined by `and`.
"""

import ast
import difflib
import operator
from dataclasses import dataclass

MAX_LENGTH = 500
COMPARE = {ast.Lt: ("<", operator.lt), ast.LtE: ("<=", operator.le), ast.Gt: (">", operator.gt),
           ast.GtE: (">=", operator.ge), ast.Eq: ("==", operator.eq), ast.NotEq: ("!=", operator.ne)}
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
    """One evaluated comparison: source text and value of both sides, the operator, and whether it holds."""

    left: str
    left_value: object
    operator: str
    right: str
    right_value: object
    holds: bool

    @property
    def is_bound(self):
        """Whether the right side is a plain constant."""
        return not any(isinstance(node, ast.Attribute) for node in ast.walk(ast.parse(self.right, mode="eval")))


class Expression:
    """A parsed expression. condition: whether it must be a comparison (a check) or a value (inline)."""

    def __init__(self, text, condition=True):
        self.text = text.strip()
        self.shift = len(text) - len(text.lstrip())
        if len(text) > MAX_LENGTH:
            raise ExpressionError(0, f"식이 {MAX_LENGTH}자보다 길어요.", "조건을 나눠 주장을 여럿으로 적어 주세요.")
        try:
            self.tree = ast.parse(self.text, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            offset = max((getattr(error, "offset", 1) or 1) - 1, 0)
            raise ExpressionError(self.shift + min(offset, len(self.text)), f"`{self.text[:60]}`라는 식을 읽을 수 없어요.",
                                  "`스니펫.증거 < 1e-5` 꼴로 적어 주세요. `and`로 이을 수 있어요.") from None
        self.names = []  # [(snippet, evidence, offset)]
        self._check(self.tree, condition, 0)
        if condition and not self.names:
            raise ExpressionError(0, "식에 증거가 하나도 없어요.", "`스니펫.증거`를 상수와 비교해 주세요.")

    def _fail(self, node, what, todo):
        prefix = len(self.text.encode()[: node.col_offset].decode(errors="ignore"))  # ast counts bytes
        raise ExpressionError(self.shift + prefix, what, todo)

    def _check(self, node, condition, depth):
        if depth > 30:
            self._fail(node, "식이 너무 깊어요.", "괄호를 줄여 주세요.")
        if condition:
            if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
                parts = node.values
            elif isinstance(node, ast.Compare) and all(type(op) in COMPARE for op in node.ops):
                parts, condition = [node.left, *node.comparators], False
            else:
                self._fail(node, "여기에는 비교가 와야 해요.", "`<`, `<=`, `>`, `>=`, `==`, `!=`로 비교하고 `and`로 이어 주세요.")
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            offset = len(self.text.encode()[: node.col_offset].decode(errors="ignore"))
            self.names.append((node.value.id, node.attr, self.shift + offset))
            parts = []
        elif isinstance(node, ast.Constant) and isinstance(node.value, int | float | str):
            parts = []
        elif isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
            parts = [node.left, node.right]
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            parts = [node.operand]
        elif (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "abs"
              and len(node.args) == 1 and not node.keywords):
            parts = node.args
        elif isinstance(node, ast.Name):
            self._fail(node, f"`{node.id}`만으로는 어느 실행의 증거인지 알 수 없어요.", "`스니펫.증거` 꼴로 적어 주세요.")
        else:
            self._fail(node, f"식에 쓸 수 없는 표현이에요: `{ast.unparse(node)[:40]}`.", "증거, 수, 사칙연산, `abs()`, 비교, `and`만 쓸 수 있어요.")
        for part in parts:
            self._check(part, condition, depth + 1)

    def verify_names(self, evidence):
        """Raise ExpressionError where a name is not in evidence: {snippet: {name: value}, or None: NoRecord}."""
        for snippet, name, offset in self.names:
            if snippet not in evidence:
                near = difflib.get_close_matches(snippet, evidence, 1, 0.5)
                raise ExpressionError(offset, f"`{snippet}` 스니펫을 찾을 수 없어요.",
                                      f"혹시 `{near[0]}`인가요?" if near else f"`snippets/{snippet}.py`가 있어야 해요.")
            if evidence[snippet] is None:
                raise NoRecord(snippet)
            if name not in evidence[snippet]:
                near = difflib.get_close_matches(name, evidence[snippet], 1, 0.5)
                known = ", ".join(list(evidence[snippet])[:12])
                raise ExpressionError(offset, f"`{snippet}`의 증거에 `{name}`라는 이름이 없어요.",
                                      f"혹시 `{near[0]}`인가요?" if near else f"있는 이름: {known}.")

    def value(self, evidence):
        """The value of a value expression; raises ExpressionError on a division by zero or mixed kinds."""
        return self._value(self.tree, evidence)

    def comparisons(self, evidence):
        """Every comparison of a check, in order, evaluated -> [Comparison]; raises ExpressionError like value()."""
        parts = self.tree.values if isinstance(self.tree, ast.BoolOp) else [self.tree]
        flat, found = list(parts), []
        while any(isinstance(part, ast.BoolOp) for part in flat):
            flat = [inner for part in flat for inner in (part.values if isinstance(part, ast.BoolOp) else [part])]
        for part in flat:
            sides = [part.left, *part.comparators]
            for left, kind, right in zip(sides, part.ops, sides[1:]):
                symbol, compare = COMPARE[type(kind)]
                values = self._value(left, evidence), self._value(right, evidence)
                try:
                    holds = bool(compare(*values))
                except TypeError:
                    self._fail(left, "글과 수는 크기를 비교할 수 없어요.", "같은 종류끼리 비교해 주세요.")
                if isinstance(left, ast.Constant) and not isinstance(right, ast.Constant):  # the measured side first
                    left, right, values = right, left, values[::-1]
                    symbol = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(symbol, symbol)
                found.append(Comparison(self._text(left), values[0], symbol, self._text(right), values[1], holds))
        return found

    def _text(self, node):
        return ast.get_source_segment(self.text, node)

    def _value(self, node, evidence):
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Attribute):
            return evidence[node.value.id][node.attr]
        try:
            if isinstance(node, ast.BinOp):
                return ARITHMETIC[type(node.op)](self._value(node.left, evidence), self._value(node.right, evidence))
            if isinstance(node, ast.UnaryOp):
                value = self._value(node.operand, evidence)
                return -value if isinstance(node.op, ast.USub) else +value
            return abs(self._value(node.args[0], evidence))
        except ZeroDivisionError:
            self._fail(node, "0으로 나눠요.", "분모가 0이 될 수 없는 식으로 고쳐 주세요.")
        except TypeError:
            self._fail(node, "수가 아닌 증거로 계산하려고 해요.", "계산에는 수만 써 주세요.")


def format_value(value, spec=""):
    """A value as a page shows it: by a format spec, or short: 4 significant digits, thousands separated."""
    if spec:
        return format(value, spec)
    if isinstance(value, bool):
        return "참" if value else "거짓"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        if value == int(value) and abs(value) < 1e15:
            return f"{int(value):,}"
        return f"{value:.2e}" if abs(value) < 1e-3 or abs(value) >= 1e7 else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.1f}"
    return str(value)
