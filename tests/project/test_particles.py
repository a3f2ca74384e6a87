"""Particles after numbers, units and letters, as they are read aloud."""

import pytest

from mundap.project.particles import agree, in_prose, of_run


@pytest.mark.parametrize(
    "value, after, expected",
    [
        ("3", "가 돼요", "이 돼요"),
        ("2", "이 돼요", "가 돼요"),
        ("0.31", "예요.", "이에요."),
        ("0.32", "이에요.", "예요."),
        ("0.30", "예요.", "이에요."),
        ("0.5", "을", "를"),
        ("1,000", "를", "을"),
        ("10", "가", "이"),
        ("100,000,000", "가", "이"),
        ("1,000,000,000,000", "이", "가"),
        ("0", "예요", "이에요"),
        ("197", "와", "과"),
        ("2", "과는", "와는"),
        ("−0.4", "이에요", "예요"),
        ("12%", "은", "는"),
        ("83%p", "이에요", "예요"),
        ("5.0 ms", "을", "를"),
        ("3 GB", "을", "를"),
        ("10⁻⁷", "예요", "이에요"),
        ("참", "예요", "이에요"),
        ("거짓", "는", "은"),
        ("N", "는", "은"),
        ("K", "은", "는"),
        ("(3)", "가", "이"),
        # words are read as words, abbreviations letter by letter
        ("RuntimeError", "이", "가"),
        ("pos_embed", "과", "와"),
        ("token", "가", "이"),
        ("model", "으로", "로"),
        ("map", "는", "은"),
        ("dVAE", "이라면", "라면"),
        ("NLL", "가", "이"),
        # 로 after a vowel and after ㄹ
        ("7", "으로", "로"),
        ("8", "으로 줄어", "로 줄어"),
        ("6", "로", "으로"),
        ("2", "으로", "로"),
        ("3", "로서", "으로서"),
        # 이- may stay after a vowel, and has to stand after a consonant
        ("9", "이고", "이고"),
        ("6", "고", "이고"),
        ("3", "나", "이나"),
        ("3", "던", "이던"),
        ("197", "라는", "이라는"),
        ("4", "이라는", "라는"),
        ("1", "였어요", "이었어요"),
        ("2", "이었어요", "였어요"),
        # words that only begin like a particle
        ("3", "가지", "가지"),
        ("3", "나트", "나트"),
        ("3", "로그", "로그"),
        ("3", "이동", "이동"),
        ("3", "에서", "에서"),
        ("3", "개가", "개가"),
        ("3", "", ""),
        ("3", " 가 ", " 가 "),
        ("", "가", "가"),
        ("?", "가", "가"),
    ],
)
def test_particles_agree(value, after, expected):
    assert agree(value, after) == expected


def test_numbers_in_a_sentence():
    assert in_prose("오차가 4.5e-07라 선형이고, 안쪽은 0e+00이에요.") == "오차가 4.5×10⁻⁷이라 선형이고, 안쪽은 0이에요."
    assert in_prose("값은 1e-05예요") == "값은 10⁻⁵이에요"
    assert in_prose("값은 5.0e+00이에요") == "값은 5.0이에요"
    assert in_prose("숫자 3가 아닌 글") == "숫자 3가 아닌 글"


def test_numbers_that_a_run_has_put_into_a_sentence():
    assert of_run("1D는 0.61, 위치를 없애면 0.36예요.") == "1D는 0.61, 위치를 없애면 0.36이에요."
    assert of_run("0.38에서 0.70로, 1,000를 넘고 평균 0.82이에요.") == "0.38에서 0.70으로, 1,000을 넘고 평균 0.82예요."
    assert of_run("오차는 1e-05예요") == "오차는 10⁻⁵이에요"
    assert of_run("-17.9에서 (-2%p) 2-3개와 GPT-2, 1~-1") == "−17.9에서 (−2%p) 2-3개와 GPT-2, 1~−1"
    for kept in ("3가지 색과 3개가", "1/2을 더하고", "ResNet50가", "ViT-S/14은"):
        assert of_run(kept) == kept, "a name and a fraction are read otherwise"
