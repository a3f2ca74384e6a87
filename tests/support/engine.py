"""What the engine's tests share: a small project that is all right, and texts with the place of a mistake marked."""

import json

from mundap.project import records, schema, snippets
from mundap.project.cells import cells_of

MARK = "▶"  # stands before the character that a message has to point at; it is taken out of the text
# A snippet whose last cell is still to be written; and one that runs for a minute, and says when it has begun
HEAD = "# %% [markdown]\n# # 제목\n# 글\n\n# %%\nimport helper\n\n# %%\nif __name__ == '__main__':\n"
SLOW = HEAD + "    import time\n    open('started', 'w').write('x')\n    time.sleep(60)\n    evidence = {'x': 1}\n"
FILES = {
    "qa_index.yaml": """\
# 읽는 순서
chapters:
  - id: basics
    title: 기초
    about: 처음 읽는 장이에요.
    threads:
      - first  # 첫 문답
      - second

  - id: more
    title: 더 깊이
    about: 다음에 읽는 장이에요.
    threads:
      - third
documents:
  S1: {title: 강의 노트}
papers:
  vit: {title: 그림은 낱말, authors: 홍길동, year: 2021, arxiv: 2010.11929}
""",
    "docs/qa/basics/first.yaml": """\
# yaml-language-server: $schema=../../../schema/thread.json
id: first
question: 두 값은 같나요?
source:
  - {document: S1, section: 첫째 절}
level: 기초
tags: [같음, 비교]
needs: []
asked: |
  두 값이 같은지 궁금해요. $a = b$인가요?
conclusion: |
  차이는 {{measure.difference:.1e}}예요. [둘째 문답](thread:second#small-1)도 보세요.
misconception: |
  눈으로 보면 같아 보여요.
answers:
  - id: same
    kind: 의견
    title: 두 값은 같아요
    body: |
      값 `a`와 `b`는 같아요. [같음](term:같음)의 뜻을 보세요.

      $$
      a = \\frac{b}{1}
      $$
    block: tokens
    snippets:
      - run: measure
        show: distance
        figure: curve
    claims:
      - id: same-1
        text: 두 값이 같아요.
        basis: 실험
        verdict: 맞음
        check: measure.difference < 1e-5
        why: 차이를 쟀어요.
        cite: [{paper: vit, where: 식 1}]
      - id: same-2
        text: 옛날부터 그랬어요.
        basis: 문헌
        verdict: 맞음
        cite: [{paper: vit, where: 1절, says: 옛날 일이에요.}]
  - id: explained
    kind: 해설
    title: 왜 같은지
    body: |
      [실행](run:measure)을 보세요.
    snippets:
      - run: measure
    claims:
      - id: explained-1
        text: 차이가 커요.
        basis: 실험
        verdict: 틀림
        check: measure.difference < 1 and measure.name == "작음"
try:
  - change: 값을 바꿔 보세요.
    predict: 어떻게 될까요?
    outcome: 커져요.
    check: measure.difference < 0.5
""",
    "docs/qa/basics/second.yaml": """\
id: second
question: 값이 작나요?
source: [{document: S1, section: 둘째 절}]
level: 중급
tags: [비교]
needs: [first]
asked: 작은가요?
conclusion: 작아요.
answers:
  - id: small
    kind: 의견
    title: 작아요
    body: 작아요.
    snippets: [{run: count, figure: sizes}]
    claims:
      - id: small-1
        text: 값이 작아요.
        basis: 실험
        verdict: 미확인
        check: count.steps <= 3
        why: 세 번으로는 알 수 없어요.
        cite: [{paper: vit, where: 표 1}]
""",
    "docs/qa/more/third.yaml": """\
id: third
question: 셋째는요?
source: [{document: S1, section: 셋째 절}]
level: 심화
tags: [세기]
asked: 셋째요?
conclusion: "네, {{count.steps}}번이에요."
answers:
  - id: yes-it-is
    kind: 해설
    title: 네
    body: 세어 봤어요.
    snippets: [{run: count}]
    claims:
      - id: yes-it-is-1
        text: 세 번이에요.
        basis: 실험
        verdict: 일부 맞음
        check: count.steps == 3 and count.exact == True
""",
    "docs/glossary.yaml": """\
- term: 같음
  english: equality
  aliases: [동일]
  definition: 차이가 없어요. [문답](thread:first)을 보세요.
  threads: [first]
- term: 셈
  definition: 세는 일이에요.
""",
    "docs/index.md": "# 홈\n\n<!-- mundap:scoreboard -->\n\n<!-- mundap:path -->\n",
    "docs/blocks/tokens.py": "print('토큰은', 14 * 14 + 1, '개예요.')\n",
    "snippets/helper.py": 'STEPS = 3\n\n\ndef half(x):\n    """Half of x."""\n    return x / 2\n',
    "snippets/measure.py": """\
# %% [markdown]
# # 차이 재기
# 두 값의 차이를 재요.

# %%
from helper import half


def distance(a, b):
    \"\"\"How far two numbers are apart.\"\"\"
    return abs(a - b)


# %%
if __name__ == "__main__":
    difference = distance(half(2), 1 + 1e-7)
    print("차이:", difference)

# %%
if __name__ == "__main__":
    evidence = {"difference": difference, "name": "작음"}
    tolerance = {"difference": 1e-8}
    evidence
""",
    "snippets/count.py": """\
# %% [markdown]
# # 세기

# %%
from helper import STEPS

# %%
if __name__ == "__main__":
    evidence = {"steps": STEPS, "exact": True}
""",
}
RECORDS = {
    "measure": (
        {"difference": 1e-7, "name": "작음"},
        {"difference": 1e-8},
        {"curve": ("image/svg+xml", '<svg viewBox="0 0 9 9"><text>선</text></svg>', "차이가 작아요.")},
    ),
    "count": (
        {"steps": 3, "exact": True},
        {},
        {
            "sizes": (
                "text/html",
                '<table><caption>크기</caption><thead><tr><th scope="col">값</th></tr></thead>'
                "<tbody><tr><td>3</td></tr></tbody></table>",
                "크기",
            )
        },
    ),
}


def make_project(folder):
    """Write the small project below a folder -> the folder. Its records are made up, not run."""
    for name, text in FILES.items():
        put(folder / name, text)
    for name in schema.SCHEMAS:
        put(folder / "schema" / f"{name}.json", schema.to_json(name))
    make_records(folder)
    return folder


def make_records(folder, **changes):
    """Write records of both snippets as they stand now; changes: name=(evidence, tolerance, exhibits[, null]) of others."""
    found = snippets.load(folder / "snippets")
    for name, (evidence, tolerance, exhibits, *null) in {**RECORDS, **changes}.items():
        hashes = snippets.sources(found, name)
        outputs = [
            {
                "output_type": "display_data",
                "metadata": {"name": label, "alt": alt},
                "data": {mime: content, "text/plain": alt},
            }
            for label, (mime, content, alt) in exhibits.items()
        ]
        cells = [
            {"cell_type": cell.kind, "id": f"cell-{number}", "metadata": {}, "source": cell.source}
            | ({"execution_count": number, "outputs": []} if cell.kind == "code" else {})
            for number, cell in enumerate(cells_of(found[name].source or "evidence"))  # "" where it cannot be read
        ]
        cells[-1]["outputs"] = outputs
        meta = {
            "digest": snippets.digest(hashes),
            "sources": hashes,
            "seconds": 2.5,
            "versions": {"python": "3.11"},
            "evidence": evidence,
            "tolerance": tolerance,
            "null": null[0] if null else {},
        }
        notebook = {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {"mundap": meta, "language_info": {"name": "python"}},
            "cells": cells,
        }
        meta["seal"] = records.seal(notebook)
        put(folder / "docs" / "notebooks" / f"{name}.ipynb", json.dumps(notebook, ensure_ascii=False))


def put(path, content):
    """Write text or bytes to a file, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def snapshot(folder):
    """Every file below a folder -> {name: bytes}, to tell whether anything changed."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def marked(text):
    """A text with marks -> (text without them, [(line, column) of each])."""
    places, parts = [], text.split(MARK)
    for number in range(1, len(parts)):
        before = "".join(parts[:number])
        places.append((before.count("\n") + 1, len(before) - before.rfind("\n")))
    return "".join(parts), places


def places(problems):
    """Where problems stand -> [(line, column)]."""
    return [(problem.line, problem.column) for problem in problems]
