"""The page of the 실험실: its links, and what is seen and done on it in a real browser."""

import base64
import re
from functools import partial

import pytest
from accessibility import violations
from labpage import SCRIPTS, at, embeds, imported, lab_page, opened, saving_data, settled

from mundap.live.web import HEADERS

MAX_BYTES = 4_000_000  # of all that the page loads, on a host that compresses nothing


@pytest.fixture(scope="module")
def lab(site_url, browser):
    with lab_page(browser, site_url) as page:
        yield page


def test_links_to_threads_are_filled_in_and_none_is_typed(root, site):
    for name in ("lab", "photo-lab"):
        source = (root / "docs" / f"{name}.md").read_text(encoding="utf-8")
        html = (site / name / "index.html").read_text(encoding="utf-8")
        links = re.findall(r'<a href="(\.\./qa/[^/"]+/[^/"]+/)">', html)
        assert "../qa/" not in source and len(links) >= source.count("mundap:thread") >= 3
        assert all((site / name / link / "index.html").is_file() for link in links)


def test_no_script_of_the_page_waits_for_another(root):
    main = root / "docs" / SCRIPTS / "main.js"
    source = (root / "docs" / "lab.md").read_text(encoding="utf-8")
    told = {(root / "docs" / name).resolve() for name in re.findall(r"(?m)^  - (assets/js/.+)$", source)}
    assert told == imported(main.resolve()) - {main.resolve()}


def text(page, name):
    return page.locator(f"#lab-{name}").inner_text()


def answered(page):
    """The letter that the page answers, and its percentage."""
    letter, chance = re.match(r"(.) (\d+)%", text(page, "verdict")).groups()
    return letter, int(chance)


def model_files(page):
    """What the page has asked for of the model."""
    return [url for url in page.heard.requests if "/vendor/" in url or url.endswith(".onnx")]


def test_what_is_loaded_is_told(root, site_url, page):
    opened(page, site_url)
    loaded = {url.removeprefix(site_url) for url in model_files(page)}
    assert loaded == {"assets/vendor/runtime.js", "assets/vendor/ort.wasm.zst", "assets/lab/vit.onnx"}
    sizes = {name: (root / "docs" / name).stat().st_size for name in loaded}
    own = sum(path.stat().st_size for path in (root / "docs" / SCRIPTS).glob("*.js"))
    assert sum(sizes.values()) + own < MAX_BYTES
    source = (root / "docs" / "lab.md").read_text(encoding="utf-8")
    size = f"({sum(sizes.values()) / 1e6:.1f} MB)"
    assert f"모델 불러오기 {size}" in source
    assert f"가중치 {sizes['assets/lab/vit.onnx'] / 1e6:.1f} MB" in source
    assert f"{(sum(sizes.values()) - sizes['assets/lab/vit.onnx']) / 1e6:.1f} MB와" in source
    told = int(re.search(r'data-bytes="(\d+)"', source)[1])
    assert told == sizes["assets/lab/vit.onnx"] + sizes["assets/vendor/ort.wasm.zst"]
    assert {button[1] for button in embeds(root).values()} == {size}, "threads tell the same"
    assert all(url.startswith((site_url, "data:", "blob:")) for url in page.heard.requests) and not page.heard.errors


def test_who_saves_data_is_asked_and_sees_the_record_meanwhile(site_url, page):
    saving_data(page)
    opened(page, site_url, load=False)
    page.wait_for_load_state("networkidle")
    assert not model_files(page)
    record = [text(page, name) for name in ("verdict", "logits", "seen", "legend")]
    assert answered(page)[0] == "ㄴ" and "5." in record[3]
    page.get_by_role("button", name="모델 불러오기").click()
    page.locator(".lab.ready").wait_for(timeout=60_000)
    settled(page)
    assert [text(page, name) for name in ("verdict", "logits", "seen", "legend")] == record, "torch and the page agree"


def test_nothing_moves_while_the_page_opens_and_the_model_comes(site_url, page_factory):
    for width, height in ((390, 844), (390, 664), (1280, 900)):
        page = page_factory(width=width, height=height)
        page.add_init_script("""window.moved = 0; new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) if (!entry.hadRecentInput) moved += entry.value;
        }).observe({ type: "layout-shift", buffered: true });""")
        opened(page, site_url)
        assert page.evaluate("moved") < 0.005
        numbers = page.locator("#lab-logits .logit").first.bounding_box()
        assert numbers["y"] + numbers["height"] < height, "the answer is seen at once"


def test_the_page_answers_while_the_model_is_made_ready(site_url, page):
    page.add_init_script("""window.busy = 0; new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) busy = Math.max(busy, duration);
    }).observe({ type: "longtask", buffered: true });""")
    opened(page, site_url)
    assert page.evaluate("busy") < 600, "unpacking and compiling stand in a worker; other tests run beside this one"


def test_it_runs_under_the_content_security_policy_of_the_live_server(site_url, page):
    def with_headers(route):
        response = route.fetch()
        route.fulfill(response=response, headers={**response.headers, **HEADERS})

    page.route("**/*", with_headers)
    opened(page, site_url)
    assert answered(page)[0] == "ㄴ" and not page.heard.errors


def test_a_tab_that_has_loaded_it_once_does_not_ask_again(site_url, page):
    saving_data(page)
    opened(page, site_url, load=False)
    page.get_by_role("button", name="모델 불러오기").click()
    page.locator(".lab.ready").wait_for(timeout=60_000)
    opened(page, site_url, "?pos=none")
    assert not page.get_by_role("button", name="모델 불러오기").is_visible()


def test_what_cannot_be_loaded_is_told_and_can_be_tried_again(site_url, page):
    told = page.get_by_text("모델을 불러오지 못했어요")
    for missing in ("**/vit.onnx", "**/runtime.js", "**/ort.wasm.zst"):
        page.context.route(missing, lambda route: route.abort())
        page.goto(site_url + "lab/")
        told.wait_for(timeout=60_000)
        page.wait_for_timeout(500)
        assert told.is_visible(), f"{missing}: what arrived after the failure took its message away"
        page.context.unroute(missing)
    page.get_by_role("button", name="모델 불러오기").click()
    page.locator(".lab.ready").wait_for(timeout=60_000)


def test_a_model_that_dies_is_told_and_can_be_loaded_again(site_url, page):
    opened(page, site_url)
    page.evaluate(
        """async (base) => {
        const { store } = await import(`${base}store.js`);
        const { worker } = store.model.engine;
        worker.postMessage = () => worker.dispatchEvent(new ErrorEvent("error", { message: "died" }));
    }""",
        site_url + SCRIPTS,
    )
    page.get_by_role("radio", name="그림만 섞기").check()
    page.get_by_text("모델이 멈췄어요. 다시 불러올 수 있어요.").wait_for()
    settled(page)
    page.get_by_role("button", name="모델 불러오기").click()
    page.locator(".lab.ready").wait_for(timeout=60_000)
    settled(page)
    assert "정답은 ㄴ이에요" in text(page, "verdict"), "what was asked for is answered now"


def test_the_first_scene_is_answered_rightly(lab):
    at(lab, "")
    letter, chance = answered(lab)
    assert letter == "ㄴ" and chance > 90 and "맞혔어요" in text(lab, "verdict")
    assert lab.locator("#lab-change").inner_text() == ""


CLAIMS = {  # a state that a page links to -> what has to be seen there
    "?pos=none&shuffle=patches": (None, "로짓이 그대로예요"),
    "?shuffle=patches": ("정답은 ㄴ이에요", "최대 "),
    "?shuffle=tokens": ("맞혔어요", "로짓이 그대로예요"),
    "?size=112&pos=line": ("정답은 ㄴ이에요", "최대 "),
    "?size=96": ("맞혔어요", "최대 "),
    "?pos=none": ("정답은 ㄴ이에요", "최대 "),
    "?pos=none&dx=4": (None, "최대 "),
    "?pos=none&dx=8": (None, "로짓이 그대로예요"),
    "?pos=none&dx=8&dy=-8": (None, "로짓이 그대로예요"),
    "?dx=8": (None, "최대 "),
}


def test_each_state_shows_what_is_said_of_it(lab):
    for address, (verdict, change) in CLAIMS.items():
        at(lab, address)
        assert verdict is None or verdict in text(lab, "verdict"), (address, text(lab, "verdict"))
        assert change in text(lab, "change"), (address, text(lab, "change"))


EXPERIMENTS = {  # an experiment -> what is guessed, and what has to come out
    "위치를 빼고 섞기": ("똑같아요", "로짓이 그대로예요"),
    "위치를 두고 섞기": ("틀려요", "정답은 ㄴ이에요"),
    "위치도 함께 섞기": ("조금 흔들려요", "로짓이 그대로예요"),
    "112 px에서 한 줄로": ("맞혀요", "정답은 ㄴ이에요"),
    "8 px 옮기기": ("완전히 달라져요", "로짓이 그대로예요"),
    "첫 층의 헤드 하나": ("그보다 멀리까지", "4행 4열에서 본 곳"),
}


def test_experiments_ask_first_and_then_show_what_comes_out(lab):
    at(lab, "")
    for name, (guess, outcome) in EXPERIMENTS.items():
        lab.get_by_role("link", name=name).click()
        settled(lab)
        right = name not in ("위치를 빼고 섞기", "8 px 옮기기")  # where the positions are gone from the start
        assert ("맞혔어요" in text(lab, "verdict")) == right, f"{name}: what it begins with"
        assert text(lab, "try") == "" and text(lab, "question").endswith("?")
        choice = lab.locator("#lab-guesses button", has_text=guess)
        choice.click()
        settled(lab)
        assert outcome in " ".join(text(lab, part) for part in ("verdict", "change", "seen")), name
        assert "내 예상" in choice.inner_text() and text(lab, "try").endswith("요.")
        assert lab.locator("#lab-guesses .right").count() == 1
    assert lab.url.endswith("lab/?map=1-3&query=4,4")


def test_the_head_of_the_last_experiment_looks_beyond_the_neighbours(lab):
    near = lab.evaluate("""async () => {
        const scene = S.sample(24), image = M.normalised(S.render(S.shapes(scene), 64));
        const heat = A.row(await model.run(image, 8, 8, M.positions('2d', 8, 8)), 0, 2, 1 + 3 * 8 + 3).subarray(1);
        const isNear = (_, i) => Math.abs(Math.floor(i / 8) - 3) <= 1 && Math.abs((i % 8) - 3) <= 1;
        return heat.filter(isNear).reduce((sum, weight) => sum + weight);
    }""")
    assert 0.17 < near < 0.23, "about four fifths lie elsewhere"


def test_an_experiment_is_left_by_going_back(lab):
    at(lab, "")
    lab.get_by_role("link", name="위치를 빼고 섞기").click()
    lab.locator("#lab-guesses button").first.click()
    settled(lab)
    assert lab.url.endswith("lab/?pos=none&shuffle=patches")
    assert (
        lab.get_by_role("radio", name="그림만 섞기").is_checked() and lab.get_by_role("radio", name="빼기").is_checked()
    )
    lab.go_back()
    settled(lab)
    assert lab.get_by_role("radio", name="섞지 않기").is_checked() and not lab.locator("#lab-ask").is_visible()


def test_what_a_newcomer_does_not_need_is_folded_until_its_state_asks_for_it(lab):
    at(lab, "")
    lab.reload()
    lab.locator(".lab.ready").wait_for(timeout=60_000)
    assert lab.locator("details[open]").count() == 0 and lab.locator("#lab-letters").is_visible()
    at(lab, "?dx=3&map=2-1")
    assert lab.locator("#lab-dx").is_visible() and lab.locator("#lab-heads").is_visible()
    assert not lab.locator("#lab-size").is_visible()


def drag(page, canvas, points):
    page.evaluate("scrollTo(0, 0)")
    page.locator(canvas).scroll_into_view_if_needed()
    box = page.locator(canvas).bounding_box()
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*at[0])
    page.mouse.down()
    for point in at[1:]:
        page.mouse.move(*point, steps=8)
    page.mouse.up()
    settled(page)


def test_the_letter_is_dragged(lab):
    at(lab, "")
    before, tokens = text(lab, "logits"), lab.locator("#lab-scene").get_attribute("aria-label")
    drag(lab, "#lab-scene", [(0.55, 0.55), (0.4, 0.3)])
    assert text(lab, "logits") != before and lab.locator("#lab-scene").get_attribute("aria-label") != tokens
    assert "x=" in lab.url and "y=" in lab.url


def test_a_letter_is_drawn_with_the_mouse(lab):
    at(lab, "?bg=plain")
    lab.get_by_role("radio", name="그리기").check()
    drag(lab, "#lab-scene", [(0.3, 0.25), (0.3, 0.58)])
    drag(lab, "#lab-scene", [(0.3, 0.7), (0.65, 0.7)])
    assert answered(lab)[0] == "ㄴ" and answered(lab)[1] > 90, text(lab, "verdict")
    lab.get_by_role("button", name="지우기").click()
    settled(lab)
    assert answered(lab)[0] != "ㄴ" or answered(lab)[1] < 90
    drag(lab, "#lab-scene", [(0.3, 0.3), (0.65, 0.3)])
    drag(lab, "#lab-scene", [(0.475, 0.42), (0.475, 0.75)])
    assert answered(lab)[0] == "ㅜ", text(lab, "verdict")


def test_a_letter_is_drawn_with_the_keyboard(lab):
    at(lab, "?source=draw&bg=plain")
    lab.locator("#lab-scene").focus()
    press = partial(repeat, lab)
    press("ArrowLeft", 7), press("ArrowUp", 7)
    lab.keyboard.press("Space")
    press("ArrowDown", 11)
    lab.keyboard.press("Space")
    press("ArrowDown", 4)
    lab.keyboard.press("Space")
    press("ArrowRight", 12)
    lab.keyboard.press("Space")
    press("ArrowUp", 3)
    settled(lab)
    assert answered(lab)[0] == "ㄴ", text(lab, "verdict")


def repeat(page, key, times):
    for _ in range(times):
        page.keyboard.press(key)


def test_a_picture_of_the_readers_own(lab, tmp_path):
    picture = lab.evaluate("""() => {
        const canvas = Object.assign(document.createElement('canvas'), { width: 300, height: 200 });
        const context = canvas.getContext('2d');
        context.fillStyle = '#246'; context.fillRect(0, 0, 300, 200);
        context.fillStyle = '#ddd';
        context.fillRect(145, 40, 13, 66); context.fillRect(115, 124, 72, 13); // ㅗ
        return canvas.toDataURL('image/png').split(',')[1];
    }""")
    file = tmp_path / "letter.png"
    file.write_bytes(base64.b64decode(picture))
    at(lab, "")
    lab.get_by_role("radio", name="내 그림").check()
    sent = len(lab.heard.requests)
    lab.locator("#lab-file").set_input_files(file)
    settled(lab)
    assert answered(lab)[0] == "ㅗ", text(lab, "verdict")
    assert all(url.startswith("blob:") for url in lab.heard.requests[sent:]), "the picture stays here"
    (tmp_path / "no.png").write_text("글")
    lab.locator("#lab-file").set_input_files(tmp_path / "no.png")
    lab.get_by_text("그림으로 읽지 못했어요").first.wait_for()


def test_hovering_chooses_a_query_for_as_long_as_it_lasts(lab):
    at(lab, "?map=1-2")
    box = lab.locator("#lab-map").bounding_box()
    assert text(lab, "seen").startswith("클래스 토큰에서 본 곳")
    lab.mouse.move(box["x"] + 0.55 * box["width"], box["y"] + 0.3 * box["height"])
    settled(lab)
    assert text(lab, "seen").startswith("3행 5열에서"), text(lab, "seen")
    assert "query" not in lab.url
    lab.mouse.move(5, 5)
    settled(lab)
    assert text(lab, "seen").startswith("클래스 토큰에서 본 곳")
    lab.mouse.click(box["x"] + 0.55 * box["width"], box["y"] + 0.3 * box["height"])
    lab.mouse.move(5, 5)
    settled(lab)
    assert text(lab, "seen").startswith("3행 5열에서") and lab.url.endswith("query=3,5")
    lab.get_by_role("button", name="클래스 토큰").click()
    settled(lab)
    assert "query" not in lab.url


def test_everything_is_reached_and_done_by_keyboard(site_url, page):
    saving_data(page)
    opened(page, site_url, load=False)
    page.get_by_role("button", name="모델 불러오기").press("Enter")
    page.locator(".lab.ready").wait_for(timeout=60_000)
    settled(page)
    assert page.locator("#lab-scene").evaluate("node => node === document.activeElement"), "the load button has gone"
    before = page.locator("#lab-scene").get_attribute("aria-label")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowUp")
    settled(page)
    assert page.locator("#lab-scene").get_attribute("aria-label") != before
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    settled(page)
    assert "query=6,5" in page.url
    assert "6행 5열" in page.locator("#lab-said").text_content()
    page.keyboard.press("Home")
    settled(page)
    assert "query" not in page.url
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('summary')"):
            page.keyboard.press("Enter")
        reached.add(page.evaluate("(document.activeElement.name || document.activeElement.id || '')"))
    wanted = {
        "source",
        "letter",
        "bg",
        "map",
        "pos",
        "shuffle",
        "lab-x",
        "lab-y",
        "lab-r",
        "lab-bars",
        "lab-new",
        "lab-size",
        "lab-dx",
        "lab-dy",
        "lab-link",
        "lab-reset",
    }
    assert wanted <= reached, wanted - reached
    page.locator('input[name="map"]:checked').focus()
    page.keyboard.press("ArrowDown")
    settled(page)
    assert "map=1-1" in page.url


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing(site_url, page_factory, theme, width):
    page = page_factory(theme=theme, width=width, height=844, reduced_motion="reduce")
    saving_data(page)
    opened(page, site_url, load=False)
    assert not violations(page)
    page.get_by_role("link", name="8 px 옮기기").click()
    assert not violations(page)
    page.locator("#lab-guesses button").first.click()  # it loads the model, too
    page.locator(".lab.ready").wait_for(timeout=60_000)
    settled(page)
    assert not violations(page)
    for query in ("?pos=none&shuffle=patches&map=2-3&query=2,2", "?source=draw", "?size=128&pos=line&dx=-3"):
        at(page, query)
        assert not violations(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_by_touch_on_a_phone(site_url, page_factory):
    page = page_factory(width=390, height=844, has_touch=True, is_mobile=True)
    opened(page, site_url, "?map=1-2")
    box = page.locator("#lab-map").bounding_box()
    page.touchscreen.tap(box["x"] + 0.3 * box["width"], box["y"] + 0.8 * box["height"])
    settled(page)
    assert page.url.endswith("query=7,3")
    scene = page.locator("#lab-scene").bounding_box()
    page.touchscreen.tap(scene["x"] + 0.3 * scene["width"], scene["y"] + 0.4 * scene["height"])
    settled(page)
    assert "x=" in page.url
    page.get_by_role("radio", name="그림만 섞기").tap()
    settled(page)
    small = page.evaluate("""() => [...document.querySelectorAll(".lab :is(button, summary, nav a, input:not([type=checkbox]), label)")]
        .filter((node) => node.checkVisibility({ visibilityProperty: true }) && node.getBoundingClientRect().height < 44)
        .map((node) => node.outerHTML.slice(0, 80))""")
    assert small == []
    stage = page.locator(".lab-stage").bounding_box()
    assert stage["y"] < 100 and stage["y"] + stage["height"] < 560, "scene, map and answer stay in sight, controls too"
    assert page.locator("#lab-change").is_visible()


def test_what_is_seen_stays_in_sight_on_a_low_phone(site_url, page_factory):
    page = page_factory(width=390, height=664, has_touch=True, is_mobile=True)
    page.goto(site_url + "lab/")
    page.get_by_role("radio", name="그림만 섞기").focus()
    stage, control = page.locator(".lab-stage").bounding_box(), page.locator(".lab label:focus-within").bounding_box()
    assert 0 < stage["y"] < 100 and stage["y"] + stage["height"] < control["y"] and control["y"] < 664
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_maps_follow_the_theme(lab):
    at(lab, "")
    lab.locator("details[data-keys='map']").evaluate("details => { details.open = true; }")
    settled(lab)
    colours = []
    for theme in ("light", "dark", "light"):
        lab.emulate_media(color_scheme=theme)
        lab.wait_for_timeout(300)
        settled(lab)
        colours.append(
            lab.evaluate("""() => {
            const canvas = document.querySelector('#lab-heads canvas');
            return [...canvas.getContext('2d').getImageData(0, 0, 1, 1).data];
        }""")
        )
    assert colours[0] != colours[1] and colours[0] == colours[2]


def test_a_frame_takes_no_more_than_50_ms(lab):
    at(lab, "")
    lab.locator("#lab-scene").focus()
    found = []
    for _ in range(20):
        lab.keyboard.press("ArrowRight")
        lab.wait_for_timeout(60)
        found.append(float(lab.locator("#lab-time").get_attribute("data-ms")))
    assert min(found) < 50, found  # the least: what other tests do beside this one is no fault of its
    assert "ms" in text(lab, "time")


def test_without_javascript_the_page_says_what_it_is(site_url, page_factory):
    page = page_factory(java_script_enabled=False)
    page.goto(site_url + "lab/")
    assert page.locator("h1").inner_text().startswith("ViT 실험실")
    said = page.locator("noscript p").first
    assert said.is_visible() and "JavaScript" in said.text_content()
    assert page.locator(".run-figure svg").is_visible()
    assert not page.locator(".lab").is_visible()
    page.locator("noscript li a").nth(1).click()
    assert "attention-rollout" in page.url
