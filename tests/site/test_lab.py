"""The 실험실: its graph against torch, its JavaScript against the snippets, and its page in a real browser.

What of its JavaScript needs neither is in tests/js.
"""

import base64
import re
from functools import partial

import attention_distance
import attention_rollout
import export_lab
import numpy as np
import pe_interpolation
import pytest
import scenes
import torch
from accessibility import violations
from browsing import new_page
from train_vit import PATCH, SIZE, load_trained

from mundap.live.web import HEADERS
from mundap.project.texts import LINK

SIZES = [48, 64, 96]
MAX_BYTES = 4_000_000  # of all that the page loads, on a host that compresses nothing
SCRIPTS = "assets/js/lab/"


@pytest.fixture(scope="module")
def trained():
    return load_trained()


def torch_run(model, image):
    """Logits, maps and first tokens of one image (1, 3, S, S), as arrays."""
    with torch.no_grad():
        logits, attn = model(image, return_attn=True)
        return logits[0].numpy(), attn[0].numpy(), model.embed(image)[0].numpy()


# --- The graph ---


def onnx_run(model, image, keep=(1, 1), order=None, mix=None):
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    rows, columns = image.shape[2] // PATCH, image.shape[3] // PATCH
    order = np.arange(rows * columns) if order is None else np.asarray(order)
    mix = np.zeros((rows, columns, export_lab.GRID**2)) if mix is None else mix
    return session.run(
        None,
        {
            "image": image.numpy(),
            "keep": np.array(keep, np.float32),
            "order": order.reshape(rows, columns),
            "mix": mix.astype(np.float32),
        },
    )


@pytest.fixture(scope="module")
def committed():
    import onnx

    return onnx.load(export_lab.TARGET)


def test_committed_graph_is_of_the_committed_weights(committed):
    assert {entry.key: entry.value for entry in committed.metadata_props}[
        "weights_sha256"
    ] == export_lab.weights_digest()


def test_exported_anew_it_is_the_committed_graph(committed):
    import onnx

    new = export_lab.export()
    onnx.checker.check_model(new)
    weights = {tensor.name: tensor.raw_data for tensor in committed.graph.initializer}
    assert weights and weights == {tensor.name: tensor.raw_data for tensor in new.graph.initializer}
    assert [node.op_type for node in new.graph.node] == [node.op_type for node in committed.graph.node]
    image = scenes.draw(1, 80, seed=50)[0]
    for one, other in zip(onnx_run(new, image), onnx_run(committed, image), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("height, width", [(16, 16), (64, 64), (72, 72), (128, 128), (64, 128), (200, 40)])
def test_graph_agrees_with_torch_at_any_size(committed, trained, height, width):
    image = scenes.draw(1, 200, seed=51)[0][:, :, :height, :width].contiguous()
    for ours, theirs in zip(onnx_run(committed, image), torch_run(trained, image), strict=True):
        assert np.abs(ours[0] - theirs).max() < 1e-4


def test_positions_that_move_with_their_patches_change_no_logit(committed):
    image, order = scenes.draw(1, SIZE, seed=52)[0], torch.randperm(64, generator=torch.Generator().manual_seed(0))
    columns = torch.nn.functional.unfold(image, PATCH, stride=PATCH)[:, :, order]
    moved = torch.nn.functional.fold(columns, (SIZE, SIZE), PATCH, stride=PATCH)
    before, attn, _ = onnx_run(committed, image)
    together, attn_together, _ = onnx_run(committed, moved, order=order)
    assert np.abs(together - before).max() < 1e-4
    place = np.concatenate([[0], 1 + order.numpy()])
    assert np.abs(attn_together - attn[..., place, :][..., place]).max() < 1e-4
    assert np.abs(onnx_run(committed, moved)[0] - before).max() > 0.1, "the positions did stay behind"


# --- The scripts, in the browser ---


@pytest.fixture(scope="module")
def lab(site_url, browser):
    """The page with its model, its modules as M (model), A (attention), S (scenes), T (state); shared, so see `at`."""
    page = new_page(browser.new_context(viewport={"width": 1280, "height": 800}, locale="ko-KR"))
    opened(page, site_url)
    page.evaluate(
        """async (base) => {
        const names = ['model', 'attention', 'scenes', 'state'];
        const [M, A, S, T] = await Promise.all(names.map((name) => import(`${base}${name}.js`)));
        const bytes = (array) => {
            const all = new Uint8Array(array.buffer, array.byteOffset, array.byteLength), parts = [];
            for (let i = 0; i < all.length; i += 32768) parts.push(String.fromCharCode(...all.subarray(i, i + 32768)));
            return btoa(parts.join(''));
        };
        const floats = (text) => new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
        Object.assign(window, { M, A, S, T, bytes, floats, model: await M.load() });
    }""",
        site_url + SCRIPTS,
    )
    yield page
    assert not page.heard.errors
    page.context.close()


def opened(page, site_url, query="", load=True):
    """The page at a state, with the model if it is to be loaded."""
    page.goto(f"{site_url}lab/{query}")
    if load:
        page.get_by_role("button", name="모델 불러오기").click()
        page.locator(".lab.ready").wait_for(timeout=60_000)
    settled(page)
    return page


def at(lab, query):
    """The shared page at a state, as the Back button would bring it there."""
    lab.mouse.move(2, 2)
    lab.evaluate(
        "query => { history.pushState(null, '', query || location.pathname); dispatchEvent(new PopStateEvent('popstate')); scrollTo(0, 0); }",
        query,
    )
    settled(lab)
    return lab


def settled(page):
    """Wait until what was done is shown and said."""
    page.locator('.lab[data-state="idle"]').wait_for(timeout=60_000)


def encoded(array):
    return base64.b64encode(np.ascontiguousarray(array, dtype=np.float32).tobytes()).decode()


def decoded(text, *shape):
    return np.frombuffer(base64.b64decode(text), np.float32).reshape(shape)


def in_browser(lab, image, method="2d", order=None):
    """What the page's model makes of an image (1, 3, H, W): logits, attn, tokens, as arrays."""
    rows, columns = image.shape[2] // PATCH, image.shape[3] // PATCH
    found = lab.evaluate(
        """async ([image, rows, columns, method, order]) => {
        const out = await model.run(floats(image), rows, columns, M.positions(method, rows, columns, order));
        window.last = out;
        return { logits: bytes(out.logits), attn: bytes(out.attn), tokens: bytes(out.tokens), n: out.n };
    }""",
        [encoded(image), rows, columns, method, order],
    )
    n = 1 + rows * columns
    assert found["n"] == n
    return decoded(found["logits"], 10), decoded(found["attn"], 6, 4, n, n), decoded(found["tokens"], n, 64)


@pytest.mark.parametrize("size", SIZES)
def test_logits_and_every_map_agree_with_torch_in_the_browser(lab, trained, size):
    images = scenes.draw(20, size, seed=60)[0]
    worst = [0, 0, 0]
    for image in images:
        pairs = zip(in_browser(lab, image[None]), torch_run(trained, image[None]), strict=True)
        worst = [max(w, np.abs(ours - theirs).max()) for w, (ours, theirs) in zip(worst, pairs, strict=True)]
    assert max(worst) < 1e-4, worst


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("method", ["line", "repeat", "same", "none"])
def test_positions_are_those_of_the_snippet(lab, trained, method, size):
    image, grid = scenes.draw(1, size, seed=61)[0], (size // PATCH, size // PATCH)
    with torch.no_grad():
        if method == "none":
            pos_embed = torch.zeros(1, 1 + grid[0] * grid[1], 64)
        else:
            pos_embed = pe_interpolation.METHODS[method](trained.pos_embed, grid)
        expected = pe_interpolation.classify(trained, image, pos_embed)[0].numpy()
    assert np.abs(in_browser(lab, image, method)[0] - expected).max() < 1e-4


def test_shuffled_positions_follow_the_order(lab, trained):
    image, order = scenes.draw(1, SIZE, seed=62)[0], list(reversed(range(64)))
    with torch.no_grad():
        moved = trained.pos_embed[:, [0, *(1 + i for i in order)]]
        expected = pe_interpolation.classify(trained, image, moved)[0].numpy()
    for method in ("2d", "line", "repeat"):
        assert np.abs(in_browser(lab, image, method, order)[0] - expected).max() < 1e-4


@pytest.mark.parametrize("size", SIZES)
def test_rollout_and_distances_are_those_of_the_snippets(lab, trained, size):
    image, grid = scenes.draw(1, size, seed=63)[0], (size // PATCH, size // PATCH)
    attn = torch.from_numpy(in_browser(lab, image)[1].copy())
    joint, queries = attention_rollout.rollout(attn).numpy(), [0, 1, grid[0] + 3]
    for query in queries:
        row = decoded(lab.evaluate("query => bytes(A.rollout(last, query))", query), joint.shape[0])
        assert np.abs(row - joint[query]).max() < 1e-6
        mean = decoded(lab.evaluate("query => bytes(A.row(last, 5, null, query))", query), joint.shape[0])
        assert np.abs(mean - attn[5, :, query].mean(0).numpy()).max() < 1e-6
    expected = attention_distance.attention_distance(attn, grid, PATCH)
    found = lab.evaluate("columns => A.distances(last, columns)", grid[1])
    assert found == {
        f"{layer + 1}-{head + 1}": pytest.approx(expected[layer, head].item(), rel=1e-4)
        for layer in range(6)
        for head in range(4)
    }


def mulberry32(seed):
    """The page's random numbers, for the snippet to draw its scenes from."""
    state = seed & 0xFFFFFFFF
    while True:
        state = (state + 0x6D2B79F5) & 0xFFFFFFFF
        t = ((state ^ (state >> 15)) * (state | 1)) & 0xFFFFFFFF
        t ^= (t + (((t ^ (t >> 7)) * (t | 61)) & 0xFFFFFFFF)) & 0xFFFFFFFF
        yield (t ^ (t >> 14)) / 2**32


def python_scene(seed, monkeypatch):
    """scenes.sample for one scene, its random numbers taken from the page's generator."""
    numbers = mulberry32(seed)
    take = lambda *shape: torch.tensor([next(numbers) for _ in range(int(np.prod(shape)))]).reshape(shape)  # noqa: E731
    with monkeypatch.context() as patch:
        patch.setattr(torch, "rand", lambda *shape, generator=None: take(*shape))
        patch.setattr(torch, "randint", lambda high, shape, generator=None: (take(*shape) * high).long())
        return scenes.sample(1, seed=0)


@pytest.mark.parametrize("seed", range(1, 13))
def test_scenes_of_the_page_are_those_of_the_snippet(lab, monkeypatch, seed):
    scene = python_scene(seed, monkeypatch)
    label, box = lab.evaluate(
        "seed => { const { letter } = S.sample(seed); return [letter.label, S.boxOf(letter)]; }", seed
    )
    assert label == scene["labels"].item()
    assert np.abs(np.array(box) - scene["boxes"][0].numpy()).max() < 1e-5
    for size in SIZES:
        image = lab.evaluate(
            "([seed, size]) => bytes(M.normalised(S.render(S.shapes(S.sample(seed)), size)))", [seed, size]
        )
        assert np.abs(decoded(image, 3, size, size) - scenes.render(scene, size)[0].numpy()).max() < 2e-3


def test_accuracy_on_the_pages_scenes_is_that_of_the_record(lab):
    right = lab.evaluate("""async () => {
        let right = 0;
        for (let seed = 5000; seed < 5200; seed++) {
            const scene = S.sample(seed), image = M.normalised(S.render(S.shapes(scene), 64));
            const { logits } = await model.run(image, 8, 8, M.positions('2d', 8, 8));
            right += logits.indexOf(Math.max(...logits)) === scene.letter.label;
        }
        return right / 200;
    }""")
    assert right > 0.85


def states(root):
    """Every state of the 실험실 that a page or a thread links to."""
    threads = [
        LINK.finditer(path.read_text(encoding="utf-8")) for path in sorted((root / "docs" / "qa").glob("*/*.yaml"))
    ]
    found = [match[2] for matches in threads for match in matches if match[1] == "page" and match[2].startswith("lab")]
    own = re.findall(r'href="(\?[^"]+)"', (root / "docs" / "lab.md").read_text(encoding="utf-8"))
    return [target.removeprefix("lab") for target in found] + [address.replace("&amp;", "&") for address in own]


def test_threads_and_page_link_to_states_that_there_are(root, lab):
    found = states(root)
    assert len(found) >= 16
    for address in found:
        again = lab.evaluate("address => T.write(T.read(address))", address)
        usual = lab.evaluate("address => Object.entries(T.USUAL).map(([key, value]) => `${key}=${value}`)", address)
        told = [pair for pair in address.removeprefix("?").split("&") if pair not in usual]
        assert sorted(again.removeprefix("?").split("&")) == sorted(told) or (again, told) == ("", []), address


def test_questions_on_the_page_are_those_of_their_threads(root):
    questions = {
        path.stem: re.search(r"(?m)^question: (.+)$", path.read_text(encoding="utf-8"))[1]
        for path in (root / "docs" / "qa").glob("*/*.yaml")
    }
    source = (root / "docs" / "lab.md").read_text(encoding="utf-8")
    links = re.findall(r'<a href="\.\./qa/[^"]*/([^/"]+)/">([^<]+)</a>', source)
    assert len(links) >= 10 and links == [(thread, questions[thread]) for thread, _ in links]


# --- The page ---


def text(page, name):
    return page.locator(f"#lab-{name}").inner_text()


def answered(page):
    """The letter that the page answers, and its percentage."""
    letter, chance = re.match(r"(.) (\d+)%", text(page, "verdict")).groups()
    return letter, int(chance)


def test_nothing_is_loaded_before_it_is_asked_for_and_little_after(root, site_url, page):
    page.goto(site_url + "lab/", wait_until="networkidle")
    assert not [url for url in page.heard.requests if "/vendor/" in url or ".onnx" in url]
    before = len(page.heard.requests)
    opened(page, site_url)
    loaded = {
        url.removeprefix(site_url) for url in page.heard.requests[before:] if "/vendor/" in url or url.endswith(".onnx")
    }
    assert loaded == {"assets/vendor/runtime.js", "assets/vendor/ort.wasm.zst", "assets/lab/vit.onnx"}
    sizes = {name: (root / "docs" / name).stat().st_size for name in loaded}
    own = sum(path.stat().st_size for path in (root / "docs" / SCRIPTS).glob("*.js"))
    assert sum(sizes.values()) + own < MAX_BYTES
    source = (root / "docs" / "lab.md").read_text(encoding="utf-8")
    assert f"모델 불러오기 ({sum(sizes.values()) / 1e6:.1f} MB)" in source
    assert f"가중치 {sizes['assets/lab/vit.onnx'] / 1e6:.1f} MB" in source
    assert f"{(sum(sizes.values()) - sizes['assets/lab/vit.onnx']) / 1e6:.1f} MB와" in source
    told = int(re.search(r'data-bytes="(\d+)"', source)[1])
    assert told == sizes["assets/lab/vit.onnx"] + sizes["assets/vendor/ort.wasm.zst"]
    assert all(url.startswith((site_url, "data:", "blob:")) for url in page.heard.requests) and not page.heard.errors


def test_it_runs_under_the_content_security_policy_of_the_live_server(site_url, page):
    def with_headers(route):
        response = route.fetch()
        route.fulfill(response=response, headers={**response.headers, **HEADERS})

    page.route("**/*", with_headers)
    opened(page, site_url)
    assert answered(page)[0] == "ㄴ" and not page.heard.errors


def test_a_tab_that_has_loaded_it_once_does_not_ask_again(site_url, page):
    opened(page, site_url)
    page.goto(site_url + "lab/?pos=none")
    page.locator(".lab.ready").wait_for(timeout=60_000)
    assert not page.get_by_role("button", name="모델 불러오기").is_visible()


def test_what_cannot_be_loaded_is_told_and_can_be_tried_again(site_url, page):
    told = page.get_by_text("모델을 불러오지 못했어요")
    for missing in ("**/vit.onnx", "**/runtime.js", "**/ort.wasm.zst"):
        page.route(missing, lambda route: route.abort())
        page.goto(site_url + "lab/")
        page.get_by_role("button", name="모델 불러오기").click()
        told.wait_for(timeout=60_000)
        page.wait_for_load_state("networkidle")
        assert told.is_visible(), f"{missing}: what arrived after the failure took its message away"
        page.unroute(missing)
    page.get_by_role("button", name="모델 불러오기").click()
    page.locator(".lab.ready").wait_for(timeout=60_000)


def test_the_first_scene_is_answered_rightly(lab):
    at(lab, "")
    letter, chance = answered(lab)
    assert letter == "ㄴ" and chance > 90 and "맞혔어요" in text(lab, "verdict")
    assert lab.locator("#lab-change").inner_text() == ""


CLAIMS = {  # a state that a page links to -> what has to be seen there
    "?pos=none&shuffle=patches": (None, "로짓이 그대로예요"),
    "?shuffle=patches": ("정답은 ㄴ이에요", "최대 "),
    "?shuffle=tokens": ("맞혔어요", "로짓이 그대로예요"),
    "?size=96&pos=line": ("정답은 ㄴ이에요", "최대 "),
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


def test_experiments_of_the_page_open_in_place(lab):
    at(lab, "")
    lab.get_by_role("link", name="위치를 빼고 섞기").click()
    settled(lab)
    assert lab.url.endswith("lab/?pos=none&shuffle=patches")
    assert (
        lab.get_by_role("radio", name="그림만 섞기").is_checked() and lab.get_by_role("radio", name="빼기").is_checked()
    )
    assert "순서도 없어요" in text(lab, "try")
    lab.go_back()
    settled(lab)
    assert lab.get_by_role("radio", name="섞지 않기").is_checked()


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
    drag(lab, "#lab-scene", [(0.3, 0.25), (0.3, 0.7), (0.75, 0.7)])
    assert answered(lab)[0] == "ㄴ", text(lab, "verdict")
    drag(lab, "#lab-scene", [(0.3, 0.25), (0.75, 0.25), (0.75, 0.7)])
    assert answered(lab)[0] == "ㅁ", text(lab, "verdict")
    lab.get_by_role("button", name="지우기").click()
    settled(lab)
    assert answered(lab)[0] != "ㅁ" or answered(lab)[1] < 90


def test_a_letter_is_drawn_with_the_keyboard(lab):
    at(lab, "?source=draw&bg=plain")
    lab.locator("#lab-scene").focus()
    press = partial(repeat, lab)
    press("ArrowLeft", 7), press("ArrowUp", 7)
    lab.keyboard.press("Space")
    press("ArrowDown", 14), press("ArrowRight", 14)
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
        Object.assign(context, { strokeStyle: '#ddd', lineWidth: 14 }); context.beginPath();
        context.arc(150, 100, 50, 0, 7); context.stroke();
        return canvas.toDataURL('image/png').split(',')[1];
    }""")
    file = tmp_path / "ring.png"
    file.write_bytes(base64.b64decode(picture))
    at(lab, "")
    lab.get_by_role("radio", name="내 그림").check()
    sent = len(lab.heard.requests)
    lab.locator("#lab-file").set_input_files(file)
    settled(lab)
    assert answered(lab)[0] == "ㅇ", text(lab, "verdict")
    assert all(url.startswith("blob:") for url in lab.heard.requests[sent:]), "the picture stays here"
    (tmp_path / "no.png").write_text("글")
    lab.locator("#lab-file").set_input_files(tmp_path / "no.png")
    lab.get_by_text("그림으로 읽지 못했어요").first.wait_for()


def test_hovering_chooses_a_query_for_as_long_as_it_lasts(lab):
    at(lab, "?map=1-2")
    box = lab.locator("#lab-map").bounding_box()
    assert text(lab, "seen").startswith("에서 본 곳")
    lab.mouse.move(box["x"] + 0.55 * box["width"], box["y"] + 0.3 * box["height"])
    settled(lab)
    assert text(lab, "seen").startswith("3행 5열에서"), text(lab, "seen")
    assert "query" not in lab.url
    lab.mouse.move(5, 5)
    settled(lab)
    assert text(lab, "seen").startswith("에서 본 곳")
    lab.mouse.click(box["x"] + 0.55 * box["width"], box["y"] + 0.3 * box["height"])
    lab.mouse.move(5, 5)
    settled(lab)
    assert text(lab, "seen").startswith("3행 5열에서") and lab.url.endswith("query=3,5")
    lab.get_by_role("button", name="클래스 토큰").click()
    settled(lab)
    assert "query" not in lab.url


def test_everything_is_reached_and_done_by_keyboard(site_url, page):
    opened(page, site_url)
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
    opened(page, site_url, load=False)
    assert not violations(page)
    opened(page, site_url)
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
    stage = page.locator(".lab-stage").bounding_box()
    assert stage["y"] < 100 and stage["y"] + stage["height"] < 560, "scene, map and answer stay in sight, controls too"
    assert page.locator("#lab-change").is_visible()


def test_maps_follow_the_theme(lab):
    at(lab, "")
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
