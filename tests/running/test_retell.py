"""A record whose snippet changed in words alone is not run again; one whose code changed is."""

import pytest
from commands import mundap
from engine import HEAD, make_project, put

from mundap.project import records
from mundap.project.check import examine

BODY = "    print(2)  # 둘\n    evidence = {'half': 2.0}\n"


@pytest.fixture
def project(tmp_path):
    project = make_project(tmp_path)
    put(project / "snippets" / "measure.py", HEAD + BODY)
    assert mundap(project, "run", "measure").returncode == 0
    return project


def run(project, source):
    """What `mundap run` says of a changed measure -> (its words, the record before, the record after)."""
    path = project / "docs" / "notebooks" / "measure.ipynb"
    before = records.parse(path)
    put(project / "snippets" / "measure.py", source)
    assert source == HEAD + BODY or "measure" in examine(project)[0].stale
    done = mundap(project, "run", "measure")
    assert done.returncode == 0, done.stderr
    assert "measure" not in examine(project)[0].stale and records.read(path)
    return done.stderr + done.stdout, before, records.parse(path)


@pytest.mark.parametrize(
    "source",
    [
        (HEAD + BODY).replace("# 글", "# 더 나은 **글**"),
        (HEAD + BODY).replace("# 둘", "# two"),
        (HEAD + BODY).replace("print(2)", "print( 2 )"),
        (HEAD + BODY).replace("# %%\nif", "# %% [markdown]\n# ## 새 칸\n\n# %%\nif"),
    ],
)
def test_words_are_carried_over(project, source):
    said, before, after = run(project, source)
    assert "글만 바뀌어서" in said
    kept = [[cell["outputs"] for cell in made["cells"] if cell["cell_type"] == "code"] for made in (before, after)]
    assert kept[0] == kept[1] and any(kept[1])
    assert before["cells"] != after["cells"]
    one, two = (made["metadata"]["mundap"] for made in (before, after))
    assert one["sources"] != two["sources"] and one["digest"] != two["digest"]
    assert [one[key] for key in ("evidence", "seconds")] == [two[key] for key in ("evidence", "seconds")]


@pytest.mark.parametrize(
    "source",
    [
        HEAD + BODY,  # nothing changed: who names a snippet wants it run
        (HEAD + BODY).replace("2.0", "2.5"),
        (HEAD + BODY).replace("print(2)", "print('2')"),
        (HEAD + BODY).replace("# %%\nif", "# %%\nif __name__ == '__main__':\n    x = 1\n\n# %%\nif"),
    ],
)
def test_code_is_run(project, source):
    said, _, after = run(project, source)
    assert "글만" not in said and after["metadata"]["mundap"]["seconds"] > 0


def test_an_edited_record_is_run(project):
    path = project / "docs" / "notebooks" / "measure.ipynb"
    path.write_text(path.read_text(encoding="utf-8").replace('"half": 2.0', '"half": 3.0'), encoding="utf-8")
    put(project / "snippets" / "measure.py", (HEAD + BODY).replace("# 글", "# 다른 글"))
    done = mundap(project, "run", "measure")
    assert done.returncode == 0 and "글만" not in done.stderr + done.stdout
    assert records.read(path).evidence == {"half": 2.0}


def test_a_changed_import_is_run(project):
    helper = project / "snippets" / "helper.py"
    helper.write_text(helper.read_text(encoding="utf-8") + "\nMORE = 1\n", encoding="utf-8")
    done = mundap(project, "run", "measure")
    assert done.returncode == 0 and "글만" not in done.stderr + done.stdout
