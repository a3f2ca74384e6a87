import json
import re

import jsonschema
import pytest
import yaml
from engine import marked, places

from mundap.project import fit, forms, schema, yamlsource

THREAD = """\
id: first
question: 질문이 무엇인가요?
source:
  - {document: S1, section: 첫째 절}
level: 기초
tags: [하나, 둘]
asked: |
  질문이에요.
conclusion: |
  결론이에요.
answers:
  - id: answer
    kind: 해설
    title: 답이에요
    body: |
      본문이에요.
    snippets:
      - run: measure
    claims:
      - id: yes-1
        text: 주장이에요.
        basis: 실험
        verdict: 맞음
        check: measure.value < 1
"""
INDEX = """\
chapters:
  - id: basics
    title: 기초
    about: 소개
    threads: [first]
documents:
  S1: {title: 문서}
papers:
  vit: {title: 논문, authors: 저자, year: 2021, arxiv: 2010.11929}
"""


def explain(text, name="thread"):
    """The problems of a marked text; they have to stand at the marks."""
    text, expected = marked(text)
    document, problems = yamlsource.parse(text)
    assert problems == []
    problems = sorted(fit.problems(document, name))
    assert places(problems) == expected, problems
    return problems


def test_sound_files_have_no_problems():
    assert explain(THREAD) == [] and explain(INDEX, "index") == []
    assert explain("- term: 패치\n  definition: 조각\n", "glossary") == []


@pytest.mark.parametrize(
    "old, new, what, todo",
    [
        ("level: 기초", "level: ▶초급", "올 수 없는 값이에요: `초급`", "기초, 중급, 심화 가운데 하나"),
        ("verdict: 맞음", "verdict: ▶맞은", "올 수 없는 값이에요: `맞은`", "혹시 `맞음`인가요?"),
        ("kind: 해설", "kind:▶", "`kind` 값이 비어 있어요", "`의견`은 원문의 입장"),
        ("level: 기초", "level: ▶[기초]", "`level` 자리에는 글이 와야 하는데 목록", "난이도"),
        ("id: first", "id: ▶First_1", "쓸 수 없는 이름", "소문자"),
        ("id: first", "id: ▶|\n  first", "쓸 수 없는 이름", "소문자"),
        ("id: first", "id: ▶''", "`id` 값이 비어 있어요", "문답의 이름"),
        ("question: 질문이", "question: ▶|\n  질문이", "한 줄이어야", "`|`나 `>` 없이"),
        ("title: 답이에요", "title: ▶>-\n      답\n\n      이에요", "한 줄이어야", "`|`나 `>` 없이"),
        ("conclusion: |\n  결론이에요.\n", "conclusion: ▶|\n", "`conclusion` 값이 비어 있어요", "왜 그런지 두세 문장"),
        ("tags: [하나, 둘]", "tags: [하나, ▶하나, 둘, ▶하나]", "`하나` 항목이 두 번", "하나만"),
        ("tags: [하나, 둘]", "tags: ▶[]", "`tags` 목록이 비어", "하나는 있어야"),
        ("tags: [하나, 둘]", "tags: ▶하나", "목록(`- …`)이 와야 하는데 글이", "찾아보기"),
        ("tags: [하나, 둘]", "tags: [하나, ▶{가: 나}]", "이 항목에는 글이 와야 하는데 `키: 값` 묶음이", "태그"),
        ("tags: [하나, 둘]", "tags:▶", "`tags` 값이 비어 있어요", "찾아보기"),
        ("tags: [하나, 둘]", "tags: [하나, ▶'']", "이 항목이 비어 있어요", "태그"),
        ("level: 기초", "▶lavel: 기초", "`lavel` 키는 여기에 쓸 수 없어요", "혹시 `level`인가요?"),
        (
            "        verdict: 맞음",
            "        verdict: 맞음\n        ▶쓸데없는: 키",
            "`쓸데없는` 키는",
            "쓸 수 있는 키: id, text, basis, verdict, check, why, cite.",
        ),
        (
            "  - {document: S1, section: 첫째 절}",
            "  - ▶{document: S1}",
            "`section` 키가 없어요",
            "`section:` 줄을 더해",
        ),
        (
            "        verdict: 맞음",
            "        verdict: 맞음\n        cite: [▶{paper: vit}]",
            "`where` 키가 없어요",
            "절, 표, 그림",
        ),
        ("    kind: 해설", "    kind: 해설\n    block: ▶../../setup", "쓸 수 없는 이름", "`.py` 없이"),
        ("      - run: measure", "      - ▶measure", "이 항목에는 `키: 값` 묶음이 와야 하는데 글이", "실행 하나"),
    ],
    ids=lambda text: ascii(text[:24]),
)
def test_mistake_in_a_thread(old, new, what, todo):
    assert THREAD.count(old) == 1
    found = explain(THREAD.replace(old, new).replace("lavel: 기초\n", "lavel: 기초\nlevel: 기초\n"))
    assert found and what in found[0].what and todo in found[0].todo, found


@pytest.mark.parametrize(
    "old, new, what",
    [
        ("year: 2021, arxiv: 2010.11929}", "year: 2021}", "`arxiv`나 `url` 가운데 하나"),
        ("arxiv: 2010.11929", "url: ▶'javascript:alert(1)'", "웹 주소가 아니에요"),
        ("  S1: {title: 문서}", "  S1: ▶문서", "묶음이 와야 하는데 글이"),
        ("threads: [first]", "threads: ▶[]", "목록이 비어"),
    ],
)
def test_mistake_in_the_index(old, new, what):
    new = INDEX.replace(old, new)
    new = new if "▶" in new else new.replace("  vit: {", "  vit: ▶{")
    assert what in explain(new, "index")[0].what


def test_all_mistakes_of_a_file_are_told_at_once():
    text = (
        THREAD.replace("level: 기초", "level: ▶쉬움")
        .replace("tags: [하나, 둘]", "tags: ▶하나")
        .replace("run:", "▶runs:")
    )
    problems = explain(text.replace("- ▶runs", "- ▶▶runs"))
    assert len(problems) == 4  # `run` is missing, and `runs` is unknown


@pytest.mark.parametrize("text", ["▶글만 있어요\n", "▶- 목록\n", "---\n▶"])
def test_file_that_is_no_mapping(text):
    [problem] = explain(text)
    assert problem.what.startswith("이 파일")


def test_empty_file():
    [problem] = explain("▶# 주석뿐\n")
    assert "비어 있어요" in problem.what and "mundap new" in problem.todo


@pytest.mark.parametrize("name", schema.SCHEMAS)
def test_json_schema_is_current_and_draft_7(root, name):
    text = schema.to_json(name)
    assert (root / "schema" / f"{name}.json").read_text(encoding="utf-8") == text, "mundap schema"
    made = json.loads(text)
    assert made["$schema"] == "http://json-schema.org/draft-07/schema#"
    jsonschema.Draft7Validator.check_schema(made)


def test_json_schema_accepts_what_we_accept(root):
    """An editor reads `year: 2021` as a number; its schema still has to agree with ours."""

    def agree(text, name):
        problems = fit.problems(yamlsource.parse(text)[0], name)
        read = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        errors = list(jsonschema.Draft7Validator(json.loads(schema.to_json(name))).iter_errors(read))
        assert bool(problems) == bool(errors), (problems, errors)

    agree(THREAD, "thread")
    agree(THREAD.replace("title: 답이에요", "title: 1.5").replace("주장이에요.", "true"), "thread")
    agree(THREAD.replace("level: 기초", "lavel: 기초"), "thread")
    agree(INDEX, "index")
    agree((root / "qa_index.yaml").read_text(encoding="utf-8"), "index")
    for path in sorted((root / "docs" / "qa").rglob("*.yaml")):
        agree(path.read_text(encoding="utf-8"), "thread")


def all_keys(node, prefix=""):
    for key, child in node.get("properties", {}).items():
        yield f"{prefix}{key}"
        inner = child.get("items", child)
        yield from all_keys(inner, f"{prefix}{key}" + ("[]." if child.get("type") == "array" else "."))


def test_documentation_lists_every_key_with_its_meaning():
    rows = schema.documentation().splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert [row[0].strip("`") for row in cells] == list(all_keys(schema.THREAD))
    assert all(len(row) == 3 and row[2] for row in cells)
    assert ["`answers[].claims[].verdict`", "네", "판정 (맞음, 일부 맞음, 틀림, 미확인)"] in cells
    assert ["`needs`", "", "먼저 읽을 문답의 id"] in cells


def test_template_lacks_nothing_but_its_words():
    text = schema.template("why-position")
    assert text.startswith("# yaml-language-server: $schema=../../../schema/thread.json\n")
    document, problems = yamlsource.parse(text)
    assert problems == []
    found = fit.problems(document, "thread")
    assert found and all("비어 있어요" in problem.what for problem in found)

    filled = re.sub(r"(?m)^( *)- $", r"\1- 말", re.sub(r"(?m)(: \|  #.*\n) *$", r"\1        말", text))
    filled = re.sub(r"(?m)^( *-? *\w+:)   # .*$", r"\1 말", re.sub(r"(?m)^( +)-$", r"\1- 말", filled))
    assert [str(problem) for problem in fit.problems(yamlsource.parse(filled)[0], "thread")] == []
    descriptions = [schema.THREAD["properties"][key]["description"] for key in schema.THREAD["required"]]
    assert all(f"# {description}" in text for description in descriptions)


@pytest.mark.parametrize(
    "pattern, sound, wrong",
    [
        (forms.SLUG, ["a", "a1-b", "a" * 80, "b2-3"], ["", "A", "1a", "a-", "-a", "a--b", "a_b", "a" * 81, "a\n", "ä"]),
        (forms.NAME, ["a", "_a", "A-b_1", "a" * 80, "a가"], ["", "1a", "a.b", "a b", "../a", "a" * 81, "a\n"]),
        (forms.LINE, ["글", " 글", "글 글"], ["", " ", "글\n", "글\n글", "\n글"]),
        (forms.URL, ["http://a.b/c?d=e#f", "https://a/" + "b" * 298], ["ftp://a", "https://", "https://a b", "https://a)", "https://a\n", 'https://a"b', "https://" + "a" * 301]),
        (forms.YEAR, ["2021"], ["21", "20210", "２０２１", "2021\n", "20a1"]),
        (forms.ARXIV, ["2010.11929", "1706.0376", "1706.03762v7", "cs/0102003", "math.GT/0309136v1", "hep-th/9901001v12"], ["2010", "201.11929", "2010.119", "2010.119299", "2010.11929v", "cs/01020", "2010.11929)x", "2010.11929\n"]),
    ],
    ids=["slug", "name", "line", "url", "year", "arxiv"],
)  # fmt: skip
def test_patterns(pattern, sound, wrong):
    assert [text for text in sound if not re.search(pattern, text)] == []
    assert [text for text in wrong if re.search(pattern, text)] == []


def test_long_values_are_cut_in_messages():
    text = THREAD.replace("level: 기초", "level: " + "글" * 50).replace("id: first", "id: " + "A" * 50)
    told = [problem.what for problem in fit.problems(yamlsource.parse(text)[0], "thread")]
    assert (
        f"`level` 자리에 올 수 없는 값이에요: `{'글' * 40}`." in told
        and f"`{'A' * 40}`: 쓸 수 없는 이름이에요." in told
    )


def test_names_of_threads():
    assert forms.name_fault("a-b") is None and forms.name_fault("a" * 80) is None
    assert forms.name_fault("index")[0] == "`index`: 장의 쪽이 쓰는 이름이에요."
    assert forms.name_fault("A" * 90)[0] == f"`{'A' * 40}`: 쓸 수 없는 이름이에요."


@pytest.mark.parametrize("written, named", [("аnswers", "`а`(U+0430)"), ("аnѕwers", "`а`(U+0430)"), ("가나", ""), ("힣", ""), ("answerz", ""), ("ａnswers", "`ａ`(U+FF41)")])  # fmt: skip
def test_a_letter_that_only_looks_like_the_one_that_is_meant_is_named(written, named):
    told = fit._look_alike(written, "answers")
    assert named in told and bool(told) == bool(named)


def test_template_begins_with_what_is_likeliest():
    lines = {line.partition("#")[0].strip() for line in schema.template("a-b").splitlines()}
    assert {"id: a-b", "level: 기초", "verdict: 맞음"} <= lines and any("kind: 해설" in line for line in lines)


def test_of_a_value_of_several_lines_the_first_is_shown():
    text = THREAD.replace("id: first", "id: |\n  가 나\n  다").replace("question: 질문이 무엇인가요?", "question: |\n  하나\n  둘").replace("level: 기초", "level: |\n  하나\n  둘")  # fmt: skip
    told = [problem.what for problem in fit.problems(yamlsource.parse(text)[0], "thread")]
    assert told == [
        "`가 나`: 쓸 수 없는 이름이에요.",
        "`하나`: 한 줄이어야 해요.",
        "`level` 자리에 올 수 없는 값이에요: `하나`.",
    ]


@pytest.mark.parametrize(
    "line, todo",
    [
        ("{document: S1, section: 하나, 그리고 둘}", "쉼표가 든 글이라면"),
        ("{document: S1, section: 하나, 그리고 둘: 셋}", "쓸 수 있는 키: document, url, date, section."),
        ("{document: S1, section: 하나, 그리고}", "쓸 수 있는 키: document, url, date, section."),
        ("{document: S1, sectoin: 하나, section: 둘}", "혹시 `section`인가요?"),
    ],
)
def test_what_to_do_about_a_key_that_is_not_known(line, todo):
    text = THREAD.replace("{document: S1, section: 첫째 절}", line)
    assert [problem.todo.startswith(todo) for problem in fit.problems(yamlsource.parse(text)[0], "thread")] == [True]
