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
        ("답", "conclusion"),
        ("흔한 오해", "misconception"),
        ("✓ ‘두 값은 같아요’", "same"),
        ("· 왜 같은지", "explained"),
        ("더 해보기", "try"),
        ("근거", "sources"),
    ]
    assert [(words(row.summary), row["id"]) for row in page.select("details.folded")] == [
        ("어떤 질문이었나요", "asked"),
        ("함께 볼 문답", "related"),
    ]
    assert len(page.select("details.answer.opinion")) == len(page.select("details.answer.explanation")) == 1


def test_head_says_where_the_thread_stands(project):
    page = pages(project)[FIRST]
    meta = page.select_one(".thread-meta")
    assert words(meta) == "기초 읽는 데 1분 판정 3 ✓✓✗"
    assert [(square["href"], square["class"], square["aria-label"]) for square in meta.select(".tally a")] == [
        ("#same-1", ["true"], "맞음: 두 값이 같아요."),
        ("#same-2", ["true"], "맞음: 옛날부터 그랬어요."),
        ("#explained-1", ["false"], "틀림: 차이가 커요."),
    ]


def test_time_to_read_follows_the_length_of_what_is_read(project):
    page = pages(project, first=("눈으로 보면 같아 보여요.", "같아 보여요. " * 250))[FIRST]
    assert "읽는 데 4분" in words(page.select_one(".thread-meta"))


def test_claims_carry_mark_gauge_reason_and_what_they_rest_on(project):
    page = pages(project)[FIRST]
    claims = {claim["id"]: claim for claim in page.select("article.claim")}
    assert {name: claim["class"][1] for name, claim in claims.items()} == {
        "same-1": "true",
        "same-2": "true",
        "explained-1": "false",
    }
    claim = claims["same-1"]
    assert words(claim.select_one(".claim-text")) == "✓ 두 값이 같아요."
    assert claim.select_one(".claim-text .mark[role=img]")["aria-label"] == "맞음"
    assert words(claim.select_one(".gauge")) == "1.00×10⁻⁷ · 10⁻⁵보다 작아야 해요"
    assert words(claim.select_one(".why")) == "차이를 쟀어요."
    evidence = claim.select_one("details.evidence")
    assert words(evidence.summary) == "맞음 · 실험 · 근거 2개" and not evidence.has_attr("open")
    assert words(evidence.select_one(".conditions")) == "measure.difference 1.00×10⁻⁷ < 10⁻⁵"
    assert words(evidence.select_one(".where")) == "실행: 차이 재기"
    assert evidence.select_one(".where a")["href"] == "../../notebooks/measure.ipynb"
    assert words(evidence.select_one(".cite")) == "홍길동 (2021) 식 1"
    assert evidence.select_one(".cite a")["href"] == "https://arxiv.org/abs/2010.11929"
    permalink = evidence.select_one("a.permalink")
    assert (permalink["href"], words(permalink)) == ("#same-1", "이 주장의 주소")
    other = claims["same-2"].select_one("details.evidence")
    assert words(other.summary) == "맞음 · 문헌 · 근거 1개"
    assert words(other.select_one(".cite")) == "홍길동 (2021) 1절: 옛날 일이에요."
    assert not claims["same-2"].select(".gauge, .conditions, .where"), "others measured it"


def test_raw_names_of_evidence_are_shown_to_nobody_who_does_not_ask(project):
    page = pages(project)[FIRST]
    for folded in page.select("details.evidence, details.shown-code"):
        folded.decompose()
    assert not [name for name in ("measure.", "snippets/", "==") if name in words(page)]


def test_two_gauges_stand_beside_a_claim_and_the_others_beneath(project):
    check = "measure.difference < 1 and measure.difference < 2 and measure.difference < 3"
    claim = pages(project, first=("measure.difference < 1e-5", check))[FIRST].select_one("#same-1")
    assert len(claim.select(".gauge")) == 3 and len(claim.select(".evidence .gauge")) == 1
    assert len(claim.select(".evidence .conditions li")) == 3
    assert words(claim.select_one(".evidence summary")) == "맞음 · 실험 · 근거 4개"


def test_what_evidence_is_called_on_the_page(project):
    put(project / "docs" / "labels.yaml", "measure: {difference: 두 값의 차이}\n")
    claim = pages(project)[FIRST].select_one("#same-1")
    assert words(claim.select_one(".gauge")) == "두 값의 차이 1.00×10⁻⁷ · 10⁻⁵보다 작아야 해요"
    assert words(claim.select_one(".evidence code")) == "measure.difference", "as it is written, for who asks"


def row_of(project, *edits):
    """The first answer's row after edits of its thread."""
    text = FILES["docs/qa/basics/first.yaml"]
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    put(project / "docs/qa/basics/first.yaml", text)
    return parsed(made(project)[FIRST]).select_one("details.answer")


WRONG, FIRST_CLAIM = ("verdict: 맞음", "verdict: 틀림"), "basis: 실험\n        verdict: "


@pytest.mark.parametrize(
    "edits, sign, css, is_struck",
    [
        ([], "✓", "true", False),
        ([WRONG], "✗", "false", True),
        ([WRONG, ("kind: 의견", "kind: 의견\n    verdict: 일부 맞음")], "◐", "partly", False),
        ([(f"{FIRST_CLAIM}맞음", f"{FIRST_CLAIM}틀림")], "◐", "partly", False),
        ([(f"{FIRST_CLAIM}맞음", f"{FIRST_CLAIM}미확인")], "✓", "true", False),
    ],
    ids=["right", "wrong", "its author's", "mixed", "right as far as known"],
)
def test_a_row_has_the_verdict_of_its_claims_and_strikes_what_is_refuted(project, edits, sign, css, is_struck):
    row = row_of(project, *edits)
    assert row["class"][2] == css and words(row.h2.select_one(".mark")) == sign
    assert bool(row.h2.s) == is_struck and not row.has_attr("open")
    assert ("‘두 값은 같아요’" in words(row.h2)) == ("opinion" in row["class"]), (
        "what others said stands in quotation marks"
    )


def test_an_explanation_of_ours_has_no_verdict(project):
    row = row_of(project, WRONG, ("의견", "해설"))
    assert row["class"] == ["answer", "explanation"] and words(row.h2.select_one(".mark")) == "·" and not row.h2.s


def test_a_row_whose_claims_are_all_open_is_open(project):
    row = pages(project)[SECOND].select_one("details.answer")
    assert row["class"] == ["answer", "opinion", "open"] and words(row.h2) == "? ‘작아요’"


def test_gist_of_an_answer_is_filled_in_and_formatted(project):
    gist = "gist: '차이는 **{{measure.difference:.0e}}**, $x$, `a`'"
    summary = row_of(project, ("title: 두 값은 같아요", f"title: 두 값은 같아요\n    {gist}")).summary
    assert words(summary.select_one(".gist")) == "차이는 10⁻⁷, \\(x\\), a"
    assert summary.select_one(".gist strong .value") and summary.select_one(".gist code, .gist .arithmatex")


def test_every_verdict_has_a_class_of_its_own(project):
    claims = [claim for page in pages(project).values() for claim in page.select("article.claim")]
    assert {claim["class"][1] for claim in claims} == {css for css, _, _ in schema.VERDICTS.values()}


def test_run_shows_code_and_figure(project):
    texts = made(project)
    row, other = parsed(texts[FIRST]).select("details.answer")
    code = row.select_one("details.shown-code")
    assert words(code.summary) == "코드 3줄 distance" and not code.has_attr("open")
    assert words(code.select_one(".filename")) == "snippets/measure.py"
    assert code.pre.get_text().strip().startswith("def distance(a, b):")
    assert row.select_one("figure#measure-curve svg") and not other.select("figure, pre")
    assert words(parsed(texts[SECOND]).select_one("figure#count-sizes figcaption")) == "크기"


def test_a_figure_stands_in_a_page_once(project):
    page = pages(
        project, first=("      - run: measure\n    claims", "      - {run: measure, figure: curve}\n    claims")
    )[FIRST]
    first, second = page.select("details.answer")
    assert first.select_one("figure#measure-curve") and not second.select("figure")
    assert second.find("a", href="#measure-curve").get_text() == "위에서 본 그림"


def test_what_to_try_hides_its_outcome_until_asked(project):
    item = pages(project)[FIRST].select_one("div#try-1.try-item")
    assert words(item).startswith("값을 바꿔 보세요. 예상해 보세요. 어떻게 될까요?")
    assert words(item.details.summary) == "결과 보기" and "커져요." in words(item.details)
    assert words(item.details.select_one(".measured")) == "1.00×10⁻⁷"


def test_next_follows_the_reading_order_and_says_why_to_go_on(project):
    assert {
        name: [
            *page.select_one('nav.next[aria-label="다음 문답"]').stripped_strings,
            page.select_one("nav.next a")["href"],
        ]
        for name, page in pages(project).items()
    } == {
        FIRST: ["다음 · 기초 2 / 2", "값이 작나요?", "작아요.", "second.md"],
        SECOND: ["다음 · 더 깊이 1 / 1", "셋째는요?", "네, 3번이에요.", "../more/third.md"],
        THIRD: ["여기까지예요", "모든 문답", "../index.md"],
    }


def test_an_answer_that_looks_like_markup_is_shown_as_it_is_in_what_comes_next(project):
    edited(project, "docs/qa/basics/second.yaml", "conclusion: 작아요.", r"conclusion: '\*a\*와 `b`, $x < y$'")
    following = parsed(made(project)[FIRST]).select_one("nav.next")
    assert list(following.stripped_strings)[2] == "*a*와 b, x<y" and not following.select("em")


def test_what_to_read_first_sources_and_related(project):
    page = pages(project)[SECOND]
    meta = page.select_one(".thread-meta")
    assert words(meta).endswith("먼저 읽기: 두 값은 같나요?") and meta.select("a")[-1]["href"] == "first.md"
    items = page.select("section.sources li")
    assert [words(item) for item in items] == [
        "이 글의 수가 나온 실행: 세기(2초) 코드",
        "원문: 강의 노트, 둘째 절",
        "홍길동 (2021), 그림은 낱말: 표 1",
        "비교",
    ]
    assert [[link["href"] for link in item.select("a")] for item in items] == [
        ["../../notebooks/count.ipynb", "../../snippets/count.py"],
        [],
        ["https://arxiv.org/abs/2010.11929"],
        ["../../tags.md#비교"],
    ]
    assert [link["href"] for link in page.select("details.related a")] == ["first.md", "../more/third.md"]


def test_a_short_question_stands_where_there_is_little_room(project):
    page = pages(project, first=("needs: []", "needs: []\nshort: 같나"))[SECOND]
    assert words(page.select_one(".thread-meta")).endswith("먼저 읽기: 같나")


def test_places_of_a_paper_are_named_once(project):
    items = [words(item) for item in pages(project)[FIRST].select("section.sources li")]
    assert [item for item in items if "홍길동" in item] == ["홍길동 (2021), 그림은 낱말: 식 1, 1절"]


def test_the_answer_comes_first_and_its_reasons_after_the_prediction(project):
    answer = "needs: []\nanswer: '차이는 **{{measure.difference:.0e}}**예요.'"
    texts = made(project, first=("needs: []", answer))
    page = parsed(texts[FIRST])
    assert words(page.select_one("section.conclusion")) == "답 차이는 10⁻⁷예요."
    assert words(page.select_one(".because")) == "차이는 1.0×10⁻⁷이에요. 둘째 문답도 보세요."
    assert 'description: "차이는 10⁻⁷예요."' in texts[FIRST]
    assert "차이는 10⁻⁷예요." in words(parsed(texts["qa/index.md"]).select_one(".thread-list .gist"))


def test_without_a_short_answer_the_conclusion_is_the_answer(project):
    text = made(project)[FIRST]
    page = parsed(text)
    assert words(page.select_one("section.conclusion p")) == "차이는 1.0×10⁻⁷이에요. 둘째 문답도 보세요."
    assert not page.select(".because") and 'description: "차이는 1.0×10⁻⁷이에요. 둘째 문답도 보세요."' in text


def test_a_thread_that_shares_nothing_has_no_related(project):
    found, _ = examine(project)
    assert [each.id for each in thread.related_threads(found, found.threads["third"])] == ["second"], "one run of both"
    edited(project, "docs/qa/basics/second.yaml", "{run: count, figure: sizes}", "{run: measure}")
    found, _ = examine(project)
    assert thread.related_threads(found, found.threads["third"]) == []
    assert not parsed(collect.pages(found)[THIRD]).select(".related")


def test_old_record_is_told_on_the_page(project):
    put(project / "snippets" / "helper.py", FILES["snippets/helper.py"].replace("x / 2", "0.5 * x"))
    found, problems = examine(project)
    assert all(problem.minor for problem in problems)
    page = parsed(collect.pages(found)[FIRST])
    assert words(page.select_one("details.answer p.stale")).startswith("이 기록은 지금의 코드보다 오래됐어요.")
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
    assert page.select_one("article#same-2 a#older-1")
    row = page.select_one("h2#explained").find_parent("details")
    assert row.find_previous_sibling().select_one("a#older"), "just before the row, closed or open"
    assert row["class"] == ["answer", "explanation"] and not row.has_attr("markdown")


def test_a_place_in_a_paper_that_another_names_too_is_told_once():
    wheres = ["3.1절과 3.2절", "3.1절", "1절", "Table 1", "Table 10", "식 2와 3", "식 2"]
    assert thread._widest(wheres) == ["3.1절과 3.2절", "1절", "Table 1", "Table 10", "식 2와 3"]
