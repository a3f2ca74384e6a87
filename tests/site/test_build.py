"""A build of the site, whole or not at all."""

import base64
import re

import pytest
from smallsite import make_small_site

from mundap.problems import Failure
from mundap.site import pixels
from mundap.site.build import build_site


def test_site_appears_only_whole(tmp_path):
    small = make_small_site(tmp_path)
    out = build_site(small)
    assert out == small / "site" and "처음 글" in (out / "index.html").read_text()
    (small / "docs" / "index.md").write_text("# 첫 쪽\n\n[없는 곳](none.md)\n")
    with pytest.raises(Failure, match=r"none\.md"):
        build_site(small)
    assert "처음 글" in (out / "index.html").read_text(), "the last good site stays"
    assert sorted(path.name for path in small.iterdir()) == ["docs", "mkdocs.yml", "overrides", "site"]
    (small / "mkdocs.yml").write_text("site_name: 시험\ntheme: {name: none-such}\n")
    with pytest.raises(Failure, match="none-such"):
        build_site(small)
    assert (out / "index.html").exists()


PIXELS = base64.b64encode(bytes(range(256)) * 8).decode()


@pytest.mark.parametrize("address", ["", "qa/basics/first/"])
def test_larger_pictures_move_out_of_their_page(tmp_path, address):
    small, foreign = f'<img src="data:image/png;base64,{PIXELS[:400]}">', f"data:image/png;base64,{PIXELS}"
    page = '{}<svg><image href=\'\' xlink:href="{}"/><image href="{}"/></svg><p>{}</p>'
    inline = page.format(small, *[f"data:image/png;base64,{PIXELS}"] * 2, foreign)
    moved = pixels.moved_out(inline, address, tmp_path)
    [file] = (tmp_path / pixels.FOLDER).iterdir()
    assert file.read_bytes() == base64.b64decode(PIXELS) and file.suffix == ".png"
    path = "../" * address.count("/") + f"{pixels.FOLDER}/{file.name}"
    assert moved == page.format(small, path, path, foreign), "what is no picture's address stays"


def test_no_page_of_the_site_carries_large_pictures_in_itself(site):
    pages = {path: path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    assert [str(path) for path, text in pages.items() if pixels.INLINE.search(text)] == []
    named = {name for text in pages.values() for name in re.findall(rf"{pixels.FOLDER}/(\w+\.\w+)", text)}
    assert named == {file.name for file in (site / pixels.FOLDER).iterdir()} and len(named) > 10
