"""Each mistake that an author can make, one at a time in a project that is all right otherwise.

A mistake is {file: edit}: (old, new) replaces a text, a text or bytes is the whole file, a function makes it of the record of measure, None takes the
file away. A
mark (▶) in what is written is where a message has to point ("mark": one more edit, made after the others); a message
about a file without marks points at its first character. Records are made anew after a change of a snippet, unless
"stale". tests/errors/messages.txt holds every message: `MUNDAP_WRITE=1 pytest tests/project/test_check.py` writes it anew.
"""

import json
import os
import re

import pytest
from again import lines, seeds
from engine import FILES, MARK, make_project, make_records, marked, places, put, snapshot
from filelock import FileLock

from mundap.cli import main
from mundap.pages.collect import pages as pages_of
from mundap.pages.markers import fill
from mundap.pages.marks import MKDOCS, PLAIN
from mundap.project import records, schema, texts
from mundap.project.check import examine
from mundap.project.draft import anchors as thread_anchors

FIRST, SECOND, THIRD = "docs/qa/basics/first.yaml", "docs/qa/basics/second.yaml", "docs/qa/more/third.yaml"
INDEX, LABELS = "qa_index.yaml", "docs/labels.yaml"
BODY = "      값 `a`와 `b`는 같아요. [같음](term:같음)의 뜻을 보세요.\n"


def text(new):
    """A mistake in the body of the first answer."""
    return {FIRST: (BODY, f"      {new}\n")}


def predict(rest):
    """A prediction in the first thread."""
    return ("needs: []", f"predict: {{ask: 어떨까요?, {rest}}}")


def of_other_code(record):
    """A record, sealed, with another line of code than its snippet."""
    made = json.loads(record)
    made["cells"][-1]["source"] = "evidence = {}"
    made["metadata"]["mundap"]["seal"] = records.seal(made)
    return json.dumps(made)


def with_null(record):
    """A record, sealed, in whose world without the effect the difference is as small."""
    made = json.loads(record)
    made["metadata"]["mundap"]["null"] = {"다른 두 값": {"difference": 1e-6}}
    made["metadata"]["mundap"]["seal"] = records.seal(made)
    return json.dumps(made)


def with_seeds(record):
    """A record, sealed, with a number a seed, all of them nearly the same."""
    made = json.loads(record)
    made["metadata"]["mundap"]["evidence"]["gap"] = [0.2, 0.2001, 0.2]
    made["metadata"]["mundap"]["seal"] = records.seal(made)
    return json.dumps(made)


def in_rounds(record, *values):
    """What moved seeds left of measure, by its record: the difference in each round."""
    digest = json.loads(record)["metadata"]["mundap"]["digest"]
    return lines(seeds(*({"difference": value, "name": "작음"} for value in values)), digest)


MISTAKES = {
    # YAML
    "colon in a text": {FIRST: ("title: 왜 같은지", "title: 왜▶: 같은지")},
    "tab": {FIRST: ("    kind: 의견", "▶\tkind: 의견")},
    "quote left open": {FIRST: ("level: 기초", "level: ▶'기초")},
    "bracket left open": {FIRST: ("tags: [같음, 비교]", "tags: ▶[같음, 비교")},
    "indentation": {FIRST: ("    kind: 의견", "   ▶kind: 의견")},
    "colon forgotten": {FIRST: ("level: 기초", "▶level 기초")},
    "text that starts with a backtick": {FIRST: ("title: 왜 같은지", "title: ▶`a` 때문이에요")},
    "text that starts with stars": {FIRST: ("title: 왜 같은지", "title: *▶*왜** 같은지")},
    "backslash in double quotes": {FIRST: ("question: 두 값은 같나요?", 'question: "$\\▶sigma$인가요?"')},
    "anchor": {FIRST: ("level: 기초", "level: ▶&a 기초")},
    "alias bomb": {FIRST: "a: ▶&a [글, 글]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\nd: [*c, *c, *c]\n"},
    "tag": {FIRST: ("level: 기초", "level: ▶!!python/object/apply:os.system [ls]")},
    "deep nesting": {FIRST: ("needs: []", "needs: " + "[" * 20 + "▶[" + "[" * 400)},
    "two documents": {FIRST: ("level: 기초", "level: 기초\n▶---")},
    "control character": {FIRST: ("title: 왜 같은지", "title: 왜▶\x08 같은지")},
    "invisible line end": {FIRST: ("title: 왜 같은지", "title: 왜▶\u2028 같은지")},
    "byte order mark inside": {FIRST: ("title: 왜 같은지", "title: ▶\ufeff왜 같은지")},
    "not UTF-8": {FIRST: "id: first\nquestion: 질▶".encode() + "문".encode("cp949")},
    "empty file": {FIRST: ""},
    "comments alone": {FIRST: "# 나중에 쓸게요\n"},
    "too large": {FIRST: "a: " + "글" * 100_000},
    # schema
    "duplicate key": {FIRST: ("level: 기초", "level: 기초\n▶level: 중급")},
    "unknown key": {FIRST: ("    kind: 해설", "    ▶knid: 해설\n    kind: 해설")},
    "unknown key without a near one": {FIRST: ("level: 기초", "level: 기초\n▶memo: 나중에")},
    "comma in a text between braces": {
        FIRST: ("{paper: vit, where: 식 1}", "{paper: vit, where: 식 1, says: 하나, ▶그리고 둘}")
    },
    "missing keys": {SECOND: "▶id: second\nquestion: 값이 작나요?\n".replace("▶", "▶" * 6)},
    "text in place of a list": {FIRST: ("tags: [같음, 비교]", "tags: ▶같음")},
    "list in place of a text": {FIRST: ("level: 기초", "level: ▶[기초]")},
    "text in place of a mapping": {FIRST: ("      - run: measure\n    claims", "      - ▶measure\n    claims")},
    "list in place of a file": {SECOND: "▶- id: second\n"},
    "empty value": {FIRST: ("level: 기초", "level:▶")},
    "empty list": {FIRST: ("tags: [같음, 비교]", "tags: ▶[]")},
    "bad level": {FIRST: ("level: 기초", "level: ▶초급")},
    "bad verdict": {FIRST: ("verdict: 틀림", "verdict: ▶틀렸음")},
    "bad name": {FIRST: ("  - id: explained\n    kind", "  - id: ▶Explained_1\n    kind")},
    "question of two lines": {FIRST: ("question: 두 값은 같나요?", "question: ▶|\n  두 값은\n  같나요?")},
    "tag twice": {FIRST: ("tags: [같음, 비교]", "tags: [같음, 비교, ▶같음]")},
    # other ways to ask
    "three other ways to ask": {FIRST: ("needs: []", "also: ▶[하나, 둘, 셋]")},
    "other way to ask that is too long": {FIRST: ("needs: []", f"also: [하나, 둘, 셋, ▶{'넷' * 61}]")},
    "link in another way to ask": {FIRST: ("needs: []", "also: [하나, 둘, 셋, '넷 [둘째](▶thread:second)']")},
    # predictions
    "prediction without its outcome": {
        FIRST: (
            "needs: []",
            "predict: ▶{ask: 어떨까요?, choices: [하나, 둘], right: 둘, check: measure.difference < 1}",
        )
    },
    "figure of a prediction without its run": {
        FIRST: predict("choices: [하나, 둘], right: 둘, outcome: 둘, check: measure.difference < 1, figure: ▶curve")
    },
    "link in a choice": {
        FIRST: predict("choices: ['[하나](▶https://a.b)', 둘], right: 둘, outcome: 둘, check: measure.difference < 1")
    },
    "link in a gist": {FIRST: ("title: 왜 같은지", "title: 왜 같은지\n    gist: 글 [둘째](▶thread:second)")},
    "one choice": {FIRST: predict("choices: ▶[둘], right: 둘, outcome: 둘, check: measure.difference < 1")},
    "five choices": {
        FIRST: predict("choices: [하나, 둘, 셋, 넷, ▶다섯], right: 둘, outcome: 둘, check: measure.difference < 1")
    },
    "choice twice": {FIRST: predict("choices: [둘, ▶둘], right: 둘, outcome: 둘, check: measure.difference < 1")},
    "right is no choice": {
        FIRST: predict("choices: [하나, 둘], right: ▶셋, outcome: 둘, check: measure.difference < 1")
    },
    "prediction that does not come out": {
        FIRST: predict("choices: [하나, 둘], right: 둘, outcome: 둘, check: ▶measure.difference > 1")
    },
    "figure of a prediction that is not there": {
        FIRST: predict(
            "choices: [하나, 둘], right: 둘, outcome: 둘, check: measure.difference < 1, run: measure, figure: ▶curv"
        )
    },
    "run of a prediction that is not there": {
        FIRST: predict("choices: [하나, 둘], right: 둘, outcome: 둘, check: measure.difference < 1, run: ▶mesure")
    },
    "value of a prediction that is not there": {
        FIRST: predict("choices: [하나, 둘], right: 둘, outcome: '{{▶measure.diff}}', check: measure.difference < 1")
    },
    "value of a choice that is none": {
        FIRST: predict("choices: [하나, '{{▶measure.none}}'], right: 하나, outcome: 둘, check: measure.difference < 1")
    },
    # labels
    "label of no snippet": {LABELS: "▶mesure: {difference: 차이}\n"},
    "label of no evidence": {LABELS: "measure: {▶diference: 차이, name: 이름}\n"},
    "label of two lines": {LABELS: "measure:\n  difference: ▶|\n    두\n    줄\n"},
    "labels that are a list": {LABELS: "▶- measure\n"},
    "labels that cannot be read": {LABELS: "measure: ▶[차이\n"},
    # ids and the map
    "id unlike the file's name": {FIRST: ("id: first", "id: ▶fist")},
    "answer id twice": {FIRST: ("  - id: explained\n    kind", "  - id: ▶same\n    kind")},
    "answer id that the page uses": {FIRST: ("  - id: explained\n    kind", "  - id: ▶conclusion\n    kind")},
    "answer id like a claim's": {FIRST: ("  - id: explained\n    kind", "  - id: ▶same-2\n    kind")},
    "answer id like a figure's": {FIRST: ("  - id: explained\n    kind", "  - id: ▶measure-curve\n    kind")},
    "line without a file": {INDEX: ("      - second\n", "      - second\n      - ▶missing\n")},
    "file without a line": {"docs/qa/basics/fourth.yaml": FILES[SECOND].replace("id: second", "id: fourth")},
    "file of an unknown chapter": {"docs/qa/basic/fourth.yaml": FILES[SECOND].replace("id: second", "id: fourth")},
    "file in no chapter": {"docs/qa/fourth.yaml": FILES[SECOND].replace("id: second", "id: fourth")},
    "id in two chapters": {"docs/qa/more/second.yaml": FILES[SECOND]},
    "file name that ends in yml": {"docs/qa/more/fourth.yml": FILES[SECOND].replace("id: second", "id: fourth")},
    "line twice": {INDEX: ("      - third", "      - third\n      - ▶first")},
    "chapter twice": {
        INDEX: ("  - id: more", "  - id: ▶basics"),
        "docs/qa/basics/third.yaml": FILES[THIRD],
        THIRD: None,
    },
    "name that the chapter's page has": {INDEX: ("      - third", "      - third\n      - ▶index")},
    "index with a syntax error": {INDEX: ("    title: 기초", "    title▶ 기초".replace("title▶", "▶title"))},
    "index with a wrong key": {INDEX: ("    title: 기초", "    ▶titel: 기초\n    title: 기초")},
    "index that is empty": {INDEX: ""},
    "index with raw HTML": {INDEX: ("처음 읽는 장이에요.", "처음 ▶<b>읽는</b> 장이에요.".replace("</b>", "▶</b>"))},
    "paper without an address": {
        INDEX: (
            "{title: 그림은 낱말, authors: 홍길동, year: 2021, arxiv: 2010.11929}",
            "▶{title: 그림은 낱말, authors: 홍길동, year: 2021}",
        )
    },
    "section with an unknown thread": {
        INDEX: ("{title: 강의 노트}", "{title: 강의 노트, sections: [{title: 첫째 절, threads: [first, ▶frist]}]}")
    },
    "unknown document": {FIRST: ("{document: S1,", "{document: ▶S9,")},
    # needs
    "needs an unknown thread": {FIRST: ("needs: []", "needs: [▶secnod]")},
    "needs itself": {FIRST: ("needs: []", "needs: [▶first]")},
    "needs in a circle": {FIRST: ("needs: []", "needs: [▶second]"), SECOND: ("needs: [first]", "needs: [▶first]")},
    "needs in a large circle": {
        FIRST: ("needs: []", "needs: [▶third]"),
        SECOND: ("needs: [first]", "needs: [▶first]"),
        THIRD: ("tags: [세기]", "tags: [세기]\nneeds: [▶second]"),
    },
    # snippets and records
    "unknown snippet": {SECOND: ("{run: count, figure: sizes}", "{run: ▶counts}")},
    "helper in place of a snippet": {SECOND: ("{run: count, figure: sizes}", "{run: ▶helper}")},
    "unknown function": {FIRST: ("show: distance", "show: ▶distanse")},
    "unknown figure": {FIRST: ("figure: curve", "figure: ▶curves")},
    "snippet with a syntax error": {"snippets/count.py": ("STEPS, ", "STEPS▶), ")},
    "snippet that is not UTF-8": {"snippets/count.py": b"# %%\nevidence = {} # \xff\n"},
    "snippet without evidence": {"snippets/count.py": ("evidence =", "evidenze =")},
    "unused snippet": {
        SECOND: ("{run: count, figure: sizes}", "{run: measure}"),
        THIRD: ("{run: count}", "{run: measure}"),
    },
    "stale record": {"snippets/measure.py": ("1e-7", "1e-6"), "stale": True},
    "stale record by an import": {"snippets/helper.py": ("x / 2", "x * 0.5"), "stale": True},
    "no record": {"docs/notebooks/measure.ipynb": None},
    "record that is none": {"docs/notebooks/measure.ipynb": '{"cells": []}'},
    "record in conflict": {"docs/notebooks/measure.ipynb": "<<<<<<< HEAD\n{}\n"},
    "record without a snippet": {"docs/notebooks/gone.ipynb": lambda record: record},
    "record edited by hand": {
        "docs/notebooks/measure.ipynb": lambda record: record.replace('"difference": 1e-07', '"difference": 1e-08')
    },
    "record whose cells are of other code": {"docs/notebooks/measure.ipynb": lambda record: of_other_code(record)},
    # runs in other worlds
    "rerun that is none": {"docs/reruns/null.jsonl": "▶{}\n"},
    "rerun edited by hand": {
        "docs/reruns/replicate.jsonl": lambda record: (
            in_rounds(record, 1e-7, 2.5).replace("2.5", "1.5").replace("\n", "\n▶", 1)
        )
    },
    "reruns of older code": {"docs/reruns/replicate.jsonl": lambda _: lines(seeds({"difference": 1e-7}))},
    "rerun of a snippet that is gone": {"docs/reruns/null.jsonl": lines({"steps": {"x": 1}}, snippet="gone")},
    "check that moved seeds do not bear out": {
        FIRST: ("check: measure.difference < 1e-5", "check: ▶measure.difference < 1e-5"),
        "docs/reruns/replicate.jsonl": lambda record: in_rounds(record, *[1e-7] * 8, 0.1, 0.2),
    },
    "snippets that import each other": {
        "snippets/helper.py": [("STEPS = 3\n", "STEPS = 3\n▶from measure import distance\n")]
    },
    # papers
    "year that is none": {INDEX: ("year: 2021", 'year: ▶"<script>x</script>"')},
    "arXiv number that is none": {INDEX: ("arxiv: 2010.11929", "arxiv: ▶2010.11929)<img src=x>")},
    "address with markup": {INDEX: ("arxiv: 2010.11929", "url: ▶https://a.example/)<script>x</script>")},
    "id that is too long": {INDEX: ("      - second\n", f"      - second\n      - ▶{'a' * 300}\n")},
    # claims
    "check that holds where there is nothing to find": {
        "docs/notebooks/measure.ipynb": with_null,
        FIRST: [
            ("check: measure.difference < 1e-5", "check: ▶measure.difference < 1e-5"),
            ("check: measure.difference < 1 and", "check: ▶measure.difference < 1 and"),
        ],
    },
    "spread that shows as nothing": {
        "docs/notebooks/measure.ipynb": with_seeds,
        FIRST: ("차이는 {{measure.difference:.1e}}예요", "차이는 {{▶std(measure.gap):.0%}}예요"),
    },
    "two claims that one comparison decides": {
        FIRST: ('check: measure.difference < 1 and measure.name == "작음"', "check: ▶1e-5>measure.difference")
    },
    "evidence that stands for two things": {
        "snippets/measure.py": ("    tolerance =", '    evidence[▶"name"] = "큼"\n    tolerance =')
    },
    "claim without an id": {FIRST: ("      - id: same-1\n        text: 두", "      - ▶text: 두")},
    "claim id twice": {FIRST: ("      - id: explained-1", "      - id: ▶same-1")},
    "claim id that is a figure's": {FIRST: ("      - id: explained-1", "      - id: ▶measure-curve")},
    "address that is gone, used again": {
        FIRST: [
            ("      - id: explained-1", "      - id: ▶older-1"),
            ("needs: []", "needs: []\nmoved: [{from: older-1, to: same}]"),
        ]
    },
    "address that leads nowhere": {
        FIRST: ("needs: []", "needs: []\nmoved: [{from: older-1, to: ▶same-9}, {from: ▶older-1, to: same}]")
    },
    "claim without a check": {
        FIRST: ("        check: measure.difference < 1e-5\n", ""),
        "mark": ("id: same-1", "▶id: same-1"),
    },
    "claim from the literature without a citation": {
        FIRST: ("        cite: [{paper: vit, where: 1절, says: 옛날 일이에요.}]\n", ""),
        "mark": ("id: same-2", "▶id: same-2"),
    },
    "claim from the literature with a check": {
        FIRST: ("        basis: 문헌\n", "        basis: 문헌\n        ▶check: measure.difference < 1\n")
    },
    "undecided claim without a reason": {
        SECOND: ("        why: 세 번으로는 알 수 없어요.\n", ""),
        "mark": ("id: small-1", "▶id: small-1"),
    },
    "proof without a reason": {
        FIRST: (
            "        basis: 실험\n        verdict: 틀림\n",
            "        basis: 증명\n        verdict: 틀림\n",
        ),
        "mark": ("id: explained-1", "▶id: explained-1"),
    },
    "claim of an older project, without a basis": {
        FIRST: ("        basis: 문헌\n", ""),
        "mark": ("id: same-2", "▶id: same-2"),
    },
    "verdict of an older project": {
        FIRST: ("        basis: 문헌\n        verdict: 맞음\n", "        basis: 문헌\n        verdict: ▶문헌\n")
    },
    "unknown basis": {FIRST: ("basis: 문헌", "basis: ▶논문")},
    "unknown paper": {FIRST: ("{paper: vit, where: 식 1}", "{paper: ▶vti, where: 식 1}")},
    "check that does not parse": {FIRST: ("check: measure.difference < 1e-5", "check: measure.difference ▶=< 1e-5")},
    "check that calls": {FIRST: ("check: measure.difference < 1e-5", "check: ▶max(measure.difference, 0) < 1e-5")},
    "check without a snippet's name": {FIRST: ("check: measure.difference < 1e-5", "check: ▶difference < 1e-5")},
    "check of constants": {FIRST: ("check: measure.difference < 1e-5", "check: ▶1 < 2")},
    "check of an unknown snippet": {FIRST: ("check: measure.difference < 1e-5", "check: ▶mesure.difference < 1e-5")},
    "check of unknown evidence": {
        FIRST: ("check: measure.difference < 1e-5", "check: measure.name == '작음' and ▶measure.diference < 1e-5")
    },
    "check that mixes kinds": {FIRST: ("check: measure.difference < 1e-5", "check: ▶measure.name < 1e-5")},
    "check that divides by zero": {
        FIRST: ("check: measure.difference < 1e-5", "check: ▶1 / (measure.difference * 0) > 1")
    },
    "verdict that its check does not bear out": {
        FIRST: ("check: measure.difference < 1e-5", "check: measure.name == '작음' and ▶measure.difference < 1e-9")
    },
    "verdict that two runs do not bear out": {
        FIRST: ("check: measure.difference < 1e-5", "check: ▶measure.difference > count.steps")
    },
    "outcome that its check does not bear out": {
        FIRST: ("    check: measure.difference < 0.5", "    check: ▶measure.difference > 0.5")
    },
    # texts
    "link to an unknown thread": text("[글](▶thread:secnd)"),
    "link to an unknown place": text("[글](▶thread:second#smal)"),
    "link to an unknown place of this page": text("[글](▶#sane)"),
    "link to an unknown run": text("[글](▶run:helper)"),
    "link to an unknown term": text("[글](▶term:다름)"),
    "link to an unknown page": text("[글](▶page:abuot?a=1)"),
    "link to a page in a state that it has not": {
        **text("[글](▶page:about?viw=map) [글](▶page:about?view=map&query=4,9) [글](page:about?view=map&query=4,8)"),
        "docs/about.md": "---\nstates: {view: [map, list], query: [cls, '1..8,1..8']}\n---\n",
    },
    "link to a file": text("[글](▶../second.md)"),
    "link that runs a script": text("[글](▶javascript:alert(1)) [글](▶data:text/html,x)"),
    "link whose address stands apart": text("[글][x]\n\n      ▶[x]: javascript:alert(1)"),
    "link in a title": {FIRST: ("title: 왜 같은지", "title: 왜 [같은지](▶thread:second)")},
    "raw HTML": text('▶<div onclick="x">글▶</div> ▶<!-- 주석 --> a▶<b ▶<x:y onclick=z>'),
    "attributes": text('글▶{: onclick="alert(1)"} `코드`▶{.red}'),
    "image": text("▶![그림](▶https://example.com/a.png)".replace("](▶", "](")),
    "heading of a page": text("글\n\n      ▶# 제목"),
    "exec fence": text('글\n\n      ▶```python exec="1"\n      print(1)\n      ```'),
    "exec fence in a quote": text('> ▶~~~ ▶{.python exec="on"}\n      > print(1)\n      > ~~~'),
    "unknown value": text("값은 {{▶measure.diference}}예요."),
    "value without a snippet's name": text("값은 {{ ▶difference }}예요."),
    "value that is no expression": text("값은 {{measure.difference ▶measure.name}}예요."),
    "value with a bad format": text("값은 {{measure.difference:▶.1q}}예요, {{measure.name:▶.2f}}."),
    "value left open": text("값은 ▶{{measure.difference} 예요."),
    "value in a question": {FIRST: ("question: 두 값은 같나요?", "question: 차이는 ▶{{measure.difference}}인가요?")},
    "value at the start of a text": {FIRST: ("question: 두 값은 같나요?", "question: {▶{measure.difference}}인가요?")},
    "formula with an unknown command": text("식은 $a + ▶\\fooo{b}$예요."),
    "formula left open": text("식은 $\\frac{a}{b▶$예요."),
    "formula without an argument": text("식은 $\\sqrt▶$예요."),
    "formula with a stray brace": text("식은 $a▶}$예요."),
    "formula with two environments": text("식은 $\\begin{aligned} a ▶\\end{matrix}$예요."),
    "formula with a stray mark": text("식은 $a ▶& b$예요."),
    "formula without a parenthesis": text("식은 $\\left ▶x$예요."),
    "formula that is empty": text("글\n\n      $$ ▶$$\n\n      글"),
    "formula inside a paragraph": text("글에 붙은\n      ▶$$a$$\n      식이에요."),
    "formula in a folded text": {
        SECOND: ("conclusion: 작아요.", "conclusion: >-\n  길게\n  적은 $▶\\fooo$\n  글이에요.")
    },
    "formula in single quotes": {SECOND: ("conclusion: 작아요.", "conclusion: '''따옴표'' 안의 $▶\\fooo$'")},
    "formula that is too deep": text("식은 $" + "\\frac{1}{" * 50 + "\\frac▶{1}{x" + "}" * 51 + "$예요."),
    "formula that is a chain of commands": text("식은 $" + "\\sqrt" * 50 + "▶\\sqrt x$예요."),
    "formula that is too long": text("식은 $" + "a" * 4000 + "▶b$예요."),
    "list that is too deep": text("▶" + "- " * 13 + "글"),
    "quote that is too deep": text("▶" + "> " * 13 + "글"),
    "lesson with a list that is too deep": {"snippets/count.py": ("# # 세기", "# # 세기\n#\n# ▶" + "- " * 13 + "글")},
    "too many brackets": text("[" * 300 + "▶[" * 1 + "["),
    "character that nobody sees": text("값\u200b▶은".replace("\u200b▶", "▶\u200b")),
    "control character by an escape": {FIRST: ("question: 두 값은 같나요?", 'question: "두 ▶\\x02값"')},
    "carriage return by an escape": {FIRST: ("question: 두 값은 같나요?", 'question: "두 \\r▶값"')},
    "turned text": {FIRST: ("    title: 왜 같은지", "    title: 왜 ▶\u202e같은지")},
    "key with a character that nobody sees": {FIRST: ("    block: tokens", "    ▶▶bl\u200bock: tokens")},
    "key with a letter of another script": {FIRST: ("    block: tokens", "    ▶bl\u043eck: tokens")},
    "verdict with a letter of another script": {SECOND: ("verdict: 미확인", "verdict: ▶미확\u1109인")},
    "tag spelled in two ways": {SECOND: ("tags: [비교]", "tags: [▶비교!]")},
    # blocks, glossary, pages, schemas
    "missing block": {FIRST: ("block: tokens", "block: ▶token")},
    "block outside its folder": {FIRST: ("block: tokens", "block: ▶../../snippets/helper")},
    "block with a syntax error": {"docs/blocks/tokens.py": "print(1)\n▶x = = 1\n".replace("▶x = =", "x = ▶=")},
    "term twice": {"docs/glossary.yaml": ("- term: 셈", "- term: ▶같음")},
    "term whose name is another's": {
        "docs/glossary.yaml": ("- term: 셈", "- term: 셈\n  english: ▶Equality\n  aliases: [▶같음, 세기]"),
    },
    "term with an unknown thread": {"docs/glossary.yaml": ("threads: [first]", "threads: [▶frist]")},
    "glossary that is broken": {"docs/glossary.yaml": ("- term: 셈", "- ▶trem: 셈".replace("▶", "▶▶"))},
    "page that asks for something unknown": {"docs/index.md": ("<!-- mundap:path -->", "▶<!-- mundap:paths -->")},
    "page that shows what is not there": {
        "docs/index.md": (
            "<!-- mundap:path -->",
            "▶<!-- mundap:figure measure.curbe --> ▶<!-- mundap:code count.nothing --> "
            "▶<!-- mundap:figure mesure.curve --> ▶<!-- mundap:thread frist --> ▶<!-- mundap:chapter basic --> "
            "`<!-- mundap:paths -->`",
        )
    },
    "page with numbers and links that lead nowhere": {
        "docs/index.md": (
            "<!-- mundap:path -->",
            "{{▶measure.differense:.1e}} [글](▶thread:frist) [글](▶run:mesure) `{{a.b}}`",
        )
    },
    "page that is not UTF-8": {"docs/index.md": b"# \xff\n"},
    "old schema": {"schema/thread.json": "{}\n"},
    "missing schema": {"schema/index.json": None},
    # several at once
    "several in several files": {
        INDEX: ("      - second\n", "      - second\n      - ▶missing\n"),
        FIRST: [
            ("level: 기초", "level: ▶초급"),
            ("check: measure.difference < 1e-5", "check: measure.difference ▶=< 1e-5"),
            ("{paper: vit, where: 식 1}", "{paper: ▶vti, where: 식 1}"),
            ("show: distance", "show: ▶distanse"),
            ("needs: []", "needs: [▶secnod]"),
            ("[실행](run:measure)", "[실행](▶run:mesure) $▶\\fooo$ {{▶measure.x}}"),
        ],
        SECOND: [("tags: [비교]", "tags: 비교: 셈".replace(": 셈", "▶: 셈"))],
        "docs/glossary.yaml": (
            "[문답](thread:first)",
            "[문답](▶thread:fist) [이것](thread:second#small) [저것](thread:first#same)",
        ),
        "snippets/count.py": ("evidence =", "evidenze ="),
    },
}


def make_mistake(folder, mistake):
    """Change a sound project -> {file: [(line, column)] where messages have to point}."""
    mistake, expected = dict(mistake), {}
    mark, stale = mistake.pop("mark", None), mistake.pop("stale", False)
    for name, edits in mistake.items():
        if edits is None:
            (folder / name).unlink()
            continue
        if isinstance(edits, tuple | list):
            content = FILES[name]
            for old, new in [edits] if isinstance(edits, tuple) else edits:
                assert content.count(old) == 1, (old, content.count(old))
                content = content.replace(old, new)
            content = content.replace(*mark) if mark else content
        else:
            content = edits((folder / "docs/notebooks/measure.ipynb").read_text()) if callable(edits) else edits
        if isinstance(content, bytes):
            head, found, rest = content.partition(MARK.encode())
            expected[name] = [(head.count(b"\n") + 1, len(head[head.rfind(b"\n") + 1 :].decode()) + 1)] if found else []
            content = head + rest
        else:
            content, expected[name] = marked(content)
        put(folder / name, content)
    if any(name.startswith("snippets/") for name in mistake) and not stale:
        make_records(folder)
    return expected


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path)


def golden(root):
    """{name of a mistake: the lines that `mundap check` says}."""
    written = (root / "tests" / "errors" / "messages.txt").read_text(encoding="utf-8")
    return {
        part.partition("\n")[0]: part.partition("\n")[2].rstrip("\n") for part in re.split(r"(?m)^== ", written)[1:]
    }


def write_golden(root, messages):
    """Write the messages of the mistakes that there are, in their order."""
    text = "".join(f"== {name}\n{messages[name]}\n" for name in MISTAKES if name in messages)
    (root / "tests" / "errors" / "messages.txt").write_text(text, encoding="utf-8")


def test_sound_project(project, monkeypatch, capsys):
    monkeypatch.chdir(project)
    assert main(["check"]) == 0
    assert capsys.readouterr() == ("문답 3개, 주장 5개를 살펴봤어요. 고칠 곳이 없어요.\n", "")


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake(name, project, root, monkeypatch, capsys, tmp_path_factory):
    expected = make_mistake(project, MISTAKES[name])
    monkeypatch.chdir(project)
    assert main(["check"]) == 1
    out, err = capsys.readouterr()
    _, problems = examine(project)
    lines = out.splitlines()
    assert err == f"고칠 곳이 {len(lines)}군데 있어요.\n"
    for file in {problem.path for problem in problems}:
        here = places([problem for problem in problems if problem.path == file])
        assert here == (sorted(expected.get(file) or []) or [(1, 1)] * len(here)), out
    assert all(f"\n{file}:" in f"\n{out}" for file, marks in expected.items() if marks)
    for line in lines:
        assert re.fullmatch(r"[^:]+:\d+:\d+: [^\n]+[.?] [^\n]+[.?]", line), line
        assert not re.search(r"을\(를\)|이\(가\)|은\(는\)|Traceback", line)
    if os.environ.get("MUNDAP_WRITE"):
        with FileLock(tmp_path_factory.getbasetemp().parent / "messages.lock"):  # other workers write theirs
            write_golden(root, {**golden(root), name: out.rstrip("\n")})
        return
    assert golden(root)[name] == out.rstrip("\n")


@pytest.mark.skipif("MUNDAP_WRITE" in os.environ, reason="the messages are being written")
def test_messages_hold_no_mistake_that_is_gone(root):
    assert list(golden(root)) == list(MISTAKES)


def test_files_that_cannot_be_read(project, monkeypatch, capsys):
    for name in (SECOND, "docs/notebooks/count.ipynb"):
        (project / name).unlink()
        (project / name).mkdir()
    (project / THIRD).unlink()
    (project / THIRD).symlink_to(project / "nowhere")
    monkeypatch.chdir(project)
    assert main(["check"]) == 1
    out = capsys.readouterr().out
    assert f"{SECOND}:1:1: 파일을 읽을 수 없어요(파일이 아니라 폴더예요)." in out
    assert f"{THIRD}:1:1: 파일을 읽을 수 없어요(파일이 없어요)." in out
    assert "docs/notebooks/count.ipynb:1:1: `mundap run` 명령이 남긴 기록이 아니에요." in out


def test_broken_index_hides_no_mistake_of_a_thread(project):
    make_mistake(
        project,
        {INDEX: "chapters: 없음\n", FIRST: ("level: 기초", "level: 초급"), SECOND: ("tags: [비교]", "tags: [비교")},
    )
    assert [problem.path for problem in examine(project)[1]] == [FIRST, SECOND, INDEX, INDEX, INDEX]


def test_broken_thread_makes_no_other_file_wrong(project):
    """What links to it, needs it or uses the same snippets is as right as before."""
    for mistake in ({FIRST: ("level: 기초", "lavel: 기초")}, {FIRST: ("level: 기초", "level: [기초")}, {FIRST: None}):
        make_project(project)
        make_mistake(project, mistake)
        _, problems = examine(project)
        assert {problem.path for problem in problems} <= {FIRST, INDEX, "snippets/measure.py"}
        assert len(problems) <= 2


def test_project_of_a_sound_folder(project):
    found, problems = examine(project)
    assert problems == []
    assert list(found.threads) == ["first", "second", "third"] and found.threads["third"].chapter == "more"
    assert found.users == {"measure": ["first"], "count": ["second", "third"]} and found.stale == {}
    first, file = found.threads["first"], found.files.drafts[0]
    assert {place for name, place in found.judgements if name == FIRST} == {
        ("answers", 0, "claims", 0),
        ("answers", 1, "claims", 0),
        ("try", 0),
    }
    assert [item.anchor for item in (*first.claims, *first.tries)] == ["same-1", "same-2", "explained-1", "try-1"]
    assert [bool(found.judgement(first, item)) for item in (*first.claims, *first.tries)] == [True, False, True, True]
    assert thread_anchors(file.data) == [
        "asked",
        "conclusion",
        "misconception",
        "try",
        "sources",
        "related",
        "try-1",
        "same",
        "same-1",
        "same-2",
        "measure-curve",
        "explained",
        "explained-1",
    ]
    assert found.evidence == {"count": {"steps": 3, "exact": True}, "measure": {"difference": 1e-7, "name": "작음"}}


@pytest.mark.parametrize("flavour", [MKDOCS, PLAIN])
def test_link_to_a_page_hands_on_its_query(project, flavour):
    put(project / "docs" / "about.md", "# 소개\n")
    make_mistake(project, text("[글](page:about?a=1,2&b=c) [또](page:about#소개)"))
    found, problems = examine(project)
    assert problems == []
    page = pages_of(found, flavour)["qa/basics/first.md"]
    assert "[글](../../about.md?a=1,2&b=c) [또](../../about.md#소개)" in page


def test_stale_names_what_changed(project):
    put(project / "snippets" / "helper.py", FILES["snippets/helper.py"].replace("x / 2", "0.5 * x"))
    (project / "docs" / "notebooks" / "count.ipynb").unlink()
    found, problems = examine(project)
    assert found.stale == {"count": [], "measure": ["helper.py"]}
    assert [problem.minor for problem in problems] == [False, True]  # pages can be made of an old record, not of none


def test_loading_writes_nothing(project):
    before = snapshot(project)
    examine(project)
    assert snapshot(project) == before


def test_every_marker_can_be_filled_in(project):
    found, _ = examine(project)
    for name in texts.MARKERS:
        assert "<!--" not in fill(found, f"<!-- mundap:{name} -->", "index.md")


def test_template_is_a_file_whose_words_are_missing(project, monkeypatch):
    put(project / "docs" / "qa" / "more" / "why-position.yaml", schema.template("why-position"))
    put(project / INDEX, FILES[INDEX].replace("      - third\n", "      - third\n      - why-position\n"))
    _, problems = examine(project)
    assert problems and all(
        problem.path.endswith("why-position.yaml") and "비어 있어요" in problem.what for problem in problems
    )
