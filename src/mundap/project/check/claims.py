"""Runs, blocks and claims of threads: that what they name is there, and that the runs bear the verdicts out."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from mundap.problems import Problem
from mundap.project.check.names import near
from mundap.project.draft import Draft, parts, word, words
from mundap.project.draft import runs as runs_of
from mundap.project.expression import Comparison, Expression
from mundap.project.files import read_text
from mundap.project.forms import SLUG
from mundap.project.judge import judge
from mundap.project.math import mask_code
from mundap.project.model import Project
from mundap.project.schema import BASES
from mundap.project.texts import LINK
from mundap.project.values import ExpressionError, NoRecord


def _drafts(project: Project) -> list[Draft]:
    """The threads whose names can be told: none where the map cannot be read."""
    return project.files.drafts if project.files.index else []


def runs(project: Project) -> Iterator[Problem]:
    """Runs of snippets, definitions and exhibits that do not exist."""
    for draft in _drafts(project):
        for place, run in runs_of(draft.data):
            name = word(run, "run")
            if name and name not in project.runnable:
                what = f"`{name}` 스니펫을 찾을 수 없어요."
                yield draft.document.problem((*place, "run"), what, near(name, project.runnable))
            elif name:
                show, figure = word(run, "show") or None, word(run, "figure") or None
                for key, what, todo in shown_faults(project, name, show, figure):
                    yield draft.document.problem((*place, key), what, todo)


def shown_faults(project: Project, name: str, show: str | None, figure: str | None) -> Iterator[tuple[str, str, str]]:
    """What a snippet does not have of what a page would show of it: (key, what, todo) each."""
    snippet, record = project.snippets[name], project.records.get(name)
    if show is not None and not snippet.error and show not in snippet.definitions:
        what = f"`snippets/{name}.py`에 `{show}` 함수나 클래스가 없어요."
        yield "show", what, near(show, snippet.definitions)
    if figure is not None and record and figure not in record.exhibits:
        what = f"`{name}` 스니펫의 기록에 `{figure}` 그림이나 표가 없어요."
        yield "figure", what, near(figure, record.exhibits)


def blocks(project: Project) -> Iterator[Problem]:
    """Blocks of code that are not there, or that Python cannot read."""
    for draft in _drafts(project):
        for i, answer in parts(draft.data, "answers"):
            if name := word(answer, "block"):
                file = f"docs/blocks/{name}.py"
                try:
                    ast.parse(read_text(project.root / file))
                except OSError:
                    todo = "파일을 만들거나 이 줄을 지워 주세요."
                    yield draft.document.problem(("answers", i, "block"), f"`{file}` 파일이 없어요.", todo)
                except (SyntaxError, ValueError) as error:
                    line, column = getattr(error, "lineno", 1) or 1, getattr(error, "offset", 1) or 1
                    what = f"Python이 읽을 수 없어요({getattr(error, 'msg', error)})."
                    yield Problem(file, line, column, what, "이 줄을 고쳐 주세요.")


def touches(project: Project) -> Iterator[Problem]:
    """Figures to touch whose script is not there, or that would get evidence that is none."""
    for draft in _drafts(project):
        touch = draft.data.get("touch")
        if isinstance(touch, dict):
            script = word(touch, "script")
            file = f"docs/assets/js/touch/{script}.js"
            if re.search(SLUG, script) and not (project.root / file).is_file():  # else the schema tells its name
                todo = "파일을 만들거나 이름을 고쳐 주세요."
                yield draft.document.problem(("touch", "script"), f"`{file}` 파일이 없어요.", todo)
            for i, name in words(touch, "numbers"):
                try:
                    expression = Expression(name, condition=False)
                    expression.verify_names(project.evidence)
                    expression.value(project.evidence)
                except NoRecord:
                    continue  # told once, at the snippet
                except ExpressionError as error:
                    yield draft.document.problem(("touch", "numbers", i), error.what, error.todo, offset=error.offset)


def embeds(project: Project) -> Iterator[Problem]:
    """What is to be opened inside a thread, without the one link to a hand-written page that says what."""
    for draft in _drafts(project):
        text = word(draft.data, "embed")
        kinds = [match[1] for match in LINK.finditer(mask_code(text))]
        if text and kinds != ["page"]:
            todo = "`[누를 말](page:글이름)` 꼴의 링크를 하나만 넣어 주세요."
            yield draft.document.problem(("embed",), "여기서 열어 볼 글이 하나가 아니에요.", todo)


def verdicts(project: Project) -> Iterator[Problem]:
    """Claims without what their basis or verdict needs: a check, a reason, a citation."""
    for draft in _drafts(project):
        for place, claim in draft.claims:
            basis, verdict = word(claim, "basis"), word(claim, "verdict")
            if basis == "문헌" and "check" in claim:
                what = "근거가 `문헌`인 주장에는 조건(check)을 둘 수 없어요."
                todo = "실행으로 가를 수 있다면 `basis`를 `실험`이나 `증명`으로 하고, 아니면 이 줄을 지워 주세요."
                yield draft.document.problem((*place, "check"), what, todo, key=True)
            for key, what, todo in _lacks(basis, verdict) if basis in BASES else ():
                if key not in claim:
                    yield draft.document.problem(place, what, todo)


def _lacks(basis: str, verdict: str) -> Iterator[tuple[str, str, str]]:
    """What a claim of that basis and verdict has to have: (key, what is wrong without it, what to do)."""
    if basis == "문헌":
        yield "cite", "근거가 `문헌`인데 문헌이 없어요.", "`cite:`에 논문과 자리를 적어 주세요."
    elif verdict != "미확인":
        todo = (
            "`check: 스니펫.증거 < 값`을 더하거나, 실행으로 가를 수 없다면 `basis: 문헌`으로 하고 `cite`를 적어 주세요."
        )
        yield "check", "이 주장을 가르는 조건(check)이 없어요.", todo
    if basis == "증명":
        yield "why", "근거가 `증명`인데 까닭이 없어요.", "`why:`에 어떤 정의, 계산, 코드, 반례가 가르는지 적어 주세요."
    elif verdict == "미확인":
        yield "why", "`미확인` 판정인데 까닭이 없어요.", "`why:`에 무엇이 있어야 가를 수 있는지 적어 주세요."


def citations(project: Project) -> Iterator[Problem]:
    """Papers that a claim cites and that the map does not have."""
    for draft in _drafts(project):
        for place, claim in draft.judged:
            for i, cite in parts(claim, "cite"):
                paper = word(cite, "paper")
                if paper and paper not in project.papers:
                    what = f"`{paper}` 논문은 `qa_index.yaml`의 `papers`에 없어요."
                    yield draft.document.problem((*place, "cite", i, "paper"), what, near(paper, project.papers))


def outcomes(project: Project) -> Iterator[Problem]:
    """Checks that cannot be decided, and those that the runs do not bear out."""
    for draft in _drafts(project):
        for place, item in draft.judged:
            verdict, check = word(item, "verdict"), word(item, "check")
            if not check or word(item, "basis") == "문헌":
                continue
            where = (*place, "check")
            judgement = project.judgements.get((draft.document.path, place))
            if judgement is None:
                try:
                    judge(check, project.evidence)
                except NoRecord:
                    continue  # told once, at the snippet
                except ExpressionError as error:
                    yield draft.document.problem(where, error.what, error.todo, offset=error.offset)
                continue
            for comparison in judgement.comparisons:
                if not comparison.holds:
                    what, todo = _not_so(comparison, verdict)
                    yield draft.document.problem(where, what, todo, offset=comparison.offset)


def nulls(project: Project) -> Iterator[Problem]:
    """Checks of claims that hold just as well where there is nothing to find: they decide nothing."""
    for draft in _drafts(project):
        for place, claim in draft.claims:
            if word(claim, "basis") != "실험" or word(claim, "verdict") == "미확인":
                continue
            judgement = project.judgements.get((draft.document.path, place))
            for null in judgement.nulls if judgement and judgement.holds else ():
                if null.comparisons and null.holds:
                    values = ", ".join(
                        f"`{comparison.left} {comparison.operator} {comparison.right}`에서 왼쪽이 {comparison.left_value!r}"
                        for comparison in null.comparisons
                    )
                    what = f"`{null.world}`에서도 이 조건이 성립해서 아무것도 가르지 못해요({values})."
                    todo = "그 세계에서는 성립하지 않을 조건으로 고치거나, 판정을 `미확인`으로 바꿔 주세요."
                    yield draft.document.problem((*place, "check"), what, todo)


def twins(project: Project) -> Iterator[Problem]:
    """Claims of a thread that one comparison decides: what looks like two findings is one."""
    for draft in _drafts(project):
        seen: dict[frozenset[str], str] = {}
        for place, claim in draft.claims:
            judgement = project.judgements.get((draft.document.path, place))
            if judgement is None:
                continue
            condition = frozenset(_normal(comparison) for comparison in judgement.comparisons)
            if first := seen.get(condition):
                what = f"`{first}` 주장과 조건이 같아서 두 주장을 하나로 갈라요."
                todo = "주장을 하나로 합치거나, 이 문장이 말하는 것을 재는 조건으로 고쳐 주세요."
                yield replace(draft.document.problem((*place, "check"), what, todo), minor=True)
            seen.setdefault(condition, word(claim, "id"))


def _normal(comparison: Comparison) -> str:
    """A comparison in one of the ways to write it: without spaces, and never with the greater side first."""
    sides = ["".join(side.split()) for side in (comparison.left, comparison.right)]
    operator = comparison.operator
    if operator.startswith(">"):
        sides, operator = sides[::-1], operator.replace(">", "<")
    elif operator in ("==", "!="):
        sides.sort()
    return f"{comparison.hold}({sides[0]}{operator}{sides[1]})"


def _not_so(comparison: Comparison, verdict: str) -> tuple[str, str]:
    """What to say of a comparison that does not hold."""
    what = f"실행 결과가 `{verdict}` 판정을 받쳐 주지 않아요" if verdict else "실행 결과가 조건과 달라요"
    measured = f"`{comparison.left}` 값은 {comparison.left_value!r}"
    if not comparison.is_bound:
        measured += f", `{comparison.right}` 값은 {comparison.right_value!r}"
    condition = f"`{comparison.left} {comparison.operator} {comparison.right}`"
    subject = "판정을" if verdict else "글을"
    return f"{what}({measured}).", f"{subject} 고치거나 {condition} 조건을 다시 살펴 주세요."
