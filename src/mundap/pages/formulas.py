"""Formulas in HTML, where what Markdown marked becomes MathML, and in a line of plain text."""

import html
import re
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from mundap.project.math import to_mathml

WORD_JOINER = "\u2060"
TAIL = re.compile(r"(<math>(?:(?!</math>).)*</math>)([^\s<]{1,9})", re.S)
ARITHMATEX = re.compile(r'<(span|div) class="arithmatex">\s*\\([(\[])(.*?)\\[)\]]\s*</\1>', re.S)
OPAQUE = re.compile(r"<(?P<tag>code|pre|script|style|svg|math)\b.*?</(?P=tag)>|<!--.*?-->|<[^>]*>", re.S)
DOLLARS = re.compile(r"(?<!\\)\$\$(?P<display>.+?)\$\$|(?<!\\)\$(?!\s)(?P<inline>(?:\\.|[^\\$])+?)(?<!\s)\$", re.S)
LOOSE = re.compile(rf"(?P<opaque>{OPAQUE.pattern})|[%)”’](?:</(?:strong|em|span)>)*(?=[가-힣])", re.S)
RAISED = {"2": "²", "⊤": "⊤"}  # exponents that need no ^


def replace_in_html(page):
    """HTML in which the formulas that arithmatex (generic) marked are MathML. Raises MathError."""

    def convert(match):
        display = match[2] == "["
        markup = to_mathml(html.unescape(match[3]).strip(), display)
        return f'<div class="math-block">{markup}</div>' if display else markup

    return keep_together(ARITHMATEX.sub(convert, page))


def keep_together(page):
    """HTML in which a formula and the particle or full stop right after it stay on one line, and so do `100%` and `예요`.

    Between letters no browser breaks where the style says keep-all; after a sign it does.
    """
    page = TAIL.sub(r'<span class="nobreak">\1\2</span>', page)
    return LOOSE.sub(lambda match: match["opaque"] or match[0] + WORD_JOINER, page)


def replace_dollars_in_html(page):
    """HTML in which $…$ and $$…$$ in the text, outside code, are MathML (notebook cells). Raises MathError."""

    def convert(match):
        latex = html.unescape(match["display"] or match["inline"])
        return to_mathml(latex.strip(), match["display"] is not None)

    parts, end = [], 0
    for opaque in OPAQUE.finditer(page):
        parts += [DOLLARS.sub(convert, page[end : opaque.start()]), opaque[0]]
        end = opaque.end()
    page = keep_together("".join([*parts, DOLLARS.sub(convert, page[end:])]))
    alone = re.compile(r'<p>\s*(<math display="block">.*?</math>)\s*</p>', re.S)
    return alone.sub(r'<div class="math-block">\1</div>', page)


def in_a_line(latex: str) -> str:
    """A formula as plain text in one line, such as `√dk` or `2^n−1`. Raises MathError."""
    return _characters(ElementTree.fromstring(to_mathml(latex)))


def _characters(node: Element) -> str:
    parts = [_characters(child) for child in node]
    if node.tag == "msup":
        return parts[0] + RAISED.get(parts[1], f"^{_grouped(parts[1])}")
    if node.tag == "mfrac":
        return "/".join(map(_grouped, parts))
    inner = (node.text or "").strip() + "".join(parts)
    return f"√{_grouped(inner)}" if node.tag == "msqrt" else inner


def _grouped(text: str) -> str:
    return text if text.isalnum() or len(text) == 1 else f"({text})"
