"""The seeds of a measurement as dots on a line, with their mean's interval, the bound and the worlds without the effect."""

import html
from collections.abc import Sequence

from mundap.project import spread
from mundap.project.numbers import format_value, readable

WIDTH, HEIGHT, EDGE = 240, 26, 10  # units of the drawing; EDGE: on both sides of the outermost mark


def dots(seeds: Sequence[float], bound: float | None, nulls: Sequence[tuple[str, float]] = ()) -> str:
    """An SVG of the seeds' values; nulls: (world, value there)."""
    marks = [*seeds, *(value for _, value in nulls)]
    marks += [] if bound is None else [bound]
    interval = (spread.low(seeds), spread.high(seeds)) if len(seeds) >= spread.FEWEST else None
    marks += interval or ()
    least, most = min(marks), max(marks)

    def x(value: float) -> str:
        share = (value - least) / (most - least) if most > least else 0.5
        return f"{EDGE + share * (WIDTH - 2 * EDGE):.1f}"

    middle = HEIGHT / 2
    parts = [f'<line class="axis" x1="0" y1="{middle}" x2="{WIDTH}" y2="{middle}"></line>']
    if interval:
        parts.append(
            f'<line class="interval" x1="{x(interval[0])}" y1="{middle}" x2="{x(interval[1])}" y2="{middle}"></line>'
        )
    if bound is not None:
        parts.append(f'<line class="bound-mark" x1="{x(bound)}" y1="2" x2="{x(bound)}" y2="{HEIGHT - 2}"></line>')
    for _, value in nulls:
        parts.append(f'<path class="null-mark" d="M {x(value)} {middle - 5} l 5 5 l -5 5 l -5 -5 z"></path>')
    parts += [f'<circle class="seed" cx="{x(value)}" cy="{middle}" r="3.5"></circle>' for value in seeds]
    label = html.escape(summary(seeds))
    return f'<svg class="dots" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def summary(seeds: Sequence[float]) -> str:
    """The seeds in words: how many, where they lie, their mean and its interval."""
    lie = f"{_short(min(seeds))}에서 {_short(max(seeds))} 사이"
    text = f"씨앗 {len(seeds)}개가 {lie}, 평균 {_short(spread.mean(seeds))}"
    if len(seeds) >= spread.FEWEST:
        text += f", 평균의 95% 구간 {_short(spread.low(seeds))}에서 {_short(spread.high(seeds))}"
    return text


def _short(value: float) -> str:
    return readable(format_value(float(f"{value:.3g}")))
