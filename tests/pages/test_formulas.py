import pytest
from pages import to_html

from mundap.pages import formulas
from mundap.project import math

TEXT = r"""값은 $x^2$이고 `$code$`는 수식이 아니에요. \$5와 \$6도요.

$$
\begin{aligned}
a &= b < c \\
d &= \text{한글}
\end{aligned}
$$

- 목록 안의 $y_1 * y_2$

    $$ z $$
"""


def test_what_is_found_is_what_is_rendered():
    html = formulas.replace_in_html(to_html(TEXT))
    assert html.count("<math") == len(math.find_math(TEXT)) == 4 and html.count('<div class="math-block">') == 2
    assert "arithmatex" not in html and "<code>$code$</code>" in html and "$5와 $6" in html
    assert "<mo>&lt;</mo>" in html and "<mtext>한글</mtext>" in html


def test_a_particle_stays_with_its_formula():
    html = formulas.replace_in_html(to_html("값 $x$는 크고 $y$ 값은"))
    assert '<span class="nobreak"><math><mi>x</mi></math>는</span> 크고 <math><mi>y</mi></math> 값은' in html


def test_a_particle_stays_with_the_sign_before_it():
    html = '<p>100%예요. <strong><span class="value">3%</span></strong>는 <code>"1%는"</code> <a title="5%는">50%</a> (둘)이 100% 예요</p><pre>9%가</pre>'
    assert formulas.replace_in_html(html) == (
        '<p>100%\u2060예요. <strong><span class="value">3%</span></strong>\u2060는 <code>"1%는"</code> <a title="5%는">50%</a> (둘)\u2060이 100% 예요</p>'
        "<pre>9%가</pre>"
    )


def test_dollars_of_a_notebook_cell():
    html = "<p>$a &lt; b$는 <code>$c$</code></p>\n<p>$$\nx\n$$</p><pre>$d$</pre><img alt='$e$'>"
    assert formulas.replace_dollars_in_html(html) == (
        '<p><span class="nobreak"><math><mi>a</mi><mo>&lt;</mo><mi>b</mi></math>는</span> <code>$c$</code></p>\n'
        '<div class="math-block"><math display="block"><mi>x</mi></math></div><pre>$d$</pre><img alt=\'$e$\'>'
    )


def test_a_formula_that_cannot_be_read():
    with pytest.raises(math.MathError):
        formulas.replace_dollars_in_html("<p>$\\foo$</p>")


@pytest.mark.parametrize(
    "latex, expected",
    [
        (r"\sqrt{d_k}", "√dk"),
        (r"\sqrt{a + b}", "√(a+b)"),
        ("x^2", "x²"),
        (r"QK^\top", "QK⊤"),
        ("2^n - 1", "2^n−1"),
        ("2^{n - 1}", "2^(n−1)"),
        (r"\frac{1}{2}", "1/2"),
        (r"\frac{N}{6D + N}", "N/(6D+N)"),
        (r"a < \text{한글}", "a<한글"),
    ],
)
def test_a_formula_in_a_line_of_text(latex, expected):
    assert formulas.in_a_line(latex) == expected
