"""The index and its dictionary; what a query means is tests/js/query.test.js, and test_site.py searches in a browser."""

import json
import subprocess

import pytest

from mundap.project.model import Term
from mundap.site import search

GLOSSARY = [
    Term(
        "위치 임베딩",
        "자리를 알려 주는 **벡터**예요. $\\sqrt{d_k}$와 $N^2$, [글](thread:pe).",
        "position embedding",
        ("positional encoding", "pos_embed"),
        ("pe",),
    ),
    Term("보간", "사이를 채우는 것이에요.", "interpolation", (), ()),
    Term("귀납적 편향", "미리 품은 가정이에요.", "inductive bias", ("귀납편향",), ()),
    Term("쿼리·키·값", "세 벡터예요.", "query, key, value", ("QKV", "쿼리 키 값"), ()),
]


def article(kind, title, text, tags=""):
    return (
        f'<!doctype html><html lang="ko"><title>x</title><body><article data-kind="{kind}" data-pagefind-body '
        f'data-title="{title}"><h1>{title}</h1>{tags}<p>{text}</p></article></body></html>'
    )


@pytest.fixture
def small_site(tmp_path):
    (tmp_path / "qa" / "pe").mkdir(parents=True)
    tag = '<a class="tag" href="../tags/#x">Q &amp; A</a>'
    thread = article("thread", "위치 &quot;임베딩&quot;", "보간해요", tag)
    (tmp_path / "qa" / "pe" / "index.html").write_text(thread, encoding="utf-8")
    (tmp_path / "index.html").write_text(article("home", "홈", "처음"), encoding="utf-8")
    (tmp_path / "404.html").write_text("<html><body><article>없어요</article></body></html>", encoding="utf-8")
    return tmp_path


def test_pages_are_what_their_articles_say(small_site):
    assert search.read_pages(small_site) == [
        {"url": "", "title": "홈", "kind": "home", "tags": []},
        {"url": "qa/pe/", "title": '위치 "임베딩"', "kind": "thread", "tags": ["Q & A"]},
    ]


def test_index_is_written_with_the_dictionary_and_without_what_the_site_has_of_its_own(small_site):
    assert search.build_index(small_site, GLOSSARY) == 2
    folder = small_site / "pagefind"
    assert (folder / "pagefind.js").is_file() and not list(folder.glob("*ui*"))
    found = json.loads((folder / "dictionary.json").read_text(encoding="utf-8"))
    assert found["words"][2] == ["귀납적 편향", "inductive bias", "귀납편향"]
    assert next(page for page in found["pages"] if page["url"] == "qa/pe/")["terms"] == ["위치 임베딩"]
    term = next(page for page in found["pages"] if page["kind"] == "term")
    assert term["url"] == "glossary/#위치-임베딩" and term["text"] == "자리를 알려 주는 벡터예요. √dk와 N², 글."


def test_a_site_without_articles_is_an_error(tmp_path):
    with pytest.raises(search.SearchError, match="no page"):
        search.build_index(tmp_path)


def test_pagefind_failing_is_an_error_that_says_why(small_site, monkeypatch):
    def fail(command, **_):
        raise subprocess.CalledProcessError(1, command, stderr="out of disk")

    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(search.SearchError, match="out of disk"):
        search.build_index(small_site)
