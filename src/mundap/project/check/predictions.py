"""Predictions: a choice whose outcome is one of the choices, or a guess of numbers that were measured."""

import re
from collections.abc import Iterator
from typing import Any

from mundap.problems import Problem
from mundap.project import forms
from mundap.project.check.names import near
from mundap.project.draft import Draft, word, words
from mundap.project.expression import Expression
from mundap.project.model import Project
from mundap.project.values import ExpressionError, NoRecord
from mundap.project.yamlsource import Place

POINTS = 6  # of a curve to guess: more are not drawn by hand


def predictions(project: Project) -> Iterator[Problem]:
    """Predictions whose outcome is none of their choices, or whose figure has no run."""
    for draft in project.files.drafts:
        predict = draft.data.get("predict")
        if not isinstance(predict, dict):
            continue
        yield from _guesses(project, draft, predict)
        right, choices = word(predict, "right"), [choice for _, choice in words(predict, "choices")]
        if right and right not in choices:
            what = f"`{right[:40]}` 항목은 `choices`에 없어요."
            yield draft.document.problem(("predict", "right"), what, near(right, choices))
        if "figure" in predict and "run" not in predict:
            todo = "어느 실행의 그림인지 `run:` 줄을 더해 주세요."
            yield draft.document.problem(("predict", "figure"), "`figure`만 있고 `run`이 없어요.", todo)


def _guesses(project: Project, draft: Draft, predict: dict[str, Any]) -> Iterator[Problem]:
    """What is guessed is a choice, or numbers that were measured and lie on a ruler."""
    if ("choices" in predict, "right" in predict) != ("guess" not in predict,) * 2:
        what, todo = "`choices`와 `right`를 함께 적거나, `guess`만 적어야 해요.", "둘 가운데 하나로 물어 주세요."
        yield draft.document.problem(("predict",), what, todo, key=True)
    guess = predict.get("guess")
    if not (isinstance(guess, dict) and isinstance(guess.get("of"), dict)):
        return
    place, ruler = ("predict", "guess"), [word(guess, "from"), word(guess, "to"), word(guess, "step") or "1"]
    if not all(re.match(forms.NUMBER, text) for text in ruler):
        return  # told by the schema
    low, high, step = map(float, ruler)
    if not (low < high and 0 < step <= high - low):
        todo = "`from`은 `to`보다 작게, `step`은 0보다 크게 적어 주세요."
        yield draft.document.problem(place, f"{low:g}부터 {high:g}까지 {step:g}씩 가는 자는 없어요.", todo, key=True)
    if len(guess["of"]) > POINTS:
        what = f"맞힐 것이 {len(guess['of'])}개예요."
        yield draft.document.problem((*place, "of"), what, f"{POINTS}개까지 적을 수 있어요.", key=True)
    for name, text in guess["of"].items():
        if isinstance(text, str):
            yield from _measured(project, draft, (*place, "of", name), text, low, high)


def _measured(project: Project, draft: Draft, where: Place, text: str, low: float, high: float) -> Iterator[Problem]:
    """What is wrong with what a guess is to be compared with."""
    try:
        expression = Expression(text, condition=False)
        expression.verify_names(project.evidence)
        value = expression.value(project.evidence)
    except NoRecord:
        return  # told once, at the snippet
    except ExpressionError as error:
        yield draft.document.problem(where, error.what, error.todo, offset=error.offset)
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield draft.document.problem(where, "수 하나가 아니에요.", "`mean(스니펫.증거)`처럼 수 하나로 적어 주세요.")
    elif not low <= value <= high:
        what = f"잰 값 {value:.4g}이 자({low:g}부터 {high:g}까지) 밖에 있어요."
        yield draft.document.problem(where, what, "`from`과 `to`를 넓혀 주세요.")
