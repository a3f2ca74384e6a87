"""The index and its dictionary; what a query means is tests/js/query.test.js, how well it finds is test_queries.py."""

import gzip
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from mundap.project.check import sound
from mundap.project.model import Project, Term
from mundap.site import korean, postings, search, shards, spellings
from mundap.site.documents import Document, bag, documents

HANGUL = re.compile(r"[가-힣]{2,}")
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


def test_korean_is_told_by_its_keys():
    assert [korean.keys(word) for word in ("임베딩", "값", "vit")] == ["dlaqpeld", "rkqt", "vit"]


ENTRY = {
    "url": "qa/a/patch-size/",
    "title": "2차원 위치임베딩은?",
    "kind": "thread",
    "also": ["패치를 줄이면"],
    "says": [["true", "✓", "맞음", "√d로 나눠요"]],
    "formulas": "QK⊤/√dk",
}


def test_masks_say_which_field_or_phrase_has_a_word():
    found = postings.masks(ENTRY)
    assert found["위치임베딩"] == found["임베딩~"] == found["차원"] == found["2차원"] == 1
    assert found["patch"] == 1 << postings.FIELDS.index("slug")
    assert found["패치"] == 1 << len(postings.FIELDS)
    assert found["나누"] == 1 << len(postings.FIELDS) + postings.PHRASES
    assert found["=√d"] == postings.MADE_OF | postings.SAID and found["=qkt"] == postings.MADE_OF
    many = postings.masks(ENTRY | {"also": [f"말{number}" for number in range(20)]})
    assert max(many.values()) < 1 << len(postings.FIELDS) + 2 * postings.PHRASES, "JavaScript's numbers have 32 bits"


def test_a_text_that_says_a_word_more_often_or_is_shorter_is_more_about_it():
    bodies = [("a", "b"), ("a", "a", "b"), ("a", *"bcdefghijk")]
    found = postings.postings([Document({"url": "", "title": "", "kind": "page"}, body) for body in bodies])
    scores = [code for _, code in found["a"]]
    assert scores[1] > scores[0] > scores[2] > 0 and max(scores) < postings.SCORES


def test_a_list_is_packed_in_steps_and_a_very_long_one_keeps_the_pages_that_say_it_first(monkeypatch):
    assert postings.packed([(2, 5), (7, 16)], threads=6) == [1, 2, 5, 5, 16]
    monkeypatch.setattr(postings, "MOST", 2)
    assert postings.packed([(1, 5), (2, 9), (3, 16)], threads=9) == [3, 2, 9, 1, 16]


def test_words_that_may_be_misspelt_are_those_that_are_long_enough():
    documents = [Document({"url": "", "title": "트랜스포머에서는 값 3d프린터", "kind": "page"})]
    assert sorted(spellings.spellings(documents, ["gradient", "vit", "기울기"])) == ["gradient", "트랜스포머"]


def test_shards_are_bounded_and_in_javascripts_order(tmp_path):
    rows = [(f"{number:05}", [number]) for number in range(3000)]
    firsts = shards.write(tmp_path, "words", rows)
    written = [path.read_text("utf-8") for path in sorted(tmp_path.iterdir())]
    assert len(firsts) == len(written) > 3 and firsts == sorted(firsts) and firsts[0] == "00000"
    assert max(map(len, written)) < shards.SIZE + 100
    assert sum(len(json.loads(text)) for text in written) == 3000
    assert sorted(["\U0001d431", "\uffee"], key=shards.in_order) == ["\U0001d431", "\uffee"]


def test_index_is_written_whole_and_the_same_each_time(small):
    folder, project = small
    assert search.build_index(folder, project) == 4
    index = json.loads((folder / "search-index/index.json").read_text("utf-8"))
    assert ["귀납적 편향", "inductive bias", "귀납편향"] in index["words"]
    assert {"나누", "처음"} <= set(index["frequent"].split())
    assert index["kinds"] == [["term", 2, 8], ["home", 1, 16], ["notebook", 1, 16]]
    data = folder / "search-index" / index["folder"]
    before = {path.name: path.read_bytes() for path in data.iterdir()}
    assert "pages0.json" in before and b'"\xea\xb7\x80' in before["words0.json"]
    search.build_index(folder, project)
    assert before == {path.name: path.read_bytes() for path in data.iterdir()}


def test_a_failure_leaves_the_index_as_it_was(small, monkeypatch):
    folder, project = small
    search.build_index(folder, project)
    before = sorted(folder.rglob("*"))

    def fail(*_):
        raise OSError("out of disk")

    monkeypatch.setattr(search.shards, "write", fail)
    with pytest.raises(OSError, match="out of disk"):
        search.build_index(folder, project)
    assert sorted(folder.rglob("*")) == before


def test_a_site_without_articles_is_an_error(tmp_path):
    with pytest.raises(search.SearchError, match="no page"):
        search.build_index(tmp_path, Project(tmp_path, None, glossary=GLOSSARY))


# How much a query costs: the site's own scripts in Node, each response as a host with gzip sends it.
FIRST, LATER = 150_000, 50_000  # bytes
QUERIES = [
    "위치임베딩왜더해요",
    "softmax(QK^T/√d)V",
    "어탠션 메모리 터지는 이유",
    "dlaqpeld",
    "이미지를 패치로 나누는 까닭",
    "트랜스포머는 왜 데이터가 많이 필요한가요",
]
COUNT = """
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
let sent = [];
globalThis.fetch = async (url) => {
  const bytes = readFileSync(fileURLToPath(url));
  sent.push(gzipSync(bytes).length + 200);
  return { ok: true, json: async () => JSON.parse(bytes) };
};
const [script, ...queries] = process.argv.slice(2);
const { search } = await import(script);
const all = [];
for (const query of queries) {
  sent = [];
  const { hits } = await search(query);
  all.push({ hits: hits.length, files: sent.length, bytes: sent.reduce((sum, bytes) => sum + bytes, 0) });
}
console.log(JSON.stringify(all));
"""


def costs(site, folder):
    """[{hits, files, bytes}] of QUERIES, asked one after another of a site that nobody has asked yet."""
    script = Path(folder) / "count.mjs"
    script.write_text(COUNT, encoding="utf-8")
    command = ["node", script, (site / "assets/js/fulltext.js").as_uri(), *QUERIES]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def again(found, times):
    """Documents with each thread `times` over, a third of the Korean words in a copy being others."""

    def other(value, copy):
        if isinstance(value, list):
            return [other(each, copy) for each in value]
        return HANGUL.sub(lambda word: word[0] if (ord(word[0][0]) + copy) % 3 else f"{word[0][::-1]}{word[0]}", value)

    made = []
    for document in found:
        made.append(document)
        for copy in range(1, times if document.entry["kind"] == "thread" else 1):
            entry = {key: other(value, copy) for key, value in document.entry.items()} | {"kind": "thread"}
            made.append(Document(entry | {"url": f"qa/more-{copy}/{len(made)}/"}, tuple(other([*document.body], copy))))
    return made


def test_a_query_costs_little_and_no_more_on_a_site_of_many_times_the_threads(root, site, tmp_path):
    project, _ = sound(root)
    found = documents(site, project)
    own = costs(site, tmp_path)
    assert own[0]["bytes"] < FIRST and max(each["bytes"] for each in own[1:]) < LATER
    assert all(each["hits"] for each in own)
    large = tmp_path / "large"
    shutil.copytree(site / "assets/js", large / "assets/js")
    search.write(large / "search-index", again(found, 10), project.glossary)
    grown = costs(large, tmp_path)
    assert grown[0]["bytes"] < FIRST and max(each["bytes"] for each in grown[1:]) < LATER
    assert max(each["files"] for each in grown) < 45
    sizes = [len(gzip.compress(path.read_bytes())) for path in (large / "search-index").glob("*/*.json")]
    assert max(sizes) < 8_000


def test_work_grows_as_the_threads(root, site, tmp_path):
    """Twice the threads, twice the calls: counted, for time on a busy machine tells nothing."""
    project, _ = sound(root)
    found = documents(site, project)

    def work(times):
        many = again(found, times)
        calls = Counter()
        sys.setprofile(lambda frame, event, argument: calls.update([event]))
        try:
            search.write(tmp_path / str(times), many, project.glossary)
        finally:
            sys.setprofile(None)
        return calls["call"] + calls["c_call"]

    one, two, four = work(1), work(2), work(4)
    assert four - two < 2.2 * (two - one)
