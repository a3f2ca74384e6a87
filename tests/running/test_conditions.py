"""The variables under which a snippet runs."""

import os

import pytest

from mundap.running.conditions import environment, private_settings


@pytest.fixture(autouse=True)
def outside(monkeypatch):
    """What a person's own shell may say."""
    for name, value in {"FULL_RUN": "1", "MPLBACKEND": "svg", "OMP_NUM_THREADS": "8", "MINE": "한글"}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    "options, expected",
    [
        ({}, {"FULL_RUN": None, "MPLBACKEND": "agg"}),
        ({"full": True}, {"FULL_RUN": "1", "MPLBACKEND": "agg"}),
        ({"backend": None}, {"FULL_RUN": None, "MPLBACKEND": None}),
    ],
)
def test_conditions_replace_those_of_the_shell(options, expected):
    variables = environment(**options)
    assert {name: variables.get(name) for name in expected} == expected
    assert variables["OMP_NUM_THREADS"] == variables["MKL_NUM_THREADS"] == "1"
    assert variables["PYTHONDONTWRITEBYTECODE"] == "1"
    assert variables["MINE"] == "한글" and variables["PATH"] == os.environ["PATH"]


def test_shell_keeps_its_own():
    environment(full=True)
    assert (os.environ["MPLBACKEND"], os.environ["OMP_NUM_THREADS"]) == ("svg", "8")


def test_settings_of_a_folder(tmp_path):
    assert set(private_settings(tmp_path).values()) == {str(tmp_path)}
