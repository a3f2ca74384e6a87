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
    assert markup.startswith('<svg viewBox="0 0 504 288" role="img" aria-label="&quot;97%&quot; &amp; 더"')
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
    assert ">2×10⁻⁷<" in svg.inline(f"{HEAD}<text>2e-07</text></svg>", "", "")
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
        "<svg width='10'/>",
        "<svg height='10'/>",
        '<!DOCTYPE svg [<!ENTITY a "b">]><svg viewBox="0 0 1 1">&a;</svg>',
    ],
)
def test_what_is_no_figure_is_refused(text):
    with pytest.raises(svg.SvgError):
        svg.inline(text, "a-", "alt")


def shown(attributes, inside="", prefix="a-", alt=""):
    return svg.inline(f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}>{inside}</svg>', prefix, alt)


@pytest.mark.parametrize(
    "attributes, view, width",
    [
        ('viewBox="0 0 560 9"', "0 0 560 9", "560px"),
        ('viewBox="0 0 9 9" width="421pt"', "0 0 9 9", "561.333px"),
        ('viewBox="0 0 9 9" width="100%"', "0 0 9 9", "9px"),
        ('width="2in" height="1.5in"', "0 0 192 144", "192px"),
        ('width="30" height="3px"', "0 0 30 3", "30px"),
        ('viewBox="-1.5 0 9 9"', "-1.5 0 9 9", "9px"),
    ],
)
def test_a_figure_is_as_wide_as_it_was_drawn(attributes, view, width):
    root = shown(attributes)
    assert f'viewBox="{view}"' in root and f"max-width:{width}" in root


@pytest.mark.parametrize("depth, fits", [(svg.DEEPEST - 2, True), (svg.DEEPEST - 1, True), (svg.DEEPEST, False)])
def test_elements_in_each_other_are_counted(depth, fits):
    inside = '<g fill="red">' * depth + "</g>" * depth
    if fits:
        assert shown('viewBox="0 0 9 9"', inside).count("<g") == depth
    else:
        with pytest.raises(svg.SvgError, match="100"):
            shown('viewBox="0 0 9 9"', inside)


def test_attributes_as_they_stand_in_a_page():
    inside = (
        '<path id="p" d="M 1.005 2.0000\n3" style="fill: url(#p) ; font-family: x; stroke : red;"/><use href="#p"/>'
        '<g transform="rotate(-0 1 2)"><rect x="0.123456" width="1e-7"/></g><g transform="rotate(-90 1.23456 2)"><circle r="1"/></g>'
        '<text style="font-family: x" x="1.0049">가<tspan>나</tspan>다</text><g id="unused">글<title>x</title>글<circle r="2"/>글</g>'
        '<defs><g id="q"/></defs><defs/><rect fill="url( \'#p\' )" opacity=""/><image xlink:href="data:image/png;base64,AA\nAA" />'
    )
    drawn = shown('viewBox="0 0 9 9" xmlns:xlink="http://www.w3.org/1999/xlink" onx=""'.replace(' onx=""', ""), inside)
    assert drawn.partition(">")[2] == (
        '<path id="a-p" d="M 1 2 3" style="fill:url(#a-p);stroke:red" /><use xlink:href="#a-p" />'
        '<rect x="0.12" width="1e-7" /><g transform="rotate(-90 1.23 2)"><circle r="1" /></g>'
        '<text x="1">가<tspan>나</tspan>다</text><circle r="2" />'
        '<defs /><rect fill="url(#a-p)" /><image xlink:href="data:image/png;base64,AAAA" /></svg>'
    )


@pytest.mark.parametrize("value", ["url(#a) url(x)", "URL(x)", "image-set('x' 1x)", "src('x')", "\\75rl(x)", "image (x)", "element(#a)", "cross-fade(x)"])  # fmt: skip
def test_values_that_ask_for_something_are_refused(value):
    with pytest.raises(svg.SvgError, match="outside address"):
        shown('viewBox="0 0 9 9"', f'<rect mask="{value}"/>')


@pytest.mark.parametrize("length, expected", [("3", 3), ("3px", 3), (" 1.5pt ", 2), ("1in", 96)])
def test_lengths(length, expected):
    assert svg.pixels(length) == expected


@pytest.mark.parametrize("length", ["", "a", "1em", "-1", "1.5.2", "50%"])
def test_lengths_that_are_none(length):
    with pytest.raises(svg.SvgError):
        svg.pixels(length)


def test_long_values_are_cut_in_messages():
    for inside in (f'<use href="https://{"a" * 50}"/>', f'<rect mask="url(https://{"a" * 50})"/>'):
        with pytest.raises(svg.SvgError) as error:
            shown('viewBox="0 0 9 9"', inside)
        assert len(str(error.value)) == len("outside address ''") + 40
    for attributes, inside in ((f'viewBox="{"a" * 50}"', ""), (f'width="{"a" * 50}" height="1"', "")):
        with pytest.raises(svg.SvgError) as error:
            shown(attributes, inside)
        assert f"'{'a' * 40}'" in str(error.value)
    with pytest.raises(svg.SvgError, match=f"'{'expression' * 4}'"):
        shown('viewBox="0 0 9 9"', f'<rect style="{"expression" * 5}"/>')
