import json
import posixpath
import re

import markdown
import pytest
from engine import FILES, RECORDS, make_project, make_records, put
from pagelinks import anchors, links

from mundap.pages import render
from mundap.problems import Failure
from mundap.project import schema, texts
from mundap.project.check import examine
from mundap.project.draft import anchors as thread_anchors

FIRST, SECOND = "docs/qa/basics/first.yaml", "docs/qa/basics/second.yaml"
MKDOCS = {
    "extensions": ["md_in_html", "attr_list", "tables", "toc", "pymdownx.arithmatex", "pymdownx.superfences"],
    "extension_configs": {"pymdownx.arithmatex": {"generic": True}},
}


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path)


def made(project, flavour="mkdocs", **edits):
    """The pages of a small project after edits: file="old → new"."""
    for name, edit in edits.items():
        file = {"first": FIRST, "second": SECOND, "index": "qa_index.yaml"}[name]
        old, new = edit
        assert old in FILES[file]
        put(project / file, FILES[file].replace(old, new))
    found, problems = examine(project)
    assert problems == []
    return render.pages(found, flavour)


@pytest.mark.parametrize("flavour", ["mkdocs", "plain"])
def test_every_link_leads_to_a_page_and_every_anchor_stands_once(project, flavour):
    more = "[실행](run:measure), [그림](#measure-curve), [답](#same), [표](thread:second#count-sizes), [](thread:third)"
    pages = made(project, flavour, first=("[실행](run:measure)을 보세요.", more))
    notebooks = {f"notebooks/{name}.ipynb" for name in RECORDS}
    for path, text in pages.items():
        if not path.endswith(".md"):
            continue
        assert len(anchors(text)) == len(set(anchors(text))), path
        for target, anchor in links(text):
            whole = posixpath.normpath(posixpath.join(posixpath.dirname(path), target)) if target else path
            assert whole in pages or whole in notebooks, (path, target)
            if anchor:
                assert anchor in anchors(pages[whole]), (path, target, anchor)
    assert "[셋째는요?](../more/third.md)" in pages["qa/basics/first.md"]


@pytest.mark.parametrize("flavour", ["mkdocs", "plain"])
def test_anchors_are_those_that_links_are_checked_against(project, flavour):
    pages = made(project, flavour)
    found, _ = examine(project)
    for thread in found.threads.values():
        assert sorted(anchors(pages[render.thread_path(thread)])) == sorted(thread_anchors(thread.data))


def test_pages(project):
    assert list(made(project)) == [
        "qa/index.md",
        "tags.md",
        "glossary.md",
        "sources.md",
        "qa/basics/index.md",
        "qa/more/index.md",
        "qa/basics/first.md",
        "qa/basics/second.md",
        "qa/more/third.md",
        "download/count.ipynb",
        "figures/measure/curve.svg",
        "download/measure.ipynb",
        "snippets/count.py",
        "snippets/helper.py",
        "snippets/measure.py",
    ]
    pages = made(project)
    assert pages["figures/measure/curve.svg"] == "<svg><text>선</text></svg>"
    assert pages["snippets/helper.py"] == FILES["snippets/helper.py"]


def test_numbers_come_from_the_record(project):
    page = made(project)["qa/basics/first.md"]
    assert '차이는 <span class="value" title="measure.difference">1.0e-07</span>예요.' in page
    make_records(project, measure=({"difference": 2e-6, "name": "작음"}, *RECORDS["measure"][1:]))
    page = made(project)["qa/basics/first.md"]
    assert '<span class="value" title="measure.difference">2.0e-06</span>' in page
    assert '<dd><span class="measured">2.00e-06</span> <span class="bound">기준 &lt; 1e-5</span></dd>' in page


def test_values_in_formulas_and_code(project):
    page = made(
        project, first=("      값 `a`와", "      $x = {{measure.difference:.0e}}$ `{{measure.difference}}` 값 `a`와")
    )
    assert "$x = 1e-07$ `{{measure.difference}}` 값" in page["qa/basics/first.md"]


@pytest.mark.parametrize(
    "check, expected",
    [
        ("measure.difference < 1e-5", ["<code>measure.difference</code>", "1.00e-07", "기준 &lt; 1e-5"]),
        ("1e-9 < measure.difference < count.steps", ["기준 &gt; 1e-9", "비교 &lt; 3 (<code>count.steps</code>)"]),
        (
            'measure.name == "작음" and count.exact == True',
            ["<code>measure.name</code>", ">작음<", "기준 == 작음", "<code>count.exact</code>", ">참<", "기준 == 참"],
        ),
        ("count.steps / 2 >= 1.5", ["<code>count.steps / 2</code>", ">1.5<", "기준 &gt;= 1.5"]),
    ],
)
def test_measured_number_beside_its_bound(project, check, expected):
    page = made(project, first=("measure.difference < 1e-5", check))["qa/basics/first.md"]
    claim = page[page.index('id="same-1"') : page.index('id="same-2"')]
    for part in expected:
        assert part in claim, claim


def test_claims_carry_badge_permalink_run_reason_and_citation(project):
    page = made(project)["qa/basics/first.md"]
    claim = page[page.index('<article class="claim true" id="same-1"') :]
    claim = claim[: claim.index('<article class="claim cited" id="same-2"')]
    assert '<span aria-hidden="true">✓</span> 맞음</span> 두 값이 같아요.' in claim
    assert '<a class="permalink" href="#same-1" aria-label="이 주장의 주소"' in claim
    assert "실행: [차이 재기](../../notebooks/measure.ipynb)" in claim and "차이를 쟀어요." in claim
    assert "[홍길동 (2021)](https://arxiv.org/abs/2010.11929) 식 1" in claim
    assert page.count("<article") == page.count("</article>") == 3 and page.count('class="claim false"') == 1
    for name, (_, sign, meaning) in schema.VERDICTS.items():
        assert name in render.badge(name) and sign in render.badge(name) and meaning in render.badge(name)


def test_run_shows_code_figure_and_links(project):
    pages = made(project)
    page = pages["qa/basics/first.md"]
    assert '```python title="snippets/measure.py"\ndef distance(a, b):' in page
    assert "![차이가 작아요.](../../figures/measure/curve.svg)" in page
    assert "- [전체 코드](../../snippets/measure.py)\n- 직접 돌리기: `python snippets/measure.py`" in page
    assert "설명과 실행 결과 · 실행 2초" in page
    assert '<figure id="count-sizes"' in pages["qa/basics/second.md"] and "크기" in pages["qa/basics/second.md"]


def test_figure_that_stands_further_up_is_a_link(project):
    page = made(
        project,
        first=(
            "      - run: measure\n    claims",
            "      - {run: measure, figure: curve}\n      - {run: count, figure: sizes}\n"
            "      - {run: count, figure: sizes}\n    claims",
        ),
    )["qa/basics/first.md"]
    assert page.count("![차이가 작아요.]") == 1 and "위에서 본 그림: [차이가 작아요.](#measure-curve)" in page
    assert page.count('id="count-sizes"') == 1 and "위에서 본 표: [크기](#count-sizes)" in page


def test_previous_and_next_follow_the_reading_order(project):
    pages = made(project)
    navigation = {
        name: re.findall(r"\[<span>(이전|다음)</span> [^\]]+\]\(([^)]+)\)", pages[name])
        for name in ("qa/basics/first.md", "qa/basics/second.md", "qa/more/third.md")
    }
    assert navigation == {
        "qa/basics/first.md": [("다음", "second.md")],
        "qa/basics/second.md": [("이전", "first.md"), ("다음", "../more/third.md")],
        "qa/more/third.md": [("이전", "../basics/second.md")],
    }


def test_what_to_read_first_sources_and_related(project):
    page = made(project)["qa/basics/second.md"]
    assert "**먼저 읽으면 좋아요**\n\n- [두 값은 같나요?](first.md)" in page
    assert "- 강의 노트: 둘째 절\n- 홍길동 (2021), [그림은 낱말](https://arxiv.org/abs/2010.11929): 표 1" in page
    related = page[page.index("{#related}") :]
    assert related.index("[두 값은 같나요?](first.md)") < related.index("[셋째는요?](../more/third.md)")


def test_old_record_is_told_on_the_page(project):
    put(project / "snippets" / "helper.py", FILES["snippets/helper.py"].replace("x / 2", "0.5 * x"))
    found, problems = examine(project)
    assert all(problem.minor for problem in problems)
    assert 'class="stale"' in render.pages(found)["qa/basics/first.md"]


def test_nothing_of_a_run_or_an_author_is_taken_for_markup(project):
    figure = ("image/svg+xml", "<svg/>", 'a [b] *c* `d` $e$ _f_ <g> "h" \\ i')
    make_records(project, measure=({"difference": 1e-7, "name": "<b>&"}, {}, {"curve": figure}))
    page = made(project, first=('measure.name == "작음"', 'measure.name == "<b>&"'))["qa/basics/first.md"]
    assert '<span class="measured">&lt;b&gt;&amp;</span> <span class="bound">기준 == &lt;b&gt;&amp;</span>' in page
    html = markdown.markdown(page, **MKDOCS)
    alt = re.search(r'<img alt="([^"]*)"', html)[1]
    assert alt == "a [b] *c* `d` $e$ _f_ &lt;g&gt; &quot;h&quot; \\ i", alt


def test_code_that_holds_a_fence(project):
    put(
        project / "snippets" / "measure.py",
        FILES["snippets/measure.py"].replace("How far two numbers", "```` How far two numbers"),
    )
    make_records(project)
    page = made(project)["qa/basics/first.md"]
    assert '`````python title="snippets/measure.py"\n' in page and "\n`````\n" in page


def test_head_of_a_page_is_plain_and_short():
    head = render.front_matter(
        "제목 `a` **b**", "글 <span>x</span> [링크](thread:a) $y$ " + "긴 글 " * 99, kind="thread"
    )
    assert head.startswith("---\n") and head.endswith("\n---\n")
    values = {line.partition(": ")[0]: json.loads(line.partition(": ")[2]) for line in head.strip("-\n").splitlines()}
    assert values["title"] == "제목 a b" and values["description"].startswith("글 x 링크 y 긴 글")
    assert len(values["description"]) <= 150


def test_chapters_introductions_are_filled_in(project):
    pages = made(project, index=("처음 읽는 장이에요.", '"{{count.steps}}걸음, [둘째](thread:second)."'))
    filled = '<span class="value" title="count.steps">3</span>걸음, [둘째]('
    assert filled in pages["qa/basics/index.md"] and filled in pages["qa/index.md"]
    assert filled in render.learning_path(examine(project)[0], "index.md")
    assert 'description: "3걸음, 둘째."' in pages["qa/basics/index.md"]


def test_every_section_of_a_document_with_the_threads_that_answer_it(project):
    sections = "{title: 강의 노트, sections: [{title: 첫째 | 절, threads: [first, third]}, {title: 둘째, threads: []}]}"
    page = made(project, index=("{title: 강의 노트}", sections))["sources.md"]
    assert page.endswith(
        "## 강의 노트\n\n| 대목 | 문답 |\n|---|---|\n| 첫째 \\| 절 | [두 값은 같나요?](qa/basics/first.md)<br>"
        "[셋째는요?](qa/more/third.md) |\n| 둘째 | 아직 쓰는 중이에요 |\n"
    )


def test_counts_are_counted(project):
    found, _ = examine(project)
    assert render.verdict_counts(found.threads.values()) == {
        "맞음": 1,
        "일부 맞음": 1,
        "틀림": 1,
        "미확인": 1,
        "문헌": 1,
    }
    board = render.fill(found, "<!-- mundap:scoreboard -->", "index.md")
    assert "주장 <strong>5</strong>개" in board and board.count("flex-grow: 1") == 5
    runs = render.fill(found, "<!-- mundap:runs -->", "runs.md").splitlines()
    users = "[값이 작나요?](qa/basics/second.md), [셋째는요?](qa/more/third.md)"
    assert runs[2] == f"| [세기](notebooks/count.ipynb) | 2.5초 | {users} |"
    assert len(render.fill(found, "<!-- mundap:verdicts -->", "index.md").splitlines()) == 2 + len(schema.VERDICTS)


def test_hand_written_pages_show_figures_code_and_numbers(project):
    found, _ = examine(project)
    text = (
        "---\ntitle: 쪽\n---\n\n값은 {{measure.difference:.0e}}, `{{measure.difference}}`, [실행](run:measure), "
        "[답](thread:first#same).\n\n<!-- mundap:figure measure.curve -->\n\n<!-- mundap:figure count.sizes -->\n\n"
        "<!-- mundap:code measure.distance -->\n\n`<!-- mundap:figure measure.curve -->`\n"
    )
    page = render.fill(found, text, "deep/page.md")
    assert page.startswith("---\ntitle: 쪽\n---\n")
    assert '값은 <span class="value" title="measure.difference">1e-07</span>, `{{measure.difference}}`' in page
    assert "[실행](../notebooks/measure.ipynb), [답](../qa/basics/first.md#same)." in page
    assert "\n![차이가 작아요.](../figures/measure/curve.svg){#measure-curve}\n" in page
    assert '<figure id="count-sizes" class="run-table"><figcaption>크기</figcaption>' in page
    assert '```python title="snippets/measure.py"\ndef distance(a, b):' in page
    assert page.endswith("`<!-- mundap:figure measure.curve -->`\n")
    plain = render.to_plain(found, page)
    assert '<a id="measure-curve"></a>\n\n![차이가 작아요.](../figures/measure/curve.svg)\n' in plain


def test_plain_flavour_needs_no_extension(project):
    for path, text in made(project, "plain").items():
        if path.endswith(".md"):
            assert not re.search(r'markdown="1"|\{#|\)\{\.|exec="1"', text), path
    page = made(project, "plain")["qa/basics/first.md"]
    assert "```python\nprint('토큰은', 14 * 14 + 1, '개예요.')\n```\n\n토큰은 197 개예요." in page
    assert '<a id="same"></a>\n\n## 두 값은 같아요\n' in page


@pytest.mark.parametrize(
    "code, words", [("import sys\n1 / 0", "ZeroDivisionError"), ("raise SystemExit(3)", "오류로 멈췄어요")]
)
def test_block_that_fails(project, code, words):
    put(project / "docs" / "blocks" / "tokens.py", code + "\n")
    with pytest.raises(Failure, match=r"docs/blocks/tokens\.py:1:1: 블록이 오류로 멈췄어요\(.*") as caught:
        made(project, "plain")
    assert words in str(caught.value)


def test_rendering_is_the_same_each_time(project):
    assert made(project) == made(project)


@pytest.mark.parametrize(
    "term, expected", [("위치 임베딩", "위치-임베딩"), ("Q·K·V", "q-k-v"), (" ViT-B/16 ", "vit-b-16"), ("!?", "")]
)
def test_slug(term, expected):
    assert texts.slug(term) == expected
