"""Enter in the search: of a syllable that is being made, in each browser's order of events, and of its own."""

import pytest
from playwright.sync_api import expect

# What browsers tell of the Enter that ends a syllable, in their order.
ORDERS = {
    "Chrome": """key({isComposing: true, keyCode: 229}); end();""",
    "Firefox": """key({isComposing: true, keyCode: 13}); end();""",
    "Safari": """end(); key({isComposing: false, keyCode: 229});""",
    "twice": """key({isComposing: true, keyCode: 229}); end(); key({isComposing: false, keyCode: 13});""",
    "late": """end(); key({isComposing: false, keyCode: 13});""",
}
DISPATCH = """
const input = document.querySelector(".search__input");
const end = () => input.dispatchEvent(new CompositionEvent("compositionend", {data: "딩", bubbles: true}));
const key = (change) => input.dispatchEvent(
    new KeyboardEvent("keydown", {key: "Enter", bubbles: true, cancelable: true, ...change}));
input.dispatchEvent(new CompositionEvent("compositionstart", {bubbles: true}));
"""


@pytest.fixture
def searched(site_url, page):
    """A page whose search has found something."""
    page.goto(site_url)
    page.keyboard.press("/")
    page.keyboard.insert_text("위치 임베딩")
    expect(page.get_by_role("option").first).to_be_visible(timeout=15_000)
    return page


@pytest.mark.parametrize("order", ORDERS)
def test_enter_that_ends_a_syllable_opens_nothing(searched, site_url, order):
    searched.evaluate(f"() => {{ {DISPATCH} {ORDERS[order]} }}")
    searched.wait_for_timeout(400)
    assert searched.url == site_url and searched.locator("dialog.search").is_visible()
    searched.keyboard.press("Enter")
    searched.wait_for_url(lambda url: url != site_url)
