"""The benchmark's page in a real browser: what it says first, attention under the finger, rows that open."""

import json

import pytest
from accessibility import violations
from playwright.sync_api import expect

from mundap.project.check import examine

LONGEST, SCROLLED = 2420, 3500  # px of the page on a screen and on a phone, its rows closed


@pytest.fixture(scope="module")
def evidence(root):
    """What the lesson that reads the records left."""
    return examine(root)[0].evidence["benchmark_results"]


def opened(page, site_url):
    page.goto(f"{site_url}benchmark/")
    page.wait_for_selector(".touch-room[data-state]")
    return page.locator(".touch-room")


def state(room):
    return json.loads(room.get_attribute("data-state"))


def test_the_figure_shows_what_was_recorded(site_url, page, evidence):
    room = opened(page, site_url)
    slider = room.get_by_role("slider", name="토큰 수 N")
    slider.press("End")
    for precision, time in (
        (evidence["cpu_precision"], evidence["cpu_half_naive_over_fused_longest"]),
        ("float32", evidence["cpu_float32_naive_over_fused_longest"]),
    ):
        room.get_by_role("button", name=precision, exact=True).click()
        assert state(room)["N"] == evidence["longest"] and state(room)["time"] == pytest.approx(time, rel=1e-3)
        assert slider.get_attribute("aria-valuetext") == f"{evidence['longest']:,}"
    room.get_by_role("button", name=evidence["precision"], exact=True).click()
    assert state(room)["memory"] == pytest.approx(evidence["memory_ratio"], rel=1e-3)
    expect(room.locator(".touch-said")).to_contain_text(f"{evidence['memory_ratio']:.0f}분의 1이에요")
    assert page.heard.errors == []


@pytest.mark.parametrize("width, panels", [(390, 1), (1280, 2)])
def test_n_is_dragged_on_the_stage(width, panels, site_url, page_factory):
    """Panels: how many stand beside each other; in each of them N lies at the same places."""
    page = page_factory(width=width)
    room = opened(page, site_url)
    room.locator("svg").scroll_into_view_if_needed()
    box = room.locator("svg").bounding_box()
    for panel in range(panels):
        left = box["x"] + panel * box["width"] / panels
        page.mouse.move(left + 0.14 * box["width"] / panels, box["y"] + 60)
        page.mouse.down()
        first = state(room)["N"]
        page.mouse.move(left + 0.70 * box["width"] / panels, box["y"] + 60, steps=8)
        page.mouse.up()
        assert (first, state(room)["N"]) == (197, 4097)


@pytest.mark.parametrize(
    "width, theme", [(320, "light"), (390, "light"), (768, "dark"), (1280, "dark"), (1920, "light")]
)
def test_its_room_is_kept_and_all_in_it_can_be_read_and_hit(width, theme, site_url, page_factory):
    page = page_factory(width=width, height=900, theme=theme)
    room = opened(page, site_url)
    kept = float(page.evaluate("parseFloat(getComputedStyle(document.querySelector('.touch-room')).minHeight)"))
    for precision in room.get_by_role("button").all():
        precision.click()
        for key in ("Home", "End"):
            room.get_by_role("slider").press(key)
            assert room.bounding_box()["height"] <= kept + 1, "what stands below would move"
            labels = room.locator("svg text").evaluate_all(
                """(texts) => texts.map((text) => {
                    const [box, stage] = [text.getBoundingClientRect(), text.ownerSVGElement.getBoundingClientRect()]
                    return {words: text.textContent, box: [box.left, box.top, box.right, box.bottom],
                        size: parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a,
                        inside: box.left >= stage.left && box.right <= stage.right && box.bottom <= stage.bottom}
                })"""
            )
            smallest = 10.5 if width >= 360 else 9
            assert [each for each in labels if each["size"] < smallest or not each["inside"]] == []
            assert [(one["words"], other["words"]) for one, other in pairs(labels) if overlap(one, other)] == []
    low = room.locator("button, label").evaluate_all("all => all.filter((each) => each.offsetHeight < 44).length")
    assert low == 0 and page.heard.errors == []


def pairs(items):
    return ((one, other) for number, one in enumerate(items) for other in items[:number])


def overlap(one, other):
    """Whether two labels lie on each other, by more than lines of text that stand close."""
    left, top, right, bottom = one["box"]
    return (
        left < other["box"][2]
        and other["box"][0] < right
        and top + 4 < other["box"][3]
        and other["box"][1] + 4 < bottom
    )


@pytest.mark.parametrize("width, longest", [(390, SCROLLED), (1280, LONGEST)])
def test_the_page_is_short_and_nothing_of_it_is_cut(width, longest, site_url, page_factory):
    page = page_factory(width=width, height=844)
    opened(page, site_url)
    shown = "document.documentElement."
    assert page.evaluate(shown + "scrollHeight") <= longest
    page.evaluate("for (const row of document.querySelectorAll('details')) row.open = true")
    assert page.evaluate(shown + "scrollWidth") <= width
    labels = page.locator(".page-benchmark .run-figure svg text").evaluate_all(
        """(texts) => texts.filter((text) => text.checkVisibility()).map((text) => {
            const box = text.getBoundingClientRect()
            return {words: text.textContent, size: parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a,
                inside: box.left >= 0 && box.right <= innerWidth}
        })"""
    )
    assert len(labels) > 60
    assert [each for each in labels if each["size"] < 10.5 or not each["inside"]] == []
    assert violations(page) == [] and page.heard.errors == []


def test_without_scripts_both_ends_stand_there(site_url, page_factory, evidence):
    page = page_factory(java_script_enabled=False)
    page.goto(f"{site_url}benchmark/")
    expect(page.locator(".ends")).to_contain_text(f"{evidence['longest']:,}")
    assert not page.locator(".touch-room").is_visible() and page.locator(".ends tbody tr").count() == 4


def test_with_scripts_the_figure_stands_for_them(site_url, page):
    opened(page, site_url)
    assert not page.locator(".ends").is_visible()


def test_the_invitation_opens_how_to_add_a_record(site_url, page):
    opened(page, site_url)
    page.locator("a.stat").click()
    expect(page.get_by_text("gpu_benchmark.py --out")).to_be_in_viewport()
    assert page.locator("details[open]").count() == 1
