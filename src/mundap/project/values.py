"""What evidence may be, and what can be wrong with an expression over it."""

Value = bool | int | float | str
Evidence = dict[str, Value | list[float]]


class NoRecord(Exception):
    """An expression names a snippet that has no record yet; that is said once, at the snippet."""


class ExpressionError(Exception):
    """What is wrong with an expression, at which character (offset), and what to do; all for the author."""

    def __init__(self, offset: int, what: str, todo: str) -> None:
        super().__init__(f"{what} {todo}")
        self.offset, self.what, self.todo = offset, what, todo
