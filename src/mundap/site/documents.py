"""What is searched: every page of the built site, its names, what it says, and the words and formulas in it."""

import html
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup

from mundap.pages.formulas import OPAQUE, in_a_line
from mundap.pages.links import plain, resolve, thread_path
from mundap.pages.verdicts import of_answer
from mundap.project import schema
from mundap.project.math import find_math
from mundap.project.model import Answer, Project, Term, Thread
from mundap.project.texts import slug
from mundap.site.korean import root, words

ARTICLE = re.compile(r"<article\b[^>]*\bdata-searched\b[^>]*>")
ATTRIBUTE = re.compile(r'\bdata-(kind|title|text)="([^"]*)"')
HEADING = re.compile(r"<h[1-3]\b.*?</h[1-3]>", re.S)
IGNORED = "data-unsearched"
GLOSSARY = "glossary/"
LISTS = {"chapter", "contents", "tags", "glossary"}  # of links or definitions: found by their titles alone
TEXT = 90  # characters of a term's definition
ENOUGH = 3  # times that a word counts on a page
COUNT = re.compile(r"(?<!\w)\d+(?=[가-힣])")  # before its counter: 64차원
SIGNED = re.compile(r"[\w√−+-]*[√²³⁰-⁹ⁿ₀-₉Α-ω][\w√−+-]*")  # formulas that are written as plain text

# Everyday names of one thing, which the glossary need not define.
SAME = """
점수, 스코어, score / 이미지, 그림, 사진 / 모수, 파라미터, 매개변수, parameter / 완전 연결, 완전연결층, 전결합, fully connected, FC
글, 텍스트, text / 우도, 가능도, likelihood / 제곱근, 루트, square root / 활성화 함수, 활성함수, activation / 기울기, 그래디언트, gradient / 학습, 훈련, training
추론, inference / 배치, batch / 차원, dimension / 정확도, accuracy / 손실, loss / 생성자, generator / 단위행렬, 항등 행렬, identity
이어 붙이기, 이어 붙여, concat, concatenate / 내적, dot product / 행렬, matrix / 층, 레이어, layer / 개수, 갯수, 몇 개 / 잡음, 노이즈, noise / 편향, bias, 바이어스 / 1차원, 1D / 2차원, 2D / DALL·E, 달리, dalle
문장, 시퀀스, sequence / 전역, 글로벌, global / 순환 신경망, RNN / 정규분포, 가우시안, gaussian, normal distribution / 표본, 샘플, sample
오류, 에러, error / 필터, 커널, kernel / 보폭, 스트라이드, stride / 그래픽카드, 그래픽 카드, GPU / 렐루, ReLU / 가중치, weight, weights / 메모리, memory
회전, rotation / 시각화, visualization / 장거리 의존성, 전역 의존성, long-range dependency
보는, 보고, 보기, 봐, 봐야, 봤, 본다 / 큰, 커, 크게, 크면, 커지, 클수록 / 긴, 길, 길이 / 빼, 빼고, 빼면 / 없는, 없이, 없어
"""


@dataclass(frozen=True)
class Document:
    """A page, or a term of the glossary. entry: what is shown and ranked of it; body: the roots of its words."""

    entry: dict[str, Any]
    body: tuple[str, ...] = ()


def documents(site_dir: Path, project: Project) -> list[Document]:
    """Everything that can be found: threads and terms in their own order, then the rest by kind and address."""
    threads = {_address(thread_path(thread)): thread for thread in project.threads.values()}
    pointed = _pointed(project)
    places = {url: place for place, url in enumerate(threads)}
    found = []
    for path in sorted(site_dir.rglob("*.html")):
        text = path.read_text(encoding="utf-8")
        article = ARTICLE.search(text)
        if article:
            url = re.sub(r"(^|/)index\.html$", r"\1", path.relative_to(site_dir).as_posix())
            said = {key: html.unescape(value) for key, value in ATTRIBUTE.findall(article[0])}
            if url in threads:
                found.append(_thread(project, threads[url], url, said, pointed))
            else:
                found.append(_page(url, said, text[article.end() : text.rindex("</article>")]))
    found.sort(key=lambda document: _order(document.entry, places))
    count = sum(document.entry["kind"] == "thread" for document in found)
    return found[:count] + [_term(term) for term in project.glossary] + found[count:]


def _order(entry: dict[str, Any], places: dict[str, int]) -> tuple[bool, int, str, str]:
    return entry["url"] not in places, places.get(entry["url"], 0), entry["kind"], entry["url"]


def _pointed(project: Project) -> dict[str, list[str]]:
    """{a thread: the terms whose definitions point to it}."""
    found = defaultdict(list)
    for term in project.glossary:
        for thread in term.threads:
            found[thread].append(term.term)
    return found


def _address(path: str) -> str:
    """Where a page of the sources is in the site."""
    return re.sub(r"(index)?\.md$", "/", path).replace("//", "/")


def _page(url: str, said: dict[str, str], article: str) -> Document:
    kind = said.get("kind", "page")
    entry = {"url": url, "title": said.get("title", ""), "kind": kind}
    if kind in LISTS:
        return Document(entry)
    if kind == "notebook":  # threads say it better; what a record is about stands in its headings
        article = " ".join(HEADING.findall(article))
    else:
        entry |= {"text": said["text"]} if said.get("text") else {}
        article = _searched(article)
    return Document(entry, bag(html.unescape(OPAQUE.sub(" ", article))))


def _searched(article: str) -> str:
    """A page without the parts that are worked with, not read."""
    if IGNORED not in article:
        return article
    soup = BeautifulSoup(article, "html.parser")
    for tag in soup.select(f"[{IGNORED}]"):
        tag.decompose()
    return str(soup)


def _term(term: Term) -> Document:
    names = names_of(term)
    entry = {
        "url": f"{GLOSSARY}#{slug(term.term)}",
        "title": term.term,
        "kind": "term",
        "tags": names[1:],
        "text": plain(term.definition, TEXT),
    }
    return Document(entry | _formulas(term.definition), bag(plain(term.definition, 10_000)))


def names_of(term: Term) -> list[str]:
    """Every name of a term, its own first."""
    return list(dict.fromkeys(name for name in [term.term, term.english, *term.aliases] if name))


def _thread(
    project: Project, thread: Thread, url: str, said: dict[str, str], pointed: dict[str, list[str]]
) -> Document:
    page = thread_path(thread)

    def shown(text: str) -> str:
        return plain(resolve(project, text, page), 10_000)

    texts = list(_texts(thread))
    entry = {
        "url": url,
        "title": said.get("title") or shown(thread.question),
        "kind": "thread",
        "tags": list(thread.tags),
        "text": said.get("text", ""),
        "terms": pointed.get(thread.id, []),
        "short": thread.short or "",
        "also": list(thread.also),
        "asked": " ".join(dict.fromkeys(_roots(shown(thread.asked)))),
        "says": [[*_verdict(answer), shown(answer.title)] for answer in thread.answers],
    }
    return Document(entry | _formulas("\n\n".join(texts)), bag(" ".join(map(shown, texts))))


def _verdict(answer: Answer) -> list[str]:
    """[class, sign, word] of what came of an answer, [] where nothing is judged in it."""
    verdict = of_answer(answer)
    return [*schema.VERDICTS[verdict][:2], verdict] if verdict else []


def _texts(thread: Thread) -> Iterator[str]:
    """What a thread says, in its own order."""
    yield from filter(None, [thread.question, thread.short, thread.answer, thread.asked, thread.conclusion])
    yield from filter(None, [thread.misconception, thread.predict.ask if thread.predict else None])
    for answer in thread.answers:
        yield from filter(None, [answer.title, answer.gist, answer.body])
        for claim in answer.claims:
            yield from filter(None, [claim.text, claim.why])
    for item in thread.tries:
        yield from [item.change, item.predict, item.outcome]


def _formulas(text: str) -> dict[str, str]:
    """{formulas: each once, as plain text in a line, one a line} of a Markdown text; {} where it has none."""
    found = [in_a_line(latex) for _, latex, _ in find_math(re.sub(r"\{\{.*?\}\}", "0", text))]
    found += SIGNED.findall(re.sub(r"\$.*?\$", " ", text))
    return {"formulas": "\n".join(dict.fromkeys(filter(None, found)))} if found else {}


def _roots(text: str) -> Iterator[str]:
    return (root(word) for word in words(COUNT.sub("", text)) if not word.isdecimal())


def bag(text: str) -> tuple[str, ...]:
    """The roots of a text's words, without their order, each as often as it comes, up to ENOUGH."""
    counts = Counter(_roots(text))
    return tuple(word for word, count in sorted(counts.items()) for _ in range(min(count, ENOUGH)))


def same() -> list[list[str]]:
    """Everyday names, each with the others of the same thing."""
    return [group.split(", ") for group in re.split(r" / |\n", SAME.strip())]
