"""What the engine's tests share: texts with the place of a mistake marked in them."""

MARK = "▶"  # stands before the character that a message has to point at; it is taken out of the text


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
