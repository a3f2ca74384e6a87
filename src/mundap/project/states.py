"""What may stand behind the `?` of a link to a hand-written page: what the page's front matter says under `states`.

states:
  view: [attention, rollout]
  query: [cls, "1..24,1..24"]  # a number from 1 to 24, a comma, another one
"""

import functools
import re

from mundap.project import yamlsource

FRONT = re.compile(r"\A---\r?\n(.*?)^---\r?$", re.M | re.S)
RANGE = re.compile(r"([0-9]+(?:\.[0-9]+)?\.\.[0-9]+(?:\.[0-9]+)?)")
NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")


@functools.lru_cache(maxsize=64)  # each link to a page asks
def states(page: str) -> dict[str, list[str]]:
    """{key: forms of its values} that a page tells of itself; {} of one that tells none."""
    front = FRONT.match(page)
    document = yamlsource.parse(front[1])[0] if front else None
    told = document.value.get("states") if document and isinstance(document.value, dict) else None
    if not isinstance(told, dict):
        return {}
    return {
        key: [form for form in forms if isinstance(form, str)] for key, forms in told.items() if isinstance(forms, list)
    }


def fits(value: str, form: str) -> bool:
    """Whether a value has a form: a text in which `1..12` stands for a number from 1 to 12, a whole one if both are."""
    for number, part in enumerate(RANGE.split(form)):
        if number % 2:
            match = NUMBER.match(value)
            if not match or not _within(match[0], part):
                return False
            value = value[match.end() :]
        elif value.startswith(part):
            value = value[len(part) :]
        else:
            return False
    return not value


def _within(number: str, bounds: str) -> bool:
    low, high = bounds.split("..")
    is_whole = "." not in low + high
    return float(low) <= float(number) <= float(high) and not (is_whole and "." in number)
