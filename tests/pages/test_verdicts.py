from types import SimpleNamespace

import pytest
from bs4 import BeautifulSoup
from engine import RECORDS, make_project, make_records
from pages import FIRST, edited, made, parsed, sound_project, words

from mundap.pages import verdicts
from mundap.project import schema
from mundap.project.check import examine

PAGE = "qa/basics/first.md"


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path)


def html(text):
    return BeautifulSoup(text, "html.parser")


@pytest.mark.parametrize("verdict", schema.VERDICTS)
def test_a_badge_says_its_verdict_by_word_and_sign(verdict):
    _, sign, meaning = schema.VERDICTS[verdict]
    badge = html(verdicts.badge(verdict)).select_one(".verdict")
    assert words(badge) == f"{sign} {verdict}" and badge["title"] == meaning
    assert badge.select_one("[aria-hidden=true]").get_text() == sign, "a screen reader hears the word"


def test_a_level_has_its_class():
    badges = [html(verdicts.level_badge(level)).span for level in schema.LEVELS]
    assert [badge.get_text() for badge in badges] == list(schema.LEVELS)
    assert [badge["class"] for badge in badges] == [["level", f"level-{n + 1}"] for n in range(len(schema.LEVELS))]


@pytest.mark.parametrize(
    "check, rows",
    [
        ("measure.difference < 1e-5", ["measure.difference 1.00×10⁻⁷ < 10⁻⁵"]),
        (
            "1e-9 < measure.difference < count.steps",
            ["measure.difference 1.00×10⁻⁷ > 10⁻⁹", "measure.difference 1.00×10⁻⁷ < count.steps = 3"],
        ),
        (
            'measure.name == "작음" and count.exact == True',
            ['measure.name 작음 == "작음"', "count.exact 참 == True"],
        ),
        ("count.steps / 2 >= 1.5", ["count.steps / 2 1.5 >= 1.5"]),
    ],
)
def test_measured_number_beside_its_bound(project, check, rows):
    edited(project, FIRST, "measure.difference < 1e-5", check)
    claim = parsed(made(project)[PAGE]).select_one("article#same-1")
    assert [words(row) for row in claim.select(".conditions > li")] == rows
    names = [row.code.get_text() for row in claim.select(".conditions > li")]
    assert all(row.startswith(name) for row, name in zip(rows, names))


def test_the_measured_number_comes_from_the_record(project):
    make_records(project, measure=({"difference": 2e-6, "name": "작음"}, *RECORDS["measure"][1:]))
    claim = parsed(made(project)[PAGE]).select_one("article#same-1")
    assert words(claim.select_one(".gauge")) == "2.00×10⁻⁶ · 10⁻⁵보다 작아야 해요"
    assert words(claim.select_one(".conditions")) == "measure.difference 2.00×10⁻⁶ < 10⁻⁵"


def test_nothing_of_a_run_is_taken_for_markup(project):
    evidence = {"difference": 1e-7, "name": "<b>&"}
    make_records(project, measure=(evidence, *RECORDS["measure"][1:]))
    text = made(project, first=('measure.name == "작음"', 'measure.name == "<b>&"'))[PAGE]
    assert '<b class="measured">&lt;b&gt;&amp;</b> · <span class="bound">&lt;b&gt;&amp;' in text
    assert "<code>measure.name</code> &lt;b&gt;&amp; == &quot;&lt;b&gt;&amp;&quot;</li>" in text


def test_the_runs_that_decided_are_named(project):
    edited(project, FIRST, "measure.difference < 1e-5", "measure.difference < count.steps")
    where = parsed(made(project)[PAGE]).select_one("article#same-1 .where")
    assert words(where) == "실행: 차이 재기, 세기"
    assert [link["href"] for link in where.select("a")] == [
        "../../notebooks/measure.ipynb",
        "../../notebooks/count.ipynb",
    ]


def test_counts_are_counted(project):
    project = sound_project(project)
    assert verdicts.verdict_counts(project.threads.values()) == dict.fromkeys(schema.VERDICTS, 1) | {"맞음": 2}
    assert verdicts.basis_counts(project.threads.values()) == {"실험": 4, "문헌": 1}
    assert verdicts.verdict_counts([project.threads["third"]]) == {"일부 맞음": 1}
    board = html(verdicts.scoreboard(project)).select_one(".scoreboard")
    assert words(board.p) == "지금까지 주장 5개를 판정했어요. 무엇이 갈랐나 세어 보면 실험 4개, 문헌 1개예요."
    assert [span["style"] for span in board.select(".bar span")] == ["flex-grow: 2", *["flex-grow: 1"] * 3]
    assert [words(item) for item in board.select("li")] == [
        f"{sign} {name} {2 if name == '맞음' else 1}" for name, (_, sign, _) in schema.VERDICTS.items()
    ]


def test_what_each_verdict_and_basis_means():
    rows = parsed(verdicts.verdict_table()).select("tbody tr")
    assert [[words(cell) for cell in row.select("td")] for row in rows] == [
        *([f"{sign} {name}", meaning] for name, (_, sign, meaning) in schema.VERDICTS.items()),
        *([name, meaning] for name, meaning in schema.BASES.items()),
    ]


GAPS = [0.2, 0.1, 0.3, 0.2, 0.25]
UNTAUGHT = {"배우지 않은 모델": {"gap": [0.01, -0.1, 0.05, -0.02, 0.03]}}


def with_gaps(project, check, null):
    evidence = {"difference": 1e-7, "name": "작음", "gap": GAPS}
    make_records(project, measure=(evidence, *RECORDS["measure"][1:], null))
    edited(project, FIRST, "measure.difference < 1e-5", check)
    return parsed(made(project)[PAGE]).select_one("article#same-1")


def test_seeds_are_dots_beside_what_is_measured_without_the_effect(project):
    claim = with_gaps(project, "low(measure.gap) > 0", UNTAUGHT)
    assert words(claim.select_one(".measured")) == "0.118" and words(claim.select_one(".bound")) == "0을 넘어야 해요"
    assert words(claim.select_one(".null")).startswith("◇ 배우지 않은 모델이라면 −0.0")
    assert words(claim.select_one(".conditions")) == "low(measure.gap) 0.118 > 0"
    drawing = claim.select_one("svg.dots[role=img]")
    assert len(drawing.select("circle.seed")) == 5 and len(drawing.select(".null-mark, .bound-mark, .interval")) == 3
    assert drawing["aria-label"] == "시드 5개가 0.1에서 0.3 사이, 평균 0.21, 평균의 95% 구간 0.118에서 0.302"


def test_a_comparison_of_every_seed_shows_from_where_to_where_they_go(project):
    claim = with_gaps(project, "all(measure.gap > 0)", {})
    assert words(claim.select_one(".gauge p")) == "0.1~0.3 · 모두 0을 넘어야 해요"
    assert words(claim.select_one(".conditions")) == "all(measure.gap) 0.1~0.3 > 0"
    assert not claim.select(".null") and len(claim.select("circle.seed")) == 5


def test_a_world_that_changes_nothing_is_not_told(project):
    claim = with_gaps(project, "measure.difference < 1e-5", UNTAUGHT)
    assert len(claim.select(".seed")) == 1 and not claim.select(".null, .null-mark")


@pytest.mark.parametrize(
    "each, whole",
    [
        (["맞음", "맞음"], "맞음"),
        (["틀림", "미확인"], "틀림"),
        (["맞음", "틀림"], "일부 맞음"),
        (["맞음", "일부 맞음"], "일부 맞음"),
        (["일부 맞음"], "일부 맞음"),
        (["미확인", "미확인"], "미확인"),
    ],
)
def test_the_verdict_of_an_answer_is_its_authors_or_that_of_its_claims(each, whole):
    claims = tuple(SimpleNamespace(verdict=verdict) for verdict in each)
    assert verdicts.of_answer(SimpleNamespace(claims=claims, kind="의견", verdict=None)) == whole
    assert verdicts.of_answer(SimpleNamespace(claims=claims, kind="의견", verdict="틀림")) == "틀림"
    assert verdicts.of_answer(SimpleNamespace(claims=claims, kind="해설", verdict=None)) is None


@pytest.mark.parametrize("verdict", schema.VERDICTS)
def test_a_mark_is_a_sign_with_a_name(verdict):
    css, sign, _ = schema.VERDICTS[verdict]
    square = html(verdicts.mark(verdict)).span
    assert (square["class"], words(square), square["role"], square["aria-label"]) == (
        ["mark", css],
        sign,
        "img",
        verdict,
    )


def test_the_squares_of_a_thread_lead_to_its_claims_from_wherever_they_stand(project):
    project = sound_project(project)
    first = project.threads["first"]

    def leads(page):
        return [square["href"] for square in html(verdicts.strip(project, first, page)).select("a")]

    assert leads(PAGE) == ["#same-1", "#same-2", "#explained-1"]
    assert leads("qa/more/third.md") == [f"../basics/first.md{anchor}" for anchor in leads(PAGE)]


def test_a_check_that_holds_where_there_is_nothing_to_find_is_a_problem(project):
    evidence = {"difference": 1e-7, "name": "작음", "gap": GAPS}
    make_records(project, measure=(evidence, *RECORDS["measure"][1:], UNTAUGHT))
    edited(project, FIRST, "measure.difference < 1e-5", "mean(measure.gap) > -1")
    _, (problem,) = examine(project)
    assert problem.path == FIRST and "`배우지 않은 모델`에서도 이 조건이 성립해서" in problem.what
