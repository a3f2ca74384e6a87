import json

import pytest
from engine import FILES, make_project, make_records, put
from pages import anchors, edited, made, parsed, words

from mundap.pages import collect, thread
from mundap.pages.links import thread_path
from mundap.pages.marks import MKDOCS, PLAIN
from mundap.project import draft, schema
from mundap.project.check import examine

FIRST, SECOND, THIRD = "qa/basics/first.md", "qa/basics/second.md", "qa/more/third.md"


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path)


def pages(project, **edits):
    """{path: the page as a BeautifulSoup} of the threads."""
    return {path: parsed(text) for path, text in made(project, **edits).items() if path in (FIRST, SECOND, THIRD)}


@pytest.mark.parametrize("flavour", [MKDOCS, PLAIN])
def test_anchors_are_those_that_links_are_checked_against(project, flavour):
    texts = made(project, flavour)
    found, _ = examine(project)
    drafts = {each.id: each for each in found.files.drafts}
    for each in found.threads.values():
        assert sorted(anchors(texts[thread_path(each)])) == sorted(draft.anchors(drafts[each.id].data))


def test_sections_stand_in_the_order_of_the_file(project):
    page = pages(project)[FIRST]
    assert page.h1.get_text() == "두 값은 같나요?"
    assert [(words(heading), heading["id"]) for heading in page.select("h2")] == [
        ("질문", "asked"),
        ("결론", "conclusion"),
        ("흔한 오해", "misconception"),
        ("두 값은 같아요", "same"),
        ("왜 같은지", "explained"),
        ("더 해보기", "try"),
        ("출처", "sources"),
        ("함께 볼 문답", "related"),
    ]
    assert [words(kind) for kind in page.select("section.answer > .kind")] == ["원문의 입장", "해설"]
    assert len(page.select("section.answer.opinion")) == len(page.select("section.answer.explanation")) == 1


def test_head_says_where_the_thread_stands(project):
    page = pages(project)[FIRST]
    assert words(page.select_one("nav.crumbs")) == "문답 › 기초"
    assert [(tag["href"], words(tag)) for tag in page.select(".thread-meta a.tag")] == [
        ("../../tags.md#같음", "같음"),
        ("../../tags.md#비교", "비교"),
    ]
    assert words(page.select_one(".level")) == "기초" and words(page.select_one(".origin")) == "원문: 강의 노트"


def test_claims_carry_badge_permalink_run_reason_and_citation(project):
    page = pages(project)[FIRST]
    claims = {claim["id"]: claim for claim in page.select("article.claim")}
    assert {name: claim["class"][1] for name, claim in claims.items()} == {
        "same-1": "true",
        "same-2": "true",
        "explained-1": "false",
    }
    claim = claims["same-1"]
    assert words(claim.select_one(".claim-text")).startswith("✓ 맞음 실험 두 값이 같아요.")
    permalink = claim.select_one("a.permalink")
    assert (permalink["href"], permalink["aria-label"]) == ("#same-1", "이 주장의 주소")
    assert words(claim.select_one(".where")) == "실행: 차이 재기"
    assert claim.select_one(".where a")["href"] == "../../notebooks/measure.ipynb"
    assert words(claim.select_one(".why")) == "차이를 쟀어요."
    assert words(claim.select_one(".cite")) == "홍길동 (2021) 식 1"
    assert claim.select_one(".cite a")["href"] == "https://arxiv.org/abs/2010.11929"
    assert words(claims["same-2"].select_one(".cite")) == "홍길동 (2021) 1절: 옛날 일이에요."
    assert not claims["same-2"].select(".measure, .where"), "others measured it"


def test_every_verdict_has_a_class_of_its_own(project):
    claims = [claim for page in pages(project).values() for claim in page.select("article.claim")]
    assert {claim["class"][1] for claim in claims} == {css for css, _, _ in schema.VERDICTS.values()}


def test_run_shows_code_figure_and_links(project):
    texts = made(project)
    page = parsed(texts[FIRST])
    run, other = page.select(".run")
    assert words(run.select_one(".filename")) == "snippets/measure.py"
    assert run.pre.get_text().strip().startswith("def distance(a, b):")
    assert run.select_one("figure#measure-curve svg") and not other.select("figure, pre")
    links = run.select(".run-links li")
    assert [words(item) for item in links] == [
        "차이 재기: 설명과 실행 결과 · 실행 2초",
        "전체 코드",
        "직접 돌리기: python snippets/measure.py",
    ]
    assert [link["href"] for link in run.select(".run-links a")] == [
        "../../notebooks/measure.ipynb",
        "../../snippets/measure.py",
    ]
    assert words(parsed(texts[SECOND]).select_one("figure#count-sizes figcaption")) == "크기"


def test_what_to_try_hides_its_outcome_until_asked(project):
    item = pages(project)[FIRST].select_one("div#try-1.try-item")
    assert words(item).startswith("값을 바꿔 보세요. 예상해 보세요. 어떻게 될까요?")
    assert words(item.details.summary) == "결과 보기" and "커져요." in words(item.details)
    assert words(item.details.select_one(".measured")) == "1.00×10⁻⁷"


def test_previous_and_next_follow_the_reading_order(project):
    navigation = {
        name: [
            (words(link.span), link["class"], link["href"])
            for link in page.select_one('nav.thread-nav[aria-label="이전과 다음 문답"]').select("a")
        ]
        for name, page in pages(project).items()
    }
    assert navigation == {
        FIRST: [("다음", ["next"], "second.md")],
        SECOND: [("이전", ["previous"], "first.md"), ("다음", ["next"], "../more/third.md")],
        THIRD: [("이전", ["previous"], "../basics/second.md")],
    }


def test_what_to_read_first_sources_and_related(project):
    page = pages(project)[SECOND]
    needs = page.select_one('nav.needs[aria-label="먼저 읽기"]')
    assert [(link["href"], words(link)) for link in needs.select("a")] == [("first.md", "두 값은 같나요?")]
    assert [words(item) for item in page.select("section.sources li")] == [
        "강의 노트: 둘째 절",
        "홍길동 (2021), 그림은 낱말: 표 1",
    ]
    assert page.select_one("section.sources a")["href"] == "https://arxiv.org/abs/2010.11929"
    assert [link["href"] for link in page.select("section.related a")] == ["first.md", "../more/third.md"]


def test_places_of_a_paper_are_named_once(project):
    page = pages(project)[FIRST]
    assert [words(item) for item in page.select("section.sources li")][1:] == ["홍길동 (2021), 그림은 낱말: 식 1, 1절"]


def test_a_thread_that_shares_nothing_has_no_related(project):
    found, _ = examine(project)
    assert [each.id for each in thread.related_threads(found, found.threads["third"])] == ["second"], "one run of both"
    edited(project, "docs/qa/basics/second.yaml", "{run: count, figure: sizes}", "{run: measure}")
    found, _ = examine(project)
    assert thread.related_threads(found, found.threads["third"]) == []
    assert not parsed(collect.pages(found)[THIRD]).select("section.related")


def test_old_record_is_told_on_the_page(project):
    put(project / "snippets" / "helper.py", FILES["snippets/helper.py"].replace("x / 2", "0.5 * x"))
    found, problems = examine(project)
    assert all(problem.minor for problem in problems)
    page = parsed(collect.pages(found)[FIRST])
    assert words(page.select_one(".run p.stale")).startswith("이 기록은 지금의 코드보다 오래됐어요.")
    make_records(project)
    assert not pages(project)[FIRST].select(".stale")


def test_head_of_a_page_is_plain_and_short():
    head = thread.front_matter(
        "제목 `a` **b**", "글 <span>x</span> [링크](thread:a) $y$ " + "긴 글 " * 99, kind="thread"
    )
    assert head.startswith("---\n") and head.endswith("\n---\n")
    values = {line.partition(": ")[0]: json.loads(line.partition(": ")[2]) for line in head.strip("-\n").splitlines()}
    assert values["title"] == "제목 a b" and values["description"].startswith("글 x 링크 y 긴 글")
    assert values["kind"] == "thread" and len(values["description"]) <= 150


def test_old_addresses_arrive_at_what_took_over(project):
    edited(
        project,
        "docs/qa/basics/first.yaml",
        "needs: []",
        "needs: []\nmoved: [{from: older-1, to: same-2}, {from: older, to: explained}]",
    )
    page = parsed(made(project)[FIRST])
    assert page.select_one("article#same-2 a#older-1") and page.select_one("section.answer a#older")
