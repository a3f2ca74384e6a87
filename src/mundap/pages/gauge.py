"""What was measured, where it lies against its bound: a line with the allowed side, the values, worlds without the effect."""

import ast
import html
import re
from collections.abc import Callable, Mapping, Sequence

from mundap.project import spread
from mundap.project.expression import Comparison
from mundap.project.numbers import format_value, readable
from mundap.project.particles import agree
from mundap.project.values import Value

Labels = Mapping[str, Mapping[str, str]]  # {snippet: {evidence: what it is in Korean}}

WIDTH, HEIGHT, EDGE = 240, 16, 6  # units of the drawing; EDGE: on both sides of the outermost mark
ROOM = 0.15  # of the line, beyond the outermost mark, so that the allowed side shows
NAME = re.compile(r"\b([A-Za-z_]\w*)\.([A-Za-z_]\w*)")
NUMBER = re.compile(r"-?[\d.]+(e-?\d+)?")
CALLS = {
    "mean": "{}의 평균",
    "low": "{}, 95% 구간의 아래 끝",
    "high": "{}, 95% 구간의 위 끝",
    "std": "{}의 표준편차",
    "min": "{}, 가장 작은 값",
    "max": "{}, 가장 큰 값",
    "n": "{}의 개수",
    "abs": "{}의 크기",
}
SIGNS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "−", ast.Mult: "×", ast.Div: "÷"}
HOLD = {"all": "모두 ", "any": "하나라도 ", "": ""}  # of seeds, or of photographs


def gauge(comparison: Comparison, nulls: Sequence[tuple[str, Comparison]], labels: Labels) -> str:
    """One comparison in words and as a line. nulls: (world without the effect, the comparison there)."""
    label = in_words(comparison.left, labels)
    head = f"{html.escape(label)} " if label else ""
    words = f'{head}<b class="measured">{html.escape(shown(comparison.left_value))}</b>'
    bound = f'<span class="bound">{html.escape(bound_in_words(comparison, labels))}</span>'
    others = [(world, there) for world, there in nulls if there.left_value != comparison.left_value]
    worlds = "".join(_world(world, there) for world, there in others)
    return f'<div class="gauge"><p>{words} · {bound}</p>{_line(comparison, others)}{worlds}</div>'


def in_words(source: str, labels: Labels) -> str:
    """An expression with its names in Korean; "" where one has none."""
    names = NAME.findall(source)
    if not names or any(name not in labels.get(snippet, {}) for snippet, name in names):
        return ""
    return _said(ast.parse(source.strip(), mode="eval").body, labels)


def _said(node: ast.expr, labels: Labels) -> str:
    """A part of an expression, as Expression allows them."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return labels[node.value.id][node.attr]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
        inner, words = _said(node.args[0], labels), CALLS[node.func.id]
        return words.format(f"({inner})" if isinstance(node.args[0], ast.BinOp) and "{}의" in words else inner)
    if isinstance(node, ast.BinOp):
        left, right = _side(node.left, node, labels), _side(node.right, node, labels)
        return f"{left} {SIGNS[type(node.op)]} {right}"
    if isinstance(node, ast.UnaryOp):
        return f"−{_said(node.operand, labels)}"
    return readable(ast.unparse(node))


def _side(node: ast.expr, above: ast.BinOp, labels: Labels) -> str:
    """One side of an operation, in parentheses where it is another one that would be read otherwise."""
    words = _said(node, labels)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and "," in CALLS[node.func.id]:
        return f"({words})"
    if not isinstance(node, ast.BinOp):
        return words
    is_last, of_sum = node is above.right, isinstance(node.op, ast.Add | ast.Sub)
    otherwise = of_sum or is_last if isinstance(above.op, ast.Mult | ast.Div) else of_sum and is_last
    return f"({words})" if otherwise else words


def bound_in_words(comparison: Comparison, labels: Labels) -> str:
    """What a comparison asks of its left side."""
    is_number = comparison.is_bound and NUMBER.fullmatch(comparison.right)
    written = f"{int(comparison.right):,}" if comparison.right.isdigit() else readable(comparison.right)
    value = written.replace("-", "−") if is_number else shown(comparison.right_value)
    other = "" if comparison.is_bound else in_words(comparison.right, labels)
    right = f"{other}({value})" if other else value
    if isinstance(comparison.right_value, bool):
        return f"{HOLD[comparison.hold]}{value}이어야 해요"
    words = {
        ">": right + agree(right, "을") + " 넘어야 해요",
        ">=": f"{right} 이상이어야 해요",
        "<": f"{right}보다 작아야 해요",
        "<=": f"{right} 이하여야 해요",
        "==": right + agree(right, "과") + " 같아야 해요",
        "!=": right + agree(right, "과") + " 달라야 해요",
    }[comparison.operator]
    return HOLD[comparison.hold] + words


def shown(value: Value | list[float]) -> str:
    """A value, or of a list from where to where it goes."""
    if isinstance(value, list):
        return f"{_short(min(value))}~{_short(max(value))}"
    return _short(value) if isinstance(value, float) else readable(format_value(value))


def _short(value: float) -> str:
    """Three significant digits, thousands separated."""
    return readable(format_value(float(f"{value:.3g}"))).replace("-", "−")


def _world(world: str, there: Comparison) -> str:
    """What was measured in a world without the effect."""
    words = html.escape(f"{world}{agree(world, '이라면')} {shown(there.left_value)}")
    return f'<p class="null"><span aria-hidden="true">◇</span> {words}</p>'


def _numbers(value: Value | list[float]) -> list[float]:
    """What of a value can stand on a line."""
    values = value if isinstance(value, list) else [value]
    return [float(item) for item in values if isinstance(item, int | float) and not isinstance(item, bool)]


def _line(comparison: Comparison, nulls: Sequence[tuple[str, Comparison]]) -> str:
    """The line with its marks; "" where there is nothing to draw, as of words or of what has to be equal."""
    values = list(comparison.seeds) or _numbers(comparison.left_value)
    bounds = _numbers(comparison.right_value)
    if not values or not bounds or comparison.operator in ("==", "!="):
        return ""
    others = [value for _, there in nulls for value in _numbers(there.left_value)[:1]]
    interval = (spread.low(values), spread.high(values)) if len(values) >= spread.FEWEST else ()
    bound = bounds[0] if comparison.operator.startswith(">") else bounds[-1]
    x = _scale([*values, bound, *others, *interval])
    middle, above = HEIGHT / 2, comparison.operator.startswith(">")
    start, end = (x(bound), WIDTH) if above else (0, x(bound))
    parts = [
        f'<line class="axis" x1="0" y1="{middle}" x2="{WIDTH}" y2="{middle}"></line>',
        f'<rect class="allowed" x="{start:.1f}" y="{middle - 3}" width="{max(end - start, 0):.1f}" height="6"></rect>',
        f'<line class="bound-mark" x1="{x(bound):.1f}" y1="1" x2="{x(bound):.1f}" y2="{HEIGHT - 1}"></line>',
    ]
    if interval:
        ends = f'x1="{x(interval[0]):.1f}" y1="{middle}" x2="{x(interval[1]):.1f}" y2="{middle}"'
        parts.append(f'<line class="interval" {ends}></line>')
    parts += [
        f'<path class="null-mark" d="M {x(value):.1f} {middle - 5} l 5 5 l -5 5 l -5 -5 z"></path>' for value in others
    ]
    parts += [
        f'<circle class="seed" cx="{x(value):.1f}" cy="{middle}" r="{3 if comparison.seeds else 4}"></circle>'
        for value in values
    ]
    label = f' role="img" aria-label="{html.escape(summary(values))}"' if len(values) > 1 else ' aria-hidden="true"'
    return f'<svg class="dots" viewBox="0 0 {WIDTH} {HEIGHT}"{label}>{"".join(parts)}</svg>'


def _scale(marks: Sequence[float]) -> Callable[[float], float]:
    """value -> x: from zero where that is near, with room beyond the outermost marks."""
    least, most = min(marks), max(marks)
    if 0 < least < most / 2:
        least = 0.0
    if most < 0 and most > least / 2:
        most = 0.0
    room, is_point = ROOM * (most - least) or 1.0, least == most
    if least != 0 or is_point:
        least -= room
    if most != 0 or is_point:
        most += room

    def x(value: float) -> float:
        return EDGE + (value - least) / (most - least) * (WIDTH - 2 * EDGE)

    return x


def summary(seeds: Sequence[float]) -> str:
    """The seeds in words: how many, where they lie, their mean and its interval."""
    lie = f"{_short(min(seeds))}에서 {_short(max(seeds))} 사이"
    text = f"시드 {len(seeds)}개가 {lie}, 평균 {_short(spread.mean(seeds))}"
    if len(seeds) >= spread.FEWEST:
        text += f", 평균의 95% 구간 {_short(spread.low(seeds))}에서 {_short(spread.high(seeds))}"
    return text
