"""What the styles of figures and tables show, in a real browser."""

import io

from PIL import Image

WIDTH = 200  # px of the box


def shades(page, left):
    """How dark the left and the right edge of the box are when it is scrolled to `left`: 0 (white) to 255."""
    page.locator(".scroll").evaluate("(box, left) => box.scrollTo(left, 0)", left)
    picture = Image.open(io.BytesIO(page.locator(".scroll").screenshot())).convert("L")
    return [255 - picture.getpixel((x, 40)) for x in (1, WIDTH - 2)]


def test_a_shadow_stands_where_a_table_goes_on(root, page_factory):
    page = page_factory()
    style = (root / "docs/assets/css/figures.css").read_text(encoding="utf-8")
    colours = ":root { --paper: #fff; --ink: #222 }"
    box = f'<div class="scroll" style="width: {WIDTH}px"><div style="width: {2 * WIDTH}px; height: 80px"></div></div>'
    page.set_content(f"<style>{colours}{style}</style>{box}")
    for left, at_left, at_right in ((0, False, True), (WIDTH / 2, True, True), (2 * WIDTH, True, False)):
        assert [shade > 30 for shade in shades(page, left)] == [at_left, at_right]
        assert min(shades(page, left)) < 5 or at_left == at_right
