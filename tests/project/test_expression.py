import ast
import random
import time

import pytest
from engine import marked

from mundap.project.expression import MAX_LENGTH, Expression, ExpressionError, NoRecord
from mundap.project.judge import judge
from mundap.project.numbers import format_value

EVIDENCE = {
    "run": {
        "x": 2.0,
        "y": 3,
        "zero": 0,
        "negative": -1.5,
        "flag": True,
        "name": "TypeError",
        "tiny": 1e-7,
        "large": 10**299,
    },
    "other": {"x": 5.0},
    "waits": None,
}


def value(text):
    return Expression(text, condition=False).value(EVIDENCE)


def holds(text):
    return judge(text, EVIDENCE).holds


def refusal(text, condition=True):
    """The error of a marked text; its offset has to be the mark's."""
    text, [(_, column)] = marked(text)
    with pytest.raises(ExpressionError) as caught:
        expression = Expression(text, condition)
        expression.verify_names(EVIDENCE)
        expression.comparisons(EVIDENCE) if condition else expression.value(EVIDENCE)
    assert caught.value.offset == column - 1, (caught.value.offset, caught.value.what)
    assert caught.value.todo.endswith(("요.", "요?", ".")) and str(caught.value)
    return caught.value.what


@pytest.mark.parametrize(
    "text, expected",
    [
        ("run.x", 2.0),
        ("run.y", 3),
        ("run.name", "TypeError"),
        ("run.flag", True),
        ("run.x + run.y * 2", 8.0),
        ("(run.x + run.y) * 2", 10.0),
        ("run.x - run.y - 1", -2.0),
        ("run.y / run.x / 2", 0.75),
        ("-run.x", -2.0),
        ("+run.x", 2.0),
        ("abs(run.negative)", 1.5),
        ("abs(run.x - other.x) / 3", 1.0),
        ("--run.y", 3),
        ("  run.x  ", 2.0),
        ("run.x\n+\trun.y", 5.0),
        ("run . x", 2.0),
        ("1e-3 * run.x", 0.002),
        ("0x10 + run.y", 19),
    ],
)
def test_arithmetic(text, expected):
    assert value(text) == expected and type(value(text)) is type(expected)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("run.x < 3", True),
        ("run.x <= 2", True),
        ("run.x > 2", False),
        ("run.x >= 2", True),
        ("run.x == 2", True),
        ("run.x != 2", False),
        ("1 < run.x < 3", True),
        ("3 > run.x > 1", True),
        ("1 < run.x < 2", False),
        ("run.name == 'TypeError'", True),
        ('run.name != "TypeError"', False),
        ("run.flag == True", True),
        ("run.flag == False", False),
        ("run.x < 3 and run.y == 3", True),
        ("run.x < 3 and run.y == 4", False),
        ("run.x < 3 and (run.y == 3 and (other.x > 4))", True),
        ("run.x + 1 == run.y", True),
        ("run.tiny < 1e-5", True),
        ("run.x < other.x < 6", True),
        ("abs(run.x - 2) < 1e-9", True),
        ("(run.x < 3)", True),
        ("run.x\n  < 3\nand run.y > 1\n", True),
        ("run.x < 2 * run.y", True),
        ("run.x * 4e299 < 9e299", True),
        ("run.x < 3".ljust(MAX_LENGTH), True),
    ],
)
def test_check(text, expected):
    assert holds(text) is expected


def test_comparisons_are_told_one_by_one_measured_side_first():
    comparisons = Expression(" 1 < run.x < other.x and -0.5 > run.negative").comparisons(EVIDENCE)
    told = [
        (c.left, c.left_value, c.operator, c.right, c.right_value, c.holds, c.is_bound, c.offset) for c in comparisons
    ]
    assert told == [
        ("run.x", 2.0, ">", "1", 1, True, True, 1),
        ("run.x", 2.0, "<", "other.x", 5.0, True, False, 5),
        ("run.negative", -1.5, "<", "-0.5", -0.5, True, True, 25),
    ]


def test_judgement_names_its_runs_in_order():
    assert judge("other.x > 1 and run.x < other.x", EVIDENCE).snippets == ("other", "run")


@pytest.mark.parametrize(
    "what, text",
    [
        ("비교가 와야", "▶run.x"),
        ("비교가 와야", "▶run.x < 1 or run.y < 2"),
        ("비교가 와야", "▶not run.x < 1"),
        ("비교가 와야", "▶run.x in run.y"),
        ("비교가 와야", "▶run.x is 3"),
        ("비교가 와야", "▶run.x < 1, run.y"),
        ("비교가 와야", "run.x < 3 and ▶run.flag"),
        ("비교가 와야", "▶(y := run.x) + 1"),
        ("비교가 와야", "▶lambda: run.x < 1"),
        ("비교가 와야", "▶run.x < 1 if run.y < 2 else run.x > 1"),
        ("쓸 수 없는 표현", "▶run.x.y < 1"),
        ("쓸 수 없는 표현", "▶run.x() < 1"),
        ("쓸 수 없는 표현", "▶run['x'] < 1"),
        ("쓸 수 없는 표현", "▶max(run.x, 1) < 1"),
        ("쓸 수 없는 표현", "▶abs(run.x, 1) < 1"),
        ("쓸 수 없는 표현", "▶abs(x=run.x) < 1"),
        ("쓸 수 없는 표현", "abs(▶*[run.x, 2]) < 1"),
        ("쓸 수 없는 표현", "▶run.x ** 9 < 1"),
        ("쓸 수 없는 표현", "▶run.x // 2 < 1"),
        ("쓸 수 없는 표현", "▶run.x % 2 < 1"),
        ("쓸 수 없는 표현", "▶run.x << 9 == 1"),
        ("쓸 수 없는 표현", "▶~run.y < 1"),
        ("쓸 수 없는 표현", "▶[run.x] == 1"),
        ("쓸 수 없는 표현", "▶[a for a in run.x] == 1"),
        ("쓸 수 없는 표현", "▶{run.x} == 1"),
        ("쓸 수 없는 표현", "▶f'{run.x}' == 1"),
        ("쓸 수 없는 표현", "run.x < ▶1j"),
        ("쓸 수 없는 표현", "run.x == ▶None"),
        ("쓸 수 없는 표현", "run.x == ▶b'x'"),
        ("쓸 수 없는 표현", "run.x == ▶..."),
        ("쓸 수 없는 표현", "▶__import__('os').system < 1"),
        ("쓸 수 없는 표현", "(▶run.x < 1) == True"),
        ("쓸 수 없는 표현", "▶a" + ".b" * 240 + " < 1"),
        ("쓸 수 없는 표현", "▶" + "[" * 150 + "run.x" + "]" * 150 + " < 1"),
        ("비교가 와야", "▶" + "not " * 60 + "run.x < 1"),
        ("어느 실행의 증거인지", "▶x < 1"),
        ("어느 실행의 증거인지", "run.x < ▶inf"),
        ("상수끼리", "▶1 < 2"),
        ("상수끼리", "run.x < 3 and ▶1 < 2"),
        ("상수끼리", "▶0 < 1 < run.x"),
        ("수가 너무 커요", "run.x < ▶1e999"),
        ("수가 너무 커요", "run.x < ▶1e300"),
        ("계산 결과가 너무 커요", "▶run.x * 5e299 > 1"),
        ("계산 결과가 너무 커요", "▶run.x * 1e200 * 1e200 > 1"),
        ("계산 결과가 너무 커요", "▶run.large * 100 > 1"),
        ("계산 결과가 너무 커요", "1 / 3 < abs(▶run.large * 1e200) / 2"),
        ("수가 너무 커요", "run.x < ▶" + "9" * 400),
        ("너무 깊어요", "-" * 30 + "▶-run.x < 1"),
        ("너무 깊어요", "▶run.x" + " + 1" * 40 + " < 1"),
        ("500자보다 길어요", "▶run.x < 1" + " " * MAX_LENGTH),
        ("0으로 나눠요", "▶run.x / run.zero > 1"),
        ("0으로 나눠요", "run.x < ▶1 / run.zero"),
        ("계산할 수 없어요", "▶run.name * 999999999 == 'x'"),
        ("계산할 수 없어요", "▶'x' * 9999999 == run.name"),
        ("계산할 수 없어요", "abs(▶run.name) > 1"),
        ("계산할 수 없어요", "▶run.name + 'x' == 'x'"),
        ("계산할 수 없어요", "-▶run.name > 1"),
        ("비교할 수 없어요", "▶run.name < 3"),
        ("비교할 수 없어요", "3 == ▶run.name"),
        ("비교할 수 없어요", "▶run.flag == 'True'"),
        ("`runs` 스니펫을 찾을 수 없어요", "run.x > 1 and '한글' == run.name and ▶runs.x < 1"),
        ("`run` 실행에 `xx` 증거가 없어요", "  ▶run.xx < 1"),
    ],
    ids=lambda text: ascii(text[:40]),
)
def test_refused(what, text):
    assert what in refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "run.x <",
        "run.x =< 3",
        "run.x < 3 && run.y",
        "run.x ≤ 3",
        "run.x = 3",
        "(run.x < 3",
        "run.x < 3 한글",
        "(" * 300,
        "run.x < 1\x00",
        "run.x < 1;",
        "'run.x < 1",
        "run.x < 0777",
        "run.x <\n\n",
    ],
    ids=ascii,
)
def test_unreadable(text):
    with pytest.raises(ExpressionError, match="식을 읽을 수 없어요.*꼴로 적어 주세요") as caught:
        Expression(text)
    assert 0 <= caught.value.offset <= len(text)


def test_unreadable_end_is_where_more_is_missing():
    assert "읽을 수 없어요" in refusal(" run.x <▶") and "읽을 수 없어요" in refusal(" run.x < \0▶")


@pytest.mark.parametrize(
    "what, text",
    [
        ("읽을 수 없어요", "run.x ▶run.y"),
        ("증거가 하나도 없어요", "▶1 + 1"),
        ("쓸 수 없는 표현", "▶run.x < 1"),
        ("0으로 나눠요", " ▶run.x / 0"),
    ],
)
def test_refused_value(what, text):
    assert what in refusal(text, condition=False)


def test_near_miss_is_suggested():
    with pytest.raises(ExpressionError, match="혹시 `run`인가요"):
        Expression("rum.x < 1").verify_names(EVIDENCE)
    with pytest.raises(ExpressionError, match="혹시 `negative`인가요"):
        Expression("run.negativ < 1").verify_names(EVIDENCE)
    with pytest.raises(ExpressionError, match=r"`snippets/gggggg\.py`가 있어야"):
        Expression("gggggg.x < 1").verify_names(EVIDENCE)
    with pytest.raises(ExpressionError, match=f"있는 이름: {', '.join('abcdefghijkl')}\\."):
        Expression("run.gggggg < 1").verify_names({"run": dict.fromkeys("abcdefghijklmn", 1)})


def test_missing_record_is_no_mistake_of_the_author():
    with pytest.raises(NoRecord, match="waits"):
        judge("run.x > 1 and waits.x < 1", EVIDENCE)


def test_nothing_is_evaluated_as_code(monkeypatch):
    for name in ("eval", "exec", "compile"):
        real = __builtins__[name] if isinstance(__builtins__, dict) else getattr(__builtins__, name)

        def only_parse(*arguments, real=real, **options):
            flags = arguments[3] if len(arguments) > 3 else options.get("flags", 0)
            assert flags & ast.PyCF_ONLY_AST
            return real(*arguments, **options)

        monkeypatch.setattr("builtins." + name, only_parse)
    assert holds("abs(run.x) < 3 and run.name == 'TypeError'")


def test_random_expressions_never_raise_anything_else():
    rng = random.Random(0)
    pieces = [
        "run.x",
        "run.name",
        "run.large",
        "other.y",
        "1",
        "1e308",
        "'한글'",
        "True",
        "(",
        ")",
        "[",
        "]",
        "abs(",
        "<",
        "==",
        ">=",
        "and",
        "or",
        "not",
        "+",
        "-",
        "*",
        "/",
        "**",
        ",",
        ".",
        "lambda",
        ":",
        ":=",
        "if",
        "else",
        "\\",
        "\x00",
        "f'{",
        "\n",
        " ",
        "0777",
        "1if",
    ]
    started = time.process_time()
    for _ in range(3000):
        text = " ".join(rng.choice(pieces) for _ in range(rng.randint(1, 12)))
        for condition in (True, False):
            try:
                expression = Expression(text, condition)
                expression.verify_names(EVIDENCE)
                expression.comparisons(EVIDENCE) if condition else format_value(expression.value(EVIDENCE))
            except ExpressionError as error:
                assert 0 <= error.offset <= len(text)
    assert time.process_time() - started < 20


@pytest.mark.parametrize(
    "shown, spec, expected",
    [
        (0.123456, "", "0.1235"),
        (12.3456, "", "12.35"),
        (1234.56, "", "1,234.6"),
        (3.0, "", "3"),
        (1234567.0, "", "1,234,567"),
        (1e-7, "", "1.00e-07"),
        (0.0, "", "0"),
        (-0.0, "", "0"),
        (-0.5, "", "-0.5"),
        (123456789.5, "", "1.23e+08"),
        (1e300, "", "1.00e+300"),
        (1e16, "", "1.00e+16"),
        (86567656, "", "86,567,656"),
        (True, "", "참"),
        (False, "", "거짓"),
        ("2 x 3", "", "2 x 3"),
        (0.5, ".1%", "50.0%"),
        (1234.5, ",.0f", "1,234"),
        (3, ".2f", "3.00"),
        (0.25, "+.2f", "+0.25"),
        (1e-5, ".1e", "1.0e-05"),
        (5, "d", "5"),
    ],
)
def test_format_value(shown, spec, expected):
    assert format_value(shown, spec) == expected


@pytest.mark.parametrize(
    "shown, spec",
    [
        (1.5, "d"),
        ("글", ".2f"),
        (1.5, "x"),
        (1.5, "99999999"),
        (1.5, ".999999999f"),
        (1.5, "{}"),
        (1.5, "%%"),
        (10**400, ".2f"),
        (1.5, "c"),
        (1.5, "<h1>"),
    ],
)
def test_format_value_refuses(shown, spec):
    with pytest.raises(ValueError):
        format_value(shown, spec)


def test_long_texts_are_cut_in_messages():
    with pytest.raises(ExpressionError) as error:
        Expression("a.long + 1", condition=False).value({"a": {"long": "글" * 50}})
    assert error.value.what == f"글('{'글' * 40}')로는 계산할 수 없어요."
    with pytest.raises(ExpressionError) as error:
        Expression(f"a.x + f({'1, ' * 30})", condition=False)
    assert error.value.what == f"식에 쓸 수 없는 표현이에요: `{('f(' + '1, ' * 30)[:40]}`."
    with pytest.raises(ExpressionError) as error:
        Expression("글 " * 50)
    assert error.value.what == f"`{'글 ' * 30}` 식을 읽을 수 없어요."
