"""실험실: 진짜 모델, in a real browser: its model against torch, and what is seen and done on its page."""

import base64
import hashlib
import json
import re

import numpy as np
import pe_interpolation
import pytest
import torch
from accessibility import violations
from browsing import new_page
from export_photo_lab import GRID, TARGET, names, reference, resized
from labpage import imported, settled
from lib.photos import photos, table_of_photos
from real_vit import load_real

SCRIPTS = "assets/js/photo/"


@pytest.fixture(scope="module")
def lab(site_url, browser):
    """The page with its model, and its modules as window.M (model), A, F, P, T and store."""
    page = new_page(browser.new_context(viewport={"width": 1280, "height": 800}, locale="ko-KR"))
    loaded(page, site_url)
    page.evaluate(
        """async (base) => {
        const names = ["../lab/attention", "features", "positions", "state", "store"];
        const [A, F, P, T, { store }] = await Promise.all(names.map((name) => import(`${base}${name}.js`)));
        const bytes = (array) => {
            const all = new Uint8Array(array.buffer, array.byteOffset, array.byteLength), parts = [];
            for (let i = 0; i < all.length; i += 32768) parts.push(String.fromCharCode(...all.subarray(i, i + 32768)));
            return btoa(parts.join(""));
        };
        const floats = (text) => new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
        Object.assign(window, { A, F, P, T, store, bytes, floats });
    }""",
        site_url + SCRIPTS,
    )
    yield page
    assert not page.heard.errors
    page.context.close()


def shown(page, site_url, query=""):
    page.goto(f"{site_url}photo-lab/{query}")
    settled(page)
    return page


def loaded(page, site_url, query=""):
    """The page at a state, its model there because somebody has asked for it."""
    shown(page, site_url, query)
    page.get_by_role("button", name="모델 불러오기").click()
    return ready(page)


def ready(page):
    page.locator(".lab.ready").wait_for(timeout=60_000)
    page.locator("#photo-time").filter(has_text="초").wait_for(timeout=60_000)
    settled(page)
    return page


def at(lab, query):
    """The shared page at a state, as the Back button would bring it there."""
    lab.mouse.move(2, 2)
    lab.evaluate(
        "query => { history.pushState(null, '', query || location.pathname); dispatchEvent(new PopStateEvent('popstate')); }",
        query,
    )
    lab.wait_for_timeout(50)
    settled(lab)
    return lab


def text(page, name):
    return page.locator(f"#photo-{name}").inner_text()


def encoded(array):
    return base64.b64encode(np.ascontiguousarray(array, dtype=np.float32).tobytes()).decode()


def decoded(told, *shape, dtype=np.float32):
    return np.frombuffer(base64.b64decode(told), dtype).reshape(shape)


def big_files(page):
    return [url for url in page.heard.requests if "/vendor/" in url or ".onnx" in url]


@pytest.mark.parametrize("photo", [0, 9])
def test_features_and_every_map_agree_with_torch_in_the_browser(lab, photo):
    image = photos(224)[0][photo]
    found = lab.evaluate(
        """async (image) => {
        window.last = await store.model.run(floats(image), 16, 16, P.mixOf("2d", 16, 16));
        const { tokens, attn, n } = last;
        return { tokens: bytes(tokens), attn: bytes(attn), n };
    }""",
        encoded(image),
    )
    tokens, attn = decoded(found["tokens"], 257, 384), decoded(found["attn"], 12, 6, 257, 257)
    expected, maps = reference(load_real(224), image)
    cosine = torch.cosine_similarity(torch.from_numpy(tokens.copy()), expected, dim=-1)
    assert cosine.mean() >= 0.999 and cosine.min() >= 0.995
    assert 0 < np.abs(attn - maps.numpy()).sum(-1).mean() / 2 <= 0.02

    mean = torch.from_numpy(attn.copy()).mean(1).double()
    for first in (0, 1):
        joint = torch.eye(257, dtype=torch.double)
        for layer in mean[first:]:
            joint = (0.5 * layer + 0.5 * torch.eye(257)) @ joint
        row = decoded(lab.evaluate("first => bytes(A.rollout(last, 20, first))", first), 257)
        assert np.abs(row - joint[20].numpy()).max() < 1e-6
    parts, share = lab.evaluate(
        "() => { const { parts, share } = F.components(last.tokens, last.n); return [parts.map((part) => [...part]), share]; }"
    )
    patches = torch.from_numpy(tokens[1:].copy()).double()
    left, sizes, _ = torch.linalg.svd(patches - patches.mean(0), full_matrices=False)
    assert share == pytest.approx(((sizes[:3] ** 2).sum() / (sizes**2).sum()).item(), abs=1e-3)
    for part, along in zip(torch.tensor(parts, dtype=torch.double), (left * sizes).T, strict=False):
        assert abs(torch.corrcoef(torch.stack([part, along]))[0, 1]) > 0.99


@pytest.mark.parametrize("rows, columns", [(8, 8), (16, 16), (12, 24)])
def test_positions_are_mixed_as_the_snippets_do(lab, rows, columns):
    def of_page(method):
        told = lab.evaluate(
            "([method, rows, columns]) => bytes(P.mixOf(method, rows, columns))", [method, rows, columns]
        )
        return decoded(told, rows, columns, GRID**2)

    assert np.abs(of_page("2d") - resized(rows, columns).numpy()).max() < 1e-5
    own = torch.eye(GRID**2).reshape(1, GRID**2, GRID, GRID)
    smooth = torch.nn.functional.interpolate(own, (rows, columns), mode="bicubic", antialias=True)[0]
    assert np.abs(of_page("smooth") - smooth.permute(1, 2, 0).numpy()).max() < 1e-5
    learned = torch.cat([torch.zeros(1, 1, GRID**2), torch.eye(GRID**2)[None]], dim=1)
    for method in ("line", "repeat", "same"):
        expected = pe_interpolation.METHODS[method](learned, (rows, columns))[0, 1:]
        assert np.abs(of_page(method).reshape(rows * columns, -1) - expected.numpy()).max() < 1e-4, method


def test_what_is_told_of_the_files_is_so(root):
    source = (root / "docs" / "photo-lab.md").read_text(encoding="utf-8")
    files = [TARGET, root / "docs" / "assets" / "vendor" / "ort.wasm.zst"]
    for name, file in zip(("graph", "wasm"), files, strict=True):
        digest = hashlib.sha256(file.read_bytes()).hexdigest()[:8]
        assert re.search(rf'data-{name}="\.\./(\S+)\?v=(\w+)"', source).groups() == (
            file.relative_to(root / "docs").as_posix(),
            digest,
        ), "a browser that has kept another one would not fetch it"
    whole = sum(file.stat().st_size for file in files)
    assert f'data-bytes="{whole}"' in source and f"모델 불러오기 ({whole / 1e6:.1f} MB)" in source
    main = root / "docs" / SCRIPTS / "main.js"
    told = {(root / "docs" / name).resolve() for name in re.findall(r"(?m)^  - (assets/js/.+)$", source)}
    assert told == imported(main.resolve()) - {main.resolve()}, "no script waits for another"


def test_photographs_are_named_with_their_makers_and_terms(root, lab):
    source = (root / "docs" / "photo-lab.md").read_text(encoding="utf-8")
    for photo in table_of_photos():
        assert f'title="{photo["alt"]}"' in source
        terms = ", ".join(filter(None, [photo.get("author"), photo["licence"]]))
        assert f"{photo['source']}, {terms}. {photo['changed']}" in source
    assert sorted(lab.evaluate("T.PHOTOS")) == sorted(names())


def test_states_that_are_linked_to_there_are(root, lab):
    threads = [path.read_text(encoding="utf-8") for path in (root / "docs" / "qa").glob("*/*.yaml")]
    own = re.findall(r'href="(\?[^"]+)"', (root / "docs" / "photo-lab.md").read_text(encoding="utf-8"))
    linked = [address for thread in threads for address in re.findall(r"\(page:photo-lab(\?[^)]+)\)", thread)]
    assert len(own) >= 8 and len(linked) >= 3
    for address in [link.replace("&amp;", "&") for link in own + linked]:
        again = lab.evaluate("address => T.write(T.read(address))", address)
        assert sorted(again[1:].split("&")) == sorted(address[1:].split("&"))


def test_nothing_large_comes_unasked_and_a_kept_model_needs_no_network(root, site_url, page):
    shown(page, site_url)
    page.wait_for_load_state("networkidle")
    assert not big_files(page)
    before = text(page, "seen")
    assert before.startswith("클래스 토큰에서 가장 많이 본 곳: "), "the record is shown meanwhile"
    loaded(page, site_url)
    assert text(page, "seen").split("열")[0] == before.split("열")[0], "torch and the page agree"
    assert len([url for url in big_files(page) if ".onnx" in url]) == 1
    for pattern in ("**/*.onnx.gz*", "**/*.wasm.zst*"):
        page.route(pattern, lambda route: route.abort())
    ready(shown(page, site_url, "?photo=cat"))
    die = "worker.dispatchEvent(new ErrorEvent('error', { message: 'died' }))"
    page.evaluate(
        f"""async (base) => {{
        const {{ store }} = await import(`${{base}}store.js`);
        const {{ worker }} = store.model.engine;
        worker.postMessage = () => {die};
    }}""",
        site_url + SCRIPTS,
    )
    page.get_by_role("radio", name="커피").check()
    page.get_by_text("다시 불러올 수 있어요").wait_for()
    page.get_by_role("button", name="모델 불러오기").click()
    ready(page)
    assert "커피 한 잔" in page.locator("#photo-picture").get_attribute("aria-label")
    page.get_by_role("button", name="저장한 모델 지우기").click()
    page.get_by_text("저장한 모델을 지웠어요").wait_for()
    shown(page, site_url)
    page.get_by_role("button", name="모델 불러오기").click()
    page.get_by_text("모델을 불러오지 못했어요").wait_for()
    page.unroute("**/*.onnx.gz*")
    page.unroute("**/*.wasm.zst*")
    page.get_by_role("button", name="모델 불러오기").click()
    ready(page)


@pytest.mark.parametrize(
    "lack, told",
    [
        ("delete self.WebAssembly;", "WebAssembly를 쓸 수 없어서"),
        ("WebAssembly.validate = () => false;", "SIMD가 없어서"),
    ],
)
def test_a_browser_that_cannot_reckon_is_told_so(site_url, page, lack, told):
    def lacking(route):
        response = route.fetch()
        route.fulfill(response=response, body=lack + response.text())

    page.context.route("**/lab/worker.js", lacking)
    shown(page, site_url)
    page.get_by_role("button", name="모델 불러오기").click()
    page.get_by_text(told).wait_for(timeout=10_000)
    assert not [url for url in big_files(page) if ".onnx" in url]


def test_a_patch_is_chosen_by_keys_mouse_and_button(lab):
    at(lab, "?photo=pagoda&layer=2&head=3")
    lab.locator("#photo-map").focus()
    lab.keyboard.press("ArrowUp")
    lab.keyboard.press("ArrowLeft")
    settled(lab)
    assert lab.url.endswith("?photo=pagoda&layer=2&head=3&query=9,8")
    assert text(lab, "seen").startswith("9행 8열에서") and lab.locator("#photo-said").text_content() == text(
        lab, "seen"
    )
    lab.keyboard.press("Home")
    settled(lab)
    assert "query" not in lab.url
    box = lab.locator("#photo-picture").bounding_box()
    lab.mouse.click(box["x"] + 0.3 * box["width"], box["y"] + 0.99 * box["height"])
    lab.mouse.move(2, 2)
    settled(lab)
    assert "query=16,5" in lab.url
    lab.get_by_role("button", name="클래스 토큰").click()
    settled(lab)
    assert "query" not in lab.url


def test_each_view_says_what_is_seen(lab):
    for address, said in {
        "?photo=astronaut&view=rollout": "까지 가장 많이 온 곳: 16행 16열",
        "?photo=coffee&view=likeness&query=5,8": "5행 8열의 패치와 가장 닮은 곳",
        "?photo=pagoda&view=components": "가 이 세 색에 담겼어요",
    }.items():
        at(lab, address)
        assert said in text(lab, "seen"), text(lab, "seen")
    at(lab, "?photo=pagoda&view=components&pos=none&size=168")
    assert re.search(r"코사인 0\.\d\d만큼 닮았어요", text(lab, "pos-note")) and "토큰 145개" in text(lab, "time")


def test_a_photograph_of_the_readers_own_stays_here(lab, tmp_path):
    at(lab, "")
    sent = len(lab.heard.requests)
    file = tmp_path / "mine.png"
    colours = lab.evaluate(
        "() => { const c = document.createElement('canvas'); c.width = 90; c.height = 60; return c.toDataURL(); }"
    )
    file.write_bytes(base64.b64decode(colours.split(",")[1]))
    lab.locator("#photo-file").set_input_files(file)
    lab.get_by_text("mine.png의 가운데를").wait_for()
    settled(lab)
    assert "mine.png" in lab.locator("#photo-picture").get_attribute("aria-label")
    assert all(url.startswith("blob:") for url in lab.heard.requests[sent:]) and "photo=" not in lab.url
    (tmp_path / "no.png").write_text("글")
    lab.locator("#photo-file").set_input_files(tmp_path / "no.png")
    lab.get_by_text("사진으로 읽지 못했어요").wait_for()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(lab, theme):
    lab.emulate_media(color_scheme=theme, reduced_motion="reduce")
    for width in (390, 1280):
        lab.set_viewport_size({"width": width, "height": 844})
        for query in ("?photo=cat&pos=none&size=112", "?view=rollout", "?view=likeness&query=3,3", "?view=components"):
            at(lab, query)
            assert not violations(lab)
            assert lab.evaluate("document.documentElement.scrollWidth") <= width


def test_on_a_phone_all_that_is_touched_is_large_and_in_sight(site_url, page_factory):
    page = page_factory(width=390, height=844, has_touch=True, is_mobile=True)
    page.add_init_script("""window.moved = 0; new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) moved += entry.value;
    }).observe({ type: "layout-shift", buffered: true });""")
    shown(page, site_url)
    assert page.evaluate("moved") < 0.005
    assert page.locator("#photo-camera").get_attribute("capture") == "environment"
    box = page.locator("#photo-map").bounding_box()
    page.touchscreen.tap(box["x"] + 0.3 * box["width"], box["y"] + 0.8 * box["height"])
    settled(page)
    assert page.url.endswith("query=13,5")
    small = page.evaluate("""() => [...document.querySelectorAll(".lab :is(button, summary, nav a, input:not([type=checkbox]), label), .lab-tabs a")]
        .filter((node) => node.checkVisibility({ visibilityProperty: true }) && node.getBoundingClientRect().height < 44)
        .map((node) => node.outerHTML.slice(0, 80))""")
    assert small == []
    heads = page.locator("#photo-heads").bounding_box()
    assert heads["y"] + heads["height"] < 844, "photograph, map and controls are seen at once"


def test_without_javascript_the_page_says_what_it_is(site_url, page_factory):
    page = page_factory(java_script_enabled=False)
    page.goto(site_url + "photo-lab/")
    assert "JavaScript" in page.locator("noscript p").first.text_content()
    assert page.locator(".run-figure svg").is_visible() and not page.locator(".lab").is_visible()
    page.get_by_role("link", name="작은 모델").click()
    assert page.url.endswith("/lab/")


def test_a_run_takes_no_more_than_a_few_seconds_and_is_told(lab):
    at(lab, "?photo=horse")
    assert 0 < int(lab.locator("#photo-time").get_attribute("data-ms")) < 10_000, "other tests run beside this one"
    assert json.loads((TARGET.with_name("photo.json")).read_text())["photo"] == lab.evaluate("T.USUAL.photo")
