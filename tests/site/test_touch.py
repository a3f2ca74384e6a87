"""Figures to touch, in a real browser: each computes what the snippet of its thread recorded, in the room kept for it.

touch/SCRIPT.yaml lists what is pressed and set there, and the numbers that it then has to show: [{press, set, shows, within}].
"""

import json
from pathlib import Path

import pytest
import yaml
from accessibility import violations

from mundap.project.check import examine
from mundap.project.expression import Expression

ROOT = Path(__file__).parents[2]
PROJECT, _ = examine(ROOT)
THREADS = {thread.touch.script: thread for thread in PROJECT.threads.values() if thread.touch}
CASES = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in (Path(__file__).parent / "touch").glob("*.yaml")
}


def state(page):
    return json.loads(page.locator(".touch-room").get_attribute("data-state"))


def opened(page, site_url, script):
    thread = THREADS[script]
    page.goto(f"{site_url}qa/{thread.chapter}/{thread.id}/")
    page.wait_for_selector(".touch-room[data-state]")
    return page.locator(".touch-room")


def test_every_figure_has_its_script_and_its_cases():
    scripts = {path.stem for path in (ROOT / "docs/assets/js/touch").glob("*.js")} - {"kit"}
    assert scripts == set(THREADS) == set(CASES)


@pytest.mark.parametrize("script", sorted(CASES))
def test_it_computes_what_the_run_recorded(script, site_url, page):
    room = opened(page, site_url, script)
    for case in CASES[script]:
        for words in case.get("press", []):
            room.get_by_role("button", name=words, exact=True).click()
        for label, value in case.get("set", {}).items():
            room.get_by_role("slider", name=label).fill(str(value))
        shown = state(page)
        for name, text in case["shows"].items():
            expected = Expression(text, condition=False).value(PROJECT.evidence)
            assert shown[name] == pytest.approx(expected, rel=case.get("within", 0.01), abs=0.005), (case, name)
    assert not page.heard.errors


@pytest.mark.parametrize("script", sorted(CASES))
def test_every_control_changes_it_by_keyboard_and_it_says_so(script, site_url, page):
    room = opened(page, site_url, script)
    sliders = room.get_by_role("slider").all()
    for slider in sliders:
        before, said = state(page), slider.get_attribute("aria-valuetext") or slider.input_value()
        slider.press("ArrowRight")
        if slider.input_value() == slider.get_attribute("max"):
            slider.press("ArrowLeft")
            slider.press("ArrowLeft")
        assert state(page) != before and slider.get_attribute("aria-valuetext") != said
    assert len(room.locator(".touch-said").inner_text()) > 10
    assert room.locator(":is(button, input)").count() > 0


@pytest.mark.parametrize("width, height, theme", [(390, 844, "light"), (1280, 800, "dark")])
@pytest.mark.parametrize("script", sorted(CASES))
def test_its_room_is_kept_and_all_in_it_can_be_read_and_hit(script, width, height, theme, site_url, page_factory):
    page = page_factory(width, height, theme)
    room = opened(page, site_url, script)
    kept = float(page.evaluate("parseFloat(getComputedStyle(document.querySelector('.touch-room')).minHeight)"))
    assert room.bounding_box()["height"] <= kept + 1, "what stands below would move when the script draws"
    labels = room.locator("svg text").evaluate_all(
        """(texts, svg) => texts.filter((text) => text.textContent.trim() && text.checkVisibility()).map((text) => {
            const [box, stage] = [text.getBoundingClientRect(), text.ownerSVGElement.getBoundingClientRect()]
            const scale = Math.hypot(text.getScreenCTM().a, text.getScreenCTM().b)
            return {words: text.textContent, size: parseFloat(getComputedStyle(text).fontSize) * scale,
                inside: box.left >= stage.left - 1 && box.right <= stage.right + 1 && box.top >= stage.top - 1 && box.bottom <= stage.bottom + 1}
        })"""
    )
    assert labels and [label for label in labels if label["size"] < 10.5 or not label["inside"]] == []
    assert [
        box
        for box in room.locator("button, label").evaluate_all("all => all.map((each) => each.offsetHeight)")
        if box < 44
    ] == []
    assert violations(page) == []


@pytest.mark.parametrize("script", sorted(CASES))
def test_without_a_script_what_is_seen_there_stands_in_words(script, site_url, page_factory):
    page = page_factory(java_script_enabled=False)
    thread = THREADS[script]
    page.goto(f"{site_url}qa/{thread.chapter}/{thread.id}/")
    assert page.locator(".touch svg").count() == 0
    page.locator(".touch summary").click()
    assert len(page.locator(".touch details").inner_text()) > 40
