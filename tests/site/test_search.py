"""The index and its dictionary in Python; what a query means, in the browser that will read it."""

import json
import subprocess

import pytest

from mundap.site import search

GLOSSARY = [
    {
        "term": "위치 임베딩",
        "english": "position embedding",
        "aliases": ["positional encoding", "pos_embed"],
        "threads": ["pe"],
        "definition": "자리를 알려 주는 **벡터**예요. $\\sqrt{d_k}$와 $N^2$, [글](thread:pe).",
    },
    {"term": "보간", "english": "interpolation", "definition": "사이를 채우는 것이에요."},
    {
        "term": "귀납적 편향",
        "english": "inductive bias",
        "aliases": ["귀납편향"],
        "definition": "미리 품은 가정이에요.",
    },
    {
        "term": "쿼리·키·값",
        "english": "query, key, value",
        "aliases": ["QKV", "쿼리 키 값"],
        "definition": "세 벡터예요.",
    },
]
PAGES = [
    {
        "url": "qa/a/pe/",
        "title": "해상도가 바뀌면 위치 임베딩은 왜 2차원으로 보간하나요?",
        "kind": "thread",
        "tags": ["해상도"],
    },
    {"url": "qa/a/bias/", "title": "귀납적 편향이 강하다는 것은 무슨 뜻인가요?", "kind": "thread", "tags": ["과적합"]},
    {"url": "qa/a/qkv/", "title": "Q, K, V는 코드로 어떻게 만드나요?", "kind": "thread", "tags": ["쿼리·키·값"]},
    {"url": "qa/a/", "title": "위치 임베딩", "kind": "chapter", "tags": []},
    {"url": "tags/", "title": "태그", "kind": "tags", "tags": []},
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


@pytest.fixture
def query(root, page):
    """query(JavaScript) -> its value, where `q` is query.js and `dictionary` is made of PAGES and GLOSSARY."""
    script = (root / "docs" / "assets" / "js" / "query.js").read_text(encoding="utf-8")
    page.route("http://query.test/query.js", lambda route: route.fulfill(body=script, content_type="text/javascript"))
    page.route("http://query.test/", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    page.goto("http://query.test/")
    data = json.dumps(search.dictionary(PAGES, GLOSSARY))
    return lambda code: page.evaluate(
        f"async () => {{ const q = await import('/query.js'); const dictionary = q.prepare({data}); return {code}; }}"
    )


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("위치 임베딩을", [["위치 임베딩"]]),
        ("위치임베딩의보간", [["위치 임베딩"], ["보간"]]),
        ("위치임베딩은어떻게보간하나요?", [["위치 임베딩"], ["보간"]]),
        ("positional encoding interpolation", [["positional encoding"], ["interpolation"]]),
        ("POS_EMBED", [["pos_embed"]]),
        ("쿼리키값", [["쿼리·키·값"]]),
        ("Q·K·V를 만드는 코드", [["QKV"], ["만드"], ["코드"]]),
        ("귀납편향이란 무엇인가요", [["귀납편향"]]),
        ("어텐션에서", [["어텐션"]]),
        ("헤드별로 따로", [["헤드별"], ["따로"]]),
        ("해상도를 높이면", [["해상도"], ["높이면"]]),
        ("정확도", [["정확"]]),
        ("차이", [["차이"]]),
        ("왜", [["왜"]]),
        ("...", []),
    ],
)
def test_a_query_is_cut_into_what_it_is_about(query, text, wanted):
    groups = query(f"q.parse({json.dumps(text)}, dictionary)")
    assert [group[:1] for group in groups] == wanted


def test_names_of_one_thing_come_together_the_typed_one_first(query):
    assert query("q.parse('inductive bias', dictionary)") == [["inductive bias", "귀납적 편향", "귀납편향"]]


@pytest.mark.parametrize(
    "text, first",
    [
        ("위치 임베딩 보간", "qa/a/pe/"),
        ("해상도가바뀌면", "qa/a/pe/"),
        ("과적합", "qa/a/bias/"),
        ("쿼리 코드", "qa/a/qkv/"),
        ("inductive bias 뜻", "glossary/#귀납적-편향"),
    ],
)
def test_titles_and_tags_rank_without_any_text(query, text, first):
    assert query(f"q.rank(q.parse({json.dumps(text)}, dictionary), dictionary, new Map())[0].page.url") == first


def test_a_page_with_every_word_beats_one_with_the_best_word(query):
    hits = "new Map([['qa/a/bias/', [0.6, 0.6]], ['qa/a/qkv/', [1, 0]], ['tags/', [1, 1]]])"
    rows = query(f"q.rank([['가중치'], ['감쇠']], dictionary, {hits}).map(row => row.page.url)")
    assert rows == ["qa/a/bias/", "qa/a/qkv/"], "the list of tags is no answer"


def test_long_input_does_not_hang(query):
    assert query("q.parse('위치임베딩'.repeat(200), dictionary).length") == 1
    assert query("q.parse('가나다라마바사아자차카타파하'.repeat(100), dictionary).length") == 1
