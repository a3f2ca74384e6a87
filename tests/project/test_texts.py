import pytest

from mundap.project import texts

EVIDENCE = {"run": {"value": 0.25, "name": "글", "seeds": [0.5, 0.51], "x_std": 0.001, "zero": 0.0}, "waits": None}


def link_problem(kind, target, anchor):
    return None if target in ("here", "") and anchor != "nowhere" else (f"{kind}:{target}#{anchor}.", "고쳐 주세요.")


def told(text, plain=False):
    """What is wrong with a text: [(offset, the first words of it)]."""
    return [(offset, what[:12]) for offset, what, _ in texts.faults(text, EVIDENCE, link_problem, plain)]


@pytest.mark.parametrize(
    "term, expected", [("위치 임베딩", "위치-임베딩"), ("Q·K·V", "q-k-v"), (" ViT-B/16 ", "vit-b-16"), ("!?", "")]
)
def test_slug(term, expected):
    assert texts.slug(term) == expected


def test_slug_is_the_same_however_a_system_spells_hangul():
    assert texts.slug("\u1112\u1161\u11ab글") == texts.slug("한글") == "한글"


SOUND = [
    "글 **굵게** `<b>` `{: x}` a < b, a<3 {a, b} [글](https://a.example/b) <https://a.example> [](#here)",
    "### 제목\n\n#태그 # 글",
    "[글](thread:here) [글](run:here#x) [글](term:here) [글](page:here) [글](#some)",
    "$i<j$ $a < b$ $x^{a=b}$ \\$5",
    "값은 {{run.value}} {{ run.value:.1% }} {{waits.x}} $x = {{run.value}}$ `{{a.b}}`",
    "{{std(run.seeds):.3f}} {{run.x_std:.1%}} {{run.x_std}} {{run.zero:.0f}}",
    "[^1]\n\n[^1]: 글",
    "- " * 12 + "글",
    "> " * 12 + "글",
    "    " * 11 + "- 글",
    "[" * 300,
    "글" + "\n" * 400,
    "```python\nexecute = 1\n```",
]


@pytest.mark.parametrize("text", SOUND)
def test_sound_texts(text):
    assert told(text) == []


@pytest.mark.parametrize(
    "text, expected",
    [
        ("# 글", [(0, "글 안의 제목이 너무 ")]),
        ("글\n\n## 글", [(3, "글 안의 제목이 너무 ")]),
        ("글 <b>글</b>", [(2, "HTML은 쓸 수 없어"), (6, "HTML은 쓸 수 없어")]),
        ("글 <!-- x", [(2, "HTML은 쓸 수 없어")]),
        ("$a <b c$", [(3, "HTML은 쓸 수 없어")]),
        ("$aa$ $b <c d$ <e", [(14, "HTML은 쓸 수 없어"), (8, "HTML은 쓸 수 없어")]),
        ("$a$ <b", [(4, "HTML은 쓸 수 없어")]),
        ("글{: .a}", [(1, "속성은 쓸 수 없어요:")]),
        ("글{#a} {a=b}", [(1, "속성은 쓸 수 없어요:"), (6, "속성은 쓸 수 없어요:")]),
        ("가 {{ 나 }}", [(5, "`나`만으로는 어느 실")]),
        ("가 }} 나", [(2, "`}}` 기호의 짝이 맞")]),
        ("   [a]: b", [(0, "링크의 주소를 따로 적")]),
        ("글 ![a](https://b.example)", [(2, "그림을 글에 넣을 수는")]),
        ("```python exec\n1\n```", [(0, "글 안의 코드 블록은 ")]),
        ("> ~~~ exec\n> 1", [(2, "글 안의 코드 블록은 ")]),
        ("글 [a](b.md)", [(6, "`b.md` 링크는 쓸")]),
        ("[a](ftp://x)", [(4, "`ftp://x` 링크는")]),
        ("[a](thread:there#x)", [(4, "thread:there")]),
        ("[a](#nowhere)", [(4, ":#nowhere.")]),
        ("값 {{run.valu}}", [(4, "`run` 실행에 `va")]),
        ("값 {{ none.x }}", [(5, "`none` 스니펫을 찾")]),
        ("값 {{run.value:.2z}}", [(14, "0.25에는 `.2z` ")]),
        ("값 {{run.name:.2f}}", [(13, "'글'에는 `.2f` 형")]),
        ("{{std(run.seeds):.1f}} {{ run.x_std:.0%}}", [(2, "표준편차가 0으로 "), (25, "표준편차가 0으로 ")]),
        ("$a^$", [(3, "수식을 읽을 수 없어요")]),
        ("{{run.value}} $a^$", [(17, "수식을 읽을 수 없어요")]),
        ("{{run.value}} {a=b}", [(14, "속성은 쓸 수 없어요:")]),
        ("가\n$$x$$", [(2, "수식을 읽을 수 없어요")]),
        ("- " * 13 + "글", [(0, "목록이나 인용이 너무 깊")]),
        ("글\n" + "> " * 13 + "글", [(2, "목록이나 인용이 너무 깊")]),
        ("    " * 12 + "- 글", [(0, "목록이나 인용이 너무 깊")]),
        ("글\n" * 401, [(801, "글이 너무 길어요.")]),
        ("[" * 301, [(300, "한 글에 `[` 기호가 ")]),
    ],
)
def test_what_is_wrong_is_told_where_it_stands(text, expected):
    found = told(text)
    assert found and (expected is None or [(place, words[: len(what)]) for (place, words), (_, what) in zip(found, expected)] == [(p, w[:12]) for p, w in expected])  # fmt: skip
    assert expected is None or len(found) == len(expected)


def test_short_texts_hold_neither_links_nor_values():
    assert told("[a](thread:here)", plain=True) == [(4, "제목처럼 짧은 글에는 ")]
    assert told("값 {{run.value}}", plain=True) == [(2, "제목처럼 짧은 글에는 ")]
    assert told("`{{run.value}}` $x$ 글", plain=True) == []


def test_long_words_are_cut_in_messages():
    [(_, what, _)] = texts.faults("<b" + "c" * 60, EVIDENCE, link_problem)
    assert what == f"HTML은 쓸 수 없어요: `<b{'c' * 38}`."
    [(_, what, _)] = texts.faults(f"[a](x{'y' * 80})", EVIDENCE, link_problem)
    assert what == f"`x{'y' * 59}` 링크는 쓸 수 없어요."
    [(_, what, _)] = texts.faults("{: " + "x" * 60 + "}", EVIDENCE, link_problem)
    assert what == "속성은 쓸 수 없어요: `{: " + "x" * 37 + "`."


def test_hand_written_pages_are_asked_for_links_values_and_depth_alone():
    text = "<b>글</b> [a](thread:there) {{run.none}} `{{x}}` # 글\n\n" + "- " * 13 + "글"
    assert [offset for offset, _, _ in texts.filled_faults(text, EVIDENCE, link_problem)] == [
        text.index("thread"),
        text.index("run.none"),
        text.index("- - "),
    ]


@pytest.mark.parametrize(
    "text, expected",
    [("run.value", "0.25"), ("run.value:.1%", "25.0%"), ("run.value * 2 : .2f ", "0.50"), ("run.name", "글")],
)
def test_inline_values(text, expected):
    assert texts.inline_value(text, EVIDENCE) == expected
