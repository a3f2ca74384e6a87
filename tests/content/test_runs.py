"""The heart of the suite: every snippet run anew as a script, every claim judged anew by what it says this time.

A snippet runs once a test session, in a process of its own, whichever test (and whichever worker of pytest -n) comes
first; what came of it waits in a shared folder for the others.
"""

import json
import math
import subprocess
import sys

import pytest
from filelock import FileLock
from runs import LIMIT, disagreement, environment, own_project, run_anew

from mundap.project.expression import Expression
from mundap.project.judge import judge
from mundap.project.snippets import order

PROJECT, PROBLEMS = own_project()
BUDGET = 2 * 600  # seconds of one core for all of them: ten minutes on two cores
HOUR = 1.15  # recorded seconds of one and the same code differ by more than this from hour to hour on a shared machine
IMPORTS = """
import contextlib, importlib, io, json, sys, time
import sklearn, torch, torch.utils.flop_counter
from lib import figure  # the time of these is not counted
faults = {}
for name in sys.argv[1:]:
    said, start = io.StringIO(), time.process_time()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        module = importlib.import_module(name)
    faults[name] = {"says": said.getvalue(), "figures": figure.plt.get_fignums(), "evidence": hasattr(module, "evidence"),
                    "slow": time.process_time() - start > 3}
print(json.dumps({name: found for name, found in faults.items() if any(found.values())}))
"""


@pytest.fixture(scope="session")
def fresh(tmp_path_factory, worker_id):
    """fresh(name) -> what the run of a snippet came to in this session."""
    folder = tmp_path_factory.getbasetemp()
    folder = (folder if worker_id == "master" else folder.parent) / "fresh"
    folder.mkdir(exist_ok=True)

    def get(name):
        kept = folder / f"{name}.json"
        with FileLock(folder / f"{name}.lock"):
            if not kept.exists():
                kept.write_text(json.dumps(run_anew(name, folder)))
        return json.loads(kept.read_text())

    return get


@pytest.mark.parametrize(
    "old, new, tolerance, expected",
    [
        ({"a": 1.0}, {"a": 1.0009}, {}, True),
        ({"a": 1.0}, {"a": 1.002}, {}, False),
        ({"a": 0.0}, {"a": 9e-6}, {}, True),
        ({"a": 1.0}, {"a": 1.4}, {"a": 0.5}, True),
        ({"a": 1.0}, {"a": 1.6}, {"a": 0.5}, False),
        ({"a": 1000.0}, {"a": 1000.5}, {"a": 0.1}, False),
        ({"a": 1.0}, {"a": 99.0}, {"a": math.inf}, True),
        ({"a": 1.0}, {"a": 99.0}, {"a": None}, True),
        ({"a": "x"}, {"a": "y"}, {}, False),
        ({"a": True}, {"a": False}, {}, False),
        ({"a": "x"}, {"a": 1}, {"a": None}, False),
        ({"a": True}, {"a": 1}, {}, False),
        ({"a": 1}, {"a": 1.0}, {}, True),
        ({"a": 1}, {}, {}, False),
        ({}, {"a": 1}, {}, False),
        ({"a": 1.0}, {"a": math.nan}, {}, False),
        ({"a": "x"}, {"a": "y"}, {"a": None}, True),
    ],
)
def test_agreement(old, new, tolerance, expected):
    assert (disagreement(old, new, tolerance) == "") is expected


@pytest.mark.parametrize("name", PROJECT.runnable)
def test_snippet_runs_anew_and_agrees_with_its_record(name, fresh):
    result = fresh(name)
    assert "error" not in result, f"snippets/{name}.py: {result['error']}"
    assert result["evidence"], f"snippets/{name}.py binds no evidence"
    assert name in PROJECT.records, f"snippets/{name}.py has no record: mundap run {name}"
    record = PROJECT.records[name]
    differs = disagreement(record.evidence, result["evidence"], result["tolerance"])
    assert not differs, f"snippets/{name}.py and docs/notebooks/{name}.ipynb: {differs}"
    assert record.tolerance == {key: None if value == math.inf else value for key, value in result["tolerance"].items()}


def checks():
    """Every check of every thread, named like its anchor: thread/answer-number or thread/try-number."""
    documents = {draft.document.path: draft.document for draft in PROJECT.files.drafts}
    for thread in PROJECT.threads.values():
        for item in (*thread.claims, *thread.tries):
            if item.check:
                line, column = documents[thread.file].where((*item.place, "check"))
                place = f"{thread.file}:{line}:{column}: {getattr(item, 'verdict', '더 해보기')}"
                yield pytest.param(item.check, place, id=f"{thread.id}/{item.anchor}")


@pytest.mark.parametrize("check, place", list(checks()))
def test_claim_is_judged_the_same_anew(check, place, fresh):
    results = {name: fresh(name) for name in dict.fromkeys(name for name, _, _ in Expression(check).names)}
    for name, result in results.items():
        failed = f"snippets/{name}.py failed: see test_snippet_runs_anew_and_agrees_with_its_record[{name}]"
        assert "error" not in result, f"{place}: {check}\n{failed}"
    judgement = judge(check, {name: result["evidence"] for name, result in results.items()})
    comparisons = [
        f"    {one.left} = {one.left_value!r}, {one.operator} {one.right}"
        + ("" if one.is_bound else f" = {one.right_value!r}")
        + ("" if one.holds else "   <- not so")
        for one in judgement.comparisons
    ]
    assert judgement.holds, "\n".join([f"{place}: {check}", *comparisons])


def test_importing_a_snippet_runs_nothing(tmp_path):
    """It says nothing, draws nothing, binds no evidence, writes nothing, and is done at once."""
    names = order(PROJECT.snippets, list(PROJECT.snippets))
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS, *names],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert json.loads(done.stdout) == {}
    assert list(tmp_path.iterdir()) == []


def test_all_snippets_keep_to_their_budget():
    """All of them together, as recorded, one core each: no test of speed. What trains at length when recorded, and
    briefly else (FULL_RUN), is not counted."""
    seconds = {
        name: PROJECT.records[name].seconds
        for name in PROJECT.runnable
        if "FULL_RUN" not in PROJECT.snippets[name].source
    }
    assert len(seconds) > len(PROJECT.runnable) - 4
    assert sum(seconds.values()) < HOUR * BUDGET, sorted(seconds.items(), key=lambda item: -item[1])


def test_project_has_no_mistake():
    """What `mundap check` says of this project: nothing. Every record is fresh, every link leads somewhere."""
    assert "\n".join(map(str, PROBLEMS)) == ""
