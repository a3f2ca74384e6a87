"""The index and its dictionary; what a query means is tests/js/query.test.js, how well it finds is test_queries.py."""

import gzip
import json
import subprocess

import pytest

from mundap.project.check import sound
from mundap.project.model import Project, Term
from mundap.site import korean, search
from mundap.site.documents import bag, documents

GLOSSARY = (
    Term(
        "위치 임베딩",
        "자리를 알려 주는 **벡터**예요. $\\sqrt{d_k}$와 $N^2$, [글](thread:pe).",
        "position embedding",
        ("positional encoding", "pos_embed"),
        ("pe",),
    ),
    Term("귀납적 편향", "미리 품은 가정이에요.", "inductive bias", ("귀납편향",), ()),
)


def article(kind, title, text, tags=""):
    return (
        f'<!doctype html><html lang="ko"><title>x</title><body><article data-kind="{kind}" data-searched '
        f'data-title="{title}"><h1>{title}</h1>{tags}<p>{text}</p></article></body></html>'
    )


@pytest.fixture
def small(tmp_path):
    """A site of two pages and one that is not there, with a project of a glossary alone -> (its folder, the project)."""
    (tmp_path / "notebooks" / "pe").mkdir(parents=True)
    record = article("notebook", "위치 &quot;임베딩&quot;", "보간해요", "<h2>격자에서 늘려요</h2>")
    (tmp_path / "notebooks" / "pe" / "index.html").write_text(record, encoding="utf-8")
    tools = "<div data-unsearched><div>고양이</div> 누르기</div>"
    home = article("home", "홈", f"처음 나눠요 <pre>code</pre><svg><text>축</text></svg>{tools}")
    (tmp_path / "index.html").write_text(home, encoding="utf-8")
    (tmp_path / "404.html").write_text("<html><body><article>없어요</article></body></html>", encoding="utf-8")
    return tmp_path, Project(tmp_path, None, glossary=GLOSSARY)


def found(small):
    return {document.entry["url"]: document for document in documents(*small)}


def test_pages_are_what_their_articles_say(small):
    assert set(found(small)) == {"", "notebooks/pe/", "glossary/#위치-임베딩", "glossary/#귀납적-편향"}
    assert found(small)["notebooks/pe/"].entry == {
        "url": "notebooks/pe/",
        "title": '위치 "임베딩"',
        "kind": "notebook",
    }


def test_a_page_is_searched_without_code_and_figures_and_a_record_by_its_headings(small):
    assert found(small)[""].body == ("나누", "처음", "홈")
    assert "격자" in found(small)["notebooks/pe/"].body and "보간하" not in found(small)["notebooks/pe/"].body


def test_a_term_has_its_names_and_formulas_as_one_reads_them(small):
    entry = found(small)["glossary/#위치-임베딩"].entry
    assert entry["text"] == "자리를 알려 주는 벡터예요. √dk와 N², 글."
    assert entry["tags"] == ["position embedding", "positional encoding", "pos_embed"]
    assert entry["formulas"] == "√dk\nN²"


def test_a_thread_has_its_statements_with_their_verdicts(root, site):
    project, _ = sound(root)
    page = next(each.entry for each in documents(site, project) if each.entry["url"].endswith("/attention-score/"))
    assert ["false", "✗", "틀림", "점수를 키 벡터의 제곱근으로 나눠 정규화해요"] in page["says"]
    assert all(len(said) in (1, 4) for said in page["says"])
    assert "셀프 어텐션" in page["tags"] and page["text"].startswith("모든 키와 내적해")


def test_words_are_counted_by_their_roots_up_to_a_few():
    assert bag("토큰을 토큰의 토큰 토큰은 토큰 64차원과 3.5") == ("차원", "토큰", "토큰", "토큰")


@pytest.mark.parametrize(
    "word, is_",
    [
        ("섞어도", "섞"),
        ("속도", "속도"),
        ("나눠요", "나누"),
        ("어텐션에서는", "어텐션"),
        ("tokens", "token"),
        ("는", "는"),
    ],
)
def test_a_word_is_looked_up_without_its_endings(word, is_):
    assert korean.root(word) == is_


def test_index_is_written_with_the_dictionary_and_without_what_no_page_fetches(small):
    folder, project = small
    assert search.build_index(folder, project) == 4
    out = folder / "pagefind"
    assert (out / "pagefind.js").is_file() and not list(out.glob("*ui*")) and not (out / "fragment").exists()
    written = json.loads((out / "dictionary.json").read_text(encoding="utf-8"))
    assert ["귀납적 편향", "inductive bias", "귀납편향"] in written["words"]
    assert len({page["id"] for page in written["pages"]}) == 4
    assert "나누" in written["roots"].split()


def test_a_first_query_is_small(site):
    """Bytes that a host with gzip sends for the first query: the index is for a phone on a slow line too."""
    files = [path for path in (site / "pagefind").rglob("*") if path.is_file()]
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) < 300_000


def test_a_site_without_articles_is_an_error(tmp_path):
    with pytest.raises(search.SearchError, match="no page"):
        search.build_index(tmp_path, Project(tmp_path, None, glossary=GLOSSARY))


def test_pagefind_failing_is_an_error_that_says_why(small, monkeypatch):
    def fail(command, **_):
        raise subprocess.CalledProcessError(1, command, stderr="out of disk")

    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(search.SearchError, match="out of disk"):
        search.build_index(*small)
