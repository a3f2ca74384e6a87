"""A build of the site, whole or not at all."""

import pytest
from smallsite import make_small_site

from mundap.problems import Failure
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
