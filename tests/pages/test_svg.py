import io
import re

import matplotlib
import pytest
from matplotlib.figure import Figure

from mundap.pages import svg

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9">'


def drawn():
    """A figure with text, lines, clip paths, markers and an image."""
    figure = Figure(figsize=(7, 4))
    line, image = figure.subplots(1, 2)
    line.plot([0, 1, 2], [0.123456, 1, 0.5], "o-")
    line.set_title("mean < std")
    image.imshow([[0, 1], [1, 0]])
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def test_figure_can_stand_inside_a_page():
    markup = svg.inline(drawn(), "one-", '"97%" & 더')
    assert markup.startswith('<svg class="wide" viewBox="0 0 504 288" role="img" aria-label="&quot;97%&quot; &amp; 더"')
    assert "max-width:672px" in markup.split(">")[0]
    for unwanted in (
        "<?xml",
        "<!DOCTYPE",
        "metadata",
        "<title",
        "<style",
        "xmlns",
        "ns0:",
        "font-family",
        "<g>",
        "rotate(-0",
        "\n",
    ):
        assert unwanted not in markup, unwanted
    assert "mean &lt; std" in markup and "data:image/png;base64," in markup


def test_ids_are_prefixed_and_every_reference_resolves():
    markup = svg.inline(drawn(), "one-", "alt")
    ids = re.findall(r'\bid="([^"]+)"', markup)
    references = re.findall(r"url\(#([^)]+)\)", markup) + re.findall(r'href="#([^"]+)"', markup)
    assert references and set(references) == set(ids) and len(ids) == len(set(ids))
    assert all(name.startswith("one-") for name in ids)


def test_numbers_are_short_where_they_are_coordinates():
    markup = svg.inline(HEAD + '<path d="M 1.23456 -0.001 L 2e0 3.50000" transform="scale(0.001234)"/></svg>', "", "")
    assert 'd="M 1.23 -0 L 2e0 3.5"' in markup and "scale(0.001234)" in markup


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        "<foreignObject><p/></foreignObject>",
        "<style>* { color: red }</style>",
        '<a href="#x"><path/></a>',
        '<path onclick="alert(1)"/>',
        '<use href="https://example.org/x.svg#a"/>',
        '<use xlink:href="javascript:alert(1)"/>',
        '<image href="data:image/svg+xml;base64,AAAA"/>',
        '<path style="fill: url(https://example.org/x)"/>',
        '<path fill="url(//example.org)"/>',
        "<animate attributeName='href' values='javascript:alert(1)'/>",
        "<![CDATA[<script>]]>",
    ],
)
def test_what_a_figure_does_not_need_is_refused(inside):
    with pytest.raises(svg.SvgError):
        svg.inline(f"{HEAD}{inside}</svg>", "a-", "alt")


@pytest.mark.parametrize(
    "text",
    [
        "not xml",
        "<html/>",
        "<svg xmlns='http://www.w3.org/2000/svg'/>",
        "<svg width='100%' height='10'/>",
        '<!DOCTYPE svg [<!ENTITY a "b">]><svg viewBox="0 0 1 1">&a;</svg>',
    ],
)
def test_what_is_no_figure_is_refused(text):
    with pytest.raises(svg.SvgError):
        svg.inline(text, "a-", "alt")
