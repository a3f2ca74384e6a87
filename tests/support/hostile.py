"""A project that strangers wrote: every text of it an injection, as far as the check lets it stand; and who judges it."""

import re
import shutil
from itertools import cycle
from urllib.parse import urlsplit

from engine import make_project, put
from injections import quoted

from mundap.project import yamlsource
from mundap.project.check import examine

PACK = 18  # injections a thread
REDIRECTS = re.compile(r"  - redirects:\n(?: {6,}.*\n)*")
# What a page may not hold, whoever wrote it: [words for what was seen]
JUDGE = """() => {
    const seen = [], odd = /^(javascript:|vbscript:|data:text|blob:)/i
    if (window.__hit) seen.push("a script ran")
    const scope = document.querySelector("article") || document.body
    for (const node of scope.querySelectorAll("script, iframe, object, embed, base, meta, link, form, style, foreignObject, animate, set, video, audio, frame, template"))
        seen.push(`<${node.localName}>`)
    for (const node of document.querySelectorAll("*"))
        for (const {name, value} of node.attributes) {
            if (name.startsWith("on") || ["srcdoc", "formaction", "srcset"].includes(name)) seen.push(`${node.localName} ${name}=${value}`)
            if (odd.test(value.replace(/[\\s\\0-\\x1f]/g, "")) && ["href", "src", "action", "data", "to", "values", "from", "xlink:href"].includes(name)) seen.push(`${name}=${value}`)
            if (name == "href" && value.trim().startsWith("//")) seen.push(`${name}=${value}`)
        }
    for (const id of ["__config", "__drawer", "__palette"])
        if (scope.querySelector("#" + id)) seen.push("#" + id)
    const frame = document.querySelectorAll("script, iframe, object, embed, base, meta, form").length
    const description = document.querySelector("meta[name=description]")?.content
    return {seen, frame, title: document.title, description}
}"""


def make_site_project(folder, root):
    """The small project with the files that MkDocs needs to build it as this repository's own site -> the folder."""
    make_project(folder)
    shutil.copytree(root / "overrides", folder / "overrides")
    for name in ("css", "fonts", "js", "logo.svg", "favicon.svg"):
        source, target = root / "docs" / "assets" / name, folder / "docs" / "assets" / name
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    settings = (root / "mkdocs.yml").read_text(encoding="utf-8")
    for page in ("lab.md", "photo-lab.md", "runs.md", "benchmark.md", "contributing.md"):
        settings = re.sub(rf"(?m)^ +- (.*: )?{page}\n", "", settings)
    settings = re.sub(r"(?m)^  - .*:\n(?=  - )", "", settings)  # a section that has lost its pages
    put(folder / "mkdocs.yml", REDIRECTS.sub("", settings))
    return folder


def claim(number, text):
    return {
        "id": f"claim-{number}",
        "text": text,
        "basis": "문헌",
        "verdict": "맞음",
        "why": text,
        "cite": [{"paper": f"p{number}", "where": text, "says": text}],
    }


def thread(name, start, texts):
    """A thread whose every text is one of `texts`; start: the number of the first, which names its papers."""
    turn = cycle(texts[start // PACK % len(texts) :] + texts[: start // PACK % len(texts)])
    answers = [
        {
            "id": f"answer-{number}",
            "kind": "의견",
            "title": text,
            "body": text,
            "snippets": [{"run": "measure"}],
            "claims": [claim(start + number, text)],
        }
        for number, text in enumerate(texts)
    ]
    outcome = {"check": "measure.difference < 0.5"}
    return {
        "id": name,
        "question": next(turn),
        "source": [
            {"document": "S1", "section": next(turn)},
            {"url": "https://a.example/x", "date": "2026-01-02", "section": next(turn)},
        ],
        "level": "기초",
        "tags": [next(turn), "글"],
        "asked": next(turn),
        "conclusion": next(turn),
        "misconception": next(turn),
        "answers": answers,
        "try": [{"change": next(turn), "predict": next(turn), "outcome": next(turn)} | outcome for _ in range(2)],
    }


def hostile_files(texts):
    """{file: data} of a project of these texts: threads, the map, the glossary."""
    texts = [*texts, *texts[: -len(texts) % PACK]]
    files, chapters, papers, sections, documents = {}, [], {}, [], {}
    for start in range(0, len(texts), PACK):
        name, chapter = f"thread-{start // PACK}", start // PACK % 20
        files[f"docs/qa/chapter-{chapter}/{name}.yaml"] = thread(name, start, texts[start : start + PACK])
        if chapter == len(chapters):
            chapters.append(
                {"id": f"chapter-{chapter}", "title": texts[start], "about": texts[start + 1], "threads": []}
            )
        chapters[chapter]["threads"].append(name)
    for number, text in enumerate(texts):
        shown = text if number % 2 else "글"
        papers[f"p{number}"] = {
            "title": shown,
            "authors": "글" if number % 2 else text,
            "year": "2021",
            "url": "https://a.example/x",
        }
        if number % 9 == 0:
            papers[f"p{number}"] |= {"year": text, "url": text, "arxiv": text}
        if number % 5 == 0:
            sections.append({"title": text, "threads": []})
            documents[f"D{number}"] = {"title": text}
    documents |= {"S1": {"title": "글", "sections": sections}}
    files["qa_index.yaml"] = {"chapters": chapters, "documents": documents, "papers": papers}
    files["docs/glossary.yaml"] = [
        {"term": f"말{number}", "english": f"x{number}", "aliases": [f"글{number}"], "definition": "글"}
        | [{"term": text}, {"english": text}, {"aliases": [text]}, {"definition": text}][number % 4]
        for number, text in enumerate(texts)
    ]
    return files


def settle(root, files):
    """Write the files, and put a harmless text where the check refuses one, until it has nothing to say -> how many it refused."""
    refused = 0
    for path in (root / "docs" / "qa").glob("*/*.yaml"):
        path.unlink()
    for _ in range(5):
        for name, data in files.items():
            put(root / name, quoted(data))
        _, problems = examine(root)
        problems = [problem for problem in problems if not problem.minor]
        if not problems:
            return refused
        refused += replace_refused(root, problems, files)
    raise AssertionError(problems[:5])


def replace_refused(root, problems, files):
    """Put a harmless text at every place that a problem points at -> how many places."""
    count = 0
    for file in {problem.path for problem in problems}:
        lines = {problem.line for problem in problems if problem.path == file}
        document, _ = yamlsource.read(root / file, file)
        for place in document.styles:
            if document.where(place)[0] in lines:
                node = files[file]
                for key in place[:-1]:
                    node = node[key]
                harmless = {"year": "2021", "url": "https://a.example/x", "arxiv": "2010.11929"}
                node[place[-1]] = harmless.get(place[-1], "글" + "-".join(map(str, place)))
                count += 1
    return count


def is_foreign(address, own):
    """Whether a request leads anywhere but to the host of an address."""
    return urlsplit(address).scheme in ("http", "https") and urlsplit(address).netloc != urlsplit(own).netloc


def count_texts(data):
    """How many texts a file's data holds."""
    if isinstance(data, str):
        return 1
    return sum(map(count_texts, data.values() if isinstance(data, dict) else data))
