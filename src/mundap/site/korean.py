"""Words as they are looked up: without what Korean puts at their ends. query.js does the same to what is asked."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

# Particles and endings that nouns, verbs and questions wear.
ENDINGS = """
이라는게 이란게 라는게 인가요 일까요 한가요 되나요 하나요 했나요 할까요 될까요 있나요 없나요 인건가요 는건가요 는건지 이에요 예요 인지 는지 은지 던지
이에서 에서는 에서도 에서의 으로는 으로도 으로만 에게서 까지는 까지도 부터는 이라는 이라고 이라면 이라도 이란 하는지 되는지 한지 된다 됨 함 임
에서 에게 에는 에도 으로 로는 로도 로만 로의 까지 부터 처럼 보다 만큼 마다 조차 밖에 이나 라는 라고 라면 라도 하고 하는 하면 하기 하지 한다 해요 해서 했는데 했어요 할 한
되는 되면 돼요 됐나 나요 까요 가요 어요 아요 네요 지요 이랑 랑은 랑 과의 와의 과는 와는 들이 들은 들을 들의 들 어서 아서 어도 아도 으면 면서 지만 려고 려면 려는
인가 는가 은가 건가 을까 일까 인데 이면 수록 을수록 니까 으니까 더니 었더니 았더니 는데 은데 었는데 았는데 는다고 다가 었다가 았다가 어지니까 어지면 어지는 어지나 어져 어져요 아지면 아져 아져요 어내요 내요
은 는 이 가 을 를 의 에 로 와 과 도 만 란 나 요 야 면 고 지 기 서 어 아
""".split()
# Those that may leave one syllable, if it ends in a consonant: 섞어도 is of 섞, but 속도 is not of 속.
AFTER_ONE = "인가 는가 은가 을까 일까 인데 이면 을수록 니까 으니까 더니 었더니 았더니 는데 은데 었는데 았는데 는다고 다가 었다가 어지니까 어지면 어지는 어지나 어져 어져요 아지면 아져 밖에 어요 아요 어서 아서 어도 아도 나요 나 어 아 는 은 을 고 지 기 으면 는지 이 과 만 의 에 에서 으로 이랑 까지".split()
WORD = re.compile(r"[^\W_]+")
FIRST, LAST, VOWELS, CODAS = 0xAC00, 0xD7A3, 21, 28
WHOLE = {9: 8, 14: 13, 6: 20, 10: 11}  # vowels: ㅘ ㅝ ㅕ ㅙ are what ㅗ ㅜ ㅣ ㅚ make with 아, 어
PLACES = {ending: place for place, ending in reversed(list(enumerate(ENDINGS)))}
LONGEST = max(map(len, ENDINGS))
INITIAL_KEYS = "rRseEfaqQtTdwWczxvg"
VOWEL_KEYS = "k o i O j p u P h hk ho hl y n nj np nl b m ml l".split()
CODA_KEYS = " r R rt s sw sg e f fr fa fq ft fx fv fg a q qt t T d w c z x v g".split(" ")
HA, HAE = 18 * VOWELS, 18 * VOWELS + 1  # 하, 해: without codas


def words(text: str) -> Iterator[str]:
    """The words of a text, composed and in lower case."""
    for match in WORD.finditer(unicodedata.normalize("NFC", text).lower()):
        yield match[0]


@cache
def root(word: str) -> str:
    """What a word is looked up by: the shortest that is left without an ending, 나눠 as 나누."""
    return _drawn_out(min(forms(word), key=len))


def forms(word: str) -> list[str]:
    """Every form that a word may have without its ending, the word itself first."""
    found = [word]
    if re.fullmatch(r"[a-z]{4,}s", word):
        found.append(word[:-1])
    for length in range(min(LONGEST, len(word)), 0, -1):
        ending, rest = word[-length:], word[:-length]
        if ending in PLACES and _may_be_left(rest, ending):
            found.append(rest)
    return [word, *sorted(found[1:], key=lambda rest: PLACES.get(word[len(rest) :], -1))]


def keys(word: str) -> str:
    """The keys that type a word, those of Hangul on an English keyboard: 임 as dla."""
    return "".join(map(_keys, word))


def _keys(letter: str) -> str:
    code = ord(letter) - FIRST
    if not 0 <= code <= LAST - FIRST:
        return letter
    initial, rest = divmod(code, VOWELS * CODAS)
    return INITIAL_KEYS[initial] + VOWEL_KEYS[rest // CODAS] + CODA_KEYS[rest % CODAS]


def _may_be_left(rest: str, ending: str) -> bool:
    if len(rest) != 1 or not FIRST <= ord(rest) <= LAST:
        return bool(rest)
    return ending in AFTER_ONE and (ord(rest) - FIRST) % CODAS != 0


def _drawn_out(word: str) -> str:
    """A word whose last syllable is no longer drawn together with 아, 어 or 었."""
    code = ord(word[-1]) - FIRST
    if not 0 <= code <= LAST - FIRST or code % CODAS not in (0, 20):  # 20: ㅆ
        return word
    syllable = code // CODAS
    whole = HA if syllable == HAE else syllable - syllable % VOWELS + WHOLE.get(syllable % VOWELS, syllable % VOWELS)
    return word[:-1] + chr(FIRST + whole * CODAS) if whole != syllable else word
