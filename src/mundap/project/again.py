"""Decide claims again, by what their runs left in other worlds: under moved seeds, and where nothing is learnt."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from mundap.project import reruns, snippets
from mundap.project.agreement import agree
from mundap.project.expression import Expression
from mundap.project.model import Judgement, Project
from mundap.project.reruns import Again, rounded
from mundap.project.values import Evidence, ExpressionError

ROUNDS, SHARE = 10, 0.9  # of moved seeds that are asked for, and of them that have to give the same verdict
LEARNING = {  # the worlds without learning: what they are called, and the package that a snippet learns by
    "steps": ("학습하지 않은 세계", "torch"),
    "weights": ("학습한 가중치를 뒤섞은 세계", "safetensors"),
}

STANDINGS = {"all": "모두 같은 판정", "most": "열에 아홉 이상", "few": "그보다 적음", "none": "아직"}


def worlds(rounds: int = ROUNDS) -> dict[str, list[str]]:
    """{command: the worlds that it runs snippets in}, in order."""
    return {"replicate": [f"seeds:{number}" for number in range(1, rounds + 1)], "null": list(LEARNING)}


def due(project: Project, names: Collection[str], wanted: Iterable[str]) -> list[tuple[str, str]]:
    """The runs that are missing, old, or failed and named: [(snippet, world)], world by world, the longest first.

    names: of snippets; () for all that a check leans on.
    """
    chosen = names or {name for judgement in project.judgements.values() for name in judgement.snippets}
    seconds = {name: project.records[name].seconds if name in project.records else 0 for name in chosen}
    digests = {name: snippets.digest(snippets.sources(project.snippets, name)) for name in chosen}
    current = {name: project.records[name] for name in chosen if name in project.records and name not in project.stale}

    def is_due(name: str, world: str) -> bool:
        run = project.reruns.get((name, world))
        if run is None or names and run.failure:
            return True
        return run.digest != digests[name] and not (name in current and reruns.is_of(run, current[name]))

    longest = sorted(chosen, key=lambda name: (-seconds[name], name))
    return [
        (name, world) for world in wanted for name in longest if concerns(project, name, world) and is_due(name, world)
    ]


def concerns(project: Project, name: str, world: str) -> bool:
    """Whether a snippet may come out differently in a world: it learns nothing without the package to learn by."""
    return world not in LEARNING or LEARNING[world][1] in snippets.all_needs(project.snippets, name).modules


def judge_again(project: Project) -> Project:
    """The project whose judgements tell how their checks come out in the worlds that their runs were done again in."""
    found = dict.fromkeys(world for _, world in sorted(project.reruns, key=lambda key: _order(key[1])))
    concerned = {(name, world) for world in found for name in project.records if concerns(project, name, world)}
    there = concerned & project.reruns.keys()
    old = {key for key in there if not reruns.is_of(project.reruns[key], project.records[key[0]])}
    judgements = dict(project.judgements)
    for draft in project.files.drafts if found else ():
        for place, _ in draft.judged:
            if judgement := judgements.get((draft.document.path, place)):
                wheres = [{(name, world) for name in judgement.snippets} & concerned for world in found]
                again = tuple(
                    _decided(project, judgement.expression, runs, not runs.isdisjoint(old))
                    for runs in wheres
                    if runs and runs <= project.reruns.keys()
                )
                judgements[draft.document.path, place] = replace(judgement, again=again)
    return replace(project, judgements=judgements)


def _order(world: str) -> tuple[str, int]:
    kind, _, number = world.partition(":")
    return kind, int(number or 0)


def _decided(project: Project, expression: Expression, keys: Collection[tuple[str, str]], stale: bool) -> Again:
    """A check in the world of some reruns; keys: theirs, those of all snippets in it that the world concerns."""
    runs = [project.reruns[key] for key in sorted(keys)]
    world, there = runs[0].world, {run.snippet: run.evidence or {} for run in runs}
    if failure := next((run.failure for run in runs if run.evidence is None), ""):
        return Again(world, None, True, stale, failure)
    changed = any(_has_changed(project, there, name, key) for name, key, _ in expression.names)
    evidence = project.evidence | there
    try:
        expression.verify_names(evidence)
        return Again(world, tuple(expression.comparisons(evidence)), changed, stale)
    except ExpressionError:  # such as a number that is none there
        return Again(world, None, changed, stale)


def _has_changed(project: Project, there: Mapping[str, Evidence], name: str, key: str) -> bool:
    if name not in there:
        return False
    record, fresh = project.records[name], there[name]
    return key not in fresh or not agree(key, rounded(record.evidence[key]), fresh[key], record.tolerance)


def rounds(judgement: Judgement) -> list[Again]:
    """The rounds of moved seeds that a check was decided again in."""
    return [again for again in judgement.again if again.world not in LEARNING]


def has_fallen(judgement: Judgement) -> bool:
    """Whether enough rounds of moved seeds are there, of today's code, and too few of them give the same verdict."""
    fresh = [again for again in rounds(judgement) if not again.stale]
    return len(fresh) >= ROUNDS and sum(again.holds for again in fresh) < SHARE * len(fresh)


def depends(judgement: Judgement, world: str) -> bool:
    """Whether the numbers of a check are others in a world without learning, as far as today's code was run there."""
    return any(again.world == world and again.changed and not again.stale for again in judgement.again)


def is_caught(judgement: Judgement, world: str) -> bool:
    """Whether a check holds without learning too, although its numbers depend on it: learning has not decided it."""
    there = [again for again in judgement.again if again.world == world]
    return judgement.holds and depends(judgement, world) and all(again.holds for again in there)


def is_experiment(basis: str, verdict: str) -> bool:
    """Whether measuring or training is to decide a claim of that basis and verdict."""
    return basis == "실험" and verdict != "미확인"


def standing(judgement: Judgement) -> str:
    """How often moved seeds gave the same verdict, by runs of today's code: a key of STANDINGS."""
    fresh = [again.holds for again in rounds(judgement) if not again.stale]
    if not fresh:
        return "none"
    return "all" if all(fresh) else "most" if sum(fresh) >= SHARE * len(fresh) else "few"


def status(project: Project) -> list[str]:
    """What there is to say of replication and of the worlds without learning, in lines."""
    judged = [project.judgement(thread, claim) for thread in project.threads.values() for claim in thread.claims]
    counts = Counter(standing(judgement) for judgement in judged if judgement)
    experimental = [judgement for judgement in project.experiments if judgement]
    told = ", ".join(f"{words} {counts[key]}개" for key, words in STANDINGS.items())
    lines = [f"시드를 옮겨 다시 돌린 주장: {told}"]
    for world, (name, _) in LEARNING.items():
        if any(key[1] == world for key in project.reruns):
            changed = sum(depends(judgement, world) for judgement in experimental)
            caught = sum(is_caught(judgement, world) for judgement in experimental)
            lines.append(f"{name}: 수가 달라지는 실험 주장 {changed}개, 그 가운데 그래도 성립하는 주장 {caught}개")
    return lines
