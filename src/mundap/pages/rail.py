"""Where a reader of a thread is: the chapter's threads, this thread's answers, what comes next; for a template."""

from dataclasses import dataclass

from mundap.pages.links import chapter_path, plain, resolve, thread_path
from mundap.pages.verdicts import of_answer
from mundap.project import schema
from mundap.project.model import Project, Thread


@dataclass(frozen=True)
class Entry:
    """A thread of the chapter. path: of its page below docs/."""

    id: str
    title: str
    path: str
    is_here: bool


@dataclass(frozen=True)
class Part:
    """An answer of this page. css, sign, verdict: of what came of it, all "" of other parts."""

    anchor: str
    title: str
    css: str = ""
    sign: str = ""
    verdict: str = ""


@dataclass(frozen=True)
class Rail:
    """What stands beside a thread. number: its place in the chapter, from 1; following: None after the last thread."""

    chapter: str
    path: str
    number: int
    threads: tuple[Entry, ...]
    parts: tuple[Part, ...]
    following: Entry | None


def rail_of(project: Project, thread: Thread) -> Rail:
    """The rail of a thread's page."""
    chapter = next(chapter for chapter in project.chapters if chapter.id == thread.chapter)
    inside = [project.threads[name] for name in chapter.threads if name in project.threads]
    order = list(project.threads.values())
    place = order.index(thread)
    following = order[place + 1] if place + 1 < len(order) else None
    return Rail(
        chapter.title,
        chapter_path(chapter.id),
        inside.index(thread) + 1,
        tuple(_entry(other, thread) for other in inside),
        tuple(_parts(project, thread)),
        _entry(following, thread) if following else None,
    )


def _entry(thread: Thread, here: Thread) -> Entry:
    return Entry(thread.id, thread.short or plain(thread.question, 40), thread_path(thread), thread is here)


def _parts(project: Project, thread: Thread) -> list[Part]:
    """The answer, the prediction, and every answer with its verdict."""
    parts = [Part("conclusion", "답")]
    if thread.predict:
        parts.append(Part("predict", "예상해 보기"))
    for answer in thread.answers:
        verdict = of_answer(answer)
        css, sign, _ = schema.VERDICTS[verdict] if verdict else ("", "", "")
        title = plain(resolve(project, answer.title, thread_path(thread)), 40)
        parts.append(Part(answer.id, title, css, sign, verdict or ""))
    return parts
