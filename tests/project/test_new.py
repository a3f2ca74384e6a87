import json

import pytest
from engine import FILES, make_project, put, snapshot

from mundap.cli import main
from mundap.project import schema, yamlsource
from mundap.project.check import examine

INDEX = FILES["qa_index.yaml"]


FLUSH = """\
documents: {S1: {title: 노트}}
papers: {vit: {title: 논문, authors: 저자, year: 2021, url: 'https://a.b'}}
chapters:
- id: basics
  title: 기초
  about: 소개
  threads:
  - first
  - second
- id: more
  title: 더
  about: 소개
  threads:
  - third"""  # and no line end


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(make_project(tmp_path))
    return tmp_path


def test_new_thread(project, capsys):
    assert main(["new", "basics", "why-position"]) == 0
    out = capsys.readouterr().out
    assert out == (
        "docs/qa/basics/why-position.yaml 파일을 만들고 qa_index.yaml에 한 줄을 더했어요. "
        "채운 뒤 `mundap check`로 살펴보세요.\n"
    )
    assert (project / "docs/qa/basics/why-position.yaml").read_text(encoding="utf-8") == schema.template("why-position")
    added = INDEX.replace("      - second\n", "      - second\n      - why-position\n")
    assert (project / "qa_index.yaml").read_text(encoding="utf-8") == added
    problems = examine(project)[1]
    assert problems and all("비어 있어요" in problem.what and "why-position" in problem.path for problem in problems)


@pytest.mark.parametrize(
    "chapter, index",
    [
        ("more", INDEX),
        ("basics", INDEX.replace("\n", "\r\n")),
        ("basics", "\ufeff" + INDEX),
        ("basics", INDEX.replace("      - second\n\n", "      - second  # 끝\n\n      # 장의 끝\n\n")),
        ("basics", INDEX.replace("      - first  # 첫 문답\n      - second\n", "    - 'first'\n    - second\n")),
        ("basics", INDEX.replace("- second", '- "second"  # "- third"')),
        ("more", FLUSH),
    ],
)
def test_what_stands_in_the_map_stays(project, chapter, index):
    put(project / "qa_index.yaml", index)
    assert main(["new", chapter, "fourth"]) == 0
    before = (index if index.endswith("\n") else index + "\n").splitlines(keepends=True)
    after = (project / "qa_index.yaml").read_bytes().decode().splitlines(keepends=True)
    [place] = [number for number, line in enumerate(after) if line.strip() == "- fourth"]
    assert after[:place] + after[place + 1 :] == before
    document, problems = yamlsource.read(project / "qa_index.yaml", "qa_index.yaml")
    assert problems == []
    assert next(item for item in document.value["chapters"] if item["id"] == chapter)["threads"][-1] == "fourth"


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["basic", "fourth"], "`basic` 장이 없어요. 있는 장: basics, more."),
        (["basics", "First"], "`First`: 쓸 수 없는 이름이에요."),
        (["basics", "../x"], "`../x`: 쓸 수 없는 이름이에요."),
        (["basics", "a_b"], "쓸 수 없는 이름이에요"),
        (["basics", "문답"], "쓸 수 없는 이름이에요"),
        (["basics", "a-"], "쓸 수 없는 이름이에요"),
        (["basics", "1a"], "쓸 수 없는 이름이에요"),
        (["basics", ""], "쓸 수 없는 이름이에요"),
        (["basics", "a\n"], "쓸 수 없는 이름이에요"),
        (["basics", "index"], "`index`: 장의 쪽이 쓰는 이름이에요."),
        (["basics", "third"], "`third` 문답이 이미 `more` 장에 있어요."),
        (["basics", "loose"], "`docs/qa/more/loose.yaml` 파일이 이미 있어요."),
    ],
)
def test_refused(project, capsys, arguments, words):
    put(project / "docs/qa/more/loose.yaml", "x")
    before = snapshot(project)
    assert main(["new", *arguments]) == 1
    assert words in capsys.readouterr().err
    assert snapshot(project) == before


@pytest.mark.parametrize(
    "old, new, words",
    [
        (
            "    threads:\n      - third\n",
            "    threads: [third]\n",
            "qa_index.yaml:13:15: 이 장의 `threads`에 줄을 더할 수 없어요.",
        ),
        (
            "  - id: more\n    title: 더 깊이\n    about: 다음에 읽는 장이에요.\n    threads:\n      - third\n",
            "  - {id: more, title: 더, about: 소개, threads: [third]}\n",
            "이 장의 `threads`에 줄을 더할 수 없어요.",
        ),
        (
            "    title: 기초\n",
            "    titel: 기초\n",
            "`qa_index.yaml`을 먼저 고쳐 주세요.\nqa_index.yaml:3:5: `title` 키가 없어요.",
        ),
        ("chapters:", "chapters: [", "`qa_index.yaml`을 먼저 고쳐 주세요."),
    ],
)
def test_map_that_cannot_take_a_line(project, capsys, old, new, words):
    assert old in INDEX
    put(project / "qa_index.yaml", INDEX.replace(old, new))
    before = snapshot(project)
    assert main(["new", "more", "fourth"]) == 1
    assert words in capsys.readouterr().err
    assert snapshot(project) == before


def test_failed_write_leaves_nothing(project, capsys, monkeypatch):
    before = snapshot(project)

    def refuse(*_):
        raise PermissionError("no")

    monkeypatch.setattr("os.replace", refuse)
    assert main(["new", "basics", "fourth"]) == 1
    assert "파일을 쓸 수 없어요" in capsys.readouterr().err
    assert snapshot(project) == before


def test_first_thread_of_a_new_folder(project):
    put(
        project / "qa_index.yaml",
        INDEX.replace(
            "      - third\n",
            "      - third\n\n  - id: last\n    title: 끝\n    about: 소개\n    threads:\n      - gone\n",
        ),
    )
    assert main(["new", "last", "fourth"]) == 0
    assert (project / "docs/qa/last/fourth.yaml").is_file()


ASKED = {
    "title": "질문: 왜 D를: 나눠요? # 3",
    "body": "첫 줄\r\n  들여쓴 줄  \n\n- 'a': \"b\" {c} <!-- 폼의 설명 -->\n\x07---\n...\n끝\t끝",
    "url": "https://github.com/o/n/issues/3",
    "createdAt": "2026-11-30T01:02:03Z",
}


@pytest.mark.parametrize(
    "body", [ASKED["body"], "", "|\n>\n%YAML 1.2", "answers:\n  - id: x\n", "\u2028나뉜 줄\u0085또"]
)
def test_a_question_asked_in_public_is_filled_in(project, body):
    (project / "issue.json").write_text(json.dumps(ASKED | {"body": body}), encoding="utf-8")
    assert main(["new", "basics", "asked", "--from-issue", "issue.json"]) == 0
    document, problems = yamlsource.read(project / "docs/qa/basics/asked.yaml", "asked.yaml")
    assert not problems and document.value["question"] == "왜 D를: 나눠요? # 3"
    expected = {"url": ASKED["url"], "date": "2026-11-30", "section": "왜 D를: 나눠요? # 3"}
    assert document.value["source"] == [expected] and document.value["id"] == "asked"
    assert len(document.value["answers"]) == 1 and document.value["answers"][0]["id"] == "asked"
    if body == ASKED["body"]:
        assert document.value["asked"] == "첫 줄\n  들여쓴 줄\n\n- 'a': \"b\" {c}\n---\n...\n끝    끝\n"
    wrong = [problem for problem in examine(project)[1] if problem.path.endswith("asked.yaml")]
    assert not any("source" in problem.what or problem.line in (3, 5, 6, 7) for problem in wrong)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "글", json.dumps(ASKED | {"url": "javascript:x"}), json.dumps(ASKED | {"createdAt": "3"})]
)
def test_what_is_no_issue_changes_nothing(project, capsys, text):
    (project / "issue.json").write_text(text, encoding="utf-8")
    before = snapshot(project)
    assert main(["new", "basics", "asked", "--from-issue", "issue.json"]) == 1
    assert "issue.json" in capsys.readouterr().err and snapshot(project) == before
    assert main(["new", "basics", "asked", "--from-issue", "none.json"]) == 1
    assert "읽을 수 없어요" in capsys.readouterr().err and snapshot(project) == before


@pytest.mark.parametrize(
    "source, said",
    [
        ("{url: https://a.example/1, section: 글}", "`url` 옆에 `date` 키가 없어요."),
        ("{date: 2026-01-02, document: S1, section: 글}", "`date` 옆에 `url` 키가 없어요."),
        ("{url: https://a.example/1, date: 2026-13-02, section: 글}", "`2026-13-02`: 날짜가 아니에요."),
        ("{section: 글}", "`document`나 `url` 가운데 하나는 있어야 해요."),
        ("{url: https://a.example/1, date: 2026-01-02, section: 글}", None),
    ],
)
def test_a_source_is_a_document_or_an_address(project, source, said):
    file = "docs/qa/basics/first.yaml"
    text = FILES[file]
    [line] = [line for line in text.splitlines() if "document: S1" in line]
    put(project / file, text.replace(line, f"  - {source}"))
    problems = [problem.what for problem in examine(project)[1] if problem.path == file and not problem.minor]
    assert problems == ([said] if said else [])
