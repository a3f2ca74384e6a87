"""Projects of many threads, made from this one's: for measurements of scale, and for the test of it.

    python tools/scale.py FOLDER 500      a project of 500 threads in a new folder

The threads are this project's own, copied under new ids: a third of their Korean words becomes others, drawn by
Zipf's law from a vocabulary that grows with the root of the number of threads, so that an index of the words grows as
that of a real site would. Snippets, records and glossary stay as they are.
"""

import argparse
import hashlib
import re
import shutil
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("docs", "snippets", "overrides", "schema", "mkdocs.yml", "qa_index.yaml")
WORD = re.compile(r"(?P<link>\((?:term|thread):[^)]*\))|[가-힣]{2,}")  # where links lead stays
CHAPTER = 50  # threads at most
KEPT = re.compile(
    r"^\s*(?:- )?(?:level|kind|basis|verdict|section|needs|figure|run|show|unit|tags|check):"
)  # values that mean something


def syllable(number: int) -> str:
    """One of the 11,172 syllables that Hangul can write."""
    return chr(0xAC00 + number % 11172)


def other_word(word: str, copy: int, vocabulary: int) -> str:
    """The word that stands for `word` in a copy: itself for two words of three."""
    draw = int.from_bytes(hashlib.sha256(f"{word} {copy}".encode()).digest()[:8])
    if draw % 3:
        return word
    rank = int(vocabulary ** ((draw >> 8) % 10_000 / 10_000))  # of Zipf's law: as likely in each decade
    mixed = int.from_bytes(hashlib.sha256(str(rank).encode()).digest()[:6])
    return "".join(syllable(mixed >> shift) for shift in (0, 14, 28)[: len(word)])


def copy_of(text: str, old: str, new: str, copy: int, vocabulary: int) -> str:
    """The YAML of a thread under another id, in words of its own."""
    lines = [line for line in text.splitlines() if not line.startswith(("moved:", "  - {from"))]
    changed = [
        line
        if KEPT.match(line)
        else WORD.sub(lambda word: word[0] if word["link"] else other_word(word[0], copy, vocabulary), line)
        for line in lines
    ]
    return re.sub(rf"^id: {old}$", f"id: {new}", "\n".join(changed) + "\n", flags=re.M)


def make(folder: Path, count: int) -> None:
    """Write a project of `count` threads into a new folder, this one's threads first."""
    for part in PARTS:
        source = ROOT / part
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, folder / part)
    index = yaml.load((ROOT / "qa_index.yaml").read_text("utf-8"), yaml.CSafeLoader)
    own = [(chapter["id"], thread) for chapter in index["chapters"] for thread in chapter["threads"]]
    texts = {thread: (ROOT / "docs/qa" / chapter / f"{thread}.yaml").read_text("utf-8") for chapter, thread in own}
    vocabulary = int(1000 * count**0.5)
    made: list[str] = []
    for number in range(len(own), count):
        _, thread = own[number % len(own)]
        made.append(f"{thread}-{number}")
        chapter = f"more-{(len(made) - 1) // CHAPTER + 1}"
        path = folder / "docs/qa" / chapter / f"{made[-1]}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(copy_of(texts[thread], thread, made[-1], number, vocabulary), "utf-8")
    chapters = "".join(
        f"  - id: more-{start // CHAPTER + 1}\n    title: 덧붙인 장 {start // CHAPTER + 1}\n"
        f"    about: 크기를 재려고 만든 장이에요.\n    threads:\n"
        + "".join(f"      - {name}\n" for name in made[start : start + CHAPTER])
        for start in range(0, len(made), CHAPTER)
    )
    text = (ROOT / "qa_index.yaml").read_text("utf-8")
    before, after = re.split(r"^(?=documents:)", text, maxsplit=1, flags=re.M)
    (folder / "qa_index.yaml").write_text(f"{before.rstrip()}\n{chapters}\n{after}", "utf-8")


def main() -> None:
    """Make the project that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("threads", type=int)
    options = parser.parse_args()
    make(options.folder, options.threads)


if __name__ == "__main__":
    main()
