from mundap.pages import formulas
from mundap.project import math


def test_what_is_found_is_what_is_rendered():
    html = formulas.replace_in_html(render(TEXT.replace('```python\nprice = "$$ no $$"\n```', "")))
    assert html.count("<math") == len(math.find_math(TEXT)) and html.count('<div class="math-block">') == 2
    assert "arithmatex" not in html and "<code>$code$</code>" in html and "$5와 $6" in html
    assert "<mo>&lt;</mo>" in html and "<mtext>한글</mtext>" in html



def test_dollars_of_a_notebook_cell():
    html = "<p>$a &lt; b$는 <code>$c$</code></p>\n<p>$$\nx\n$$</p><pre>$d$</pre><img alt='$e$'>"
    assert formulas.replace_dollars_in_html(html) == (
        '<p><span class="nobreak"><math><mi>a</mi><mo>&lt;</mo><mi>b</mi></math>는</span> <code>$c$</code></p>\n'
        '<div class="math-block"><math display="block"><mi>x</mi></math></div><pre>$d$</pre><img alt=\'$e$\'>'
    )
