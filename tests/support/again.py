"""Reruns for the tests: lines that a command would have left, made up."""

from engine import put

from mundap.project import snippets
from mundap.project.reruns import Rerun, to_line


def lines(outcomes, digest="0123456789abcdef", snippet="measure", beside=""):
    """The text of a file of reruns. outcomes: {world: evidence, or why there is none}."""
    runs = [
        Rerun(snippet, world, digest, *((None, each) if isinstance(each, str) else (each, "")), beside)
        for world, each in outcomes.items()
    ]
    return "".join(to_line(run) + "\n" for run in runs)


def put_reruns(folder, outcomes, snippet="measure", beside=""):
    """Write reruns of the code of a project below a folder: those of each command in its file, what was there is gone."""
    known = snippets.load(folder / "snippets")
    digest = snippets.digest(snippets.sources(known, snippet))
    for command, is_its in (("replicate", True), ("null", False)):
        chosen = {world: each for world, each in outcomes.items() if world.startswith("seeds:") is is_its}
        put(folder / "docs" / "reruns" / f"{command}.jsonl", lines(chosen, digest, snippet, beside))


def seeds(*outcomes):
    """{world: outcome} of rounds of moved seeds, the first one's first."""
    return {f"seeds:{number}": outcome for number, outcome in enumerate(outcomes, 1)}
