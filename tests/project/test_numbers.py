"""Numbers as people write them."""

import pytest

from mundap.project.numbers import in_latex, readable


@pytest.mark.parametrize(
    "text, plain, latex",
    [
        ("1.2e-07", "1.2×10⁻⁷", r"1.2 \times 10^{-7}"),
        ("1e-07", "10⁻⁷", "10^{-7}"),
        ("-1e-07", "-10⁻⁷", "-10^{-7}"),
        ("1.0e-07", "1.0×10⁻⁷", r"1.0 \times 10^{-7}"),
        ("0e+00", "0", "0"),
        ("0.0e+00", "0", "0"),
        ("5.0e+00", "5.0", "5.0"),
        ("1.5e-03", "0.0015", "0.0015"),
        ("3.4e-01", "0.34", "0.34"),
        ("2e5", "200000", "200000"),
        ("4.2e+12", "4.2×10¹²", r"4.2 \times 10^{12}"),
        ("< 1e-5", "< 10⁻⁵", "< 10^{-5}"),
        ("1e-07, 2e-08", "10⁻⁷, 2×10⁻⁸", r"10^{-7}, 2 \times 10^{-8}"),
        ("0.31", "0.31", "0.31"),
        ("a1e-7", "a1e-7", "a1e-7"),
        ("x.1e-7", "x.1e-7", "x.1e-7"),
        ("1e5a", "1e5a", "1e5a"),
        ("#1e-5f00", "#1e-5f00", "#1e-5f00"),
    ],
)
def test_readable(text, plain, latex):
    assert readable(text) == plain
    assert in_latex(text) == latex
