"""Lists of any length in files of bounded size, of which a reader fetches those few that it needs."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SIZE = 6_000  # bytes of a shard at least, but for the last one: some 2 kB as a host with gzip sends it


def compact(value: Any) -> str:
    """JSON without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def in_order(text: str) -> bytes:
    """What to sort by for JavaScript, which compares UTF-16."""
    return text.encode("utf-16-be")


def write(folder: Path, name: str, rows: Iterable[tuple[str, Any]]) -> list[str]:
    """Write rows, sorted by their keys, as {key: value} into folder/name0.json and so on. Returns the first key of each."""
    firsts: list[str] = []
    shard: dict[str, Any] = {}
    size = 0

    def end() -> None:
        (folder / f"{name}{len(firsts) - 1}.json").write_text(compact(shard), encoding="utf-8")

    for key, value in rows:
        if size > SIZE:
            end()
            shard, size = {}, 0
        if not shard:
            firsts.append(key)
        shard[key] = value
        size += len(compact([key, value]).encode())
    if shard:
        end()
    return firsts
