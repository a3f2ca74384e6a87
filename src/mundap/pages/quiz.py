"""맞을까요, 틀릴까요?: judged claims as questions, drawn from all that can stand alone."""

import html
import json

from mundap.pages.links import plain, relative, resolve, thread_path
from mundap.pages.marks import Flavour, element, escaped
from mundap.project.model import Claim, Project, Thread

PATH = "quiz.json"
LONGEST, REASON = 60, 220  # characters of a claim and of its reason


def questions(project: Project) -> list[dict[str, str | bool]]:
    """Every claim that was found right or wrong, says why, and is short: text, right, why, page, anchor, question."""
    found = []
    for thread in project.threads.values():
        for claim in thread.claims:
            text = _text(project, thread, claim.text)
            if claim.verdict in ("맞음", "틀림") and claim.why and len(text) <= LONGEST:
                found.append(_question(project, thread, claim, text))
    return found


def _question(project: Project, thread: Thread, claim: Claim, text: str) -> dict[str, str | bool]:
    return {
        "text": text,
        "right": claim.verdict == "맞음",
        "why": plain(resolve(project, claim.why or "", thread_path(thread)), REASON),
        "page": thread_path(thread),
        "anchor": claim.anchor,
        "question": thread.question,
    }


def _text(project: Project, thread: Thread, text: str) -> str:
    return plain(resolve(project, text, thread_path(thread)), LONGEST + 1)


def quiz_file(project: Project) -> str:
    """All questions as JSON, for the script of the page."""
    return json.dumps(questions(project), ensure_ascii=False, separators=(",", ":")) + "\n"


def quiz(flavour: Flavour, project: Project, page: str) -> str:
    """One question that stands in the page, a wrong claim where there is one; a script asks the others."""
    known = questions(project)
    if not known:
        return ""
    first = next((item for item in known if not item["right"]), known[0])
    verdict = "맞은 주장이에요." if first["right"] else "틀린 주장이에요."
    address = relative(f"{first['page']}#{first['anchor']}", page)
    body = [
        '<p class="quiz-head">맞을까요, 틀릴까요?</p>',
        f'<p class="quiz-claim">“{html.escape(str(first["text"]))}”</p>',
        f"<details{flavour.markdown}>\n<summary>판정 보기</summary>\n\n**{verdict}** {escaped(str(first['why']))}\n\n"
        f"[이 문답 읽기]({address})\n\n</details>",
    ]
    return element(flavour, "section", "\n\n".join(body), f' class="quiz" data-questions="{relative(PATH, page)}"')
