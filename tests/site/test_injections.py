"""What strangers write stays text: every page of a hostile project, judged by a real browser.

The build refuses a page that the sanitizer had to take something out of; here it is built all the same, so that the
sanitizer alone has to keep it inert. `MUNDAP_INJECTIONS=all` tries every element in every place.
"""

import functools
import http.server
import json
import os
import re
import threading
from collections import Counter

import pytest
from browsing import new_page
from engine import FILES, RECORDS, make_records, put
from hostile import JUDGE, PACK, count_texts, hostile_files, is_foreign, make_site_project, settle
from injections import ELEMENTS, HOST, JS, injections
from mkdocs.commands.build import build
from mkdocs.config import load_config
from playwright.sync_api import Error

from mundap.live.session import markup
from mundap.pages import notebook
from mundap.pages.collect import pages as pages_of
from mundap.pages.safe import dropped, sanitize
from mundap.problems import Failure
from mundap.project.check import examine
from mundap.site import plugin
from mundap.site.build import build_site

WHOLE = os.environ.get("MUNDAP_INJECTIONS") == "all"
SITE = "문답 mundap"
AT_ONCE = 600 if WHOLE else 1200  # texts in a project: the map holds 256 KiB
VECTORS = [text.replace("JS", JS).replace("HOST", HOST) for text in ELEMENTS]


def build_anyway(root, out, monkeypatch):
    """Build the site whatever is dropped from its pages, and whatever MkDocs warns of -> what was dropped, a page each."""
    lost = []

    def note(before, after):
        lost.extend([gone] if (gone := dropped(before, after)) else [])
        return []

    monkeypatch.setattr(plugin, "dropped", note)
    config = load_config(str(root / "mkdocs.yml"), site_dir=str(out), strict=False)
    config.plugins["mundap"].config.update(search=False)
    config.plugins.on_startup(command="build", dirty=False)
    build(config)
    return lost


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def served(tmp_path):
    """Address of tmp_path/out."""
    (tmp_path / "out").mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=tmp_path / "out"))
    server.handle_error = lambda *_: None  # a browser that goes on before all of a page is there
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def judged(page, address):
    """A page as the browser has it -> what JUDGE gives, with what it asked of others and where it went."""
    page.heard.requests.clear()
    page.goto(address)
    verdict = page.evaluate(JUDGE)
    if page.url != address:
        verdict["seen"].append(f"went to {page.url}")
    verdict["seen"] += [f"asked {url}" for url in page.heard.requests if is_foreign(url, address)]
    return verdict


@pytest.fixture
def page(browser):
    context = browser.new_context()
    context.route(re.compile(r"^https?://(?!127\.0\.0\.1)"), lambda route: route.abort())  # heard all the same
    yield new_page(context)
    context.close()


def head_of(text):
    """The front matter of a generated page -> (title, description), as a browser gives them."""
    values = dict(line.split(": ", 1) for line in text.split("---\n")[1].splitlines())
    return tuple(" ".join(json.loads(values[key]).split()) for key in ("title", "description"))


def test_whatever_authors_write_stays_text(root, tmp_path, served, page, monkeypatch):
    project, out, hit = make_site_project(tmp_path / "project", root), tmp_path / "out", tmp_path / "hit"
    texts, counts = injections(hit, WHOLE), Counter()
    for start in range(0, len(texts), AT_ONCE):
        files = hostile_files(texts[start : start + AT_ONCE])
        counts["places"] += sum(map(count_texts, files.values()))
        counts["refused"] += settle(project, files)
        assert not hit.exists(), "a check ran a block"
        counts["pages that the build refuses"] += len(build_anyway(project, out, monkeypatch))
        assert not hit.exists(), "a build ran a block that is not the engine's"
        heads = {name: head_of(text) for name, text in pages_of(examine(project)[0]).items() if name.startswith("qa/")}
        frames = set()
        for path in sorted(out.rglob("index.html")):
            place = path.parent.relative_to(out).as_posix().removeprefix(".")
            verdict = judged(page, f"{served}{place}/" if place else served)
            assert verdict["seen"] == [], place
            frames.add(verdict["frame"])
            counts["pages"] += 1
            if head := heads.get(f"{place}.md") or heads.get(f"{place}/index.md"):
                assert (verdict["title"], " ".join(verdict["description"].split())) == (f"{head[0]} - {SITE}", head[1])
        assert len(frames) == 1, "a page has a script or the like more than others"
    print(len(texts), dict(counts))
    assert counts["refused"] > 5 * len(texts) and counts["pages"] > len(texts) / PACK


def seen_in(page, markup):
    """What the browser sees in markup by itself that no page may hold."""
    page.heard.requests.clear()
    content = f"<!doctype html><title>글</title><article>{markup}</article>"
    try:
        try:
            page.set_content(content)
        except Error:  # what was there before has just gone to another page
            page.set_content(content)
        foreign = [url for url in page.heard.requests if is_foreign(url, "http://127.0.0.1")]
        return page.evaluate(JUDGE)["seen"] + foreign
    except Error as error:
        return [str(error)]  # it went to another page


def test_the_judge_sees_what_is_dangerous(page):
    inert = [vector for vector in VECTORS if not seen_in(page, vector)]
    assert len(inert) < len(VECTORS) / 4, inert


@pytest.mark.parametrize("hand_written", [False, True])
def test_nothing_dangerous_is_left_in_sanitized_markup(page, hand_written):
    for vector in VECTORS:
        safe = sanitize(vector, hand_written)
        assert seen_in(page, safe) == [], (vector, safe)
        assert sanitize(safe, hand_written) == safe


SHAPES = ["<table><tr><td>X</td></tr></table>", "<table>X</table>", "<table><caption>X</caption></table>", "X"]
DRAWINGS = ['<svg viewBox="0 0 9 9" xmlns:xlink="http://www.w3.org/1999/xlink">X</svg>', '<svg viewBox="0 0 9 9"><text>X</text></svg>', "X"]  # fmt: skip


def test_live_outputs_hold_nothing_dangerous(page):
    for vector in VECTORS:
        datas = [
            *({"text/html": shape.replace("X", vector), "text/plain": vector} for shape in SHAPES),
            *({"image/svg+xml": drawing.replace("X", vector), "text/plain": vector} for drawing in DRAWINGS),
            {"image/png": vector},
            {"text/plain": vector},
        ]
        labels = {"name": vector, "alt": vector}
        shown = [markup({"output_type": "display_data", "data": data, "metadata": labels}, 1) for data in datas]
        assert seen_in(page, "".join(shown)) == [], vector


def hostile_snippet(number, vectors):
    """A lesson whose texts and outputs are injections -> (its source, {name: exhibit}, its evidence)."""
    cells = "".join(f"# %% [markdown]\n# # {vector}\n# {vector}\n#\n# $x$ {vector}\n\n" for vector in vectors)
    source = f"{cells}# %%\nif __name__ == '__main__':\n    evidence = {{'x': 1}}\n"
    table = "<table><caption>글</caption><tr><td>1</td></tr></table>"
    exhibits = {f"table{i}": ("text/html", table, vector) for i, vector in enumerate(vectors)}
    return source, exhibits, {f"x{i}": vector[:200] for i, vector in enumerate(vectors)}


SWALLOWS = re.compile(r"<(?:style|script|textarea|title|xmp|plaintext|noscript|template|iframe|math|svg|!|\?|/)", re.I)


def lessons(vectors):
    """{name: (source, exhibits, evidence)} of lessons; those that may swallow what follows stand alone."""
    alone = [vector for vector in vectors if SWALLOWS.search(vector)]
    rest = [vector for vector in vectors if vector not in alone]
    groups = [rest[start : start + 40] for start in range(0, len(rest), 40)]
    groups += [[vector] for vector in alone[:: 1 if WHOLE else 4]]
    return {f"hostile{number}": hostile_snippet(number, group) for number, group in enumerate(groups)}


def test_whatever_a_lesson_or_its_record_says_stays_text(root, tmp_path, served, page, monkeypatch):
    """Texts, names of figures, evidence, and a thread that shows them; sealed as `mundap run` does."""
    project, hit = make_site_project(tmp_path / "project", root), tmp_path / "hit"
    texts = [text for text in injections(hit)[:: 1 if WHOLE else 6] if text.isprintable()]
    made = lessons(dict.fromkeys([*VECTORS, *texts, *(line for text in injections(hit) for line in text.splitlines() if "exec" in line)]))  # fmt: skip
    for name, (source, _, _) in made.items():
        put(project / "snippets" / f"{name}.py", source)
    make_records(project, **{name: (evidence, {}, exhibits) for name, (_, exhibits, evidence) in made.items()})
    values = "".join(f"      - {{{{hostile0.x{number}}}}} ${{{{hostile0.x{number}}}}}$\n" for number in range(20))
    first = FILES["docs/qa/basics/first.yaml"].replace("    block: tokens\n", f"\n{values}    block: tokens\n")
    put(project / "docs/qa/basics/first.yaml", first.replace("figure: curve", "figure: curve\n      - {run: hostile0, figure: table1}"))  # fmt: skip
    assert [str(problem) for problem in examine(project)[1] if not problem.minor] == []
    refused = []

    def page_of(record, *rest):
        try:
            return made_page(record, *rest)
        except ValueError as error:
            refused.append(str(error))
            return "<h1>글</h1>"

    made_page = notebook.notebook_page
    monkeypatch.setattr(notebook, "notebook_page", page_of)
    lost = build_anyway(project, tmp_path / "out", monkeypatch)
    assert not hit.exists()
    for path in sorted((tmp_path / "out").rglob("index.html")):
        place = path.parent.relative_to(tmp_path / "out").as_posix().removeprefix(".")
        assert judged(page, f"{served}{place}/" if place else served)["seen"] == [], place
    print(len(made), "records,", len(lost) + len(refused), "pages refused by the build", refused[:3])
    assert len(refused) < len(made) / 2


def test_the_build_refuses_what_had_to_be_taken_out_and_says_where(root, tmp_path):
    project = make_site_project(tmp_path / "project", root)
    file, old = "docs/qa/basics/first.yaml", "눈으로 보면 같아 보여요."
    text = FILES[file].replace(old, "- $x\n  - <x:y onfocus=z>\n  - y$")
    put(project / file, text)
    assert examine(project)[1] == [], "the check takes it for a formula"
    line = text[: text.index("misconception")].count("\n") + 1
    with pytest.raises(Failure, match=rf"^{file}:{line}:\d+: 쪽에 둘 수 없는 것이 있어요: <x:y onfocus>\. "):
        build_site(project)
    assert not (project / "site").exists()


PLUGINS = {
    "as it is": lambda plugins: plugins,
    "turned": lambda plugins: plugins[::-1],
    "with all languages": lambda plugins: [re.sub(r"markdown-exec:\n.*", "markdown-exec", each) for each in plugins],
    "ours first": lambda plugins: sorted(plugins, key=lambda each: "mundap" not in each),
}


@pytest.mark.parametrize("order", PLUGINS)
def test_blocks_of_a_page_never_run_whatever_the_order_of_the_plugins(root, tmp_path, order):
    """Not even in a hand-written page, which may hold HTML and is not looked at for them."""
    project, hit = make_site_project(tmp_path / "project", root), tmp_path / "hit"
    settings = (project / "mkdocs.yml").read_text(encoding="utf-8")
    head, plugins, rest = re.split(r"(?<=plugins:\n)|(?=\nmarkdown_extensions)", settings)
    put(project / "mkdocs.yml", head + "".join(PLUGINS[order](re.split(r"(?m)^(?=  - )", plugins)[1:])) + rest)
    fences = [text for text in injections(hit) if str(hit) in text and "\x02" not in text]
    put(project / "docs" / "index.md", "# 홈\n\n" + "\n\n끝\n\n".join(fences))
    assert examine(project)[1] == [] and not hit.exists()
    build_site(project)
    assert not hit.exists()
    page = (project / "site/qa/basics/first/index.html").read_text(encoding="utf-8")
    assert "토큰은 197 개예요." in page, "the engine's own block runs"


UNDRAWABLE = {
    "handler": '<svg viewBox="0 0 9 9" onload="x()"/>',
    "no numbers": '<svg viewBox="a"/>',
    "deep": '<svg viewBox="0 0 9 9">' + '<g id="a">' * 3000 + "</g>" * 3000 + "</svg>",
    "foreign": '<svg viewBox="0 0 9 9"><rect mask="URL(https://a.example/x)"/></svg>',
    "a character that is none": '<svg viewBox="0 0 9 9"><text>&#0;</text></svg>',
}


@pytest.mark.parametrize("name", UNDRAWABLE)
def test_a_figure_that_cannot_be_drawn_is_a_problem_of_its_record(root, tmp_path, name):
    project = make_site_project(tmp_path / "project", root)
    evidence, tolerance, exhibits = RECORDS["measure"]
    odd = {"odd": ("image/svg+xml", UNDRAWABLE[name], "글")}
    make_records(project, measure=(evidence, tolerance, exhibits | odd))
    with pytest.raises(Failure, match=r"^docs/notebooks/measure\.ipynb:1:1: 기록에 그릴 수 없는 것이 있어요\(`odd`: "):
        build_site(project)


def test_a_table_with_markup_that_it_does_not_need_is_a_problem_of_its_record(root, tmp_path):
    project = make_site_project(tmp_path / "project", root)
    evidence, tolerance, exhibits = RECORDS["measure"]
    for table in ("<table><tr><td><img src=x></table>", "<b>" * 3000):
        make_records(project, measure=(evidence, tolerance, exhibits | {"odd": ("text/html", table, "글")}))
        try:
            pages_of(examine(project)[0])
        except Failure as failure:
            assert str(failure).startswith("docs/notebooks/measure.ipynb:1:1: ")
