"""Reading in a real browser: rows, guesses, what this device remembers, the quiz, the sheet, print; in a small site."""

import json
import re

import pytest
from accessibility import violations
from engine import FILES, put
from hostile import make_site_project
from playwright.sync_api import expect

from mundap.site.build import build_site

PREDICT = """\
answer: 차이는 **{{measure.difference:.0e}}**이에요.
predict:
  ask: 차이는 얼마일까요?
  choices: [크다, 작다, 없다]
  right: 작다
  outcome: 재 보니 {{measure.difference:.0e}}이에요.
  check: measure.difference < 1
  run: measure
  figure: curve
moved: [{from: older, to: explained}, {from: older-1, to: same-2}]
"""
GUESS = """\
predict:
  ask: 걸음이 어떻게 늘까요?
  guess: {from: 0, to: 10, step: 1, unit: 걸음, of: {처음: count.steps, 나중: 2 * count.steps}}
  outcome: 재 보니 {{count.steps}}이에요.
  check: measure.difference < 1
"""
FIRST, SECOND, THIRD = "qa/basics/first/", "qa/basics/second/", "qa/more/third/"


@pytest.fixture(scope="module")
def url(root, host, tmp_path_factory):
    """Address of a small site with all that a reader meets, ending in '/'."""
    project = make_site_project(tmp_path_factory.mktemp("reading"), root)
    first = FILES["docs/qa/basics/first.yaml"]
    for old, new in (
        ("needs: []\n", PREDICT),
        ("text: 차이가 커요.\n", "text: 차이가 커요.\n        why: 아주 작아요.\n"),
        ("title: 두 값은 같아요\n", "title: 두 값은 같아요\n    gist: 맞는 말이에요.\n"),
    ):
        assert old in first
        first = first.replace(old, new)
    put(project / "docs/qa/basics/first.yaml", first)
    second = FILES["docs/qa/basics/second.yaml"]
    put(project / "docs/qa/basics/second.yaml", second.replace("needs: [first]\n", GUESS))
    put(project / "docs/index.md", "# 홈\n\n<!-- mundap:quiz -->\n\n<!-- mundap:path -->\n")
    return host(build_site(project))


@pytest.fixture
def phone(page_factory):
    """A page of 390 × 844 that is touched."""
    return page_factory(width=390, height=844, has_touch=True)


def remembered(page):
    """What the device remembers."""
    return json.loads(page.evaluate("localStorage.getItem('mundap.reading')") or "{}")


def rows(page):
    """Which answers of a thread are open."""
    return page.locator("details.answer").evaluate_all("rows => rows.map((row) => row.open)")


@pytest.mark.parametrize(
    "anchor, opened",
    [
        ("same", [True, False]),
        ("same-2", [True, False]),
        ("explained-1", [False, True]),
        ("older", [False, True]),
        ("older-1", [True, False]),
        ("measure-curve", [False, False]),
        ("none", [False, False]),
    ],
)
def test_a_link_opens_the_row_that_it_leads_to(url, page, anchor, opened):
    page.goto(f"{url}{FIRST}#{anchor}")
    page.wait_for_load_state("load")
    assert rows(page) == opened and page.heard.errors == []
    if any(opened) and not anchor.startswith("older"):
        expect(page.locator(f"#{anchor}")).to_be_in_viewport()


def test_a_square_of_the_head_opens_the_row_of_its_claim(url, page):
    page.goto(url + FIRST)
    assert rows(page) == [False, False]
    page.locator(".thread-meta .tally a").last.click()
    expect(page.locator("#explained-1")).to_be_in_viewport()
    assert rows(page) == [False, True]


def test_evidence_is_two_clicks_away_and_none_before(url, page):
    page.goto(f"{url}{FIRST}#same-1")
    evidence = page.locator("#same-1 details.evidence")
    expect(evidence.locator("code")).to_be_hidden()
    evidence.locator("summary").click()
    expect(evidence.locator("code")).to_be_visible()


def test_a_guess_is_marked_beside_what_came_out_and_stays(url, page):
    page.goto(url + FIRST)
    choices = page.locator(".predict .choices button")
    expect(choices).to_have_text(["크다", "작다", "없다"])
    expect(page.locator("#measure-curve")).to_be_hidden()
    choices.first.focus()
    page.keyboard.press("Enter")
    for _ in range(2):
        expect(page.locator("#measure-curve")).to_be_visible()
        expect(choices).to_have_text(["크다내 예상", "작다재 보면", "없다"])
        assert choices.evaluate_all("nodes => nodes.map((node) => node.ariaPressed)") == ["true", "false", "false"]
        assert page.locator(".choices li").evaluate_all("nodes => nodes.map((node) => node.className)") == [
            "mine",
            "right",
            "",
        ]
        page.reload()
    assert remembered(page)["guesses"] == {"first": 0}


def test_a_right_guess_is_marked_as_both(url, page):
    page.goto(url + FIRST)
    page.get_by_role("button", name="작다").click()
    expect(page.locator(".choices li.mine.right")).to_have_text("작다내 예상")


def test_a_curve_is_drawn_by_hand_and_by_key_and_stays_beside_what_was_measured(url, phone):
    phone.goto(url + SECOND)
    kept = phone.locator(".guess").evaluate("box => parseFloat(getComputedStyle(box).minHeight)")
    sliders = phone.locator(".guess").get_by_role("slider")
    expect(sliders).to_have_count(2)
    sliders.first.focus()
    phone.keyboard.press("Home")
    expect(sliders.first).to_have_attribute("aria-valuetext", "0걸음")
    phone.locator(".guess svg").scroll_into_view_if_needed()
    stage = phone.locator(".guess svg").bounding_box()
    phone.mouse.click(stage["x"] + stage["width"] * 332 / 360, stage["y"] + stage["height"] * 28 / 210)
    expect(sliders.last).to_have_attribute("aria-valuetext", "10걸음")
    expect(phone.locator(".guess-measured")).to_have_count(0)
    phone.get_by_role("button", name="재 보기").click()
    for _ in range(2):
        expect(phone.locator(".guess-said")).to_have_text("내 예상은 0걸음, 10걸음, 재 보면 처음: 3걸음, 나중: 6걸음.")
        expect(phone.locator(".guess-measured text")).to_have_text(["3걸음", "6걸음"])
        expect(phone.locator(".predict details")).to_have_attribute("open", "")
        phone.reload()
    assert remembered(phone)["guesses"] == {"second": [0, 10]}
    assert phone.locator(".guess").bounding_box()["height"] <= kept + 1, "nothing below moved"
    assert violations(phone) == [] and phone.heard.errors == []


def test_a_broken_memory_is_no_memory(url, page):
    page.goto(url + FIRST)
    page.evaluate("localStorage.setItem('mundap.reading', '{')")
    page.reload()
    page.get_by_role("button", name="작다").click()
    assert remembered(page)["guesses"] == {"first": 1} and page.heard.errors == []


def test_without_javascript_all_is_there_to_be_opened(url, page_factory):
    page = page_factory(java_script_enabled=False)
    page.goto(url + FIRST)
    expect(page.locator(".choices li")).to_have_text(["크다", "작다", "없다"])
    page.locator(".predict summary").click()
    expect(page.locator("#measure-curve svg")).to_be_visible()
    page.locator("details.answer > summary").first.click()
    expect(page.locator("#same-1 .claim-text")).to_be_visible()
    page.goto(url)
    page.locator(".quiz summary").click()
    expect(page.locator(".quiz details")).to_contain_text("틀린 주장이에요. 아주 작아요.")
    assert not page.locator(".quiz button").count()


SEEN = """() => new Promise((resolve) => {
    const observer = new IntersectionObserver((entries) => { observer.disconnect(); resolve(entries[0].isIntersecting) });
    observer.observe(document.querySelector(".next"));
})"""


def test_a_thread_is_read_when_its_end_has_been_seen(url, page_factory):
    page = page_factory(height=300)
    page.goto(url + FIRST)
    assert page.evaluate(SEEN) is False and not remembered(page).get("read")
    page.locator(".next").scroll_into_view_if_needed()
    page.wait_for_function("() => JSON.parse(localStorage.getItem('mundap.reading'))?.read.first")
    page.goto(url + "qa/")
    assert page.locator(".thread-list li.read").evaluate_all("nodes => nodes.map((node) => node.dataset.thread)") == [
        "first"
    ]
    page.goto(url + SECOND)
    assert page.locator(".rail a.read").evaluate_all("nodes => nodes.map((node) => node.dataset.thread)") == ["first"]


def test_the_last_thread_can_be_read_too(url, page):
    page.goto(url + THIRD)
    page.locator(".next").scroll_into_view_if_needed()
    page.wait_for_function("() => JSON.parse(localStorage.getItem('mundap.reading'))?.read.third")


def test_what_was_read_can_be_forgotten(url, page):
    page.goto(url + "qa/")
    clear = page.get_by_role("button", name="읽은 자국 지우기")
    expect(clear).to_have_count(0)
    page.evaluate("""localStorage.setItem('mundap.reading', '{"read": {"first": 1}, "guesses": {"first": 0}}')""")
    page.reload()
    expect(page.locator("li.read")).to_have_count(1)
    clear.click()
    expect(page.locator("li.read")).to_have_count(0)
    assert page.evaluate("localStorage.getItem('mundap.reading')") is None
    page.reload()
    expect(clear).to_have_count(0)


def test_single_letters_can_be_turned_off(url, page):
    search, shown, switch = (
        page.locator("dialog[data-search]"),
        page.locator("html.presenting"),
        page.get_by_role("button", name="한 글자 단축키"),
    )
    page.goto(url + "qa/")
    switch.click()
    page.goto(url + FIRST)
    for key in "sf/p":
        page.keyboard.press(key)
    page.wait_for_load_state("networkidle")  # what p asks for is loaded first
    assert not search.is_visible() and not shown.count()
    expect(page.locator(".rail-tools kbd")).to_be_hidden()
    page.keyboard.press("Control+k")
    expect(search).to_be_visible()
    page.goto(url + "qa/")
    expect(switch).to_have_attribute("aria-pressed", "false")
    assert violations(page) == []
    switch.click()
    page.goto(url + FIRST)
    page.keyboard.press("p")
    expect(shown).to_have_count(1)


def test_no_letter_leaves_a_page(url, page):
    page.goto(url + "qa/")
    expect(page.locator("link[rel=next], link[rel=prev]")).to_have_count(0)  # n, p, comma and full stop of the theme


def test_contents_show_one_level_at_a_time(url, page):
    page.goto(url + "qa/")
    levels = page.locator(".levels button")
    for name, shown in {"중급": [SECOND], "심화": [THIRD], "모두": [FIRST, SECOND, THIRD]}.items():
        levels.filter(has_text=name).click()
        links = page.locator(".thread-list > li:visible a").evaluate_all("nodes => nodes.map((node) => node.href)")
        assert links == [url + address for address in shown]
        pressed = levels.evaluate_all(
            "nodes => nodes.filter((node) => node.ariaPressed == 'true').map((node) => node.textContent)"
        )
        assert pressed == [name]


def quiz_of(page, url):
    """(the claim that is asked, the question that it is of)."""
    text = page.locator(".quiz-claim").text_content()
    known = {f"“{item['text']}”": item for item in page.request.get(url + "quiz.json").json()}
    return text, known[text]


def test_the_quiz_judges_and_goes_on(url, page):
    page.goto(url)
    right, wrong = (page.get_by_role("button", name=name) for name in ("✓ 맞아요", "✗ 틀려요"))
    outcome = page.locator(".quiz-outcome")
    asked = set()
    right.wait_for()  # until then the question of the page itself stands there
    for number in range(2):
        expect(outcome).to_be_hidden()
        text, item = quiz_of(page, url)
        asked.add(text)
        (right if item["right"] else wrong).click()
        verdict = "맞은" if item["right"] else "틀린"
        expect(outcome).to_have_text(f"맞혔어요. {verdict} 주장이에요. {item['why']}")
        expect(page.get_by_role("link", name="이 문답 읽기")).to_have_attribute(
            "href", f"{url}{FIRST}#{item['anchor']}"
        )
        if not number:
            page.get_by_role("button", name="다음 주장").click()
    assert len(asked) == 2 and remembered(page)["judged"] == {"same-1": 1, "explained-1": 1}
    page.get_by_role("button", name="다음 주장").click()
    expect(outcome).to_be_hidden()
    assert quiz_of(page, url)[0] in asked, "it begins again"


def test_a_wrong_guess_is_told_without_praise(url, page):
    page.goto(url)
    page.get_by_role("button", name="✓ 맞아요").wait_for()
    _, item = quiz_of(page, url)
    page.get_by_role("button", name="✗ 틀려요" if item["right"] else "✓ 맞아요").click()
    expect(page.locator(".quiz-outcome")).to_have_text(re.compile(r"^(맞|틀)[은린] 주장이에요\. "))
    assert remembered(page)["judged"] == {item["anchor"]: 0}


def test_what_was_not_judged_yet_is_asked_first(url, page):
    page.goto(url)
    page.evaluate("""localStorage.setItem('mundap.reading', '{"judged": {"same-1": 1}}')""")
    for _ in range(4):  # by chance once in sixteen
        page.reload()
        page.get_by_role("button", name="✓ 맞아요").wait_for()
        assert quiz_of(page, url)[1]["anchor"] == "explained-1"


def test_without_a_connection_the_question_of_the_page_stays(url, page):
    page.route("**/quiz.json", lambda route: route.abort())
    with page.expect_event("requestfailed"):
        page.goto(url)
    expect(page.locator(".quiz-claim")).to_have_text("“차이가 커요.”")
    page.locator(".quiz summary").click()
    expect(page.get_by_role("link", name="이 문답 읽기")).to_be_visible()
    expect(page.locator(".quiz button")).to_have_count(0)


def test_on_a_phone_the_contents_are_a_sheet(url, phone):
    phone.goto(url + FIRST)
    rail, opener = phone.locator("#rail"), phone.locator(".dock").get_by_role("button", name="목차")
    expect(rail).to_be_hidden()
    opener.focus()
    phone.keyboard.press("Enter")
    expect(rail).to_be_visible()
    phone.keyboard.press("Escape")
    expect(rail).to_be_hidden()
    opener.tap()
    expect(rail).to_be_visible()
    rail.get_by_role("link", name="왜 같은지").tap()
    expect(rail).to_be_hidden()
    expect(phone.locator("#explained")).to_be_in_viewport()
    assert rows(phone) == [False, True]


def test_the_dock_says_where_one_is_and_leads_on(url, phone):
    phone.goto(url + FIRST)
    expect(phone.locator(".dock span")).to_have_text("기초 1/2")
    phone.locator(".dock a[rel=next]").tap()
    phone.wait_for_url(url + SECOND)
    phone.locator(".dock a[rel=next]").tap()
    phone.wait_for_url(url + THIRD)
    expect(phone.locator(".dock a[rel=next]")).to_have_count(0)


def test_on_a_wide_screen_the_contents_stand_beside_the_text(url, page):
    page.goto(url + FIRST)
    rail = page.locator("#rail")
    expect(rail).to_be_visible()
    expect(page.locator(".dock")).to_be_hidden()
    assert rail.bounding_box()["x"] + rail.bounding_box()["width"] <= page.locator("article h1").bounding_box()["x"]
    expect(rail.locator("[aria-current=page]")).to_have_text("두 값은 같나요?")
    marks = rail.locator(".rail-parts .mark")
    assert marks.evaluate_all("nodes => nodes.map((node) => node.ariaLabel)") == ["맞음"], "what we explain has none"


def test_print_opens_the_answers_and_leaves_the_evidence_and_the_site_out(url, page):
    page.goto(f"{url}{FIRST}#same")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert rows(page) == [True, True]
    expect(page.locator("#same-1 .claim-text")).to_be_visible()
    for left_out in (".rail", ".dock", ".md-header", "#same-1 .conditions"):
        expect(page.locator(left_out)).to_be_hidden()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert rows(page) == [True, False], "as they were"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_in_what_is_opened(url, page_factory, width, theme):
    page = page_factory(width=width, theme=theme, reduced_motion="reduce")
    page.goto(url + FIRST)
    page.locator(".choices button").first.click()
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    if width == 390:
        page.locator(".dock button").click()
    assert not violations(page)
    page.goto(url)
    page.get_by_role("button", name="✓ 맞아요").click()
    assert not violations(page)


def test_the_home_says_where_to_go_on_and_what_was_read(url, page):
    page.goto(url)
    line = page.locator(".resume")
    expect(line).to_have_text("처음부터 읽기: 두 값은 같나요?")
    expect(page.locator(".thread-dots")).to_have_count(0)
    height = line.bounding_box()["height"]
    page.goto(url + SECOND)
    page.goto(url)
    expect(line).to_have_text("이어 읽기: 값이 작나요?")
    page.evaluate("""localStorage.setItem('mundap.reading', '{"read": {"second": 1}}')""")
    page.reload()
    expect(line).to_have_text("다음에 읽기: 셋째는요?")
    assert line.bounding_box()["height"] == height
    assert page.locator(".thread-dots").all_inner_texts() == [" ●○", " ○"]
    line.get_by_role("link").click()
    page.wait_for_url(url + THIRD)


def test_without_javascript_the_home_leads_to_the_first_thread(url, page_factory):
    page = page_factory(java_script_enabled=False)
    page.goto(url)
    page.locator(".resume a").click()
    page.wait_for_url(url + FIRST)
