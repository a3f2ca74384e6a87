"""Who may run code: a token is good for one visit, a cookie and a secret for this server."""

import pytest

from mundap.live.door import Door, is_from_file, is_visit, sent_by
from mundap.live.places import Places


@pytest.fixture
def door():
    """A door, and what it has announced."""
    announced = []
    door = Door(Places(8000), announced.append)
    door.announced = announced
    return door


def token_of(address):
    return address.partition("token=")[2]


def test_a_token_lets_one_browser_in(door):
    address = door.address()
    assert address.startswith("http://127.0.0.1:8000/_live/enter?token=")
    token = token_of(address)
    cookie, secret = door.enter(token, {})
    assert cookie and secret and token not in cookie + secret and cookie != secret
    assert door.may(cookie, secret) and door.knows(cookie)
    assert door.enter(token, {}) is None, "a token is good for one visit"
    [following] = door.announced
    assert token_of(following) == door.token != token, "the next browser's address is told"


def test_a_new_address_voids_the_one_before(door):
    before, now = token_of(door.address()), token_of(door.address())
    assert door.enter(before, {}) is None
    assert door.enter(now, {})


def test_a_file_has_a_token_of_its_own(door):
    """It lets a browser in that a file has led here; the terminal's address stays as it is."""
    shown, hidden = token_of(door.address()), token_of(door.address_for_file())
    led = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert door.enter(shown, led) is None
    assert door.enter(hidden, led) and door.enter(hidden, led) is None
    assert door.announced == [] and door.enter(shown, {})


def test_no_one_comes_in_before_there_is_an_address(door):
    assert door.enter("", {}) is None and door.enter("None", {}) is None


@pytest.mark.parametrize("change", [lambda t: t[:-1], lambda t: t + "x", lambda t: "", lambda t: "토큰"])
def test_a_guess_gets_nothing_and_voids_nothing(door, change):
    token = token_of(door.address())
    assert door.enter(change(token), {}) is None
    assert door.entered == set() and door.announced == []
    assert door.enter(token, {})


def test_only_its_own_cookies_and_secrets_count(door):
    first, second = (door.enter(token_of(door.address()), {}) for _ in range(2))
    assert first != second and door.may(*first) and door.may(*second)
    for wrong in (None, "", first.cookie + "x", first.cookie[:-1], "쿠키", door.token, first.secret):
        assert not door.may(wrong, first.secret) and not door.knows(wrong)
    for wrong in (None, "", first.secret + "x", first.secret[:-1], "비밀", door.token, first.cookie, second.secret):
        assert not door.may(first.cookie, wrong)
    assert not Door(Places(8001), print).may(*first), "another server's"


def test_two_ports_are_two_cookies():
    assert Door(Places(8000), print).cookie_name != Door(Places(8001), print).cookie_name


@pytest.mark.parametrize(
    "headers, visit",
    [
        ({}, True),  # a browser that tells nothing
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "same-origin"}, False),
        ({"Sec-Fetch-Site": ""}, False),
        ({"Referer": "http://evil.example/"}, False),
        ({"Sec-Purpose": "prefetch;prerender", "Sec-Fetch-Site": "none"}, False),
        ({"Purpose": "prefetch"}, False),
        ({"X-Moz": "prefetch"}, False),
    ],
    ids=str,
)
def test_a_visit(headers, visit):
    assert is_visit(headers) is visit


@pytest.mark.parametrize(
    "site, mode, dest, more, led",
    [
        ("cross-site", "navigate", "document", {}, True),  # Chromium, started with a file
        ("none", "navigate", "document", {}, True),
        (None, None, None, {}, True),
        ("cross-site", "navigate", "iframe", {}, False),
        ("cross-site", "no-cors", "image", {}, False),
        ("cross-site", None, None, {}, False),
        ("same-site", "navigate", "document", {}, False),
        ("same-origin", "navigate", "document", {}, False),
        ("cross-site", "navigate", "document", {"Referer": "http://evil.example/"}, False),
        ("cross-site", "navigate", "document", {"Sec-Purpose": "prefetch"}, False),
    ],
)
def test_a_file_that_leads_here(site, mode, dest, more, led):
    sent = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest, **more}
    assert is_from_file({name: value for name, value in sent.items() if value}) is led


def test_who_sent_a_request():
    assert sent_by({}, "same-origin") and sent_by({"Sec-Fetch-Site": "same-origin"}, "same-origin")
    assert not sent_by({"Sec-Fetch-Site": "cross-site"}, "same-origin")
