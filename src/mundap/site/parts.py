"""Parts of formulas, as formulas.js makes them of what is typed: QK⊤/√dk is qkt and √d."""

import re
import unicodedata

NAMES = "alpha beta gamma delta epsilon theta lambda mu phi sigma".split()
GREEK = [(re.compile(rf"\\?\b{name}(?![a-z])"), letter) for name, letter in zip(NAMES, "αβγδεθλμφσ", strict=True)]
PART = re.compile(r"√?[a-z0-9α-ω]+")


def parts(text: str) -> list[str]:
    """The parts of a formula in plain text, in their order; what stands below in a root goes."""
    plain = unicodedata.normalize("NFKC", text.replace("⊤", "T")).lower().replace("ϕ", "φ")
    for name, letter in GREEK:
        plain = name.sub(letter, plain)
    plain = re.sub(r"\\?\bsqrt|루트\s*", "√", plain, flags=re.A)
    plain = re.sub(r"√[\s({]+", "√", plain)
    plain = re.sub(r"(√[a-z])_?\{?k\b", r"\1", plain, flags=re.A)
    return PART.findall(re.sub(r"[_^{}\\\s]", "", plain))
