"""What property-based tests draw from: edits of a good text, JSON, Markdown, SVG and HTML put together of odd pieces.

`MUNDAP_EXAMPLES=2000 pytest …` tries as many instead of a few, and other ones each time.
"""

import copy
import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

MANY = int(os.environ.get("MUNDAP_EXAMPLES", "0"))
tried = settings(
    max_examples=MANY or 60,
    derandomize=not MANY,  # the same ones each time
    database=None,
    deadline=5000,  # ms; nothing hangs
    suppress_health_check=list(HealthCheck),
)

YAML = [*"\t\n \"'{}[]:,-|>*&!%@`#?~\\\x00\ufeff한", "---\n", "- ", ": ", "  ", "\\U", "\\x02", "<<: "]
MARKDOWN = [
    *("{{ }} {{measure.difference}} {{measure.name}} {{ $ $$ ` `` ``` ~~~ \n \n\n \\ \\( | --- |---| # ### * ** _ - > 1. : "
    "[ ] ]( ) ![ [^1]: <b> </b> <script> <!-- --> <x:y onclick=z> ](thread:first) ](thread: ](#same) ](javascript:x) "
    "\\frac \\sqrt \\text { } ^ & {: .x } {#x} ```exec !!! +++ === *[a]: &lt; &#60; 글 a b 1e-7 \\begin{aligned}").split(" "),
    " ", "\n", "\n\n", "    ", "\x02", "\u200b", "e\u0301",
]  # fmt: skip
HTML = [
    *("<a> </a> <p> </p> <b <table> <tr> <td> </table> <svg> </svg> <math> <mtext> </math> <style> </style> <script> </script> "
    "<img <iframe> <noscript> </noscript> <template> <title> <textarea> </textarea> <!-- --> <![CDATA[ ]]> <? ?> <! > /> "
    "= ' \" src=x onerror=x() href= javascript:x data:text/html,x //a.example style= url(//a.example) xlink:href= "
    "class=mermaid id=__config <mglyph> <foreignObject> <desc> <form> <select> <option> <frameset> <plaintext> &lt; &#x3c; 글").split(" "),
    " ", "\n", "\x00", "\x0c",
]  # fmt: skip

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4), max_leaves=12
)  # fmt: skip


def texts_of(pieces, most=14):
    """Texts put together of pieces, and of any other characters."""
    return st.lists(st.sampled_from(pieces) | st.text(max_size=3), max_size=most).map("".join)


def edited(text, pieces):
    """The text with a few places cut out, doubled, or with a piece put in."""
    edit = st.tuples(
        st.integers(0, len(text)),
        st.sampled_from([0, 0, 1, 5, 40]),
        st.sampled_from([*pieces, None]) | st.text(max_size=2),
    )

    def apply(edits):
        made = text
        for place, length, piece in edits:
            made = made[:place] + (made[place : place + 30] * 2 if piece is None else piece) + made[place + length :]
        return made

    return st.lists(edit, min_size=1, max_size=4).map(apply)


def places_in(value, place=()):
    """Every place in a JSON value."""
    yield place
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places_in(inner, (*place, key))


def edited_json(value):
    """The value with something else, or nothing, at one or two of its places."""
    places = [place for place in places_in(value) if place]
    edits = st.lists(st.tuples(st.sampled_from(places), json_values | st.just(...)), min_size=1, max_size=2)

    def apply(edits):
        made = copy.deepcopy(value)
        for place, new in edits:
            node = made
            try:
                for key in place[:-1]:
                    node = node[key]
                if new is ...:
                    del node[place[-1]]
                else:
                    node[place[-1]] = new
            except (KeyError, IndexError, TypeError):
                continue  # an earlier edit took it away
        return made

    return edits.map(apply)


@st.composite
def drawings(draw):
    """SVGs, most of them with something that a figure does not need."""
    names = "svg g defs path rect use text tspan image mask a script style foreignObject animate set title metadata x:y"
    keys = "id href xlink:href d x width height transform style fill mask clip-path onload viewBox class points"
    values = "#a a 1 504pt 100% url(#a) url(//a.example) URL('//a.example') 0\u00a00\u00a09\u00a09 javascript:x data:image/png;base64,AA== rotate(-0\u00a01) M\u00a01.23456\u00a02 expression(x) \\75rl(x) -1e9 nan"

    def element(depth):
        name = draw(st.sampled_from(names.split(" ")))
        used = draw(st.lists(st.sampled_from(keys.split(" ")), unique=True, max_size=3))
        attributes = "".join(
            f' {key}="{draw(st.sampled_from(values.split(" "))).replace(chr(160), " ")}"' for key in used
        )
        inner = [element(depth + 1) for _ in range(draw(st.integers(0, 2)))] if depth < 3 else []
        return f"<{name}{attributes}>{draw(st.sampled_from(['', 'x', '&lt;', '&amp;#60;', '<!-- x -->']))}{''.join(inner)}</{name}>"

    view = draw(
        st.sampled_from(['viewBox="0 0 9 9"', 'width="9" height="9"', 'viewBox="0 0 9"', "", 'viewBox="a b c d"'])
    )
    space = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:x="y"'
    return f"<svg {space} {view}>{''.join(element(0) for _ in range(draw(st.integers(0, 3))))}</svg>"
