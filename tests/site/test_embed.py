"""The 실험실 inside the threads that speak of it: it comes when it is asked for, where it stands, in the state spoken of."""

import pytest
from accessibility import violations
from labpage import embeds, settled

MOVED = """window.moved = 0; new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) moved += entry.value;
}).observe({ type: "layout-shift", buffered: true });"""
PAGE = "qa/position-embedding/why-position/"


def frame_of(page):
    """The frame in the thread, its model there and settled."""
    page.locator(".embed iframe.shown").wait_for(timeout=60_000)
    frame = next(frame for frame in page.frames if "/lab/" in frame.url)
    frame.locator(".lab.ready").wait_for(timeout=60_000)
    settled(frame)
    return frame


def opened(page, site_url, path=PAGE):
    page.goto(site_url + path, wait_until="networkidle")
    page.evaluate("window.moved = 0")  # until then fonts come
    page.get_by_role("button", name="작은 모델로 해 보기").click()
    return frame_of(page)


def test_ten_threads_open_it(root):
    assert len(embeds(root)) >= 10


def test_nothing_of_it_is_loaded_before_it_is_asked_for(site_url, page):
    page.goto(site_url + PAGE, wait_until="networkidle")
    heavy = [url for url in page.heard.requests if "/lab/" in url or "/vendor/" in url or ".onnx" in url]
    assert not heavy and page.locator("iframe").count() == 0


@pytest.mark.parametrize("width", [390, 1280])
def test_every_thread_opens_it_in_its_state_whole_and_without_a_jolt(root, site_url, page_factory, width):
    page = page_factory(width=width, height=844)
    page.add_init_script(MOVED)
    for thread, (state, _) in embeds(root).items():
        frame = opened(page, site_url, f"qa/{thread}/")
        asked = frame.evaluate("asked => import(new URL('../assets/js/lab/state.js', location.href))"
                               ".then(({ read, write }) => write(read(asked)))", state)  # fmt: skip
        assert frame.url.partition("lab/")[2] == asked
        inner = frame.evaluate("""() => {
            const { scrollHeight, scrollWidth } = document.scrollingElement;
            return [scrollHeight - innerHeight, scrollWidth - innerWidth];
        }""")
        assert max(inner) <= 0, f"{thread}: something is cut off at {width}"
        assert page.evaluate("moved") < 0.005 and frame.evaluate("moved") < 0.02, thread
        assert not frame.locator(".md-header").first.is_visible()
    assert not page.heard.errors


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_and_the_theme_is_that_of_the_page(site_url, page_factory, theme, width):
    page = page_factory(theme=theme, width=width, height=844, reduced_motion="reduce")
    page.goto(site_url + PAGE)
    assert not violations(page)
    frame = opened(page, site_url)
    assert not violations(page) and not violations(frame)
    scheme = "document.body.getAttribute('data-md-color-scheme')"
    assert frame.evaluate(scheme) == page.evaluate(scheme)
    page.evaluate("document.body.setAttribute('data-md-color-scheme', 'slate')")
    frame.wait_for_function(f"{scheme} === 'slate'")


def test_by_keyboard_the_stage_is_reached_and_changed(site_url, page):
    page.goto(site_url + PAGE)
    button = page.get_by_role("button", name="작은 모델로 해 보기")
    button.focus()
    page.keyboard.press("Enter")
    frame = frame_of(page)
    assert page.evaluate("document.activeElement.tagName") == "IFRAME" and page.locator("iframe").get_attribute("title")
    assert "정답은 ㄴ" in frame.locator("#lab-verdict").inner_text()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowLeft")
    settled(frame)
    assert "x=" in frame.url and page.url.endswith(PAGE)
    frame.get_by_role("radio", name="학습한 그대로").check()
    settled(frame)
    assert "맞혔어요" in frame.locator("#lab-verdict").inner_text()


def test_without_scripts_a_link_leads_to_it(site_url, page_factory):
    page = page_factory(java_script_enabled=False)
    page.goto(site_url + PAGE)
    page.get_by_role("link", name="작은 모델로 해 보기").click()
    assert page.url.endswith("/lab/?pos=none")
