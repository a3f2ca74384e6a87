"""Other ways to see a page, in a real browser and a small site: a figure enlarged, a projector, a sheet for a class."""

import pytest
from accessibility import violations
from engine import FILES, put
from hostile import make_site_project
from playwright.sync_api import expect

from mundap.site.build import build_site

THREAD = "qa/basics/first/"
PREDICT = """\
answer: 차이는 작아요.
predict:
  ask: 차이는 얼마일까요?
  choices: [크다, 작다]
  right: 작다
  outcome: 재 보니 작아요.
  check: measure.difference < 1
  run: measure
  figure: curve
"""


@pytest.fixture(scope="module")
def url(root, host, tmp_path_factory):
    """Address of a small site whose first thread has a guess and a figure, ending in '/'."""
    project = make_site_project(tmp_path_factory.mktemp("views"), root)
    first = FILES["docs/qa/basics/first.yaml"]
    assert "needs: []\n" in first
    put(project / f"docs/{THREAD[:-1]}.yaml", first.replace("needs: []\n", PREDICT))
    return host(build_site(project))


def on_slide(page):
    """What of a thread the projector shows: heading, sections by their class, answers by the anchor of their heading."""
    return page.evaluate(
        "[...document.querySelectorAll('.page-thread > *')].filter((node) => node.offsetHeight > 1)"
        ".map((node) => node.querySelector('summary h2')?.id ?? (node.className.split(' ')[0] || node.tagName))"
    )


def rows(page):
    """Which answers of a thread are open."""
    return page.locator("details.answer").evaluate_all("rows => rows.map((row) => row.open)")


def test_p_shows_question_answer_and_figure_and_arrows_go_through_the_answers(url, page):
    page.goto(url + THREAD)
    page.keyboard.press("p")
    bar = page.get_by_role("group", name="크게 보기")
    expect(bar.get_by_role("status")).to_have_text("1 / 3 두 값은 같나요?")
    assert {"conclusion", "predict"} < set(on_slide(page)) and len(on_slide(page)) == 3
    assert page.locator(".page-thread").evaluate("node => getComputedStyle(node).fontSize") == "26px"
    for hidden in (".md-header", ".rail", ".md-footer"):
        expect(page.locator(hidden).first).to_be_hidden()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    assert on_slide(page) == ["same"] and rows(page) == [True, False]
    expect(bar.get_by_role("status")).to_contain_text("2 / 3")
    page.keyboard.press("PageDown")
    page.keyboard.press("ArrowDown")
    assert on_slide(page) == ["explained"], "after the last there is none"
    page.keyboard.press("Escape")
    expect(bar).to_have_count(0)
    assert rows(page) == [False, True], "where one was stays open"
    expect(page.locator("#explained")).to_be_in_viewport()
    expect(page.locator("summary", has=page.locator("#explained"))).to_be_focused()
    assert page.heard.errors == []


def test_the_projector_is_a_button_too_and_pages_without_a_thread_have_none(url, page):
    page.goto(url + THREAD)
    page.get_by_role("button", name="크게 보기").click()
    bar = page.get_by_role("group", name="크게 보기")
    bar.get_by_role("button", name="다음 답").click()
    assert on_slide(page) == ["same"] and not violations(page)
    bar.get_by_role("button", name="크게 보기 끝내기").click()
    expect(page.locator(".md-header").first).to_be_visible()
    page.goto(url + "qa/")
    page.keyboard.press("p")
    expect(page.locator(".md-header").first).to_be_visible()
    expect(bar).to_have_count(0)


def test_p_is_known_by_its_hangul_too_and_twice_in_haste_begins_once(url, page):
    page.goto(url + THREAD)
    page.evaluate(
        """for (const _ of [1, 2])
            document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'ㅔ', bubbles: true }))"""
    )
    bar = page.get_by_role("group", name="크게 보기")
    expect(bar.get_by_role("status")).to_contain_text("1 / 3")
    page.keyboard.press("Escape")
    expect(bar).to_have_count(0)
    assert page.heard.errors == []


def test_p_that_is_written_is_a_letter(url, page):
    page.goto(url + THREAD)
    page.keyboard.press("/")
    page.keyboard.type("p")
    expect(page.locator(".search__input")).to_have_value("p")
    expect(page.locator(".present-bar")).to_have_count(0)


def test_a_figure_is_enlarged_and_goes_back(url, page):
    page.goto(url + THREAD)
    page.locator("details.answer > summary").first.click()
    page.get_by_text("결과 보기").first.click()
    figure = page.locator("#measure-curve")
    before = figure.bounding_box()
    button = figure.get_by_role("button", name="그림 크게 보기")
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="크게 본 그림")
    expect(dialog.locator("svg")).to_be_visible()
    assert dialog.locator("svg").bounding_box()["width"] > before["width"]
    assert figure.bounding_box() == before, "nothing moves beneath"
    assert not violations(page)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(figure.locator("svg")).to_be_visible()
    expect(button).to_be_focused()
    assert figure.bounding_box() == before


def test_the_sheet_asks_and_does_not_answer(url, page):
    page.goto(url + THREAD)
    guess = page.get_by_role("button", name="작다")
    guess.click()  # what was guessed does not show
    page.get_by_role("link", name="수업용 한 장").click()
    sheet = page.locator(".page-thread")
    expect(sheet.locator("table")).to_be_visible()
    expect(sheet.locator(".handout-choices li")).to_have_text(["크다", "작다"])
    expect(sheet.locator("svg")).to_be_visible()
    claims = sheet.locator("tbody tr:has(.handout-box)")
    expect(claims).to_have_count(3)
    assert claims.first.locator("td").all_text_contents() == ["두 값이 같아요.", "", "", "", "", ""]
    words = sheet.inner_text()
    for told in ("✓", "✗", "재 보니", "차이는 작아요", "내 예상"):
        assert told not in words, told
    assert not violations(page) and page.heard.errors == []
    page.emulate_media(media="print")
    for left_out in (".md-header", ".handout-tools", ".rail"):
        expect(page.locator(left_out)).to_be_hidden()
    page.emulate_media(media="screen")
    page.get_by_role("link", name="글로 돌아가기").click()
    expect(guess).to_be_visible()


def test_without_javascript_no_tool_is_promised(url, page_factory):
    page = page_factory(java_script_enabled=False)
    page.goto(f"{url}{THREAD}?handout")
    expect(page.locator(".conclusion")).to_be_visible()
    expect(page.locator(".rail-tools")).to_be_hidden()


def test_a_page_asks_for_one_sheet_of_styles_that_holds_all(url, page):
    page.goto(url + "qa/")
    sheets = page.evaluate("[...document.styleSheets].map((sheet) => sheet.href).filter(Boolean)")
    assert [sheet for sheet in sheets if "/assets/css/" in sheet] == [url + "assets/css/site.css"]
    styles = page.request.get(sheets[-1]).text()
    assert styles.index("@font-face") < styles.index(".md-header {") < styles.index("@media print")
