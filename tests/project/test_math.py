import markdown
import pytest

from mundap.project import math

ARITHMATEX = {"pymdownx.arithmatex": {"generic": True, "inline_syntax": ["dollar"], "block_syntax": ["dollar"]}}

TEXT = r"""값은 $x^2$이고 `$code$`는 수식이 아니에요. \$5와 \$6도요.

$$
\begin{aligned}
a &= b < c \\
d &= \text{한글}
\end{aligned}
$$

```python
price = "$$ no $$"
```

- 목록 안의 $y_1 * y_2$

    $$ z $$
"""


def render(text):
    return markdown.Markdown(extensions=["pymdownx.arithmatex"], extension_configs=ARITHMATEX).convert(text)


def test_find_math_gives_offsets_outside_code():
    found = math.find_math(TEXT)
    assert [(latex.strip()[:9], display) for _, latex, display in found] == [
        ("x^2", False),
        (r"\begin{al", True),
        ("y_1 * y_2", False),
        ("z", True),
    ]
    assert all(TEXT[offset : offset + len(latex)] == latex for offset, latex, _ in found)


@pytest.mark.parametrize(
    "latex, message, position",
    [
        (r"a + \foo", r'Unknown command "\foo"', 4),
        (r"\text{한글} \foo", r'Unknown command "\foo"', 10),
        (r"\frac{a}{b", 'Expected closing token "}", but reached end of input', 10),
        (r"x_1_2", "Duplicate subscript or superscript", 3),
        ("  ", "the formula is empty", 0),
    ],
)
def test_error_says_what_and_where(latex, message, position):
    with pytest.raises(math.MathError) as error:
        math.to_mathml(latex)
    assert (error.value.message, error.value.position) == (message, position)


def test_check_math_points_into_the_text():
    text = "좋아요 $x$. 나빠요 $a \\foo$.\n\n$$\n\\frac{a}{b\n$$\n\n문장에 붙은\n$$x$$\n수식.\n"
    faults = math.check_math(text)
    assert [message.split(",")[0] for _, message in faults] == [
        'Unknown command "\\foo"',
        'Expected closing token "}"',
        "$$ … $$ has to stand alone",
    ]
    assert text[faults[0][0] :].startswith("\\foo") and text[faults[2][0] :].startswith("$$x$$")
    assert math.check_math(TEXT) == []


@pytest.mark.parametrize(
    "latex, place",
    [
        (r"\def\a#1{\a{#1#1}}\a{x}", 0),
        (r"x \newcommand*{\a}{\a\a}\a", 2),
        (r"\gdef\a{\a}\a", 0),
        (r"\renewcommand", 0),
        (r"\\\let\d\def", 2),
    ],
)
def test_formulas_define_no_commands(latex, place):
    """The first would double without end."""
    with pytest.raises(math.MathError, match=r"^Unknown command") as error:
        math.to_mathml(latex)
    assert error.value.position == place


@pytest.mark.parametrize(
    "latex, place",
    [
        ("a" * 4000, None),
        ("a" * 4001, 4000),
        ("{" * 50 + "}" * 50, None),
        ("{" * 51 + "}" * 51, 50),
        ("{}" * 200, None),
        ("\\sqrt" * 50 + " x", None),
        ("\\sqrt" * 51 + " x", 250),
        ("\\sqrt x" * 60, None),
        ("\\i" * 51, 100),
        ("\\, " * 60, None),
        ("x" + "^" * 50, None),
        ("x" + "^_" * 26, 51),
        ("\\left(" * 50, None),
        ("\\left(" * 51, 300),
        ("\\left( \\right)" * 60, None),
        ("\\begin{a}" * 25 + "\\end{a}" * 25, None),
        ("\\begin{a} b" * 50, 550 - 11 + 6),
        ("\\{" * 60, None),
    ],
)
def test_depth_is_counted_and_told_where_it_is_too_much(latex, place):
    assert math.too_deep(latex) == place


@pytest.mark.parametrize(
    "text, expected",
    [
        ("$a$", [(1, "a", False)]),
        ("$$a$$", [(2, "a", True)]),
        ("글\n\n$$\na\n$$\n\n글", [(5, "\na\n", True)]),
        ("글\n  $$a$$  \n글", []),
        ("글\n\n$$a$$\n글", []),
        ("글\n$$a$$\n\n글", []),
        ("$$a$$\n \n글", [(2, "a", True)]),
        ("\\$a$", []),
        ("\\\\$a$", [(3, "a", False)]),
        ("$ a$", []),
        ("$a $", []),
        ("$a\n\nb$", []),
        ("$a\nb$", [(1, "a\nb", False)]),
        ("$a\\$b$", [(1, "a\\$b", False)]),
        ("`$a$` ``$b$`` $c$", [(15, "c", False)]),
        ("~~~\n$a$\n~~~\n$b$", [(13, "b", False)]),
        ("  ```\n$a$\n  ```\n$b$", [(17, "b", False)]),
        ("```\n$a$", []),
        ("$a$ $b$", [(1, "a", False), (5, "b", False)]),
    ],
)
def test_formulas_and_where_they_stand(text, expected):
    assert math.find_math(text) == expected


def test_dollars_of_no_formula():
    assert math.scan("글 $$a$$ 글")[1] == [2, 5]
    assert [place for place, _ in math.check_math("글 $$a$$ 글 $$b$$")] == [2, 10]


def test_masked_code_keeps_every_place():
    assert math.mask_code("a `b` c") == "a     c"
    assert math.mask_code("가\n```\nb\n```\nc") == "가\n   \n \n   \nc"
    assert math.mask_code("a ``b ` c`` d") == "a           d"
    assert math.mask_code("\\`b`") == "\\`b`"


def test_displayed_formulas_say_so():
    assert 'display="block"' in math.to_mathml("a", True) and "display" not in math.to_mathml("a")
    assert "\u2061" in math.to_mathml(r"\sin x") or "&" not in math.to_mathml(r"\sin x")


def test_a_new_line_before_a_word_defines_nothing():
    math.to_mathml(r"\begin{aligned} a \\def \end{aligned}")


OPEN = [
    "(",
    "[",
    "\\{",
    "\\langle",
    "\\lfloor ",
    "\\bigl(",
    "{(}",
    "(^{)}",
    "(\\text{)}",
    "(\\left)\\right.",
    "\\llbracket ",
    "\u27e8",
]


@pytest.mark.parametrize("opening", OPEN)
def test_brackets_that_nothing_closes_are_counted(opening):
    """Each doubles the time that the converter takes."""
    assert math.left_open(opening * 10) is None
    assert len(opening) * 10 <= math.left_open(opening * 40) < len(opening) * 11
    with pytest.raises(math.MathError, match="too deep"):
        math.to_mathml(opening * 40)


@pytest.mark.parametrize(
    "latex",
    [
        "f(" * 200 + ")" * 200,
        "[0, 1)" * 100,
        "\\{a\\}" * 100,
        "\\left( a \\right)" * 40,
        "\\langle a \\rangle" * 40,
        "{a}" * 40,
        "{(a)}" * 40,
    ],
)
def test_brackets_that_are_closed_are_as_many_as_one_likes(latex):
    assert math.left_open(latex) is None and math.to_mathml(latex)
