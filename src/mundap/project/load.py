"""Load a project: the map, the threads, the snippets and their records, and everything that is wrong with them."""

import ast
import difflib
import re
from dataclasses import dataclass, field
from pathlib import Path

from mundap.problems import Problem
from mundap.project import records, schema, snippets, texts, yamlsource
from mundap.project.expression import ExpressionError, NoRecord
from mundap.project.judge import judge
from mundap.project.math import mask_code
from mundap.project.texts import slug

NOT_SHOWN = {
    "id",
    "kind",
    "level",
    "verdict",
    "check",
    "run",
    "show",
    "figure",
    "block",
    "paper",
    "document",
    "arxiv",
    "url",
    "year",
    "needs",
    "threads",
}
PLAIN = {"question", "title", "tags", "section", "authors", "term", "english", "aliases"}  # shown without filling in


@dataclass
class Thread:
    """One thread: its parsed YAML with positions, and where it stands in the map."""

    id: str
    chapter: str
    document: yamlsource.Document
    judgements: dict = field(default_factory=dict)  # path of a claim or try -> Judgement

    @property
    def data(self):
        return self.document.value

    @property
    def claims(self):
        """[(path, claim)] in order."""
        return [
            (("answers", i, "claims", j), claim)
            for i, answer in _parts(self.data, "answers")
            for j, claim in _parts(answer, "claims")
        ]


@dataclass
class Project:
    """All that the pages are made of. threads are in reading order."""

    root: Path
    index: dict = field(default_factory=dict)
    threads: dict = field(default_factory=dict)
    snippets: dict = field(default_factory=dict)
    records: dict = field(default_factory=dict)
    glossary: list = field(default_factory=list)
    _stale: dict = None

    @property
    def chapters(self):
        return self.index.get("chapters", [])

    @property
    def runnable(self):
        """Names of the snippets that get a record."""
        return [name for name, snippet in self.snippets.items() if snippet.runs]

    @property
    def evidence(self):
        """{snippet: {name: value}}, None for a snippet without a record."""
        return {name: self.records[name].evidence if name in self.records else None for name in self.runnable}

    def stale(self):
        """{name: [files that changed since its record]} of the snippets whose record is missing ([]) or old."""
        if self._stale is None:
            self._stale = {}
            for name in self.runnable:
                now = snippets.sources(self.snippets, name)
                then = self.records[name].sources if name in self.records else {}
                if now != then:
                    changed = [file for file in now.keys() | then.keys() if now.get(file) != then.get(file)]
                    self._stale[name] = sorted(changed) if then else []
        return self._stale

    def used(self):
        """{snippet: [ids of the threads that run it]}."""
        users = {}
        for thread in self.threads.values():
            for answer in thread.data["answers"]:
                for run in answer["snippets"]:
                    users.setdefault(run["run"], {})[thread.id] = None
        return {name: list(ids) for name, ids in users.items()}


def load(root):
    """Load the project below a folder -> (Project, [Problem] sorted by file and place).

    A thread that does not fit the schema is left out of the project, but whatever can be told of it is told.
    """
    root = Path(root)
    loader = _Loader(Project(root))
    return loader.project, sorted(set(loader.load()))


def thread_anchors(data):
    """Every anchor of a thread's page, in order; one that stands in it twice is a mistake."""
    anchors = ["asked", "conclusion", *(key for key in ("misconception", "try") if key in data), "sources", "related"]
    for _, answer in _parts(data, "answers"):
        figures = [_figure_anchor(run) for _, run in _parts(answer, "snippets") if "figure" in run]
        anchors += [*_answer_anchors(answer), *(figure for figure in figures if figure not in anchors)]  # shown once
    return anchors + [f"try-{number + 1}" for number, _ in _parts(data, "try")]


def _answer_anchors(answer):
    identifier = _word(answer, "id")
    claims = [f"{identifier}-{number + 1}" for number, _ in _parts(answer, "claims")]
    return [identifier, *claims] if identifier else []


def _figure_anchor(run):
    return f"{_word(run, 'run')}-{_word(run, 'figure')}"


def _parts(node, key):
    """[(number, mapping)] of a list of mappings, whatever else an author may have put there."""
    value = node.get(key)
    found = enumerate(value if isinstance(value, list) else [])
    return [(number, part) for number, part in found if isinstance(part, dict)]


def _runs(data):
    """Every mapping under `snippets` of every answer."""
    return [run for _, answer in _parts(data, "answers") for _, run in _parts(answer, "snippets")]


def _words(node, key):
    """[(number, text)] of a list of texts, whatever else an author may have put there."""
    value = node.get(key)
    found = enumerate(value if isinstance(value, list) else [])
    return [(number, part) for number, part in found if isinstance(part, str) and part]


def _word(node, key):
    """A text, or "" where there is none."""
    value = node.get(key)
    return value if isinstance(value, str) else ""


def _near(word, known):
    near, known = difflib.get_close_matches(word, known, 1), list(known)
    if near:
        return f"혹시 `{near[0]}`인가요?"
    return f"있는 이름: {', '.join(known[:12])}{' …' if len(known) > 12 else ''}." if known else "아직 하나도 없어요."


class _Loader:
    """Reads a project's files, each once, and collects what is wrong."""

    def __init__(self, project):
        self.project, self.root = project, project.root
        self.folder = project.root / "docs" / "qa"
        self.known = {}  # id -> anchors of its page, None where they cannot be told
        self.stems = set()  # of the thread files that have a line
        self.named = set()  # snippets that threads use, those that cannot be read included
        self.terms = None  # slugs of the glossary, None where it cannot be read

    def load(self):
        """Fill in the project, yielding Problems."""
        project = self.project
        project.snippets = snippets.load(self.root / "snippets")
        yield from self.read_records()
        index, sound, problems = self.read(self.root / "qa_index.yaml", "index")
        yield from problems
        project.index = index.value if sound else {}
        drafts, problems = self.read_threads(index if sound else None)
        yield from problems
        glossary = yield from self.read_glossary()
        yield from self.check_snippets()
        yield from self.check_pages()
        if not project.index:
            return  # what it names cannot be told
        yield from self.check_texts(index)
        if glossary:
            yield from self.check_glossary(glossary)
        yield from self.check_sections(index)
        yield from self.check_needs(drafts)
        yield from self.check_tags(drafts)
        for thread in drafts:
            yield from self.check_thread(thread)
        yield from self.check_use()

    def name(self, path):
        return path.relative_to(self.root).as_posix()

    def read(self, path, kind):
        """-> (Document or None, whether it fits the schema, [Problem])."""
        document, problems = yamlsource.read(path, self.name(path))
        if document.value is None and problems:
            return None, False, problems
        wrong = schema.problems(document, kind)
        return (None if document.value is None else document), not wrong, problems + wrong

    def read_glossary(self):
        """Read the glossary, if there is one -> its Document, None where it is no list."""
        path = self.root / "docs" / "glossary.yaml"
        if not path.exists():
            self.terms = {}
            return None
        document, sound, problems = self.read(path, "glossary")
        yield from problems
        if document is None or not isinstance(document.value, list):
            return None
        self.terms = {slug(_word(term, "term")): None for term in document.value if isinstance(term, dict)}
        self.project.glossary = document.value if sound else []
        return document

    def read_records(self):
        for path in sorted((self.root / "docs" / "notebooks").glob("*.ipynb")):
            try:
                record = records.read(path)
            except ValueError:
                yield Problem(
                    self.name(path),
                    1,
                    1,
                    "`mundap run` 명령이 남긴 기록이 아니에요.",
                    f"지우고 `mundap run {path.stem}` 명령으로 다시 만들어 주세요.",
                )
                continue
            if path.stem in self.project.runnable:
                self.project.records[path.stem] = record
            else:
                yield Problem(
                    self.name(path),
                    1,
                    1,
                    f"이 기록의 스니펫(`snippets/{path.stem}.py`)이 없어요.",
                    "스니펫을 되살리거나 이 기록을 지워 주세요.",
                )

    def read_threads(self, index):
        """Read every thread, in reading order -> ([Thread] of all that are mappings, [Problem])."""
        listed, problems = self.read_lines(index) if index else ({}, [])
        drafts = []
        rest = {path: ("", path.parent.name) for path in sorted(self.folder.rglob("*.y*ml")) if path not in listed}
        for path, (identifier, chapter) in (listed | rest).items():
            document, sound, found = self.read(path, "thread")
            problems += found
            if index and not identifier:
                problems.append(self.unlisted(path, {item["id"] for item in index.value["chapters"]}))
            if document is None or not isinstance(document.value, dict):
                if path.is_file():
                    self.named |= set(re.findall(r"\brun: *(\w+)", path.read_text(encoding="utf-8", errors="replace")))
                continue
            thread = Thread(identifier or path.stem, chapter, document)
            drafts.append(thread)
            self.named |= {_word(run, "run") for run in _runs(thread.data)}
            self.known[thread.id] = thread_anchors(document.value) if sound else None
            own = _word(document.value, "id")
            if own and own != path.stem:
                problems.append(
                    document.problem(
                        ("id",), f"id는 `{own}`인데 파일 이름은 `{path.name}`이에요.", "둘을 같게 맞춰 주세요."
                    )
                )
            if sound and identifier:
                self.project.threads[identifier] = thread
        return drafts, problems

    def read_lines(self, index):
        """The lines of the map -> ({path: (id, chapter)} of those that have a file, [Problem])."""
        listed, problems, chapters = {}, [], set()
        for i, chapter in enumerate(index.value["chapters"]):
            if chapter["id"] in chapters:
                problems.append(
                    index.problem(
                        ("chapters", i, "id"), f"`{chapter['id']}` 장이 두 번 나와요.", "서로 다른 이름을 붙여 주세요."
                    )
                )
            chapters.add(chapter["id"])
            for j, identifier in enumerate(chapter["threads"]):
                here, path = ("chapters", i, "threads", j), self.folder / chapter["id"] / f"{identifier}.yaml"
                if identifier in self.known:
                    problems.append(
                        index.problem(here, f"`{identifier}` 문답이 두 번 나와요.", "한 장에만, 한 번만 적어 주세요.")
                    )
                elif fault := schema.name_fault(identifier):
                    problems.append(index.problem(here, *fault))
                else:
                    self.known[identifier] = None
                    if path.exists() or path.is_symlink():
                        listed[path] = identifier, chapter["id"]
                        self.stems.add(identifier)
                    else:
                        todo = f"`mundap new {chapter['id']} {identifier}` 명령으로 만들거나 이 줄을 지워 주세요."
                        problems.append(index.problem(here, f"`{self.name(path)}` 파일이 없어요.", todo))
        return listed, problems

    def unlisted(self, path, chapters):
        chapter = path.parent.name
        if path.suffix != ".yaml":
            what, todo = f"파일 이름이 `{path.suffix}`로 끝나요.", f"`{path.stem}.yaml`로 바꿔 주세요."
        elif path.parent.parent != self.folder or chapter not in chapters:
            what = f"`{chapter}` 장이 `qa_index.yaml`에 없어요."
            todo = f"`chapters`에 장을 더하거나 파일을 옮겨 주세요. 있는 장: {', '.join(sorted(chapters))}."
        elif path.stem in self.stems:
            what, todo = f"`{path.stem}` 문답은 이미 다른 장에 있어요.", "다른 이름으로 바꿔 주세요."
        else:
            what, todo = (
                "이 파일을 가리키는 줄이 `qa_index.yaml`에 없어요.",
                f"`{chapter}` 장의 `threads`에 `- {path.stem}` 줄을 더해 주세요.",
            )
        return Problem(self.name(path), 1, 1, what, todo)

    def check_sections(self, index):
        """Threads that the documents' sections name and that do not exist."""
        for name, source in index.value["documents"].items():
            for i, section in enumerate(source.get("sections", [])):
                for j, identifier in enumerate(section["threads"]):
                    if identifier not in self.known:
                        here = ("documents", name, "sections", i, "threads", j)
                        yield index.problem(
                            here, f"`{identifier}` 문답을 찾을 수 없어요.", _near(identifier, self.known)
                        )

    def check_needs(self, drafts):
        """`needs` that name no thread, or that go round in a circle."""
        needs = {thread.id: [other for _, other in _words(thread.data, "needs")] for thread in drafts}
        for thread in drafts:
            for i, other in _words(thread.data, "needs"):
                here = ("needs", i)
                if other not in self.known:
                    what = f"먼저 읽을 `{other}` 문답을 찾을 수 없어요."
                    yield thread.document.problem(here, what, _near(other, self.known))
                elif circle := _way(needs, other, thread.id):
                    what = f"먼저 읽을 문답이 돌고 돌아요: {' → '.join([thread.id, *circle])}."
                    yield thread.document.problem(here, what, "이 가운데 한 곳의 `needs`에서 하나를 지워 주세요.")

    def check_tags(self, drafts):
        """Tags that differ in spelling alone would meet at one anchor."""
        spelled = {}
        for thread in drafts:
            for i, tag in _words(thread.data, "tags"):
                first = spelled.setdefault(slug(tag), tag)
                if not slug(tag):
                    yield thread.document.problem(
                        ("tags", i), f"`{tag}` 태그에 글자가 없어요.", "글자나 숫자가 든 말로 적어 주세요."
                    )
                elif first != tag:
                    what = f"`{tag}` 태그가 다른 곳에는 `{first}` 꼴로 적혀 있어요."
                    yield thread.document.problem(("tags", i), what, "하나로 맞춰 주세요.")

    def check_thread(self, thread):
        document, data, index = thread.document, thread.data, self.project.index
        for i, source in _parts(data, "source"):
            name = _word(source, "document")
            if name and name not in index["documents"]:
                what = f"`{name}` 원문은 `qa_index.yaml`의 `documents`에 없어요."
                yield document.problem(("source", i, "document"), what, _near(name, index["documents"]))
        figures = {_figure_anchor(run) for run in _runs(data) if "figure" in run}
        anchors = [*thread_anchors({**data, "answers": []}), *figures]
        for i, answer in _parts(data, "answers"):
            here, own = ("answers", i), _answer_anchors(answer)
            if twice := [anchor for anchor in own if anchor in anchors]:
                yield document.problem(
                    (*here, "id"), f"`#{twice[0]}` 주소가 이 쪽의 다른 곳과 겹쳐요.", "서로 다른 이름을 붙여 주세요."
                )
            anchors += own
            block = self.root / "docs" / "blocks" / f"{_word(answer, 'block')}.py"
            if _word(answer, "block"):
                yield from self.check_block(document, (*here, "block"), block)
            for j, run in _parts(answer, "snippets"):
                yield from self.check_run(document, (*here, "snippets", j), run)
        for path, claim in [*thread.claims, *((("try", i), item) for i, item in _parts(data, "try"))]:
            yield from self.check_claim(thread, path, claim)
        yield from self.check_texts(document)

    def check_block(self, document, path, block):
        try:
            ast.parse(block.read_text(encoding="utf-8"))
        except OSError:
            yield document.problem(path, f"`{self.name(block)}` 파일이 없어요.", "파일을 만들거나 이 줄을 지워 주세요.")
        except (SyntaxError, ValueError) as error:
            yield Problem(
                self.name(block),
                getattr(error, "lineno", 1) or 1,
                getattr(error, "offset", 1) or 1,
                f"Python이 읽을 수 없어요({getattr(error, 'msg', error)}).",
                "이 줄을 고쳐 주세요.",
            )

    def check_run(self, document, path, run):
        name, show, figure = _word(run, "run"), _word(run, "show"), _word(run, "figure")
        if name and name not in self.project.runnable:
            yield document.problem(
                (*path, "run"), f"`{name}` 스니펫을 찾을 수 없어요.", _near(name, self.project.runnable)
            )
        elif name:
            snippet, record = self.project.snippets[name], self.project.records.get(name)
            if show and not snippet.error and show not in snippet.definitions:
                what = f"`snippets/{name}.py`에 `{show}` 함수나 클래스가 없어요."
                yield document.problem((*path, "show"), what, _near(show, snippet.definitions))
            if figure and record and figure not in record.exhibits:
                what = f"`{name}` 스니펫의 기록에 `{figure}` 그림이나 표가 없어요."
                yield document.problem((*path, "figure"), what, _near(figure, record.exhibits))

    def check_claim(self, thread, path, claim):
        document, verdict, check = thread.document, _word(claim, "verdict"), _word(claim, "check")
        if verdict == "문헌":
            if "cite" not in claim:
                yield document.problem(
                    path, "`문헌` 판정인데 근거 문헌이 없어요.", "`cite:`에 논문과 자리를 적어 주세요."
                )
            if "check" in claim:
                yield document.problem(
                    (*path, "check"),
                    "`문헌` 판정에는 조건(check)을 둘 수 없어요.",
                    "실행으로 가를 수 있다면 다른 판정을 쓰고, 아니면 이 줄을 지워 주세요.",
                    key=True,
                )
            check = ""
        elif "check" not in claim and path[0] != "try":
            yield document.problem(
                path,
                "이 주장을 가르는 조건(check)이 없어요.",
                "`check: 스니펫.증거 < 값`을 더하거나, 실행으로 가를 수 없다면 판정을 `문헌`으로 하고 "
                "`cite`를 적어 주세요.",
            )
        if verdict == "미확인" and "cite" not in claim:
            yield document.problem(
                path,
                "`미확인` 판정인데 논문의 보고가 없어요.",
                "`cite:`에 논문이 어디서 무엇을 보고하는지 적어 주세요.",
            )
        for i, cite in _parts(claim, "cite"):
            paper, papers = _word(cite, "paper"), self.project.index["papers"]
            if paper and paper not in papers:
                what = f"`{paper}` 논문은 `qa_index.yaml`의 `papers`에 없어요."
                yield document.problem((*path, "cite", i, "paper"), what, _near(paper, papers))
        if not check:
            return
        try:
            judgement = thread.judgements[path] = judge(check, self.project.evidence)
        except NoRecord:
            return  # told once, at the snippet
        except ExpressionError as error:
            yield document.problem((*path, "check"), error.what, error.todo, offset=error.offset)
            return
        for comparison in judgement.comparisons:
            if not comparison.holds:
                what = f"실행 결과가 `{verdict}` 판정을 받쳐 주지 않아요" if verdict else "실행 결과가 조건과 달라요"
                measured = f"`{comparison.left}` 값은 {comparison.left_value!r}"
                if not comparison.is_bound:
                    measured += f", `{comparison.right}` 값은 {comparison.right_value!r}"
                condition = f"`{comparison.left} {comparison.operator} {comparison.right}`"
                yield document.problem(
                    (*path, "check"),
                    f"{what}({measured}).",
                    f"{'판정을' if verdict else '글을'} 고치거나 {condition} 조건을 다시 살펴 주세요.",
                    offset=comparison.offset,
                )

    def check_texts(self, document):
        """Links, inline values, formulas and refused markup in every text of a document that a page shows."""

        def link_problem(kind, target, anchor):
            return self.link_problem(document, kind, target, anchor)

        for path in document.styles:
            key = path[-2] if len(path) > 1 and isinstance(path[-1], int) else path[-1] if path else ""
            if key in NOT_SHOWN:
                continue
            faults = texts.faults(document.get(path), self.project.evidence, link_problem, key in PLAIN)
            for offset, what, todo in faults:
                yield document.problem(path, what, todo, offset=offset)

    def link_problem(self, document, kind, target, anchor):
        """(what, todo) where a link leads nowhere, else None."""
        if kind == "run":
            if target not in self.project.runnable:
                return f"링크가 가리키는 `{target}` 스니펫을 찾을 수 없어요.", _near(target, self.project.runnable)
            if target not in self.project.records and target not in self.named:  # else it is told at the snippet
                return (
                    f"링크가 가리키는 `{target}` 스니펫의 기록이 없어요.",
                    f"`mundap run {target}` 명령으로 돌려 주세요.",
                )
        elif kind == "term":
            if self.terms is not None and slug(target) not in self.terms:
                return f"용어집에 `{target}` 항목이 없어요.", _near(slug(target), self.terms)
        elif kind == "page":
            pages = [path.stem for path in (self.root / "docs").glob("*.md")]
            name = target.partition("?")[0]
            if name not in pages:
                return f"링크가 가리키는 `docs/{name}.md` 글을 찾을 수 없어요.", _near(name, pages)
        elif kind == "thread" and target not in self.known:
            return f"링크가 가리키는 `{target}` 문답을 찾을 수 없어요.", _near(target, self.known)
        elif anchor:
            if kind:
                anchors = self.known[target]
            else:
                anchors = thread_anchors(document.value) if isinstance(document.value, dict) else []
            if anchors is not None and (anchor not in anchors or anchor == "related"):
                return f"`#{anchor}` 자리가 {f'`{target}` 문답' if kind else '이 쪽'}에 없어요.", _near(anchor, anchors)
        return None

    def check_glossary(self, document):
        seen = set()
        for i, term in enumerate(document.value):
            if not isinstance(term, dict):
                continue
            word, key = _word(term, "term"), slug(_word(term, "term"))
            if word and not key:
                yield document.problem(
                    (i, "term"), f"`{word}` 용어에 글자가 없어요.", "글자나 숫자가 든 말로 적어 주세요."
                )
            elif key in seen:
                yield document.problem((i, "term"), f"`{word}` 용어가 두 번 나와요.", "하나로 합쳐 주세요.")
            seen.add(key)
            for j, identifier in _words(term, "threads"):
                if identifier not in self.known:
                    what = f"`{identifier}` 문답을 찾을 수 없어요."
                    yield document.problem((i, "threads", j), what, _near(identifier, self.known))
        yield from self.check_texts(document)

    def check_snippets(self):
        stale = self.project.stale()
        for name, snippet in self.project.snippets.items():
            file = self.name(snippet.path)
            if snippet.error:
                line, column, message = snippet.error
                yield Problem(file, line, column, f"Python이 읽을 수 없어요({message}).", "이 줄을 고쳐 주세요.")
                continue
            if snippet.runs and not snippet.evidence_bound:
                yield Problem(
                    file,
                    1,
                    1,
                    "스니펫이 증거(`evidence`)를 남기지 않아요.",
                    "마지막 셀에서 `evidence = {이름: 값}`을 적어 주세요.",
                )
            if name in stale:
                changed = ", ".join(stale[name])
                what = f"실행 기록이 낡았어요(바뀐 파일: {changed})." if changed else "실행 기록이 없어요."
                todo = f"`mundap run {name}` 명령으로 {'다시 ' if changed else ''}돌려 주세요."
                yield Problem(file, 1, 1, what, todo, minor=bool(changed) or name not in self.named)

    def check_pages(self):
        """Hand-written pages: that they can be read, and ask for nothing unknown to be filled in."""
        for path in sorted((self.root / "docs").rglob("*.md")):
            try:
                text = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                yield Problem(
                    self.name(path), 1, 1, "UTF-8로 적은 글이 아니에요.", "편집기에서 파일을 UTF-8로 저장해 주세요."
                )
                continue
            for offset, what, todo in self.page_faults(text):
                yield Problem(self.name(path), *yamlsource.place(text[:offset]), what, todo)

    def page_faults(self, text):
        """What a hand-written page asks for that cannot be filled in: (offset, what, todo) each."""
        for match in texts.MARKER.finditer(mask_code(text)):
            if match[1] not in texts.MARKERS:
                yield match.start(), f"`{match[0]}` 자리에 채울 것이 없어요.", _near(match[1], texts.MARKERS)
            elif match[1] in ("figure", "code"):
                yield from ((match.start(), *fault) for fault in self.shown_faults(match[1], match[2] or ""))
        yield from texts.filled_faults(text, self.project.evidence, lambda *link: self.link_problem(None, *link))

    def shown_faults(self, kind, words):
        """What is wrong with `snippet.name` of a marker that shows a figure or code: (what, todo)."""
        name, _, part = words.partition(".")
        if name not in self.project.runnable and (kind == "figure" or name not in self.project.snippets):
            yield f"`{name}` 스니펫을 찾을 수 없어요.", _near(name, self.project.runnable)
            return
        record, snippet = self.project.records.get(name), self.project.snippets[name]
        if kind == "code" and not snippet.error and part not in snippet.definitions:
            yield f"`snippets/{name}.py`에 `{part}` 함수나 클래스가 없어요.", _near(part, snippet.definitions)
        if kind == "figure" and record and part not in record.exhibits:
            yield f"`{name}` 스니펫의 기록에 `{part}` 그림이나 표가 없어요.", _near(part, record.exhibits)

    def check_use(self):
        """Snippets that no thread runs."""
        for name in self.project.runnable:
            if name not in self.named:
                yield Problem(
                    self.name(self.project.snippets[name].path),
                    1,
                    1,
                    "이 스니펫을 쓰는 문답이 없어요.",
                    f"어느 답의 `snippets`에 `- run: {name}` 줄을 더하거나 스니펫을 지워 주세요.",
                    minor=True,
                )


def _way(needs, start, goal):
    """The shortest way along `needs` from one id to another -> [start, …, goal], [] where there is none."""
    ways, seen = [[start]], {start}
    for way in ways:
        if way[-1] == goal:
            return way
        for other in needs.get(way[-1], ()):
            if other not in seen:
                seen.add(other)
                ways.append([*way, other])
    return []
