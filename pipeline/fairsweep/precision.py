"""How finely 32-bit floats, with which models compute, tell numbers apart that are far from 0.

In: where numbers are, and how far they spread. Out: the step between neighbours, and a remedy.
"""

from __future__ import annotations

import math

import numpy as np

STEPS = 1024
"""From one 32-bit float to the next, in the spread of numbers that these tell apart well."""
SMALLEST = float(np.finfo(np.float32).tiny)
"""What is smaller may count as 0."""


def step_at(number: float) -> float:
    """How far the next 32-bit float is from a number that 32 bits can hold."""
    return max(float(np.spacing(np.float32(abs(number)))), SMALLEST)


def nearer(middle: float, spread: float) -> str:
    """What to do with numbers around `middle`: subtract a round number, which leaves them within
    some fifty times their spread of 0."""
    if abs(middle) <= STEPS * SMALLEST:
        return "use a smaller unit"
    unit = 10.0 ** (math.floor(math.log10(max(spread, step_at(0)))) + 2)
    return f"subtract {round(middle / unit) * unit or middle:.15g} from them in the data"
