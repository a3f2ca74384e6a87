"""Load a project: the map, the threads, the snippets and their records, and everything that is wrong with them."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from mundap import math, records, schema, snippets, yamlsource
from mundap.expression import Expression, ExpressionError, NoRecord
from mundap.judge import Judgement, judge
from mundap.problems import Problem

LINK = re.compile(r"\]\((thread|run|term):([^)#]*)(?:#([^)]*))?\)")
VALUE = re.compile(r"\{\{(.+?)\}\}", re.DOTALL)
HTML = re.compile(r"<(?:[a-zA-Z][a-zA-Z0-9-]*[\s>/]|/[a-zA-Z]|!--|!\[)")
ATTRIBUTES = re.compile(r"\{:?[^}\n]*\bon\w+\s*=|\]\(\s*(?:javascript|data|vbscript):", re.IGNORECASE)
MARKDOWN = {"asked", "conclusion", "misconception", "body", "text", "why", "title", "change", "predict", "outcome", "says", "definition", "about", "question"}


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
        return [(("answers", i, "claims", j), claim) for i, answer in enumerate(self.data["answers"])
                for j, claim in enumerate(answer["claims"])]


@dataclass
class Project:
    """All that the pages are made of. threads are in reading order."""

    root: Path
    index: dict = field(default_factory=dict)
    threads: dict = field(default_factory=dict)
    snippets: dict = field(default_factory=dict)
    records: dict = field(default_factory=dict)
    glossary: list = field(default_factory=list)

    @property
    def chapters(self):
        return self.index.get("chapters", [])

    @property
    def evidence(self):
        """{snippet: {name: value}}, None for a snippet without a record."""
        return {name: self.records[name].evidence if name in self.records else None
                for name, snippet in self.snippets.items() if snippet.runs}

    def stale(self):
        """{name: [files that changed since its record]} of the snippets whose record is missing ([]) or old."""
        result = {}
        for name, snippet in self.snippets.items():
            if not snippet.runs:
                continue
            if name not in self.records:
                result[name] = []
                continue
            now, then = snippets.sources(self.snippets, name), self.records[name].sources
            if now != then:
                result[name] = sorted(file for file in now.keys() | then.keys() if now.get(file) != then.get(file))
        return result

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

    Threads that do not fit the schema are left out of the project; their problems say why.
    """
    root = Path(root)
    project, problems = Project(root), []
    project.snippets = snippets.load(root / "snippets")
    problems += _load_records(project)
    index, found = _read(root, root / "qa_index.yaml", "index")
    problems += found
    if index is None:
        return project, sorted(problems)
    project.index = index.value
    problems += _load_threads(project, index)
    glossary_file = root / "docs" / "glossary.yaml"
    if glossary_file.exists():
        glossary, found = _read(root, glossary_file, "glossary")
        problems += found
        if glossary is not None:
            project.glossary = glossary.value
            problems += _check_glossary(project, glossary)
    problems += _check_graph(project)
    for thread in project.threads.values():
        problems += _check_thread(project, thread)
    problems += _check_snippets(project, index)
    return project, sorted(set(problems))


def check_file(root, path):
    """Problems of one YAML file alone, without records: what an editor needs while the file is being written."""
    document, found = _read(Path(root), path, "thread")
    return found


def _name(root, path):
    return path.relative_to(root).as_posix()


def _read(root, path, kind):
    document, problems = yamlsource.read(path, _name(root, path))
    if document.value is None and problems:
        return None, problems
    wrong = schema.problems(document, kind)
    return (None if wrong else document), problems + wrong


def _load_records(project):
    problems = []
    folder = project.root / "docs" / "notebooks"
    for path in sorted(folder.glob("*.ipynb")):
        name = _name(project.root, path)
        try:
            record = records.read(path)
        except ValueError:
            problems.append(Problem(name, 1, 1, "`mundap run`이 만든 기록이 아니에요.", f"지우고 `mundap run {path.stem}` 명령으로 다시 만들어 주세요."))
            continue
        if path.stem not in project.snippets:
            problems.append(Problem(name, 1, 1, f"`snippets/{path.stem}.py`가 없는 기록이에요.", "스니펫을 되살리거나 이 기록을 지워 주세요."))
            continue
        project.records[path.stem] = record
    return problems


def _load_threads(project, index):
    problems, seen, chapters = [], {}, {}
    folder = project.root / "docs" / "qa"
    files = {path: None for path in sorted(folder.glob("**/*.yaml"))}
    for i, chapter in enumerate(index.value["chapters"]):
        if chapter["id"] in chapters:
            problems.append(index.problem(("chapters", i, "id"), f"장 `{chapter['id']}`의 이름이 두 번 나와요.", "서로 다른 이름을 붙여 주세요."))
        chapters[chapter["id"]] = chapter
        for j, identifier in enumerate(chapter["threads"]):
            here = ("chapters", i, "threads", j)
            path = folder / chapter["id"] / f"{identifier}.yaml"
            if identifier in seen:
                problems.append(index.problem(here, f"문답 `{identifier}`의 줄이 두 번 나와요.", "한 장에만 남겨 주세요."))
                continue
            seen[identifier] = path
            if path not in files:
                problems.append(index.problem(here, f"`{_name(project.root, path)}` 파일이 없어요.",
                                              f"`mundap new {chapter['id']} {identifier}` 명령으로 만들거나 이 줄을 지워 주세요."))
                continue
            files[path] = identifier
            document, found = _read(project.root, path, "thread")
            problems += found
            if document is None:
                continue
            if document.value["id"] != identifier:
                problems.append(document.problem(("id",), f"id는 `{document.value['id']}`인데 파일 이름은 `{identifier}.yaml`이에요.", "둘을 같게 맞춰 주세요."))
            project.threads[identifier] = Thread(identifier, chapter["id"], document)
    for path, identifier in files.items():
        if identifier is not None:
            continue
        chapter = path.parent.name
        if path.parent.parent != folder or chapter not in chapters:
            what, todo = f"`{chapter}`라는 장은 `qa_index.yaml`에 없어요.", f"`chapters`에 장을 더하거나 파일을 옮겨 주세요. 있는 장: {', '.join(chapters)}."
        elif path.stem in seen:
            what, todo = f"`{path.stem}`라는 id는 이미 다른 장에 있어요.", "다른 이름으로 바꿔 주세요."
        else:
            what, todo = "이 파일을 가리키는 줄이 `qa_index.yaml`에 없어요.", f"장 `{chapter}`의 `threads`에 `- {path.stem}` 줄을 더해 주세요."
        problems.append(Problem(_name(project.root, path), 1, 1, what, todo))
        document, found = _read(project.root, path, "thread")
        problems += found
    return problems


def _check_graph(project):
    """`needs` that name no thread, or that go round in a circle."""
    problems = []
    for thread in project.threads.values():
        for i, other in enumerate(thread.data.get("needs", [])):
            here = ("needs", i)
            if other not in project.threads:
                problems.append(thread.document.problem(here, f"먼저 읽을 `{other}` 문답을 찾을 수 없어요.", _near(other, project.threads)))
                continue
            seen, todo = set(), [other]
            while todo:
                name = todo.pop()
                if name in seen or name not in project.threads:
                    continue
                seen.add(name)
                todo += project.threads[name].data.get("needs", [])
            if thread.id in seen:
                problems.append(thread.document.problem(here, f"`{thread.id}` 문답과 `{other}` 문답이 서로를 먼저 읽으라고 해요.", "돌고 도는 `needs` 가운데 하나를 지워 주세요."))
    return problems


def _near(word, known):
    import difflib

    near = difflib.get_close_matches(word, known, 1, 0.5)
    return f"혹시 `{near[0]}`인가요?" if near else f"있는 이름: {', '.join(list(known)[:12])}."


def _check_thread(project, thread):
    document, problems = thread.document, []
    data, index = document.value, project.index
    ids = {}
    for i, source in enumerate(data["source"]):
        if source["document"] not in index["documents"]:
            problems.append(document.problem(("source", i, "document"), f"`{source['document']}`라는 원문은 `qa_index.yaml`에 없어요.", _near(source["document"], index["documents"])))
    for i, answer in enumerate(data["answers"]):
        here = ("answers", i)
        if answer["id"] in ids:
            problems.append(document.problem((*here, "id"), f"답 `{answer['id']}`의 이름이 두 번 나와요.", "서로 다른 이름을 붙여 주세요."))
        ids[answer["id"]] = i
        if "block" in answer and not (project.root / "docs" / "blocks" / f"{answer['block']}.py").is_file():
            problems.append(document.problem((*here, "block"), f"`docs/blocks/{answer['block']}.py` 파일이 없어요.", "파일을 만들거나 이 줄을 지워 주세요."))
        for j, run in enumerate(answer["snippets"]):
            problems += _check_run(project, document, (*here, "snippets", j), run)
    checked = [*thread.claims, *((("try", i), item) for i, item in enumerate(data.get("try", [])))]
    for path, claim in checked:
        problems += _check_claim(project, thread, path, claim)
    problems += _check_texts(project, document)
    return problems


def _check_run(project, document, path, run):
    snippet = project.snippets.get(run["run"])
    runnable = [name for name, other in project.snippets.items() if other.runs]
    if snippet is None or not snippet.runs:
        yield document.problem((*path, "run"), f"`{run['run']}` 스니펫을 찾을 수 없어요.", _near(run["run"], runnable))
        return
    if "show" in run and run["show"] not in snippet.definitions and not snippet.error:
        yield document.problem((*path, "show"), f"`snippets/{run['run']}.py`에 `{run['show']}`라는 함수나 클래스가 없어요.", _near(run["show"], snippet.definitions))
    record = project.records.get(run["run"])
    if "figure" in run and record and run["figure"] not in record.exhibits:
        yield document.problem((*path, "figure"), f"`{run['run']}`의 기록에 `{run['figure']}`라는 그림이나 표가 없어요.", _near(run["figure"], record.exhibits))


def _check_claim(project, thread, path, claim):
    document, verdict = thread.document, claim.get("verdict")
    if verdict == "문헌":
        if "cite" not in claim:
            yield document.problem(path, "`문헌` 판정인데 근거 문헌이 없어요.", "`cite:`에 논문과 자리를 적어 주세요.")
        if "check" in claim:
            yield document.problem((*path, "check"), "`문헌` 판정에는 조건(check)을 둘 수 없어요.", "실행으로 가를 수 있다면 다른 판정을 쓰고, 아니면 이 줄을 지워 주세요.", key=True)
    elif "check" not in claim:
        yield document.problem(path, "이 주장을 가르는 조건(check)이 없어요.", "`check: 스니펫.증거 < 값`을 더하거나, 실행으로 가를 수 없다면 판정을 `문헌`으로 하고 `cite`를 적어 주세요.")
    elif verdict == "미확인" and "cite" not in claim:
        yield document.problem(path, "`미확인` 판정인데 논문의 보고가 없어요.", "`cite:`에 논문이 어디서 무엇을 보고하는지 적어 주세요.")
    for i, cite in enumerate(claim.get("cite", [])):
        if cite["paper"] not in project.index["papers"]:
            yield document.problem((*path, "cite", i, "paper"), f"`{cite['paper']}`라는 논문은 `qa_index.yaml`의 `papers`에 없어요.", _near(cite["paper"], project.index["papers"]))
    if "check" not in claim or verdict == "문헌":
        return
    try:
        judgement = judge(claim["check"], project.evidence)
    except NoRecord:
        return
    except ExpressionError as error:
        yield document.problem((*path, "check"), error.what, error.todo, offset=error.offset)
        return
    thread.judgements[path] = judgement
    for comparison in judgement.comparisons:
        if not comparison.holds:
            yield document.problem(
                (*path, "check"), f"실행 결과가 `{verdict}` 판정을 받쳐 주지 않아요: `{comparison.left}`의 값은 {comparison.left_value!r}예요."
                if verdict else f"실행 결과가 조건과 달라요: `{comparison.left}`의 값은 {comparison.left_value!r}예요.",
                f"조건: `{comparison.left} {comparison.operator} {comparison.right}`. 판정을 고치거나 조건을 다시 살펴 주세요.")


def _check_texts(project, document):
    """Links, inline values, formulas and refused markup in every Markdown text of a document."""
    for path, (style, _) in list(document.styles.items()):
        if not path or not (path[-1] in MARKDOWN):
            continue
        try:
            text = document.get(path)
        except (KeyError, IndexError, TypeError):
            continue
        plain = math.mask_code(text)
        for match in math.FENCE.finditer(text):
            if re.search(r"\bexec\b", match[0].partition("\n")[0]):
                yield document.problem(path, "글 안의 코드 블록은 실행할 수 없어요(`exec`).", "`docs/blocks/`에 스크립트를 두고 답의 `block:`으로 가리켜 주세요.", offset=match.start())
        for match in HTML.finditer(plain):
            yield document.problem(path, f"HTML(`{match[0].strip()}…`)은 쓸 수 없어요.", "Markdown으로 적고, 부등호라면 앞뒤를 띄우거나 `` ` ``로 감싸 주세요.", offset=match.start())
        for match in ATTRIBUTES.finditer(plain):
            yield document.problem(path, "스크립트를 부르는 속성이나 주소는 쓸 수 없어요.", "이 부분을 지워 주세요.", offset=match.start())
        for match in LINK.finditer(plain):
            problem = link_problem(project, *match.groups())
            if problem:
                yield document.problem(path, *problem, offset=match.start() + 2)
        for match in VALUE.finditer(plain):
            try:
                inline_value(match[1], project.evidence)
            except NoRecord:
                continue
            except ExpressionError as error:
                yield document.problem(path, error.what, error.todo, offset=match.start() + 2)
        for offset, message in math.check_math(VALUE.sub(lambda match: "0" * len(match[0]), text)):
            yield document.problem(path, f"수식을 읽을 수 없어요({message}).", "LaTeX 명령의 이름과 괄호의 짝을 확인해 주세요. `$$`는 위아래를 비운 자기 줄에 두고, 돈 표시는 `\\$`로 적어요.", offset=offset)


def link_problem(project, kind, target, anchor):
    """(what, todo) where a link like `thread:ID#anchor` leads nowhere, else None."""
    if kind == "thread":
        if target not in project.threads:
            return f"링크가 가리키는 `{target}` 문답을 찾을 수 없어요.", _near(target, project.threads)
        anchors = thread_anchors(project.threads[target])
        if anchor and anchor not in anchors:
            return f"문답 `{target}`에 `#{anchor}` 자리가 없어요.", _near(anchor, anchors)
    elif kind == "run":
        runnable = [name for name, snippet in project.snippets.items() if snippet.runs]
        if target not in runnable:
            return f"링크가 가리키는 `{target}` 스니펫을 찾을 수 없어요.", _near(target, runnable)
    else:
        terms = {slug(term["term"]) for term in project.glossary}
        if slug(target) not in terms:
            return f"용어집에 `{target}` 항목이 없어요.", _near(slug(target), terms)
    return None


def thread_anchors(thread):
    """Every anchor of a thread's page."""
    anchors = ["conclusion", "asked", "sources"] + ["misconception"] * ("misconception" in thread.data) + ["try"] * ("try" in thread.data)
    for answer in thread.data["answers"]:
        anchors += [answer["id"], *(f"{answer['id']}-{number}" for number in range(1, len(answer["claims"]) + 1))]
    return anchors


def slug(term):
    """A term as an anchor: lower case, white space and marks turned into hyphens."""
    return re.sub(r"[^\w]+", "-", term.strip().lower()).strip("-")


def inline_value(text, evidence):
    """The text of `{{expression:format}}` -> what the page shows; raises ExpressionError."""
    from mundap.expression import format_value

    body, _, spec = text.partition(":")
    expression = Expression(body, condition=False)
    expression.verify_names(evidence)
    value = expression.value(evidence)
    try:
        return format_value(value, spec.strip())
    except ValueError:
        raise ExpressionError(len(body) + 1, f"`{spec.strip()}`라는 형식은 이 값에 쓸 수 없어요.", "`.2f`, `.1%`, `,` 같은 Python 형식을 써 주세요.") from None


def _check_glossary(project, document):
    seen = {}
    for i, term in enumerate(document.value):
        key = slug(term["term"])
        if key in seen:
            yield document.problem((i, "term"), f"`{term['term']}`라는 용어가 두 번 나와요.", "하나로 합쳐 주세요.")
        seen[key] = i
        for j, identifier in enumerate(term.get("threads", [])):
            if identifier not in project.threads:
                yield document.problem((i, "threads", j), f"`{identifier}` 문답을 찾을 수 없어요.", _near(identifier, project.threads))
    yield from _check_texts(project, document)


def _check_snippets(project, index):
    used, stale = project.used(), project.stale()
    for name, snippet in project.snippets.items():
        file = _name(project.root, snippet.path)
        if snippet.error:
            line, column, message = snippet.error
            yield Problem(file, line, column, f"Python 문법에 맞지 않아요({message}).", "이 줄을 고쳐 주세요.")
            continue
        if not snippet.runs:
            continue
        if not snippet.evidence_bound:
            yield Problem(file, 1, 1, "스니펫이 증거(`evidence`)를 남기지 않아요.", "마지막 셀에서 `evidence = {이름: 값}`을 적어 주세요.")
        if name not in used:
            yield Problem(file, 1, 1, "이 스니펫을 쓰는 문답이 없어요.", "어느 답의 `snippets`에 `- run: " + name + "`을 더하거나 스니펫을 지워 주세요.")
        if name in stale:
            changed = ", ".join(stale[name])
            what = f"실행 기록이 낡았어요(바뀐 파일: {changed})." if changed else "실행 기록이 없어요."
            yield Problem(file, 1, 1, what, f"`mundap run {name}` 명령으로 {'다시 ' if changed else ''}돌려 주세요.", stale=bool(changed))
