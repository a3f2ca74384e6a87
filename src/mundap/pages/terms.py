"""The first use of a glossary's term in a thread becomes a link to its definition."""

import re
from collections.abc import Sequence
from functools import lru_cache

from mundap.pages.links import relative
from mundap.pages.marks import Flavour
from mundap.project.math import find_math, mask_code
from mundap.project.model import Term
from mundap.project.texts import slug

PARTICLES = (  # what may follow a term, and it is the same word still
    "은 는 이 가 을 를 의 에 에는 에서 에서는 로 으로 로는 으로는 과 와 과는 와는 도 만 마다 처럼 보다 까지 부터 끼리 들 들은 들이 들을 "
    "들의 예요 이에요 이고 라는 이라는 이란 란 이라 라"
).split()
TAKEN = re.compile(
    r"!?\[(?:\\.|[^\]\\])*\]\([^)]*\)|<[^>]*>|^#+ .*$|^\|.*$|^\$\$.*?^\$\$", re.M | re.S
)  # links, tags …


def with_terms(flavour: Flavour, terms: Sequence[Term], text: str, page: str, seen: set[str]) -> str:
    """A resolved Markdown text whose terms, unless they are in `seen`, lead to the glossary; notes them there."""
    if not terms:
        return text
    taken = mask_code(text)
    for offset, latex, _ in find_math(text):
        taken = taken[:offset] + "$" * len(latex) + taken[offset + len(latex) :]
    taken = TAKEN.sub(lambda match: re.sub(r"[^\n]", "$", match[0]), taken)
    pieces, last = [], 0
    for match in _pattern(tuple(term.term for term in terms)).finditer(taken):
        if match[0] in seen:
            continue
        seen.add(match[0])
        address = relative(f"glossary.md#{slug(match[0])}", page)
        pieces += [text[last : match.start()], flavour.classed(f"[{match[0]}]({address})", "term")]
        last = match.end()
    return "".join([*pieces, text[last:]])


@lru_cache(maxsize=8)
def _pattern(terms: tuple[str, ...]) -> re.Pattern[str]:
    """Any of the terms as a word, the longest first."""
    words = "|".join(re.escape(term) for term in sorted(terms, key=len, reverse=True))
    particles = "|".join(sorted(PARTICLES, key=len, reverse=True))
    return re.compile(rf"(?<![\w·-])(?:{words})(?=(?:{particles})?(?![\w·-]))")
