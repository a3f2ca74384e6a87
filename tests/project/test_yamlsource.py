import time
import tracemalloc

import pytest
import yaml
from engine import MARK, marked, places

from mundap.project import yamlsource
from mundap.project.yamlsource import parse, read

TEXT = """\
# 주석
id: first
"quoted key": 'it''s 한글'
list:
  - plain
  - {flow: "a\\tb", empty: }
text: |
  첫 줄
    더 들여 쓴 줄

  끝 줄
folded: >-
  접히는
  글
"""


def test_every_scalar_is_text():
    document, problems = parse("a: no\nb: 12:30:45\nc: 1.10\nd: ~\ne: 2021-01-01\nf: 0x1F\ng: <<\n<<: h\ni:\n")
    assert problems == []
    assert document.value == {
        "a": "no",
        "b": "12:30:45",
        "c": "1.10",
        "d": "~",
        "e": "2021-01-01",
        "f": "0x1F",
        "g": "<<",
        "<<": "h",
        "i": "",
    }


def test_values_are_those_of_a_yaml_library():
    document, problems = parse(TEXT)
    assert problems == []
    assert document.value == yaml.load(TEXT, Loader=yaml.BaseLoader)


def test_where_each_value_and_key_stands():
    document, _ = parse(TEXT)
    assert document.where(()) == (2, 1)
    assert document.where(["id"], key=True) == (2, 1) and document.where(["id"]) == (2, 5)
    assert document.where(["quoted key"], key=True) == (3, 1) and document.where(["quoted key"]) == (3, 15)
    assert document.where(("list", 1, "flow"), key=True) == (6, 6) and document.where(("list", 1, "flow")) == (6, 12)
    assert document.where(("list", 1, "empty")) == (6, 27)  # after the colon
    assert document.where(("list", 1, "missing")) == document.where(("list", 1)) == (6, 5)


@pytest.mark.parametrize(
    "text",
    [
        "a: 한글 ▶x 끝\n",
        "a: ▶x\n",
        "a: '한글 ''따옴표'' ▶x'\n",
        'a: "탭\\t \\u00e9 \\x41 \\" ▶x"\n',
        "a: |\n  한 줄\n  ▶x\n",
        "a: |\n\n  앞이 빈 글\n\n    들여 쓴 줄\n  ▶x\n",
        "a: |2  # 들여쓰기 2\n    처음부터 들여 쓴 줄\n  ▶x\n",
        "a: |-\n  ▶x",
        "a: |\n  $\\frac{a}{b} \\alpha ▶x$",
        "a: '$\\alpha ▶x$'",
        "a: >\n  접히는\n  글의 ▶x\n  끝\n",
        "a: >-\n\n  접히는\n\n  글의\n    들여 쓴 줄\n  ▶x\n",
        "a: 여러 줄에\n  걸친 ▶x\n  글\n",
        "a: '여러 줄에\n\n  걸친 ▶x'\n",
        'a: "여러 줄에 \\\n  \\  걸친\\n ▶x"\n',
        "a:\n  다음 줄의 ▶x\n",
    ],
    ids=repr,
)
def test_inside_points_at_the_character(text):
    text, [place] = marked(text)
    document, problems = parse(text)
    assert problems == []
    value = document.get(["a"])
    assert document.inside(["a"], value.index("x")) == place


def test_inside_of_a_list_is_its_start_and_the_end_of_a_text_is_after_it():
    document, _ = parse("a: [b, c]\nd: 글\n")
    assert document.inside(["a"], 3) == (1, 4)
    assert document.inside(["d"], 1) == (2, 5) and document.inside(["d"], 0) == (2, 4)


SYNTAX = {
    "탭이 있어요": ["a: b\n▶\tc: d", "▶\ta: b", "a: |\n▶\t글\n"],
    "이 글자로는 값을 시작할 수 없어요": ["a: ▶@x", "a: ▶`코드`", "a: ▶%x"],
    "`키: 값`이 올 수 없어요": ["a: b▶: c", "a: b\n  c▶: d", "- a\n b▶: c"],
    "목록 표시(-)가 올 수 없어요": ["a: ▶- b"],
    "콜론이 빠진 것 같아요": ["a: b\n▶콜론이 없는 줄\nc: d"],
    "따옴표가 닫히지 않았어요": ['a: ▶"x\nb: y\n', "a: ▶'x\nb: y\n", "a: ▶'x\n---\n"],
    "값이 끝난 자리에 글이 더 있어요": ["a: 'it'▶s'", '"a" ▶"b": c'],
    "위와 맞지 않아요": ["a:\n  - b\n ▶- c", "a: b\n▶- c"],
    "닫히지 않았거나 쉼표가 빠졌어요": ["a: ▶[b\n", "▶{a: b", "a: ▶[b, c}"],
    "기호가 있어요": ["a: ▶]", "a: [b, ▶,c]"],
    "`\\` 표현": ['a: "\\▶q"', 'a: "$\\▶alpha$"'.replace("alpha", "sigma")],
    "16진수가 모자라요": ['a: "\\x▶zz"'],
    "가리키는 글자가 없어요": ['a: "\\u▶d800"', 'a: "\\U▶FFFFFFFF"'],
    "시작하는 글은 그대로 적을 수 없어요": ["a: *▶*굵게** 글", "a: *▶강조* 글", "a: &▶ b"],
    "뒤에는 글이 올 수 없어요": ["a: |▶글\n  x"],
    "YAML 태그": ["a: ▶!foo x", "a: ▶!!python/object/apply:os.system [ls]", "a: ▶!x!y b", "▶!!map {a: b}", "▶!k a: b"],
    "앵커와 별칭": ["a: ▶&b c", "a: [▶*b]", "a: b\n▶&c d: e"],
    "제어 문자": ["a: x▶\x07", "a: b\nc: ▶\x00"],
    "보이지 않는 글자(U+2028)": ["a: b\nc: d▶\u2028e\nf: g"],
    "보이지 않는 글자(U+FEFF)": ["a: ▶\ufeffb"],
    "문서가 둘": ["a: b\n▶---\nc: d"],
    "키 자리": ["▶[a]: b", "{▶{a: b}: c}", "? ▶- a\n: b"],
    "여기에는 `키: 값`": ["a: [b?, c]\n\n\nd: e▶: f"],  # the two parsers of PyYAML do not agree on `?,`
    "20겹보다 깊이": ["[" * 21 + "▶" + "[" * 50000, "{a: " * 20 + "{a: ▶{a: b"],
}


@pytest.mark.parametrize(
    "what, text", [(what, text) for what, texts in SYNTAX.items() for text in texts], ids=lambda text: ascii(text[:30])
)
def test_syntax_error_says_what_and_where(what, text):
    text, expected = marked(text)
    document, problems = parse(text, "파일.yaml")
    assert document.value is None
    assert len(problems) == 1 and what in problems[0].what, problems
    assert places(problems) == expected
    assert problems[0].todo.endswith("주세요.") and str(problems[0]).startswith("파일.yaml:")


def test_duplicate_keys_are_all_told():
    text, expected = marked("a: b\nc:\n  d: 1\n  ▶d: {x: [1, 2], y: z}\n▶a: |\n  글\ne: f\n▶a: g\n")
    document, problems = parse(text)
    assert places(problems) == expected
    assert document.value == {"a": "b", "c": {"d": "1"}, "e": "f"}
    assert "첫 번째는 1번째 줄" in problems[1].what
    assert "첫 번째는 2번째 줄" in parse("\na: b\na: c")[1][0].what


def test_duplicate_key_is_told_beside_a_later_syntax_error():
    text, expected = marked("a: b\n▶a: c\nd: ▶]\n")
    assert places(parse(text)[1]) == expected


def test_empty_documents():
    assert parse("") == parse("", "<yaml>") and parse("")[0].value is None and parse("")[1] == []
    assert parse("# 주석뿐\n")[0].value is None
    assert parse("---\n")[0].value == ""


def test_read(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: b\r\nc: d\r\n")  # as an editor on Windows may write it
    document, problems = read(file, "a.yaml")
    assert problems == [] and document.value == {"a": "b", "c": "d"} and document.where(["a"], key=True) == (1, 1)

    file.write_bytes("a: 글\nb: 한".encode() + "글".encode("cp949") + b"\n")
    document, [problem] = read(file, "a.yaml")
    assert document.value is None and "UTF-8" in problem.what and places([problem]) == [(2, 5)]

    file.write_bytes("a: b".encode("utf-16"))
    assert "UTF-8" in read(file, "a.yaml")[1][0].what
    file.write_text("a" * yamlsource.MAX_BYTES + ": b")
    for path, words in {file: "256 KiB", tmp_path / "b.yaml": "파일이 없어요", tmp_path: "폴더"}.items():
        [problem] = read(path, "a.yaml")[1]
        assert words in problem.what and places([problem]) == [(1, 1)]


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x]\n"
        + "\n".join(f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]" for i in range(24)),
        "[" * 200_000,
        "- " * 100_000,
        "a: " + "[" * 10 + "x, " * 60_000,
        "? " * 100_000,
        "\n".join(f"k{i}: v" for i in range(20_000)) + "\nbad",
        "\n".join(f"k{i}: v" for i in range(6_000)) + "\nbad",
    ],
    ids=["laughs", "brackets", "dashes", "open list", "question marks", "many keys", "keys"],
)
def test_bombs_are_answered_fast_and_small(text):
    tracemalloc.start()
    started = time.process_time()
    _, problems = parse(text[: yamlsource.MAX_BYTES])
    seconds, peak = time.process_time() - started, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(problems) == 1
    assert seconds < 10 and peak < 64 << 20, (seconds, peak)


def test_marks_of_this_test_are_no_yaml():
    assert MARK not in TEXT


def test_limits_are_where_they_are_said_to_be(tmp_path):
    deepest = "[" * yamlsource.MAX_DEPTH + "글" + "]" * yamlsource.MAX_DEPTH
    assert parse(deepest)[1] == [] and len(parse(f"[{deepest}]")[1]) == 1
    file = tmp_path / "a.yaml"
    file.write_text("#" * yamlsource.MAX_BYTES)
    assert read(file, "a.yaml")[1] == []
    file.write_text("#" * (yamlsource.MAX_BYTES + 1))
    assert len(read(file, "a.yaml")[1]) == 1


@pytest.mark.parametrize(
    "text",
    [
        "a: |\n  ▶가\n  ▶나\n\n  ▶다\nb: c",
        "a: >-\n  ▶가 ▶나\n  ▶다\nb: c",
        "a: ▶가 ▶나\n  ▶다\nb: 다",
        "a: '▶가''▶나\n\n  ▶다'\nb: 다",
        'a: "▶가 \\u0020▶나 \\\n  ▶다"\nb: 다',
        'a: "▶가\\t\\n▶나\\"▶다"',
        "- ▶가\n- 나",
        "a: |+\n  ▶가\n\n\nb: c",
        "▶가",
        "'▶가\n▶나\n▶다'",
    ],
)
def test_characters_are_found_in_every_style(text):
    text, expected = marked(text)
    document, problems = parse(text)
    assert problems == []
    path = next(iter(document.styles))
    value = document.get(path)
    offsets = [value.index(letter) for letter in "가나다" if letter in value]
    assert [document.inside(path, offset) for offset in offsets][: len(expected)] == expected


def test_the_end_of_a_block_is_not_in_the_next_line():
    document, _ = parse("a: |\n  가나\nb: c\n")
    assert document.inside(["a"], 2) == document.inside(["a"], 3) == (2, 5)
    document, _ = parse("a: >-\n  가\n  나\n\nb: c\n")
    assert document.inside(["a"], 3) == (3, 4)


@pytest.mark.parametrize("text, end", [("a: 가\nb: c", 5), ("a: '가'\nb: c", 6), ('a: "가"\nb: c', 6)])
def test_the_end_of_a_text_is_in_its_line(text, end):
    assert parse(text)[0].inside(["a"], 1) == (1, end)


@pytest.mark.parametrize("text", ['a: "b▶\\u200b c"', 'a:\n  - ▶"b\\u200b": c', "a:\n  ▶b\u200b: c", "▶b\u200b:\n- c"])
def test_characters_that_nobody_sees_are_told(text):
    text, expected = marked(text)
    [problem] = parse(text)[1]
    assert "보이지 않는 글자(U+200B)" in problem.what and places([problem]) == expected
