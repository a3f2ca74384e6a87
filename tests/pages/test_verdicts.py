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
        ("measure.difference < 1e-5", [("measure.difference", "1.00×10⁻⁷", "기준 < 10⁻⁵")]),
        (
            "1e-9 < measure.difference < count.steps",
            [
                ("measure.difference", "1.00×10⁻⁷", "기준 > 10⁻⁹"),
                ("measure.difference", "1.00×10⁻⁷", "비교 < 3 (count.steps)"),
            ],
        ),
        (
            'measure.name == "작음" and count.exact == True',
            [("measure.name", "작음", "기준 == 작음"), ("count.exact", "참", "기준 == 참")],
        ),
        ("count.steps / 2 >= 1.5", [("count.steps / 2", "1.5", "기준 >= 1.5")]),
    ],
)
def test_measured_number_beside_its_bound(project, check, rows):
    edited(project, FIRST, "measure.difference < 1e-5", check)
    claim = parsed(made(project)[PAGE]).select_one("article#same-1")
    shown = [
        (words(row.select_one("dt code")), words(row.select_one(".measured")), words(row.select_one(".bound")))
        for row in claim.select("dl.measure > div")
    ]
    assert shown == rows


def test_the_measured_number_comes_from_the_record(project):
    make_records(project, measure=({"difference": 2e-6, "name": "작음"}, *RECORDS["measure"][1:]))
    claim = parsed(made(project)[PAGE]).select_one("article#same-1")
    assert words(claim.dd) == "2.00×10⁻⁶ 기준 < 10⁻⁵"


def test_nothing_of_a_run_is_taken_for_markup(project):
    evidence = {"difference": 1e-7, "name": "<b>&"}
    make_records(project, measure=(evidence, *RECORDS["measure"][1:]))
    text = made(project, first=('measure.name == "작음"', 'measure.name == "<b>&"'))[PAGE]
    assert '<span class="measured">&lt;b&gt;&amp;</span> <span class="bound">기준 == &lt;b&gt;&amp;</span>' in text


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
    assert words(claim.select_one(".measured")) == "0.1179" and words(claim.select_one(".bound")) == "기준 > 0"
    assert words(claim.select_one(".null")).startswith("배우지 않은 모델이라면 -0.0")
    drawing = claim.select_one("svg.dots[role=img]")
    assert len(drawing.select("circle.seed")) == 5 and len(drawing.select(".null-mark, .bound-mark, .interval")) == 3
    assert drawing["aria-label"] == "씨앗 5개가 0.1에서 0.3 사이, 평균 0.21, 평균의 95% 구간 0.118에서 0.302"


def test_a_comparison_of_every_seed_shows_from_where_to_where_they_go(project):
    claim = with_gaps(project, "all(measure.gap > 0)", {})
    assert words(claim.dt) == "all(measure.gap)" and words(claim.select_one(".measured")) == "0.1~0.3"
    assert not claim.select(".null") and len(claim.select("circle.seed")) == 5


def test_a_value_that_is_no_list_has_no_dots(project):
    claim = with_gaps(project, "measure.difference < 1e-5", UNTAUGHT)
    assert not claim.select(".dots, .null")


def test_a_check_that_holds_where_there_is_nothing_to_find_is_a_problem(project):
    evidence = {"difference": 1e-7, "name": "작음", "gap": GAPS}
    make_records(project, measure=(evidence, *RECORDS["measure"][1:], UNTAUGHT))
    edited(project, FIRST, "measure.difference < 1e-5", "mean(measure.gap) > -1")
    _, (problem,) = examine(project)
    assert problem.path == FIRST and "`배우지 않은 모델`에서도 이 조건이 성립해서" in problem.what
