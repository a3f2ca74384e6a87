"""What several seeds say together: mean, sample standard deviation, the 95 % t-interval of the mean."""

import math
from collections.abc import Sequence

FEWEST = 5  # seeds below which an interval is not spoken of
# The 97.5 % quantile of Student's t for 1 to 30 degrees of freedom.
QUANTILES = (
    12.7062047, 4.3026527, 3.1824463, 2.7764451, 2.5705818, 2.4469119, 2.3646243, 2.3060041, 2.2621572, 2.2281389,
    2.2009852, 2.1788128, 2.1603687, 2.1447867, 2.1314495, 2.1199053, 2.1098156, 2.1009220, 2.0930241, 2.0859634,
    2.0796138, 2.0738731, 2.0686576, 2.0638986, 2.0595386, 2.0555294, 2.0518305, 2.0484071, 2.0452296, 2.0422725,
)  # fmt: skip
NORMAL = 1.959963984540054


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean."""
    return math.fsum(values) / len(values)


def std(values: Sequence[float]) -> float:
    """The sample standard deviation, of at least two values."""
    middle = mean(values)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1))


def low(values: Sequence[float]) -> float:
    """The lower end of the 95 % t-interval of the mean."""
    return mean(values) - half_width(values)


def high(values: Sequence[float]) -> float:
    """The upper end of the 95 % t-interval of the mean."""
    return mean(values) + half_width(values)


def half_width(values: Sequence[float]) -> float:
    """Half of the 95 % t-interval of the mean."""
    return quantile(len(values) - 1) * std(values) / math.sqrt(len(values))


def quantile(freedom: int) -> float:
    """Student's t at 97.5 %; beyond the table by Cornish and Fisher's expansion (Abramowitz and Stegun 26.7.5)."""
    if freedom <= len(QUANTILES):
        return QUANTILES[freedom - 1]
    z, v = NORMAL, freedom
    return (
        z
        + (z**3 + z) / (4 * v)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
    )
