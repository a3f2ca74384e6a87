"""The one definition of what authors write.

Validation, the editors' JSON Schema, the documentation and the scaffold of a thread are all made from it.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from mundap.project.forms import ARXIV, DATE, LINE, NAME, NUMBER, PHRASE, SLUG, TEXT, URL, YEAR

Node = dict[str, Any]  # a part of a JSON Schema

VERDICTS = {
    "맞음": ("true", "✓", "근거가 주장을 뒷받침해요."),
    "일부 맞음": ("partly", "◐", "조건을 붙이거나 말을 고쳐야 맞아요."),
    "틀림": ("false", "✗", "근거가 주장을 반박해요."),
    "미확인": ("open", "?", "여기서 잰 것으로도, 논문이 보고한 것으로도 가를 수 없어요. 왜 그런지 적어요."),
}
BASES = {
    "실험": "데이터나 학습에서 잰 값이 갈랐어요. 다르게 나올 수도 있었어요.",
    "증명": "정의, 계산, 코드가 갈랐어요. 반례 하나로 끝나는 것도 여기에 들어요.",
    "문헌": "우리 실행으로는 가를 수 없어서, 논문이 보고한 것이 갈랐어요.",
}
LEVELS = ["기초", "중급", "심화"]
KINDS = {"의견": "원문에 나온 입장이에요. 맞든 틀리든 공정하게 옮겨요.", "해설": "우리가 덧붙인 설명이에요."}
OUTDATED = {  # what an older project says: (key, value) -> how to move
    (
        "verdict",
        "문헌",
    ): "`문헌`은 이제 판정이 아니라 근거예요. `basis: 문헌`을 더하고, 판정은 문헌이 보고하는 대로 골라 주세요",
}


def _text(description: str, pattern: str = TEXT, **more: Any) -> Node:
    return {"type": "string", "pattern": pattern, "description": description, **more}


def _line(description: str) -> Node:
    return _text(description, LINE)


def _slug(description: str) -> Node:
    return _text(description, SLUG)


def _choice(description: str, choices: Iterable[str]) -> Node:
    return {"type": "string", "enum": list(choices), "description": description}


def _object(description: str, required: list[str], **properties: Node) -> Node:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _list(description: str, items: Node, **more: Any) -> Node:
    return {"type": "array", "description": description, "items": items, **more}


CITE = _list(
    "근거 문헌",
    _object(
        "문헌 하나",
        ["paper", "where"],
        paper=_text("`qa_index.yaml`의 `papers`에 있는 이름"),
        where=_line("절, 표, 그림, 식 번호"),
        says=_text("그 자리에서 논문이 보고하는 내용(우리말로)"),
    ),
    minItems=1,
)
CLAIM = _object(
    "주장 하나와 그 판정",
    ["id", "text", "basis", "verdict"],
    id=_slug("주장의 주소(영문 소문자와 -). 주장을 옮기거나 고쳐도 바꾸지 않아요."),
    text=_line("주장을 한 문장으로"),
    basis=_choice("판정을 가른 것. 잰 값이면 `실험`, 정의나 계산이면 `증명`, 논문의 보고면 `문헌`", BASES),
    verdict=_choice("판정", VERDICTS),
    check=_text(
        "판정이 성립하는 조건: `스니펫.증거 < 1e-5` 꼴의 비교. `and`로 이을 수 있어요. 근거가 `문헌`이면 적지 않고, "
        "`미확인`이면 적지 않아도 돼요."
    ),
    why=_text("실행이 주장을 어떻게 가르는지, 틀렸다면 무엇이 맞는지"),
    cite=CITE,
)
SNIPPET = _object(
    "실행 하나",
    ["run"],
    run=_text("`snippets/`에 있는 스크립트 이름(`.py` 없이)"),
    show=_text("페이지에 보여 줄 함수나 클래스 이름"),
    figure=_text("페이지에 보여 줄 그림이나 표의 이름"),
)
ANSWER = _object(
    "답 하나",
    ["id", "kind", "title", "body", "snippets", "claims"],
    id=_slug("답의 주소(영문 소문자와 -)"),
    kind=_choice("`의견`은 원문의 입장, `해설`은 우리 설명", KINDS),
    title=_line("답을 한 문장으로"),
    verdict=_choice("답 전체의 판정. 적지 않으면 주장들의 판정에서 정해요.", VERDICTS),
    gist=_line("실행해 보니 그 답이 어땠는지 한 줄로"),
    body=_text("본문. Markdown이고, 수식은 `$…$`, 잰 값은 `{{스니펫.증거}}`로 적어요."),
    block=_text("`docs/blocks/`에 있는 짧은 스크립트 이름(`.py` 없이). 빌드할 때 돌려 결과를 보여 줘요.", NAME),
    snippets=_list("이 답을 뒷받침하는 실행", SNIPPET, minItems=1),
    claims=_list("이 답에 든 주장", CLAIM, minItems=1),
)
MOVED = _object(
    "없어진 주소 하나. 옛 링크가 이어받은 자리로 가고, 그 이름은 다시 쓸 수 없어요.",
    ["from", "to"],
    **{"from": _slug("없어진 주장의 id")},
    to=_slug("이어받은 답이나 주장의 id"),
)
GUESS = _object(
    "수로 하는 예상: 잰 값이 하나면 자를 끌어 맞히고, 여럿이면 곡선을 그려 맞혀요.",
    ["from", "to", "of"],
    **{"from": _text("자가 시작하는 값", NUMBER)},
    to=_text("자가 끝나는 값", NUMBER),
    step=_text("한 칸(적지 않으면 1)", NUMBER),
    unit=_line("값 뒤에 붙는 말(예: `%`, `배`)"),
    of={
        "type": "object",
        "description": "무엇을 맞힐지: `이름: 스니펫.증거`. 여럿이면 왼쪽부터 놓여요.",
        "additionalProperties": _line("잰 값: `스니펫.증거`나 그 계산"),
        "minProperties": 1,
    },
)
PREDICT = _object(
    "먼저 예상해 볼 질문. 답 바로 아래에 나와요.",
    ["ask", "outcome", "check"],
    ask=_line("무엇을 예상할지 한 문장으로"),
    choices=_list("고를 것 둘에서 넷", _line("고를 것"), minItems=2, maxItems=4, uniqueItems=True),
    right=_line("`choices` 가운데 실행이 보여 준 것"),
    guess=GUESS,
    outcome=_text("실행해 보니 어땠는지 한두 문장으로"),
    check=_text("그 결과를 뒷받침하는 조건"),
    run=_text("함께 보여 줄 그림이 있는 실행"),
    figure=_text("함께 보여 줄 그림이나 표의 이름"),
)
TOUCH = _object(
    "손으로 만져 보는 그림. 예상 바로 아래에 나와요.",
    ["script", "do", "see"],
    script=_slug("`docs/assets/js/touch/`에 있는 스크립트 이름(`.js` 없이)"),
    do=_line("무엇을 어떻게 만져 볼지 한 문장으로"),
    see=_text("만져 보면 무엇이 보이는지. 스크립트가 돌지 않는 곳에서는 이것만 읽혀요."),
    numbers=_list("그림이 받아 쓸 잰 값", _line("`스니펫.증거`"), uniqueItems=True),
)
TRY = _object(
    "더 해보기 하나",
    ["change", "predict", "outcome", "check"],
    change=_text("스니펫에서 무엇을 바꿔 볼지"),
    predict=_text("먼저 예상해 볼 질문"),
    outcome=_text("바꾸면 어떻게 되는지"),
    check=_text("그 결과를 뒷받침하는 조건"),
)
SOURCE = {
    **_object(
        "출처 하나",
        ["section"],
        document=_text("`qa_index.yaml`의 `documents`에 있는 이름"),
        url=_text("공개된 곳에 올라온 질문이라면 그 주소", URL),
        date=_text("그 질문이 올라온 날", DATE),
        section=_line("문서의 어느 대목인지, 또는 질문의 제목"),
    ),
    "anyOf": [{"required": ["document"]}, {"required": ["url"]}],
    "dependencies": {"url": ["date"], "date": ["url"]},
}
THREAD = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "문답",
    **_object(
        "문답 하나: 질문, 답, 주장과 판정",
        ["id", "question", "source", "level", "tags", "asked", "conclusion", "answers"],
        id=_slug("문답의 이름(영문 소문자와 -). 파일 이름과 같아야 해요."),
        question=_line("질문 한 줄"),
        source=_list("어느 문서의 어디, 또는 어디에 올라온 질문에서 왔는지", SOURCE, minItems=1),
        level=_choice("난이도", LEVELS),
        tags=_list("찾아보기에 쓰는 말", _line("태그"), minItems=1, uniqueItems=True),
        needs=_list("먼저 읽을 문답의 id", _text("문답 id"), uniqueItems=True),
        also=_list(
            "같은 것을 학생들이 달리 묻는 말 넷에서 여덟. 검색이 읽고, 페이지에는 나오지 않아요.",
            _text("달리 묻는 말", PHRASE),
            minItems=4,
            maxItems=8,
            uniqueItems=True,
        ),
        asked=_text("질문을 학생의 말로 풀어 쓴 글(Markdown)"),
        short=_line("목차에 쓰는 짧은 질문(14자쯤)"),
        answer=_line("질문에 답하는 한 문장. 가장 중요한 수 하나를 넣어 주세요."),
        predict=PREDICT,
        touch=TOUCH,
        conclusion=_text("왜 그런지 두세 문장으로(Markdown)"),
        embed=_line(
            "문답 안에서 열어 볼 글: 무엇을 해 볼지 한 문장으로, `[누를 말](page:lab?pos=none)` 링크를 하나 넣어서"
        ),
        misconception=_text("흔한 오해: 왜 그렇게 믿게 되는지(Markdown)"),
        answers=_list("답들", ANSWER, minItems=1),
        **{"try": _list("더 해보기", TRY, minItems=1)},
        moved=_list("없어진 주소와 그 뜻을 이어받은 주소", MOVED, minItems=1),
    ),
}
INDEX = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "문답 지도",
    **_object(
        "장의 순서와 그 안의 문답, 원문과 논문 목록",
        ["chapters", "documents", "papers"],
        chapters=_list(
            "읽는 순서대로 놓은 장",
            _object(
                "장 하나",
                ["id", "title", "about", "threads"],
                id=_slug("장의 이름이자 `docs/qa/` 아래 폴더 이름"),
                title=_line("장 제목"),
                about=_text("장 소개 한두 문장"),
                threads=_list("읽는 순서대로 놓은 문답 id", _text("문답 id"), minItems=1),
            ),
            minItems=1,
        ),
        documents={
            "type": "object",
            "description": "원문",
            "additionalProperties": _object(
                "원문 하나",
                ["title"],
                sections=_list(
                    "원문의 질문과 대목을 나온 순서대로",
                    _object(
                        "대목 하나",
                        ["title", "threads"],
                        title=_line("대목을 가리키는 말"),
                        threads=_list("여기에 답하는 문답 id. 아직 없으면 `[]`", _text("문답 id")),
                    ),
                ),
                title=_line("원문을 부르는 말"),
            ),
        },
        papers={
            "type": "object",
            "description": "인용하는 논문",
            "additionalProperties": {
                **_object(
                    "논문 하나",
                    ["title", "authors", "year"],
                    title=_line("제목"),
                    authors=_line("저자"),
                    year=_text("연도", YEAR),
                    arxiv=_text("arXiv 번호", ARXIV),
                    url=_text("주소", URL),
                ),
                "anyOf": [{"required": ["arxiv"]}, {"required": ["url"]}],
            },
        },
    ),
}
GLOSSARY = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "용어집",
    **_list(
        "용어",
        _object(
            "용어 하나",
            ["term", "definition"],
            term=_line("우리말 용어"),
            english=_line("영어 용어"),
            aliases=_list("검색에서 같은 말로 여길 말", _text("다른 표기")),
            definition=_text("뜻풀이"),
            threads=_list("함께 볼 문답", _text("문답 id")),
        ),
    ),
}
LABELS = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "증거의 이름",
    "type": "object",
    "description": "스니펫마다, 증거를 페이지에서 무엇이라 부를지",
    "additionalProperties": {
        "type": "object",
        "description": "증거 이름과 우리말 이름",
        "additionalProperties": _line("페이지에 보여 줄 이름(예: `정확도 (위치 없음)`)"),
    },
}
SCHEMAS = {"thread": THREAD, "index": INDEX, "glossary": GLOSSARY, "labels": LABELS}


def to_json(name: str) -> str:
    """The JSON Schema (draft-07) for editors, as text. Editors read `1` as a number where we read text: allow both."""

    def widen(node: Any) -> Any:
        if isinstance(node, dict):
            node = {key: widen(value) for key, value in node.items()}
            if node.get("type") == "string" and "enum" not in node and node["pattern"] != SLUG:
                node["type"] = ["string", "number", "boolean"]
        return [widen(item) for item in node] if isinstance(node, list) else node

    return json.dumps(widen(SCHEMAS[name]), ensure_ascii=False, indent=2) + "\n"


def documentation() -> str:
    """The thread format as a Markdown table: key, whether it must be there, what it means."""
    rows = ["| 키 | 꼭 필요한가요 | 뜻 |", "|---|---|---|"]

    def walk(node: Node, prefix: str) -> None:
        for key, child in node["properties"].items():
            name = f"{prefix}{key}"
            meaning = child.get("description", "") + (f" ({', '.join(child['enum'])})" if "enum" in child else "")
            rows.append(f"| `{name}` | {'네' if key in node['required'] else ''} | {meaning} |".replace("  |", " |"))
            inner = child.get("items", child)
            if "properties" in inner:
                walk(inner, name + ("[]." if child.get("type") == "array" else "."))

    walk(THREAD, "")
    return "\n".join(rows)


def template(identifier: str, asked: Mapping[str, str] | None = None) -> str:
    """The scaffold of a new thread: every required key with its description beside it.

    asked: what is to be filled in of a question that was asked in public, by its keys; asked: lines, the others YAML.
    """
    asked = asked or {}
    lines = ["# yaml-language-server: $schema=../../../schema/thread.json"]
    fixed = {"id": identifier, "level": LEVELS[0], "kind": "해설", "basis": "실험", "verdict": "맞음", **asked}

    def walk(node: Node, indent: str, first: str = "") -> None:
        where = ("url", "date") if asked else ("document",)
        for key in [*where, *node["required"]] if node is SOURCE else node["required"]:
            child, lead = node["properties"][key], first or indent
            first = ""
            note = child["description"] + (f" ({' | '.join(child['enum'])})" if "enum" in child else "")
            if child.get("type") == "array":
                lines.append(f"{lead}{key}:  # {note}")
                inner = child["items"]
                if "properties" in inner:
                    walk(inner, indent + "    ", indent + "  - ")
                else:
                    lines.append(f"{indent}  - ")
            elif key in ("asked", "conclusion", "body"):
                text = asked.get(key, "").splitlines() or [""]
                lines.extend([f"{lead}{key}: |  # {note}", *(f"{indent}  {line}" for line in text)])
            else:
                value = f"{identifier}-1" if node is CLAIM and key == "id" else fixed.get(key, "")
                lines.append(f"{lead}{key}: {value}  # {note}")
        if node is CLAIM:
            lines.append(f"{indent}check:   # {CLAIM['properties']['check']['description']}")

    walk(THREAD, "")
    return "\n".join(line.rstrip() for line in lines) + "\n"
