"""Formulas in HTML: what Markdown marked becomes MathML."""

import html
import re

from mundap.project.math import to_mathml

TAIL = re.compile(r"(<math>(?:(?!</math>).)*</math>)([^\s<]{1,9})", re.S)
ARITHMATEX = re.compile(r'<(span|div) class="arithmatex">\s*\\([(\[])(.*?)\\[)\]]\s*</\1>', re.S)
OPAQUE = re.compile(r"<(code|pre|script|style|svg|math)\b.*?</\1>|<!--.*?-->|<[^>]*>", re.S)
DOLLARS = re.compile(r"(?<!\\)\$\$(?P<display>.+?)\$\$|(?<!\\)\$(?!\s)(?P<inline>(?:\\.|[^\\$])+?)(?<!\s)\$", re.S)


def replace_in_html(page):
    """HTML in which the formulas that arithmatex (generic) marked are MathML. Raises MathError."""

    def convert(match):
        display = match[2] == "["
        markup = to_mathml(html.unescape(match[3]).strip(), display)
        return f'<div class="math-block">{markup}</div>' if display else markup

    return keep_together(ARITHMATEX.sub(convert, page))


def keep_together(page):
    """HTML in which a formula and the particle or full stop right after it stay on one line."""
    return TAIL.sub(r'<span class="nobreak">\1\2</span>', page)


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
