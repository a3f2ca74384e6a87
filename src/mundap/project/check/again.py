"""Claims that do not come out the same under moved seeds, or come out the same where nothing is learnt."""

from collections.abc import Iterator

from mundap.problems import Problem
from mundap.project.again import LEARNING, has_fallen, is_caught, is_experiment, rounds
from mundap.project.draft import word
from mundap.project.model import Judgement, Project
from mundap.project.reruns import FOLDER, WORLDS, Again, is_of


def without_learning(project: Project) -> Iterator[Problem]:
    """Claims of experiments whose numbers depend on what is learnt, and whose check holds without it all the same."""
    for draft in project.files.drafts:
        for place, claim in draft.claims:
            judgement = project.judgements.get((draft.document.path, place))
            if judgement and is_experiment(word(claim, "basis"), word(claim, "verdict")):
                for again in judgement.again:
                    if again.world in LEARNING and is_caught(judgement, again.world):
                        what = f"`{LEARNING[again.world][0]}`에서도 이 조건이 성립해서, 학습이 가른 판정이 아니에요({_values(again)})."
                        todo = "학습이 가르는 조건으로 고치거나, `basis`를 `증명`으로, 또는 판정을 `미확인`으로 바꿔 주세요."
                        yield draft.document.problem((*place, "check"), what, todo)


def _values(again: Again) -> str:
    return ", ".join(
        f"`{comparison.left} {comparison.operator} {comparison.right}`에서 왼쪽이 {comparison.left_value!r}"
        for comparison in again.comparisons or ()
    )


def moved_seeds(project: Project) -> Iterator[Problem]:
    """Claims and tries that come out otherwise under too many of the moved seeds."""
    for draft in project.files.drafts:
        for place, _ in draft.judged:
            judgement = project.judgements.get((draft.document.path, place))
            if judgement and has_fallen(judgement):
                todo = "시드를 여럿 돌려 구간으로 말하거나, 주장을 좁히거나, 판정을 `미확인`으로 바꿔 주세요."
                yield draft.document.problem((*place, "check"), _fallen(judgement), todo)


def _fallen(judgement: Judgement) -> str:
    done = rounds(judgement)
    fallen = [again for again in done if not again.holds]
    first = fallen[0]
    number = first.world.partition(":")[2]
    why = first.failure or (_values(first) if first.comparisons else "거기서는 값을 셈할 수 없어요")
    return f"시드를 옮겨 다시 돌린 {len(done)}번 중 {len(done) - len(fallen)}번만 조건이 성립해요({number}번째: {why})."


def old_reruns(project: Project) -> Iterator[Problem]:
    """Snippets that were run again before their code changed, or that are no more."""
    for command in WORLDS:
        runs = [run for run in project.reruns.values() if run.command == command]
        for name in sorted({run.snippet for run in runs} - set(project.runnable)):
            what, todo = f"`snippets/{name}.py` 스니펫이 없어요.", "스니펫을 되살리거나 그 이름이 든 줄을 지워 주세요."
            yield Problem(f"{FOLDER}/{command}.jsonl", 1, 1, what, todo, minor=True)
        current = {name: record for name, record in project.records.items() if name not in project.stale}
        for name in sorted(
            {run.snippet for run in runs if run.snippet in current and not is_of(run, current[run.snippet])}
        ):
            file = project.snippets[name].path.relative_to(project.root).as_posix()
            what = f"`mundap {command}` 명령으로 다시 돌린 뒤에 코드가 바뀌었고 증거도 달라졌어요."
            yield Problem(file, 1, 1, what, f"`mundap {command} {name}` 명령으로 한 번 더 돌려 주세요.", minor=True)
