"""Numbers as people write them: 1.2×10⁻⁷ and not 1.2e-07."""

import re
from collections.abc import Callable
from decimal import Decimal

SCIENTIFIC = re.compile(
    r"(?<![A-Za-z0-9_.])(?P<sign>[-+−]?)(?P<mantissa>\d+(?:\.\d+)?)[eE](?P<exponent>[-+]?\d{1,4})(?![A-Za-z0-9_]|\.\d)"
)
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
PLAIN = range(-3, 6)  # powers of ten that are written out


def readable(text: str) -> str:
    """A text whose numbers in scientific notation are written with powers of ten, or out where they are short."""
    return SCIENTIFIC.sub(lambda match: _written(match, "×", lambda power: str(power).translate(SUPERSCRIPT)), text)


def in_latex(text: str) -> str:
    """The same for a text inside a formula."""
    return SCIENTIFIC.sub(lambda match: _written(match, r" \times ", lambda power: f"^{{{power}}}"), text)


def _written(match: re.Match[str], times: str, raised: Callable[[int], str]) -> str:
    sign, mantissa, power = match["sign"], match["mantissa"], int(match["exponent"])
    if Decimal(mantissa) == 0:
        return "0"
    if power in PLAIN:
        return f"{sign}{Decimal(f'{mantissa}e{power}'):f}"
    factor = "" if mantissa == "1" else mantissa + times
    return f"{sign}{factor}10{raised(power)}"
