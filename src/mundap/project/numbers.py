"""Numbers as people write them: 1.2×10⁻⁷ and not 1.2e-07."""

import re
from collections.abc import Callable
from decimal import Decimal

from mundap.project.values import Value

SCIENTIFIC = re.compile(
    r"(?<![A-Za-z0-9_.])(?P<sign>[-+−]?)(?P<mantissa>\d+(?:\.\d+)?)[eE](?P<exponent>[-+]?\d{1,4})(?![A-Za-z0-9_]|\.\d)"
)
HYPHEN = re.compile(r"(?<![\w.,)/×\-−])-(?=\d)")  # a sign, neither a range nor a part of a name
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
FORMAT = re.compile(r"\+?,?(\.\d{1,2})?[defg%]?")  # of Python's format specs, those that a page needs
PLAIN = range(-3, 6)  # powers of ten that are written out


def readable(text: str) -> str:
    """A text whose numbers in scientific notation are written with powers of ten, or out where they are short."""
    return SCIENTIFIC.sub(lambda match: _written(match, "×", lambda power: str(power).translate(SUPERSCRIPT)), text)


def of_output(text: str) -> str:
    """A text that a run has printed into a figure or a table: as readable, and each hyphen before a number a minus."""
    return HYPHEN.sub("−", readable(text))


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


def format_value(value: Value | list[float], spec: str = "") -> str:
    """A value as a page shows it: by a format spec, or short: 4 significant digits, thousands separated.

    Raises ValueError where the spec does not fit the value, or could make a page grow.
    """
    if isinstance(value, list):
        return ", ".join(format_value(item, spec) for item in value)
    if spec:
        if not FORMAT.fullmatch(spec):
            raise ValueError(spec)
        try:
            return format(value, spec)
        except OverflowError:
            raise ValueError(spec) from None
    if isinstance(value, bool):
        return "참" if value else "거짓"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        size = abs(value)
        if value == int(value) and size < 1e15:
            return f"{int(value):,}"
        if size < 1e-3 or size >= 1e7:
            return f"{value:.2e}"
        return f"{value:.4g}" if size < 1000 else f"{value:,.1f}"
    return str(value)
