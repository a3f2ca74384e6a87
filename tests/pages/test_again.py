import pytest
from again import put_reruns, seeds
from engine import FILES, RECORDS, make_project, make_records, put
from pages import FIRST, edited, made, parsed, words

from mundap.pages import collect
from mundap.pages.again import repeated_runs
from mundap.pages.marks import MKDOCS, PLAIN
from mundap.project.check import examine

PAGE, MEASURE = "qa/basics/first.md", "snippets/measure.py"
SAME, MOVED, FALLEN = ({"difference": value, "name": "작음"} for value in (1e-7, 2e-6, 0.3))


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path)


def claim(project, anchor="same-1", flavour=MKDOCS):
    """A claim as its page shows it, whatever the checks say."""
    return parsed(collect.pages(examine(project)[0], flavour)[PAGE]).select_one(f"#{anchor}")


def said(project, anchor="same-1"):
    """(what stands beside a claim before it is opened, its conditions)."""
    shown = claim(project, anchor)
    return words(shown.select_one(".evidence > summary")), [words(row) for row in shown.select(".conditions > li")]


def test_a_claim_says_how_often_moved_seeds_agree(project):
    put_reruns(project, seeds(*[MOVED] * 9, SAME))
    beside, (condition,) = said(project)
    assert beside.endswith(" · 다시 돌린 10번 중 10번")
    assert condition.endswith(", 시드를 옮겨 다시 돌린 값 1.00×10⁻⁷~2.00×10⁻⁶")
    put_reruns(project, seeds(SAME, FALLEN, "오류로 멈췄어요."))
    assert said(project)[0].endswith(" · 다시 돌린 3번 중 1번")
    put_reruns(project, seeds(*[SAME | {"difference": value} for value in (-0.2, -0.1)]))
    assert said(project)[1][0].endswith(" −0.2~−0.1"), "a minus, as everywhere"


def test_every_comparison_has_its_values(project):
    put_reruns(project, seeds(SAME, FALLEN))
    _, (number, text) = said(project, "explained-1")
    assert number.endswith("다시 돌린 값 1.00×10⁻⁷~0.3") and "다시" not in text, "a text has no range"


def test_values_of_lists_go_from_the_least_to_the_largest(project):
    evidence = {"difference": 1e-7, "name": "작음", "gap": [0.2, 0.1, 0.3]}
    make_records(project, measure=(evidence, *RECORDS["measure"][1:]))
    edited(project, FIRST, "measure.difference < 1e-5", "all(measure.gap > 0)")
    put_reruns(project, seeds({**evidence, "gap": [0.5, 0.4, 0.3]}, {**evidence, "gap": [0.1, 0.9, 0.2]}))
    assert said(project)[1][0].endswith("다시 돌린 값 0.1~0.9")


def test_numbers_that_did_not_move_are_not_shown_again(project):
    put_reruns(project, seeds(SAME, SAME))
    beside, (condition,) = said(project)
    assert "다시 돌린 2번" in beside and "다시" not in condition


def test_without_rounds_a_claim_says_nothing(project):
    put_reruns(project, {"steps": FALLEN})
    assert "시드" not in words(claim(project)) and "다시" not in words(claim(project))


def test_rounds_of_older_code_are_marked(project):
    put_reruns(project, seeds(SAME, SAME))
    put(project / MEASURE, FILES[MEASURE].replace("차이 재기", "차이"))
    make_records(project)
    assert said(project)[0].endswith("다시 돌린 2번 중 2번(전의 코드)")


@pytest.mark.parametrize("flavour", [MKDOCS, PLAIN])
def test_both_flavours_say_the_same(project, flavour):
    put_reruns(project, seeds(SAME, MOVED))
    text = made(project, flavour)[PAGE]
    assert " · 다시 돌린 2번 중 2번</summary>" in text
    assert "시드를 옮겨 다시 돌린 값 1.00×10⁻⁷~2.00×10⁻⁶" in text


def tables(project):
    page = parsed(repeated_runs(examine(project)[0], "runs.md"))
    rows = [
        [[words(cell) for cell in row.select("td")] for row in table.select("tbody tr")]
        for table in page.select("table")
    ]
    return page, *rows


def test_the_whole_site_by_verdict(project):
    put_reruns(project, seeds(*[SAME] * 8, *[FALLEN] * 2))
    page, by_verdict, _ = tables(project)
    assert [words(cell) for cell in page.select("th")][:5] == [
        "시드를 옮기면", "모두 같은 판정", "열에 아홉 이상", "그보다 적음", "아직",
    ]  # fmt: skip
    assert by_verdict == [
        ["맞음", "0", "0", "1", "0"],
        ["일부 맞음", "0", "0", "0", "1"],
        ["틀림", "1", "0", "0", "0"],
        ["미확인", "0", "0", "0", "1"],
    ]
    (item,) = page.select("li")
    assert words(item) == "두 값이 같아요. (두 값은 같나요?): 10번 중 8번 같은 판정"
    assert item.a["href"] == "qa/basics/first.md#same-1"


def test_the_whole_site_without_learning(project):
    assert tables(project)[2] == [
        ["학습하지 않은 세계", "아직", "아직"],
        ["학습한 가중치를 뒤섞은 세계", "아직", "아직"],
    ]
    put(project / MEASURE, FILES[MEASURE].replace("from helper", "import safetensors\nimport torch\nfrom helper"))
    make_records(project)
    put_reruns(project, {"steps": FALLEN})
    assert tables(project)[2] == [["학습하지 않은 세계", "2개", "1개"], ["학습한 가중치를 뒤섞은 세계", "아직", "아직"]]


def test_a_site_that_was_never_run_again(project):
    page, by_verdict, _ = tables(project)
    assert [row[1:] for row in by_verdict] == [["0", "0", "0", "1"]] * 4 and not page.select("li")
