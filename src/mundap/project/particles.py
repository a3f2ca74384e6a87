"""Korean particles that agree with what they follow, also with a number as it is read aloud."""

import re
from typing import Literal

from mundap.project.numbers import HYPHEN, SCIENTIFIC, readable

Ending = Literal["vowel", "rieul", "consonant"]

# Each digit, power of ten, sign and unit as its last syllable is read.
READINGS = dict(zip("0123456789", "영일이삼사오육칠팔구")) | {"%": "트", "°": "도", "²": "곱", "³": "곱", "⁰": "곱"}
UNITS = {
    "ms": "초", "s": "초", "h": "간", "MB": "트", "GB": "트", "KB": "트", "kB": "트", "TB": "트", "B": "트",
    "px": "셀", "GiB": "트", "MiB": "트", "KiB": "트", "FLOP": "프", "TFLOP/s": "초", "GB/s": "초", "Hz": "츠",
    "cm": "터", "mm": "터", "m": "터", "km": "터", "kg": "램", "g": "램", "dB": "벨", "x": "배",
}  # fmt: skip
LETTERS = dict(zip("abcdefghijklmnopqrstuvwxyz", "이비시디이프지치이이이엘엠엔오피큐알스티유이유스이트")) | {
    "h": "치",
    "w": "유",
}
WORD = re.compile(r"[A-Za-z]*[a-z][A-Za-z]*(?<=[a-z]{2})$")  # not an abbreviation, whose letters are named
SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺"

PAIRS = {  # after a consonant -> after a vowel
    "은": "는", "이": "가", "을": "를", "과": "와", "으로": "로", "이에요": "예요", "이었": "였", "이라": "라",
}  # fmt: skip
KEPT = {"고": "이고", "니": "이니", "던": "이던", "며": "이며", "나": "이나", "든": "이든", "랑": "이랑"}  # 이 may stay
PARTICLE = re.compile(
    r"(?P<pair>이에요|예요|이었|였|(?:으로|로)(?=서|도|는|만|써|부터|[^가-힣]|$)|(?:이라|라)(?=는|고|서|도|면|지|[^가-힣]|$)"
    r"|(?:은|는|이|가|을|를|과|와)(?=[^가-힣]|$)|(?:과|와)(?=는|도))"
    r"|(?P<kept>(?:고|니|던|며|나|든|랑)(?=요|[^가-힣]|$))"
)

COUNTED = re.compile(rf"(?<![\w/])(\d[\d,]*(?:\.\d+)?)({PARTICLE.pattern})")  # not of a name or a fraction


def ending(text: str) -> Ending | None:
    """How a text ends when it is read aloud; None where that cannot be told."""
    text = text.rstrip(" \u00a0)]\"'”’*_`")
    unit = re.search(r"(?<=[\d ])([A-Za-z/]+)$", text)
    if unit and unit[1] in UNITS:
        return _of_syllable(UNITS[unit[1]])
    if not text:
        return None
    last = text[-1]
    if "가" <= last <= "힣":
        return _of_syllable(last)
    if last in SUPERSCRIPTS:
        return "consonant"  # 제곱
    if last.isdigit():
        return _of_number(text)
    if last in READINGS:
        return _of_syllable(READINGS[last])
    if word := WORD.search(text):
        return _of_word(word[0])
    if last.lower() in LETTERS:
        return _of_syllable(LETTERS[last.lower()])
    return None


def _of_word(word: str) -> Ending:
    """An English word as Korean writes its last sound: 에러, 토큰, 모델, 맵."""
    if word.endswith("l"):
        return "rieul"
    return "consonant" if re.search(r"[mn]$|ng$|(?<![aeiou])[aeiou][ckpt]$", word) else "vowel"


def _of_number(text: str) -> Ending | None:
    """A number: digits one by one after the point, else by powers of ten."""
    number = re.search(r"(\d[\d,]*)(\.\d+)?$", text)
    if number is None:
        return None
    digits = number[1].replace(",", "")
    if number[2] or digits.strip("0") == "":
        return _of_syllable(READINGS[text[-1]])
    zeros = len(digits) - len(digits.rstrip("0"))
    if zeros == 0:
        return _of_syllable(READINGS[digits[-1]])
    names = "십백천만"  # of one zero, two, three, four to seven
    return _of_syllable(names[min(zeros, 4) - 1] if zeros < 8 else "억" if zeros < 12 else "조")


def _of_syllable(syllable: str) -> Ending:
    final = (ord(syllable) - ord("가")) % 28
    return "vowel" if final == 0 else "rieul" if final == 8 else "consonant"


def agree(before: str, after: str) -> str:
    """The text after a value, its first particle agreeing with the value; the same where there is none."""
    match, how = PARTICLE.match(after), ending(before)
    if match is None or how is None:
        return after
    if kept := match["kept"]:
        return after if how == "vowel" else KEPT[kept] + after[match.end() :]
    consonant, vowel = next(pair for pair in PAIRS.items() if match["pair"] in pair)
    takes_vowel = how == "vowel" or (how == "rieul" and vowel == "로")
    return (vowel if takes_vowel else consonant) + after[match.end() :]


def in_prose(text: str) -> str:
    """A sentence with its numbers as people write them, and the particles after those that changed agreeing."""
    pieces, last, before = [], 0, ""
    for match in SCIENTIFIC.finditer(text):
        written = readable(match[0])
        pieces += [agree(before, text[last : match.start()]), written]
        before, last = written, match.end()
    return "".join([*pieces, agree(before, text[last:])])


def of_run(text: str) -> str:
    """A sentence that a run has filled with its numbers: as in_prose, with minus signs, all particles agreeing."""
    return HYPHEN.sub("−", COUNTED.sub(lambda match: match[1] + agree(match[1], match[2]), in_prose(text)))
