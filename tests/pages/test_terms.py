"""The first use of a term in a thread leads to its definition."""

import pytest

from mundap.pages.marks import MKDOCS, PLAIN
from mundap.pages.terms import with_terms
from mundap.project.model import Term

TERMS = [Term(term, "뜻", None, (), ()) for term in ("토큰", "클래스 토큰", "임베딩", "Pre-LN", "값")]


def linked(text, seen=(), flavour=PLAIN):
    return with_terms(flavour, TERMS, text, "qa/a/b.md", set(seen))


@pytest.mark.parametrize(
    "text, expected",
    [
        ("토큰은 토큰이에요.", "[토큰](../../glossary.md#토큰)은 토큰이에요."),
        ("클래스 토큰과 토큰", "[클래스 토큰](../../glossary.md#클래스-토큰)과 [토큰](../../glossary.md#토큰)"),
        ("**토큰**에서는", "**[토큰](../../glossary.md#토큰)**에서는"),
        ("Pre-LN으로", "[Pre-LN](../../glossary.md#pre-ln)으로"),
        ("토큰화, 새토큰, Pre-LNs", "토큰화, 새토큰, Pre-LNs"),
        ("`토큰` $토큰$ [토큰](x.md) <b title='토큰'>", "`토큰` $토큰$ [토큰](x.md) <b title='토큰'>"),
        ("### 토큰\n\n| 토큰 | 값 |\n\n$$\n토큰\n$$\n\n```\n토큰\n```", None),
        ("[가\\]나 토큰](x.md)", None),
    ],
)
def test_first_use(text, expected):
    assert linked(text) == (text if expected is None else expected)


def test_a_term_is_linked_once_in_a_thread():
    seen = set()
    assert "](" in with_terms(PLAIN, TERMS, "토큰과 임베딩", "qa/a/b.md", seen)
    assert (
        seen == {"토큰", "임베딩"} and with_terms(PLAIN, TERMS, "토큰과 임베딩", "qa/a/b.md", seen) == "토큰과 임베딩"
    )


def test_the_theme_can_tell_terms_from_links():
    assert linked("토큰", flavour=MKDOCS) == "[토큰](../../glossary.md#토큰){.term}"


def test_without_a_glossary_a_text_stays():
    assert with_terms(MKDOCS, [], "토큰", "qa/a/b.md", set()) == "토큰"
