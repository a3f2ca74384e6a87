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


def test_self_referring_macro_ends():
    with pytest.raises(math.MathError):
        math.to_mathml(r"\def\a{\a}\a")
