"""Everything that is wrong in a project: each check is a generator of Problems, named in CHECKS.

To add one, write `(project) -> Iterator[Problem]` in the module it belongs to, and add its name here.
"""

from pathlib import Path

from mundap.problems import Failure, Problem
from mundap.project.again import judge_again
from mundap.project.check import again, claims, code, files, names, predictions, words
from mundap.project.judge import judge_all
from mundap.project.model import Project
from mundap.project.read import read

CHECKS = (
    files.odd_files,
    files.hidden_pages,
    code.unreadable,
    code.circles,
    code.evidence,
    code.bindings,
    code.stale,
    code.other_cells,
    code.deep_texts,
    code.unused,
    code.editor_schemas,
    names.lines_of_the_map,
    names.thread_files,
    names.thread_ids,
    names.sections,
    names.needs,
    names.tags,
    names.sources,
    names.addresses,
    names.moved,
    predictions.predictions,
    names.labels,
    names.glossary,
    names.names_of_terms,
    claims.runs,
    claims.blocks,
    claims.touches,
    claims.embeds,
    claims.verdicts,
    claims.citations,
    claims.outcomes,
    claims.nulls,
    again.without_learning,
    again.moved_seeds,
    again.old_reruns,
    claims.twins,
    words.texts_of_the_map,
    words.texts_of_threads,
    words.texts_of_the_glossary,
    words.pages,
)


def check(project: Project) -> list[Problem]:
    """What is wrong in a project that is read and judged, sorted by file and place."""
    return sorted({problem for each in CHECKS for problem in each(project)})


def examine(root: Path | str) -> tuple[Project, list[Problem]]:
    """Read, judge and check the project below a folder -> (Project, all that is wrong, sorted)."""
    project, problems = read(root)
    project = judge_again(judge_all(project))
    return project, sorted({*problems, *check(project)})


def sound(root: Path | str) -> tuple[Project, list[Problem]]:
    """A project whose pages can be made, and what is minor: old records. Raises Failure with all that keeps it so."""
    project, problems = examine(root)
    errors = [problem for problem in problems if not problem.minor]
    if errors:
        raise Failure("\n".join(map(str, errors)) + f"\n고칠 곳이 {len(errors)}군데 있어요.")
    return project, problems
