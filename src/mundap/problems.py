"""What is wrong in an author's files, and where."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake: where it is (1-based line and column), what it is, and what to do about it, in Korean."""

    path: str
    line: int
    column: int
    what: str
    todo: str
    minor: bool = False  # pages can still be made, such as of a record that waits to be run again

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.what} {self.todo}"


class Failure(Exception):
    """An operation that cannot go on; its text is one clear Korean message for the person at the terminal."""


def place(before: str) -> tuple[int, int]:
    """(line, column) of the character after a text."""
    return before.count("\n") + 1, len(before) - before.rfind("\n")
