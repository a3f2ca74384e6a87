"""What a page asks before it tells: the prediction of a thread, in both flavours, with what came out beneath."""

import json

import pytest
from engine import FILES, make_project, put
from pages import FIRST, edited, made, parsed, sound_project, words

from mundap.pages.marks import MKDOCS, PLAIN
from mundap.project.check import examine

PAGE = "qa/basics/first.md"
PREDICT = """\
predict:
  ask: 차이는 **얼마**일까요?
  choices: [크다, '$10^{-7}$쯤', '{{count.steps}}만큼']
  right: $10^{-7}$쯤
  outcome: 재 보니 {{measure.difference:.0e}}이에요.
  check: measure.difference < 1e-5
  run: measure
  figure: curve
"""


@pytest.fixture
def project(tmp_path):
    root = make_project(tmp_path)
    edited(root, FIRST, "needs: []\n", PREDICT)
    return root


def predict(project):
    return parsed(made(project)[PAGE]).select_one("section#predict")


def test_it_is_asked_right_below_the_answer(project):
    box = predict(project)
    assert box.find_previous_sibling()["class"] == ["conclusion"]
    assert words(box.p) == "먼저 예상해 보세요. 차이는 얼마일까요?" and box.p.select("strong")[1].text == "얼마"
    assert [words(item) for item in box.select(".choices li")] == ["크다", "\\(10^{-7}\\)쯤", "3만큼"]
    assert (box["data-right"], box["data-thread"]) == ("1", "first"), "what its script needs"


def test_what_came_out_is_folded_with_its_figure_and_its_gauge(project):
    folded = predict(project).details
    assert words(folded.summary) == "결과 보기" and not folded.has_attr("open")
    assert "재 보니 10⁻⁷이에요." in words(folded)
    assert folded.select_one("figure#measure-curve svg")
    assert words(folded.select_one(".gauge")) == "1.00×10⁻⁷ · 10⁻⁵보다 작아야 해요"


def test_its_figure_is_shown_once(project):
    page = parsed(made(project)[PAGE])
    assert len(page.select("figure#measure-curve")) == 1
    assert page.select_one("details.answer").find("a", href="#measure-curve")


def test_the_plain_flavour_shows_the_same_in_markdown(project):
    text = made(project, PLAIN)[PAGE]
    start = text.index('<section class="predict" id="predict"')
    box = text[start : text.index("</section>", start)]
    assert "- 크다\n- $10^{-7}$쯤\n- <span class=" in box and "<summary>결과 보기</summary>" in box
    assert "![차이가 작아요.](../../figures/measure/curve.svg)" in box and 'class="gauge"' in box


@pytest.mark.parametrize("flavour", [MKDOCS, PLAIN])
def test_a_thread_without_one_asks_nothing(project, flavour):
    assert "predict" not in made(project, flavour)["qa/basics/second.md"]


def test_without_a_figure_the_outcome_stands_alone(project):
    text = FILES[FIRST].replace("needs: []\n", PREDICT.replace("  run: measure\n  figure: curve\n", ""))
    put(project / FIRST, text)
    assert not predict(project).select("figure") and "재 보니" in words(predict(project).details)


def test_the_run_that_it_shows_is_one_of_the_thread(project):
    text = FILES[FIRST].replace("needs: []\n", PREDICT.replace("run: measure", "run: count").replace("curve", "sizes"))
    put(project / FIRST, text)
    found = sound_project(project)
    assert found.threads["first"].snippets == ["measure", "count"] and found.users["count"] == [
        "first",
        "second",
        "third",
    ]
    page = parsed(made(project)[PAGE])
    assert page.select_one("#predict figure#count-sizes") and "세기" in words(page.select_one("section.sources"))


def test_its_check_is_judged_as_a_claim_is(project):
    found = sound_project(project)
    assert found.judgements[(FIRST, ("predict",))].holds


GUESS = """\
predict:
  ask: 차이는 얼마일까요?
  guess: {from: 0, to: 10, step: 0.5, unit: 걸음, of: {걸음: count.steps}}
  outcome: 재 보니 {{count.steps}}이에요.
  check: measure.difference < 1e-5
"""
CURVE = GUESS.replace("of: {걸음: count.steps}", "of: {처음: count.steps, 나중: 2 * count.steps}")


@pytest.mark.parametrize(
    "text, names, measured, css",
    [(GUESS, ["걸음"], [3], ["guess"]), (CURVE, ["처음", "나중"], [3, 6], ["guess", "curve"])],
)
def test_a_number_is_guessed_on_a_ruler_and_several_as_a_curve(tmp_path, text, names, measured, css):
    root = make_project(tmp_path)
    edited(root, FIRST, "needs: []\n", text)
    box = predict(root).select_one(".guess")
    told = json.loads(box["data-guess"])
    assert (told["names"], told["measured"], box["class"]) == (names, measured, css)
    assert (told["from"], told["to"], told["step"], told["unit"]) == (0, 10, 0.5, "걸음")
    assert "0걸음부터 10걸음 사이에서 골라요." in words(box), "what stands there without a script"
    assert not predict(root).has_attr("data-right") and "0걸음부터 10걸음" in made(root, PLAIN)[PAGE]


@pytest.mark.parametrize(
    "old, new, told",
    [
        ("outcome", "choices: [하나, 둘]\n  right: 둘\n  outcome", "`guess`만 적어야"),
        ("  guess: {from: 0, to: 10, step: 0.5, unit: 걸음, of: {걸음: count.steps}}\n", "", "`guess`만 적어야"),
        ("to: 10", "to: 2", "잰 값 3이 자(0부터 2까지) 밖에 있어요."),
        ("to: 10", "to: 0", "자는 없어요."),
        ("step: 0.5", "step: 0", "자는 없어요."),
        ("to: 10", "to: 열", "수가 아니에요"),
        ("of: {걸음: count.steps}", "of: {}", "목록이 비어 있어요."),
        ("걸음: count.steps", "걸음: count.stops", "`stops` 증거가 없어요."),
        ("걸음: count.steps", "걸음: count.exact", "수 하나가 아니에요."),
        ("걸음: count.steps", ", ".join(f"{i}: count.steps" for i in range(7)), "맞힐 것이 7개예요."),
    ],
)
def test_a_guess_that_cannot_be_made_is_told(tmp_path, old, new, told):
    root = make_project(tmp_path)
    assert old in GUESS
    edited(root, FIRST, "needs: []\n", GUESS.replace(old, new, 1))
    _, problems = examine(root)
    assert problems and all(str(problem).startswith(f"{FIRST}:") for problem in problems)
    assert any(told in str(problem) for problem in problems), problems
