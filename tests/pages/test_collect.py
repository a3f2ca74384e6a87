import posixpath
import re

import pytest
from engine import FILES, RECORDS, make_project
from pages import anchors, links, made

from mundap.pages.marks import MKDOCS, PLAIN
from mundap.pages.outputs import figure_file


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path)


def test_pages(project):
    pages = made(project)
    assert set(pages) == {
        "qa/index.md",
        "tags.md",
        "glossary.md",
        "sources.md",
        "quiz.json",
        "qa/basics/index.md",
        "qa/more/index.md",
        "qa/basics/first.md",
        "qa/basics/second.md",
        "qa/more/third.md",
        "download/count.ipynb",
        "figures/measure/curve.svg",
        "download/measure.ipynb",
        "snippets/count.py",
        "snippets/helper.py",
        "snippets/measure.py",
    }
    assert pages["figures/measure/curve.svg"] == figure_file(*RECORDS["measure"][2]["curve"][1:])
    assert pages["snippets/helper.py"] == FILES["snippets/helper.py"]


@pytest.mark.parametrize("flavour", [MKDOCS, PLAIN])
def test_every_link_leads_to_a_page_and_every_anchor_stands_once(project, flavour):
    more = "[실행](run:measure), [그림](#measure-curve), [답](#same), [표](thread:second#count-sizes), [](thread:third)"
    pages = made(project, flavour, first=("[실행](run:measure)을 보세요.", more))
    notebooks = {f"notebooks/{name}.ipynb" for name in RECORDS}
    for path, text in pages.items():
        if not path.endswith(".md"):
            continue
        assert len(anchors(text)) == len(set(anchors(text))), path
        for target, anchor in links(text):
            whole = posixpath.normpath(posixpath.join(posixpath.dirname(path), target)) if target else path
            assert whole in pages or whole in notebooks, (path, target)
            if anchor:
                assert anchor in anchors(pages[whole]), (path, target, anchor)
    assert "[셋째는요?](../more/third.md)" in pages["qa/basics/first.md"]


def test_plain_flavour_needs_no_extension(project):
    pages = made(project, PLAIN)
    for path, text in pages.items():
        if path.endswith(".md"):
            assert not re.search(r'markdown="|\{#|\)\{\.|exec="1"', text), path
    page = pages["qa/basics/first.md"]
    assert "```python\nprint('토큰은', 14 * 14 + 1, '개예요.')\n```\n\n토큰은 197 개예요." in page
    mark = '<span class="mark true" role="img" aria-label="맞음" title="맞음">✓</span>'
    summary = f'<summary>\n\n<a id="same"></a>\n\n## {mark} ‘두 값은 같아요’\n\n</summary>\n'
    assert f'<details class="answer opinion true">\n\n{summary}' in page


@pytest.mark.parametrize("flavour", [MKDOCS, PLAIN])
def test_pages_are_the_same_each_time(project, flavour):
    assert made(project, flavour) == made(project, flavour)
