"""The dataclasses of `project.model`, made of what sound documents say."""

from typing import Any

from mundap.project.model import (
    Answer,
    Chapter,
    Cite,
    Claim,
    Guess,
    Moved,
    Paper,
    Predict,
    Run,
    Section,
    Source,
    SourceDocument,
    Term,
    Thread,
    Touch,
    Try,
)


def thread_of(identifier: str, chapter: str, file: str, data: dict[str, Any]) -> Thread:
    """The Thread that a sound document says."""
    return Thread(
        id=identifier,
        chapter=chapter,
        file=file,
        question=data["question"],
        sources=tuple(Source(**item) for item in data["source"]),
        level=data["level"],
        tags=tuple(data["tags"]),
        needs=tuple(data.get("needs", ())),
        asked=data["asked"],
        conclusion=data["conclusion"],
        misconception=data.get("misconception"),
        answers=tuple(_answer(number, item) for number, item in enumerate(data["answers"])),
        tries=tuple(
            Try(("try", number), f"try-{number + 1}", item["change"], item["predict"], item["outcome"], item["check"])
            for number, item in enumerate(data.get("try", ()))
        ),
        moved=tuple(Moved(item["from"], item["to"]) for item in data.get("moved", ())),
        short=data.get("short"),
        answer=data.get("answer"),
        predict=_predict(data["predict"]) if "predict" in data else None,
        touch=_touch(data["touch"]) if "touch" in data else None,
        embed=data.get("embed"),
        also=tuple(data.get("also", ())),
    )


def _predict(data: dict[str, Any]) -> Predict:
    return Predict(
        place=("predict",),
        ask=data["ask"],
        choices=tuple(data.get("choices", ())),
        right=data.get("right"),
        guess=_guess(data["guess"]) if "guess" in data else None,
        outcome=data["outcome"],
        check=data["check"],
        run=Run(data["run"], figure=data.get("figure")) if "run" in data else None,
    )


def _guess(data: dict[str, Any]) -> Guess:
    low, high, step = float(data["from"]), float(data["to"]), float(data.get("step", 1))
    return Guess(low, high, step, data.get("unit", ""), tuple(data["of"].items()))


def _touch(data: dict[str, Any]) -> Touch:
    return Touch(data["script"], data["do"], data["see"], tuple(data.get("numbers", ())))


def _answer(number: int, data: dict[str, Any]) -> Answer:
    runs = tuple(Run(item["run"], item.get("show"), item.get("figure")) for item in data["snippets"])
    claims = tuple(
        Claim(
            place=("answers", number, "claims", index),
            anchor=item["id"],
            text=item["text"],
            basis=item["basis"],
            verdict=item["verdict"],
            check=item.get("check"),
            why=item.get("why"),
            cites=tuple(Cite(cite["paper"], cite["where"], cite.get("says")) for cite in item.get("cite", ())),
        )
        for index, item in enumerate(data["claims"])
    )
    return Answer(
        data["id"],
        data["kind"],
        data["title"],
        data.get("verdict"),
        data.get("gist"),
        data["body"],
        data.get("block"),
        runs,
        claims,
    )


def chapters_of(index: dict[str, Any]) -> tuple[Chapter, ...]:
    """The chapters of a sound map, in reading order."""
    return tuple(
        Chapter(item["id"], item["title"], item["about"], tuple(item["threads"])) for item in index["chapters"]
    )


def documents_of(index: dict[str, Any]) -> dict[str, SourceDocument]:
    """{name: source document} of a sound map."""
    return {
        name: SourceDocument(
            item["title"],
            tuple(Section(section["title"], tuple(section["threads"])) for section in item.get("sections", ())),
        )
        for name, item in index["documents"].items()
    }


def papers_of(index: dict[str, Any]) -> dict[str, Paper]:
    """{name: paper} of a sound map."""
    return {
        name: Paper(
            item["title"],
            item["authors"],
            item["year"],
            item.get("url") or f"https://arxiv.org/abs/{item['arxiv']}",
        )
        for name, item in index["papers"].items()
    }


def terms_of(glossary: list[dict[str, Any]]) -> tuple[Term, ...]:
    """The terms of a sound glossary, as they stand in it."""
    return tuple(
        Term(
            item["term"],
            item["definition"],
            item.get("english"),
            tuple(item.get("aliases", ())),
            tuple(item.get("threads", ())),
        )
        for item in glossary
    )


def labels_of(labels: dict[str, Any]) -> dict[str, dict[str, str]]:
    """{snippet: {evidence: label}} of a sound file of labels."""
    return {snippet: dict(names) for snippet, names in labels.items()}
