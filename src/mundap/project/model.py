"""A project as small dataclasses: what its sound files say, and what follows from that.

Whatever may be broken is in `project.files`, for the checks; pages are made of the rest, which is sound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from mundap.project import snippets as snippet_files
from mundap.project.draft import Files
from mundap.project.expression import Comparison, Expression
from mundap.project.records import Record
from mundap.project.reruns import Again, Rerun
from mundap.project.snippets import Snippet
from mundap.project.values import Evidence
from mundap.project.yamlsource import Place


@dataclass(frozen=True)
class Cite:
    """A place in a paper, and what the paper reports there."""

    paper: str
    where: str
    says: str | None = None


@dataclass(frozen=True)
class Claim:
    """One sentence, its verdict, and what decided it (basis: a key of schema.BASES). place: where it stands in its file; anchor: its id, its address in the page."""

    place: Place
    anchor: str
    text: str
    basis: str
    verdict: str
    check: str | None
    why: str | None
    cites: tuple[Cite, ...]


@dataclass(frozen=True)
class Run:
    """A snippet that an answer leans on, and which of its definitions and exhibits the page shows."""

    snippet: str
    show: str | None = None
    figure: str | None = None


@dataclass(frozen=True)
class Answer:
    """One answer: its words, its runs, its claims. kind: a key of schema.KINDS."""

    id: str
    kind: str
    title: str
    verdict: str | None
    gist: str | None
    body: str
    block: str | None
    runs: tuple[Run, ...]
    claims: tuple[Claim, ...]


@dataclass(frozen=True)
class Try:
    """Something to change and to predict, with its outcome and the check behind it."""

    place: Place
    anchor: str
    change: str
    predict: str
    outcome: str
    check: str


@dataclass(frozen=True)
class Guess:
    """A number to guess, or several as a curve. low, high, step: of the ruler; of: ((name, the expression measured), …)."""

    low: float
    high: float
    step: float
    unit: str
    of: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Predict:
    """A question to answer before reading on: a choice of which one is right, or a guess. run: what shows the outcome."""

    place: Place
    ask: str
    choices: tuple[str, ...]
    right: str | None
    guess: Guess | None
    outcome: str
    check: str
    run: Run | None


@dataclass(frozen=True)
class Touch:
    """A figure to touch. script: its name; do, see: what to do and what is seen then; numbers: the evidence that it gets."""

    script: str
    do: str
    see: str
    numbers: tuple[str, ...]


@dataclass(frozen=True)
class Moved:
    """The address of an answer or claim that is gone, and of what took over its meaning."""

    old: str
    new: str


@dataclass(frozen=True)
class Source:
    """Where a question comes from: a section of a document of the map, or what was asked in public at an address, when."""

    section: str
    document: str | None = None
    url: str | None = None
    date: str | None = None


@dataclass(frozen=True)
class Thread:
    """A question with its answers. file: its path below the root, which names it in messages; also: other ways to ask it."""

    id: str
    chapter: str
    file: str
    question: str
    sources: tuple[Source, ...]
    level: str
    tags: tuple[str, ...]
    needs: tuple[str, ...]
    asked: str
    conclusion: str
    misconception: str | None
    answers: tuple[Answer, ...]
    tries: tuple[Try, ...]
    moved: tuple[Moved, ...] = ()
    short: str | None = None
    answer: str | None = None
    predict: Predict | None = None
    touch: Touch | None = None
    embed: str | None = None
    also: tuple[str, ...] = ()

    @property
    def claims(self) -> list[Claim]:
        """The claims of all answers, in order."""
        return [claim for answer in self.answers for claim in answer.claims]

    @property
    def snippets(self) -> list[str]:
        """Names of the snippets that its answers run and its prediction shows, each once, in order."""
        shown = [self.predict.run] if self.predict and self.predict.run else []
        runs = [*(run for answer in self.answers for run in answer.runs), *shown]
        return list(dict.fromkeys(run.snippet for run in runs))


@dataclass(frozen=True)
class Chapter:
    """A chapter of the map; threads: the ids in it, in reading order, those of broken files included."""

    id: str
    title: str
    about: str
    threads: tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """A section of a source document, and the ids of the threads that answer it."""

    title: str
    threads: tuple[str, ...]


@dataclass(frozen=True)
class SourceDocument:
    """A document that questions come from."""

    title: str
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Paper:
    """A paper that claims cite."""

    title: str
    authors: str
    year: str
    url: str


@dataclass(frozen=True)
class Term:
    """An entry of the glossary; aliases: what a search takes for the same word."""

    term: str
    definition: str
    english: str | None
    aliases: tuple[str, ...]
    threads: tuple[str, ...]


@dataclass(frozen=True)
class Null:
    """A check in a world without the effect, such as a model that has learnt nothing; None where it has no value."""

    world: str
    comparisons: tuple[Comparison, ...] | None

    @property
    def holds(self) -> bool:
        """Whether the check holds there all the same, so that it decides nothing."""
        return self.comparisons is not None and all(comparison.holds for comparison in self.comparisons)


@dataclass(frozen=True)
class Judgement:
    """A check, decided. snippets: the runs that decided it, in order of appearance; again: how it comes out in other worlds."""

    expression: Expression
    comparisons: tuple[Comparison, ...]
    snippets: tuple[str, ...]
    nulls: tuple[Null, ...] = ()
    again: tuple[Again, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether every comparison does."""
        return all(comparison.holds for comparison in self.comparisons)


@dataclass
class Project:
    """All that pages are made of. threads: {id: Thread} of the sound files, in reading order."""

    root: Path
    files: Files
    chapters: tuple[Chapter, ...] = ()
    documents: dict[str, SourceDocument] = field(default_factory=dict)
    papers: dict[str, Paper] = field(default_factory=dict)
    glossary: tuple[Term, ...] = ()
    threads: dict[str, Thread] = field(default_factory=dict)
    labels: dict[str, dict[str, str]] = field(default_factory=dict)  # {snippet: {evidence: what it is, in Korean}}
    snippets: dict[str, Snippet] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    reruns: dict[tuple[str, str], Rerun] = field(default_factory=dict)  # by snippet and world
    judgements: dict[tuple[str, Place], Judgement] = field(default_factory=dict)  # by judge_all

    def judgement(self, thread: Thread, item: Claim | Try) -> Judgement | None:
        """How the check of a claim or try was decided; None where it has none, or waits for a record."""
        return self.judgements.get((thread.file, item.place))

    @property
    def experiments(self) -> list[Judgement | None]:
        """How the claims were decided that a measurement decides, so that each needs a world without the effect."""
        claims = [(thread, claim) for thread in self.threads.values() for claim in thread.claims]
        measured = [(thread, claim) for thread, claim in claims if claim.basis == "실험" and claim.verdict != "미확인"]
        return [self.judgement(thread, claim) for thread, claim in measured]

    @cached_property
    def runnable(self) -> list[str]:
        """Names of the snippets that get a record."""
        return [name for name, snippet in self.snippets.items() if snippet.runs]

    @cached_property
    def evidence(self) -> dict[str, Evidence | None]:
        """{snippet: {name: value}}, None for a snippet without a record."""
        return {name: self.records[name].evidence if name in self.records else None for name in self.runnable}

    @cached_property
    def worlds(self) -> dict[str, dict[str, Evidence]]:
        """{snippet: {world without the effect: {name: value}}} of all records."""
        return {name: record.null for name, record in self.records.items()}

    @cached_property
    def stale(self) -> dict[str, list[str]]:
        """{snippet: [files that changed since its record]} of those whose record is missing ([]) or old."""
        stale = {}
        for name in self.runnable:
            now = snippet_files.sources(self.snippets, name)
            then = self.records[name].sources if name in self.records else {}
            if now != then:
                changed = [file for file in now.keys() | then.keys() if now.get(file) != then.get(file)]
                stale[name] = sorted(changed) if then else []
        return stale

    def _by(self, keys: Callable[[Thread], Iterable[str]]) -> dict[str, list[str]]:
        """{key: [ids of the threads that have it]}, in reading order."""
        having: dict[str, list[str]] = {}
        for thread in self.threads.values():
            for key in dict.fromkeys(keys(thread)):
                having.setdefault(key, []).append(thread.id)
        return having

    @cached_property
    def users(self) -> dict[str, list[str]]:
        """{snippet: [ids of the threads that run it]}, in reading order."""
        return self._by(lambda thread: thread.snippets)

    @cached_property
    def tagged(self) -> dict[str, list[str]]:
        """{tag: [ids of the threads that have it]}, in reading order."""
        return self._by(lambda thread: thread.tags)

    @cached_property
    def needed_by(self) -> dict[str, list[str]]:
        """{thread: [ids of those that it has to be read before]}."""
        return self._by(lambda thread: thread.needs)

    @cached_property
    def neighbours(self) -> dict[str, list[str]]:
        """{chapter: [ids of its threads]}, in reading order."""
        return self._by(lambda thread: [thread.chapter])

    @cached_property
    def places(self) -> dict[str, int]:
        """{thread: its number in reading order, from 0}."""
        return {name: place for place, name in enumerate(self.order)}

    @cached_property
    def order(self) -> list[str]:
        """Ids of the threads, in reading order."""
        return list(self.threads)
