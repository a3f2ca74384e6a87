"""Checks and inline values: comparisons and arithmetic over evidence, parsed and walked, never evaluated as code.

Grammar: comparison chains (`<`, `<=`, `>`, `>=`, `==`, `!=`) of arithmetic (`+`, `-`, `*`, `/`, `abs()`, parentheses)
over `snippet.evidence` names, numbers, quoted text, True and False; comparisons are joined by `and`. Each comparison
names some evidence.

Evidence may be a list, one value a seed, in the order of the seeds. Arithmetic goes element by element; `mean low high
min max std n` make one value of a list; `all(…)` and `any(…)` hold a comparison of lists.
"""

import ast
import difflib
import itertools
import math
import operator
import re
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from mundap.project import spread
from mundap.project.values import Evidence, ExpressionError, NoRecord, Value

MAX_LENGTH = 500
LARGEST = 1e300
COMPARE: dict[type[ast.cmpop], tuple[str, Callable[[Any, Any], bool]]] = {
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
    ast.Eq: ("==", operator.eq),
    ast.NotEq: ("!=", operator.ne),
}
OF_A_LIST: dict[str, Callable[[list[float]], float]] = {
    "mean": spread.mean,
    "low": spread.low,
    "high": spread.high,
    "min": min,
    "max": max,
    "std": spread.std,
    "n": len,
}
FEWEST = {"low": spread.FEWEST, "high": spread.FEWEST, "std": 2}  # values that a function needs
HOLD: dict[str, Callable[[list[bool]], bool]] = {"all": all, "any": any}
MIRROR = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


class Comparison(NamedTuple):
    """One evaluated comparison: source text and value of both sides, the operator, and whether it holds.

    The left side names evidence; offset is where the comparison stands in the check. hold: "all" or "any" of a comparison
    of lists, whose values are lists too, "" of any other. seeds: the values, one a seed, that the left side speaks of.
    """

    left: str
    left_value: Value | list[float]
    operator: str
    right: str
    right_value: Value | list[float]
    holds: bool
    is_bound: bool  # whether the right side names no evidence
    offset: int
    hold: str = ""
    seeds: tuple[float, ...] = ()


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
        self.measuring: set[ast.expr] = set()  # the parts that name evidence
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
            offset, end = getattr(error, "offset", None), len(self.text)  # 0 where more is missing at the end
            as_check = "`스니펫.증거 < 1e-5` 꼴로 적어 주세요. `and`로 이을 수 있어요."
            as_value = "`{{스니펫.증거}}`나 `{{스니펫.증거:.1%}}` 꼴로 적어 주세요."
            what, todo = f"`{self.text[:60]}` 식을 읽을 수 없어요.", as_check if condition else as_value
            raise ExpressionError(self.shift + min(offset - 1 if offset else end, end), what, todo) from None

    def offset(self, node: ast.expr) -> int:
        """Where a part of the expression begins in the text as it was given."""
        return self.shift + len(self.text.encode()[: node.col_offset].decode())  # ast counts bytes

    def source(self, node: ast.expr) -> str:
        """The text of a part of the expression."""
        return self.text.encode()[node.col_offset : node.end_col_offset].decode()  # as it is one line

    def fail(self, node: ast.expr, what: str, todo: str) -> NoReturn:
        """Raise ExpressionError at a part of the expression."""
        raise ExpressionError(self.offset(node), what, todo)

    def _verify(self, node: ast.expr, condition: bool, depth: int) -> None:
        """Walk the tree by the grammar, and note the names and what names them."""
        if depth > 30:
            self.fail(node, "식이 너무 깊어요.", "괄호를 줄이거나 조건을 나눠 주세요.")
        parts = self._parts_of_condition(node) if condition else self._parts_of_value(node)
        for part in parts:
            self._verify(part, condition and not isinstance(node, ast.Compare), depth + 1)
        if isinstance(node, ast.Attribute) or not self.measuring.isdisjoint(parts):
            self.measuring.add(node)
        if isinstance(node, ast.Compare):
            for left, right in zip(parts, parts[1:]):
                if self.measuring.isdisjoint((left, right)):
                    self.fail(left, "증거 없이 상수끼리 비교해요.", "`스니펫.증거`를 상수와 비교해 주세요.")

    def _parts_of_condition(self, node: ast.expr) -> list[ast.expr]:
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
            return node.values
        if isinstance(node, ast.Compare) and all(type(op) in COMPARE for op in node.ops):
            return [node.left, *node.comparators]
        if call := called(node, HOLD):
            function, inner = call
            if isinstance(inner, ast.Compare):
                return [inner]
            todo = f"`{function}(스니펫.증거 > 0)` 꼴로 적어 주세요."
            self.fail(inner, f"`{function}(…)` 안에는 비교 하나가 와야 해요.", todo)
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
        if call := called(node, {"abs", *OF_A_LIST}):
            return [call[1]]
        if isinstance(node, ast.Name):
            what = f"`{node.id}`만으로는 어느 실행의 증거인지 알 수 없어요."
            self.fail(node, what, "`스니펫.증거` 꼴로 적어 주세요.")
        what = f"식에 쓸 수 없는 표현이에요: `{self.source(node)[:40]}`."
        self.fail(node, what, f"증거, 수, 사칙연산, 비교, `and`, `abs {' '.join([*OF_A_LIST, *HOLD])}`만 쓸 수 있어요.")

    def verify_names(self, evidence: Mapping[str, Evidence | None]) -> None:
        """Raise ExpressionError where a name is not in evidence: {snippet: {name: value}, or None: NoRecord}."""
        for snippet, name, offset in self.names:
            if snippet not in evidence:
                near = next(iter(difflib.get_close_matches(snippet, evidence)), None)
                raise ExpressionError(
                    offset,
                    f"`{snippet}` 스니펫을 찾을 수 없어요.",
                    f"혹시 `{near}`인가요?" if near else f"`snippets/{snippet}.py`가 있어야 해요.",
                )
            values = evidence[snippet]
            if values is None:
                raise NoRecord(snippet)
            if name not in values:
                near = next(iter(difflib.get_close_matches(name, values)), None)
                known = ", ".join(list(values)[:12])
                raise ExpressionError(
                    offset,
                    f"`{snippet}` 실행에 `{name}` 증거가 없어요.",
                    f"혹시 `{near}`인가요?" if near else f"있는 이름: {known}.",
                )

    def value(self, evidence: Mapping[str, Evidence | None]) -> Value:
        """The value of a value expression. Raises ExpressionError on a division by zero, mixed kinds or a list."""
        value = evaluate(self, self.tree, evidence)
        if isinstance(value, list):
            self.fail(self.tree, "값이 목록이에요.", "`mean(…)`, `low(…)`처럼 하나로 모아 주세요.")
        return value

    def comparisons(self, evidence: Mapping[str, Evidence | None]) -> list[Comparison]:
        """Every comparison of a check, in order, evaluated. Raises ExpressionError like value()."""
        return list(compare(self, self.tree, evidence))


def called(node: ast.expr, names: Collection[str]) -> tuple[str, ast.expr] | None:
    """(name, argument) of a node that calls one of those functions with one argument."""
    match node:
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in names:
            return name, argument
    return None


def compare(
    expression: Expression, node: ast.expr, evidence: Mapping[str, Evidence | None], hold: str = ""
) -> Iterator[Comparison]:
    """The comparisons below a part of a verified check, evaluated."""
    match node:
        case ast.BoolOp():
            for part in node.values:
                yield from compare(expression, part, evidence)
        case ast.Call(func=ast.Name(id=function), args=[inner]):
            yield from compare(expression, inner, evidence, function)
        case ast.Compare():
            sides = [node.left, *node.comparators]
            for left, kind, right in zip(sides, node.ops, sides[1:]):
                yield _compared(expression, left, type(kind), right, evidence, hold)


def _compared(
    expression: Expression,
    left: ast.expr,
    kind: type[ast.cmpop],
    right: ast.expr,
    evidence: Mapping[str, Evidence | None],
    hold: str,
) -> Comparison:
    symbol, offset = COMPARE[kind][0], expression.offset(left)
    if left not in expression.measuring:  # the measured side first
        left, right, symbol = right, left, MIRROR[symbol]
    function = next(function for sign, function in COMPARE.values() if sign == symbol)
    one, other = evaluate(expression, left, evidence), evaluate(expression, right, evidence)
    if isinstance(one, str) != isinstance(other, str):
        expression.fail(left, f"글과 수는 비교할 수 없어요: {one!r}, {other!r}.", "같은 종류끼리 비교해 주세요.")
    if isinstance(one, list) or isinstance(other, list):
        if not hold:
            todo = "`mean(…)`, `low(…)`처럼 하나로 모으거나 `all(…)`, `any(…)`로 감싸 주세요."
            expression.fail(left, "목록 그대로는 비교할 수 없어요.", todo)
        pairs = _pairs(expression, left, [one, other])
        holds = HOLD[hold]([bool(function(*pair)) for pair in pairs])
    elif hold:
        expression.fail(
            left, f"`{hold}(…)` 안에는 목록이 있어야 해요.", "값 하나라면 감싸지 말고 그대로 비교해 주세요."
        )
    else:
        holds = bool(function(one, other))
    return Comparison(
        left=expression.source(left),
        left_value=one,
        operator=symbol,
        right=expression.source(right),
        right_value=other,
        holds=holds,
        is_bound=right not in expression.measuring,
        offset=offset,
        hold=hold,
        seeds=tuple(one) if isinstance(one, list) else seeds(expression, left, evidence),
    )


def seeds(expression: Expression, node: ast.expr, evidence: Mapping[str, Evidence | None]) -> tuple[float, ...]:
    """The list that a call such as `low(…)` makes one value of; () of any other expression."""
    call = called(node, OF_A_LIST)
    values = evaluate(expression, call[1], evidence) if call else ()
    return tuple(values) if isinstance(values, list) else ()


def _pairs(expression: Expression, node: ast.expr, values: list[Any]) -> list[tuple[Any, ...]]:
    """The elements that belong together, seed by seed; a single value belongs to each. Raises ExpressionError."""
    lengths = sorted({len(value) for value in values if isinstance(value, list)})
    if len(lengths) > 1:
        counts = ", ".join(f"{length}개" for length in lengths)
        expression.fail(node, f"목록의 길이가 달라요({counts}).", "같은 시드에서 잰 목록끼리 셈해 주세요.")
    return list(zip(*(value if isinstance(value, list) else itertools.repeat(value) for value in values)))


def evaluate(expression: Expression, node: ast.expr, evidence: Mapping[str, Evidence | None]) -> Value | list[float]:
    """The value of a part of a verified expression. Raises ExpressionError."""
    match node:
        case ast.Constant(value=bool() | int() | float() | str() as value):
            return value
        case ast.Attribute(value=ast.Name(id=snippet), attr=name):
            return (evidence[snippet] or {})[name]
        case ast.BinOp():
            operands, compute = [node.left, node.right], ARITHMETIC[type(node.op)]
        case ast.UnaryOp():
            operands, compute = [node.operand], operator.neg if isinstance(node.op, ast.USub) else operator.pos
        case ast.Call(func=ast.Name(id="abs"), args=operands):
            compute = abs
        case ast.Call(func=ast.Name(id=function), args=[inner]):
            return _of_a_list(expression, inner, function, evaluate(expression, inner, evidence))
        case _:
            raise TypeError(ast.dump(node))
    return _calculated(expression, node, operands, compute, evidence)


def _of_a_list(expression: Expression, node: ast.expr, function: str, value: Any) -> float:
    if not isinstance(value, list):
        todo = "시드마다 잰 값을 목록으로 남기거나, 값 하나라면 감싸지 말고 적어 주세요."
        expression.fail(node, f"`{function}(…)` 안에는 목록이 와야 해요.", todo)
    if function in FEWEST and len(value) < FEWEST[function]:
        todo = f"시드를 적어도 {FEWEST[function]}개 돌려 주세요."
        expression.fail(node, f"값이 {len(value)}개뿐이라 `{function}(…)`로 말할 수 없어요.", todo)
    return OF_A_LIST[function](value)


def _calculated(
    expression: Expression,
    node: ast.expr,
    operands: list[ast.expr],
    compute: Callable[..., Any],
    evidence: Mapping[str, Evidence | None],
) -> Any:
    """A function of the values of operands, element by element. Raises ExpressionError where it is no finite number."""
    values = [evaluate(expression, operand, evidence) for operand in operands]
    for operand, value in zip(operands, values):
        if isinstance(value, str):  # Python would repeat or join it
            expression.fail(operand, f"글({value[:40]!r})로는 계산할 수 없어요.", "계산에는 수만 써 주세요.")
    if any(isinstance(value, list) for value in values):
        return [_finite(expression, node, compute, pair) for pair in _pairs(expression, node, values)]
    return _finite(expression, node, compute, values)


def _finite(expression: Expression, node: ast.expr, compute: Callable[..., Any], values: Sequence[Any]) -> Any:
    try:
        result = compute(*values)
    except ZeroDivisionError:
        expression.fail(node, "0으로 나눠요.", "분모가 0이 될 수 없는 식으로 고쳐 주세요.")
    except OverflowError:
        result = math.inf
    if not abs(result) < LARGEST:  # NaN too
        expression.fail(node, "계산 결과가 너무 커요.", "더 작은 수가 나오는 식으로 고쳐 주세요.")
    return result
