"""Writes numbers as a reader wants them: enough digits to compare, none that mean nothing.

In: values. Out: short strings; an en dash stands for a value that isn't there.
"""

from __future__ import annotations

import math
import re

from fairsweep.metrics import Digits, digits_of

MISSING = "–"
SMALL, HUGE = 1e-4, 1e12
"""Between these a number with a unit is written out; nobody counts the digits of others."""
_FLOAT = re.compile(r"[+-]?(\d+\.\d*|\.\d+|\d+)([eE][+-]?\d+)?")


def number(value: float | None, like: float | None = None, of: str = "") -> str:
    """A metric: four decimals, fewer for large values, three digits for tiny ones; or as it says.

    `like` is a value whose number of decimals is to be used: a mean for its deviation. `of` is the
    metric's name.
    """
    return _written(value, like, digits_of(of))


def with_unit(value: float, like: float | None = None) -> str:
    """A number in some unit: four digits, or all that stand before the point."""
    return _written(value, like, "four digits")


def as_given(value: float) -> str:
    """A number in some unit as the data has it, to nine digits."""
    if not SMALL <= abs(value) < HUGE:
        return _power(value, 8, short=True) if value else "0"
    text = f"{value:,.{max(0, 8 - _exponent(value))}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def signed(value: float | None, like: float | None = None, of: str = "") -> str:
    """A difference, with its sign."""
    text = number(value, like, of)
    return f"+{text}" if value is not None and value > 0 and text != MISSING else text


def spread(mean: float, sd: float | None, of: str = "") -> str:
    """Mean ± standard deviation."""
    own = number(mean, of=of)
    return own if sd is None else f"{own} ± {number(sd, mean, of)}"


def interval(
    limits: tuple[float, float] | None, like: float, of: str = "", *, sign: bool = False
) -> str:
    """Both ends of an interval."""
    write = signed if sign else number
    if limits is None:
        return MISSING
    return f"{write(limits[0], like, of)} to {write(limits[1], like, of)}"


def p_value(p: float | None, *, named: bool = False) -> str:
    """A probability to three decimals, or that it is below what they show; `named`: with "p"."""
    if p is None:
        return MISSING
    if p < 0.001:
        return "p < 0.001" if named else "< 0.001"
    return f"p = {p:.3f}" if named else f"{p:.3f}"


def duration(seconds: float) -> str:
    """`42 s`, `12 min`, `3.5 h`."""
    if seconds < 100:
        return f"{significant(seconds, 2)} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def significant(value: float, digits: int) -> str:
    """`value` to so many significant digits, written out above a millionth."""
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if not -7 < size < 15:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{exponent}"
    text = f"{value:.{max(0, digits - 1 - size)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def setting(text: str) -> str:
    """A configuration value: a long decimal number to four digits, all else as it is."""
    if not _FLOAT.fullmatch(text) or text.lstrip("+-").isdigit():
        return text
    return significant(float(text), 4) if math.isfinite(float(text)) else text


def _written(value: float | None, like: float | None, digits: Digits) -> str:
    if value is None or not math.isfinite(value):
        return MISSING
    if digits == "four digits":
        text = _in_unit(value, like or value)
    else:
        text = f"{value:,.{_decimals(value if like is None else like, digits)}f}"
    return text.removeprefix("-") if float(text.replace(",", "")) == 0 else text


def _in_unit(value: float, like: float) -> str:
    """Four digits, the last of which is where that of a value `like` it is."""
    if like == 0:
        return "0"
    decimals = 3 - _exponent(like)
    if SMALL <= abs(like) < HUGE and abs(value) < HUGE:
        return f"{value:,.{max(0, decimals)}f}"
    return _power(value, min(3, max(0, decimals + _exponent(value)))) if value else "0"


def _power(value: float, decimals: int, *, short: bool = False) -> str:
    """With a power of ten; `short`: without zeros at the end."""
    mantissa, exponent = f"{value:.{decimals}e}".split("e")
    if short and "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}"


def _exponent(value: float) -> int:
    return math.floor(math.log10(abs(value)))


def _decimals(value: float, digits: Digits) -> int:
    size = abs(value)
    if digits == "three decimals":
        return 3
    if size >= 100:
        return 0 if size >= 10_000 else 2
    if size >= 0.001 or size < 1e-12:
        return 4
    return 2 - math.floor(math.log10(size))
