"""What may stand behind the `?` of a link to a hand-written page."""

import pytest

from mundap.project.states import fits, states


@pytest.mark.parametrize(
    "value, form, right",
    [
        ("map", "map", True),
        ("maps", "map", False),
        ("2d", "2d", True),
        ("12", "1..12", True),
        ("13", "1..12", False),
        ("0", "1..12", False),
        ("1.5", "1..12", False),
        ("", "1..12", False),
        ("٣", "1..12", False),
        ("0.2", "0.13..0.21", True),
        ("0.22", "0.13..0.21", False),
        ("4,8", "1..8,1..8", True),
        ("4,9", "1..8,1..8", False),
        ("4", "1..8,1..8", False),
        ("4,8,1", "1..8,1..8", False),
        ("-8", "-1..8", True),
        ("8", "-1..8", False),
        ("3-mean", "1..6-mean", True),
        ("<img>", "1..6-mean", False),
        ("9" * 5000, "1..12", False),
    ],
)
def test_value_has_a_form(value, form, right):
    assert fits(value, form) is right


@pytest.mark.parametrize(
    "page",
    [
        "# 글\n",
        "",
        "---\ntitle: 글\n---\n",
        "---\nstates: 글\n---\n",
        "---\nstates: [\n---\n",
        "---\nstates: !!python/name:os.system {a: [b]}\n---\n",
        "# 글\n\n---\nstates: {a: [b]}\n---\n",
        "---\nstates: {view: map, layer: {a: b}}\n---\n",
    ],
)
def test_page_that_tells_no_states(page):
    assert states(page) == {}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_states_of_a_page(end):
    lines = ["---", "title: 글", "states:", '  view: [map, "1..2"]', "---", "# 글", ""]
    assert states(end.join(lines)) == {"view": ["map", "1..2"]}
