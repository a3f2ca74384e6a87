"""The scripts of the 실험실 in a browser against the snippets. What of them needs neither is in tests/js."""

import base64
import json
import re

import attention_distance
import attention_rollout
import numpy as np
import pe_interpolation
import pytest
import scenes
import torch
from export_lab import FIRST, page_scene
from labpage import lab_page, torch_run
from train_vit import PATCH, SIZE, load_trained

from mundap.project.texts import LINK

SIZES = [48, 64, 96]


@pytest.fixture(scope="module")
def lab(site_url, browser):
    with lab_page(browser, site_url) as page:
        yield page


@pytest.fixture(scope="module")
def trained():
    return load_trained()


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
    return decoded(found["logits"], 6), decoded(found["attn"], 6, 4, n, n), decoded(found["tokens"], n, 64)


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


def test_what_is_shown_before_the_model_is_there_is_what_torch_and_the_page_give(lab, trained):
    first = json.loads(FIRST.read_text(encoding="utf-8"))
    assert first["scene"] == lab.evaluate("T.USUAL.scene")
    logits, attn, _ = torch_run(trained, scenes.render(page_scene(first["scene"]), SIZE))
    heat = attention_rollout.rollout(torch.from_numpy(attn)).numpy()[0]
    assert np.abs(logits - first["logits"]).max() < 1e-4 and np.abs(heat - first["heat"]).max() < 1e-6
    image = lab.evaluate("seed => bytes(M.normalised(S.render(S.shapes(S.sample(seed)), 64)))", first["scene"])
    found, _, _ = in_browser(lab, torch.from_numpy(decoded(image, 1, 3, SIZE, SIZE).copy()))
    assert np.abs(found - first["logits"]).max() < 2e-3, "scenes are drawn by two programs"


@pytest.mark.parametrize("seed", range(1, 13))
def test_scenes_of_the_page_are_those_of_the_snippet(lab, seed):
    scene = page_scene(seed)
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


def test_accuracy_on_the_pages_scenes_is_that_of_the_record(root, lab):
    right = lab.evaluate("""async () => {
        let right = 0;
        for (let seed = 5000; seed < 5200; seed++) {
            const scene = S.sample(seed), image = M.normalised(S.render(S.shapes(scene), 64));
            const { logits } = await model.run(image, 8, 8, M.positions('2d', 8, 8));
            right += logits.indexOf(Math.max(...logits)) === scene.letter.label;
        }
        return right / 200;
    }""")
    record = json.loads((root / "docs" / "notebooks" / "train_vit.ipynb").read_text(encoding="utf-8"))
    assert right == pytest.approx(record["metadata"]["mundap"]["evidence"]["accuracy"], abs=0.02)


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
