"""Whatever an output, a figure or a text says, what stands in a page is harmless, and nothing but what is documented is raised."""

import re

import jsonschema
import markdown
import pytest
import yaml
from bs4 import BeautifulSoup, Comment
from hypothesis import given
from hypothesis import strategies as st
from strategies import HTML, MARKDOWN, drawings, json_values, texts_of, tried

from mundap.live.session import markup
from mundap.pages import outputs, svg
from mundap.pages.safe import is_harmless, sanitize
from mundap.project import records

ELEMENTS = set("script style iframe object embed base meta link form frame frameset template title noscript plaintext foreignobject animate set".split())  # fmt: skip
ADDRESSES = ("href", "src", "xlink:href", "action", "data", "formaction", "poster")
ODD = re.compile(r"(javascript|vbscript|data:(?!image/(png|jpeg);base64,)|blob|file):?", re.I)


def dangers(page):
    """What an independent parser sees in markup that a page may not hold."""
    soup = BeautifulSoup(page, "html.parser")
    for text in soup.find_all(string=lambda text: isinstance(text, Comment)):
        yield f"comment {text}"
    for tag in soup.find_all(True):
        if tag.name.lower() in ELEMENTS:
            yield tag.name
        for name, value in tag.attrs.items():
            value = " ".join(value) if isinstance(value, list) else value
            if name.lower().startswith("on") or name in ("srcdoc", "srcset"):
                yield f"{tag.name} {name}"
            if name in ADDRESSES and ODD.match(re.sub(r"[\s\0-\x1f]", "", value)):
                yield f"{name}={value}"
            if (
                name in ADDRESSES
                and tag.name != "a"
                and re.match(r"(https?:)?[/\\]{2}", re.sub(r"[\s\0-\x1f]", "", value))
            ):
                yield f"{tag.name} {name}={value}"
            if name == "style" and re.search(r"(url|image-set|src)\s*\((?!\s*['\"]?#)|\\|position", value, re.I):
                yield f"style={value}"


@tried
@given(texts_of(HTML, 25), st.booleans())
def test_sanitized_markup_is_harmless_and_stays_as_it_is(text, hand_written):
    safe = sanitize(text, hand_written)
    assert set(dangers(safe)) <= ({"noscript"} if hand_written else set()), safe
    assert sanitize(safe, hand_written) == safe


@pytest.fixture(scope="module")
def settings(root):
    class Loader(yaml.UnsafeLoader):
        pass

    Loader.add_constructor("!ENV", lambda loader, node: "")
    found = yaml.load((root / "mkdocs.yml").read_text(encoding="utf-8"), Loader)["markdown_extensions"]
    named = [item if isinstance(item, str) else next(iter(item)) for item in found]
    return {
        "extensions": named,
        "extension_configs": {k: v for item in found if isinstance(item, dict) for k, v in item.items()},
    }


@tried
@given(texts_of(MARKDOWN, 25))
def test_markdown_becomes_harmless_markup(settings, text):
    page = markdown.Markdown(**settings).convert(text)
    safe = sanitize(page)
    assert list(dangers(safe)) == []
    assert sanitize(safe) == safe


OUTPUT = jsonschema.Draft7Validator(records.OUTPUT)
kinds = st.sampled_from(["image/svg+xml", "text/html", "image/png", "text/plain", "application/json"])
displays = st.builds(
    lambda data, metadata, kind: {"output_type": kind, "data": data, "metadata": metadata},
    st.dictionaries(
        kinds, texts_of(HTML) | drawings() | st.lists(texts_of(HTML), max_size=3) | json_values, max_size=3
    ),
    st.dictionaries(st.sampled_from(["name", "alt", "x"]), st.text(max_size=9) | texts_of(HTML) | json_values),
    st.sampled_from(["display_data", "execute_result"]),
)
streams = st.builds(
    lambda text: {"output_type": "stream", "name": "stdout", "text": text}, st.text() | st.lists(st.text())
)


@tried
@given(displays | streams)
def test_an_output_of_a_record_is_drawn_or_told(output):
    if not OUTPUT.is_valid(output):
        return
    try:
        shown = outputs.output(output, set())
    except ValueError:
        return
    assert list(dangers(sanitize(shown))) == []


@tried
@given(displays)
def test_a_live_output_is_always_markup(output):
    shown = markup(output, 3)
    assert isinstance(shown, str) and list(dangers(shown)) == [] and sanitize(shown) == sanitize(sanitize(shown))


@tried
@given(drawings() | texts_of(HTML))
def test_a_figure_is_drawn_or_told(text):
    try:
        drawn = svg.inline(text, "a-", '"<글>')
    except svg.SvgError:
        return
    assert list(dangers(drawn)) == []
    assert not re.search(r"a\.example|javascript|\bon\w+=", re.sub(r"<!--.*?-->", "", drawn))
    assert set(re.findall(r'\bid="([^"]*)', drawn)) <= set(re.findall(r"#([\w-]+)", drawn))


@tried
@given(st.lists(st.sampled_from([*"color:red; width: url( ) # a ; : \\ / * @import <! rgb(1,2,3) position fixed url(#a) 'x' image-set(".split(" "), " "]), max_size=9).map("".join))  # fmt: skip
def test_a_harmless_style_asks_for_nothing(style):
    if is_harmless(style):
        assert not re.search(r"@|\\|position|<", style)
        assert not re.search(r"(?:url|image-set)\((?!#)", style)
