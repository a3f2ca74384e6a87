"""The live cells' script, used in a browser: run, edit, stop, by mouse, finger and keyboard."""

import re

import pytest
from accessibility import violations
from playwright.sync_api import expect
from server import built, running


@pytest.fixture(scope="module")
def learner(site, root, tmp_path_factory):
    """The whole site, served with kernels of this interpreter."""
    folder = tmp_path_factory.mktemp("learner")
    (folder / "snippets").symlink_to(root / "snippets")
    with running(built(folder, folder, site), {}) as box:
        yield box


def opened(learner, page, path):
    page.goto(learner.door.address())
    page.wait_for_url(f"{learner.url}/")
    page.goto(learner.url + path)
    return page


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def said(page, text):
    expect(page.locator(".cells-panel")).to_contain_text(text, timeout=90_000)


def type_code(page, number, code):
    button(page, f"고치기: 코드 {number}").click()
    page.locator(".cm-content").last.press("Control+a")
    page.keyboard.insert_text(code)


NOTEBOOK = "/notebooks/multihead/"


def but_the_last_digits(text):
    """A pattern of a recorded text: what is left by rounding differs from one processor to another."""
    return re.compile("^" + re.sub(r"\d\\\.\de", r"\\d\\.\\de", re.escape(text.strip())) + r"\s*$")


def test_run_edit_error_and_back(learner, page):
    opened(learner, page, NOTEBOOK)
    recorded = page.locator(".cell").nth(2).locator(":scope > .run-output")
    expect(recorded).to_be_visible()
    button(page, "실행: 코드 3").click()
    said(page, "앞의 코드부터 모두 돌렸어요")
    outputs = page.locator(".cell-live")
    expect(outputs.nth(2).locator(".run-output")).to_have_text(but_the_last_digits(recorded.inner_text()))
    expect(recorded).to_be_hidden()
    expect(outputs.nth(0)).to_contain_text("보여 줄 출력은 없어요")
    expect(outputs.nth(3)).to_be_hidden()

    type_code(page, 3, "a = 1\nprint(a)\na / 0\n")
    page.keyboard.press("Shift+Enter")
    said(page, "코드 3 3번째 줄에서 오류가 났어요: ZeroDivisionError")
    expect(outputs.nth(2).locator(".run-output").first).to_have_text("1\n")
    expect(page.locator(".cm-line.cell-error-mark")).to_have_text("a / 0")
    assert violations(page) == []

    button(page, "원래대로: 코드 3").click()
    expect(recorded).to_be_visible()
    expect(page.locator(".cm-editor")).to_have_count(0)
    assert "sum_difference" in page.locator(".highlight code").nth(2).inner_text()
    assert not page.heard.errors


def test_what_was_changed_above_runs_again(learner, page):
    opened(learner, page, NOTEBOOK)
    type_code(page, 1, "value = 1")
    type_code(page, 2, "print('second', value)")
    type_code(page, 3, "print('third', value)")
    button(page, "실행: 코드 3").click()
    said(page, "앞의 코드부터 모두 돌렸어요")
    page.locator(".cm-content").first.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("value = 2")
    button(page, "실행: 코드 3").click()
    expect(page.locator(".cell-live").nth(2).locator(".run-output")).to_have_text("third 2\n", timeout=30_000)
    expect(page.locator(".cell-live").nth(1).locator(".run-output")).to_have_text("second 2\n")


@pytest.mark.parametrize(
    "code, after",
    [
        ("import time\nprint('on')\nfor i in range(100000):\n    time.sleep(0.01)", "코드 1 4번째 줄에서 멈췄어요."),
        (
            "import torch\na = torch.ones(12000, 12000)\nprint('on')\nfor i in range(1000):\n    a @ a",
            "커널을 닫았어요.",
        ),
    ],
)
def test_stop_and_start_again(learner, page, code, after):
    opened(learner, page, NOTEBOOK)
    type_code(page, 1, code)
    button(page, "실행: 코드 1").click()
    expect(page.locator(".cell-live").first.locator(".run-output")).to_have_text("on\n", timeout=60_000)
    page.locator(".cells-panel").get_by_role("button", name="중단").click()
    said(page, after)
    page.locator(".cm-content").first.press("Control+a")
    page.keyboard.insert_text("print('again')")
    button(page, "실행: 코드 1").click()
    expect(page.locator(".cell-live").first.locator(".run-output")).to_have_text("again\n", timeout=60_000)
    page.locator(".cells-panel").get_by_role("button", name="다시 시작").click()
    said(page, "변수는 사라졌고")


def test_keyboard_alone(learner, page):
    """Into the editor, indentation, run, and out of it again."""
    opened(learner, page, NOTEBOOK)
    button(page, "고치기: 코드 1").focus()
    page.keyboard.press("Enter")
    editor = page.locator(".cm-content")
    expect(editor).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("if 1:\nprint(1)")  # the editor indents after a colon
    page.keyboard.press("Home")
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    assert page.locator(".cm-line").nth(1).inner_text() == "    print(1)"
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".cell-live").first.locator(".run-output")).to_have_text("1\n", timeout=60_000)
    expect(editor).to_be_focused()
    page.keyboard.press("Escape")
    expect(button(page, "실행: 코드 1")).to_be_focused()
    page.keyboard.press("Tab")
    expect(button(page, "원래대로: 코드 1")).to_be_focused()


def test_korean_input(learner, page):
    """Syllables that an input method composes arrive whole, and Enter that ends one is not doubled."""
    opened(learner, page, NOTEBOOK)
    type_code(page, 1, "print('')")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    client = page.context.new_cdp_session(page)
    for syllables in (["ㅎ", "하", "한"], ["ㄱ", "그", "글"]):
        for syllable in syllables:
            client.send("Input.imeSetComposition", {"text": syllable, "selectionStart": 1, "selectionEnd": 1})
        client.send("Input.insertText", {"text": syllables[-1]})
    assert page.locator(".cm-content").inner_text().strip() == "print('한글')"
    button(page, "실행: 코드 1").click()
    expect(page.locator(".cell-live").first.locator(".run-output")).to_have_text("한글\n", timeout=60_000)


def test_drafts_outlive_a_reload(learner, page):
    opened(learner, page, NOTEBOOK)
    type_code(page, 2, "mine = 1")
    page.reload()
    expect(page.locator(".cm-content")).to_have_text("mine = 1")
    button(page, "원래대로: 코드 2").click()
    page.reload()
    expect(button(page, "고치기: 코드 2")).to_be_visible()
    expect(page.locator(".cm-content")).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_thread_runs_its_snippet_on_a_phone(learner, page_factory, theme):
    page = page_factory(390, 844, theme, has_touch=True)
    opened(learner, page, "/qa/self-attention/multihead-concat/")
    row = page.locator("details.answer:has(.cell-run)").first
    row.locator(":scope > summary").tap()
    row.locator("details.shown-code > summary").first.tap()
    button(page, "실행: 코드 1").tap()
    said(page, "코드 1 돌렸어요")
    live = page.locator(".cell-live").first
    expect(live.locator("figure svg")).to_be_visible()
    expect(live.locator(".run-output").first).to_contain_text("최대 차이")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    button(page, "고치기: 코드 1").tap()
    expect(page.locator(".cm-editor")).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert not page.heard.errors


def test_carriage_returns_and_rich_tables(learner, page):
    opened(learner, page, NOTEBOOK)
    code = """
import sys
for i in range(3): print(f"\\r{i}/2 가", end="", flush=True)
print()
from lib.figure import table
table("t", "표의 이름", ["이름", "값"], [["가", 1]])
"""
    type_code(page, 1, code)
    button(page, "실행: 코드 1").click()
    said(page, "돌렸어요")
    live = page.locator(".cell-live").first
    expect(live.locator(".run-output")).to_have_text("2/2 가\n")
    expect(live.locator("figcaption")).to_have_text("표의 이름")
    expect(live.locator("td").last).to_have_text("1")


def test_a_browser_that_did_not_come_in_is_told_how(learner, page):
    page.goto(learner.url + NOTEBOOK)
    button(page, "실행: 코드 1").click()
    said(page, "이 브라우저에서는 아직 코드를 돌릴 수 없어요")
    assert not page.heard.errors


def test_the_server_goes_away(site, root, tmp_path, page):
    with running(built(root, tmp_path, site), {}) as box:
        opened(box, page, NOTEBOOK)
        type_code(page, 1, "import time\nprint('on')\ntime.sleep(1000)")
        button(page, "실행: 코드 1").click()
        expect(page.locator(".cell-live").first.locator(".run-output")).to_have_text("on\n", timeout=60_000)
    said(page, "서버와 연결이 끊어졌어요")
    button(page, "실행: 코드 1").click()  # nobody is there
    page.wait_for_timeout(500)
    said(page, "서버와 연결이 끊어졌어요")
    expect(button(page, "실행: 코드 1")).to_be_enabled()
