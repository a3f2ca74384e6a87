"""Scaffold a thread: its YAML from the template, and its line in the map."""

import re

from mundap import schema, yamlsource
from mundap.problems import Failure


def new(root, chapter, identifier):
    """Write docs/qa/CHAPTER/ID.yaml and add its line to qa_index.yaml -> path; raises Failure, changing nothing."""
    index_file = root / "qa_index.yaml"
    index, problems = yamlsource.read(index_file, "qa_index.yaml")
    problems += schema.problems(index, "index") if not problems else []
    if problems:
        raise Failure("`qa_index.yaml`을 먼저 고쳐 주세요.\n" + "\n".join(map(str, problems)))
    if not re.fullmatch(schema.SLUG, identifier):
        raise Failure(f"`{identifier}`라는 이름은 쓸 수 없어요. 영문 소문자로 시작해 소문자, 숫자, `-`만 써 주세요(예: `why-position`).")
    ids = [item["id"] for item in index.value["chapters"]]
    if chapter not in ids:
        raise Failure(f"`{chapter}`라는 장이 없어요. 있는 장: {', '.join(ids)}. 새 장은 `qa_index.yaml`의 `chapters`에 먼저 더해 주세요.")
    path = root / "docs" / "qa" / chapter / f"{identifier}.yaml"
    for other in index.value["chapters"]:
        if identifier in other["threads"]:
            raise Failure(f"`{identifier}`라는 문답이 이미 `{other['id']}` 장에 있어요. 다른 이름을 골라 주세요.")
    if path.exists():
        raise Failure(f"`{path.relative_to(root)}` 파일이 이미 있어요. 다른 이름을 고르거나 그 파일을 고쳐 주세요.")
    place = ids.index(chapter)
    last = len(index.value["chapters"][place]["threads"]) - 1
    line, column = index.where(("chapters", place, "threads", last))
    lines = index_file.read_text(encoding="utf-8").splitlines(keepends=True)
    indent = re.match(r"\s*", lines[line - 1])[0]
    if not lines[line - 1].lstrip().startswith("- "):
        raise Failure(f"qa_index.yaml:{line}:{column}: `threads`를 한 줄에 하나씩 `- {identifier}` 꼴로 적어 주세요.")
    if not lines[line - 1].endswith("\n"):
        lines[line - 1] += "\n"
    lines.insert(line, f"{indent}- {identifier}\n")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(schema.template(identifier), encoding="utf-8")
    index_file.write_text("".join(lines), encoding="utf-8")
    return path
