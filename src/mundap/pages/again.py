"""How claims come out when their runs are done again: beside each claim, and for the whole site."""

import html
from collections import Counter

from mundap.pages.links import link, resolve, thread_path
from mundap.pages.marks import table_row
from mundap.project import schema
from mundap.project.again import LEARNING, STANDINGS, depends, is_caught, rounds, standing
from mundap.project.model import Judgement, Project
from mundap.project.numbers import format_value, of_output


def repeated(judgement: Judgement) -> str:
    """How often moved seeds gave the same verdict, in a few words; "" where they were not tried."""
    done = rounds(judgement)
    old = "(전의 코드)" if any(again.stale for again in done) else ""
    return f"다시 돌린 {_held(judgement)}{old}" if done else ""


def _held(judgement: Judgement) -> str:
    done = rounds(judgement)
    return f"{len(done)}번 중 {sum(again.holds for again in done)}번"


def values_again(judgement: Judgement, number: int) -> str:
    """Where the left side of a comparison lay under moved seeds; "" where it did not move. number: of it, from 0."""
    there = [again.comparisons[number].left_value for again in rounds(judgement) if again.comparisons]
    each = [item for value in there for item in (value if isinstance(value, list) else [value])]
    numbers = [item for item in each if isinstance(item, int | float) and not isinstance(item, bool)]
    least, most = (of_output(format_value(end(numbers, default=0))) for end in (min, max))
    return f", 시드를 옮겨 다시 돌린 값 {html.escape(least)}~{html.escape(most)}" if least != most else ""


def repeated_runs(project: Project, page: str) -> str:
    """For the whole site: how often moved seeds gave the same verdict, and what holds where nothing is learnt."""
    return "\n\n".join([_by_verdict(project), *_moved(project, page), _without_learning(project)])


def _by_verdict(project: Project) -> str:
    counts = Counter(
        (claim.verdict, standing(judgement))
        for thread in project.threads.values()
        for claim in thread.claims
        if (judgement := project.judgement(thread, claim))
    )
    rows = [table_row(["시드를 옮기면", *STANDINGS.values()]), table_row(["---"] * (len(STANDINGS) + 1))]
    rows += [table_row([verdict, *(f"{counts[verdict, key]}" for key in STANDINGS)]) for verdict in schema.VERDICTS]
    return "\n".join(rows)


def _moved(project: Project, page: str) -> list[str]:
    """The claims that came out otherwise at least once."""
    items = []
    for thread in project.threads.values():
        for claim in thread.claims:
            judgement = project.judgement(thread, claim)
            if judgement and not all(again.holds for again in rounds(judgement)):
                where = link(thread.question, f"{thread_path(thread)}#{claim.anchor}", page)
                items.append(f"- {resolve(project, claim.text, page)} ({where}): {_held(judgement)} 같은 판정")
    return ["한 번이라도 다르게 나온 주장이에요.", "\n".join(items)] if items else []


def _without_learning(project: Project) -> str:
    measured = [judgement for judgement in project.experiments if judgement]
    rows = [table_row(["배우지 않으면", "수가 달라지는 실험 주장", "그래도 성립하는 주장"]), table_row(["---"] * 3)]
    for world, (name, _) in LEARNING.items():
        tried = any(again.world == world for judgement in measured for again in judgement.again)
        counts = [sum(each(judgement, world) for judgement in measured) for each in (depends, is_caught)]
        rows.append(table_row([name, *(f"{count}개" if tried else "아직" for count in counts)]))
    return "\n".join(rows)
