"""What a model is told of a date: its age in days, day of the month, month, weekday, and the hour.

In: dates, as microseconds since 1970 or as pandas has them in rows to predict. Out: numbers and
words. Times with a zone count in UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

DAY, HOUR = 86_400_000_000, 3_600_000_000  # microseconds
DAYS, OF_MONTH, MONTH, WEEKDAY, OF_DAY = "days", "day", "month", "weekday", "hour"
WEEKDAYS = tuple("Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split())
THURSDAY = 3  # 1970-01-01
OTHER_FORM = re.compile(
    r"\s*(\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|\d{1,2}[ -][A-Za-z]{3,9}[ -]\d{2,4})([ T].*)?\s*"
)

Micros = npt.NDArray[np.int64]


def named(date: str, part: str) -> str:
    """The name of a part of a column."""
    return f"{date}: {part}"


def part_in(name: str, date: str) -> str:
    """The part in such a name."""
    return name.removeprefix(f"{date}: ")


def in_pandas(values: pd.Series) -> tuple[Micros, npt.NDArray[np.bool_]]:
    """Microseconds since 1970 of a pandas column of dates, or of words such as 2024-12-31, and
    which are missing.

    Raises:
        ValueError: it has something else.
    """
    import pandas as pd

    if values.dtype.kind in "iufb" and values.notna().any():
        raise ValueError(f"{values.dropna().iloc[0]} is a number, and no date")
    known = values.astype(object).where(values.notna(), None)
    words = known.map(lambda value: None if value is None else str(value))
    dates = pd.to_datetime(words, utc=True, format="ISO8601")
    missing = dates.isna().to_numpy()
    micros = dates.dt.tz_localize(None).to_numpy("datetime64[us]").astype(np.int64)
    return np.where(missing, 0, micros), missing


def part(micros: Micros, name: str) -> npt.NDArray[Any]:
    """A part of dates: numbers, or words."""
    days = micros // DAY
    if name == DAYS:
        return days.astype(np.float64)
    if name == OF_DAY:
        hours: npt.NDArray[np.float64] = (micros - days * DAY) / HOUR
        return hours
    if name == WEEKDAY:
        weekdays: npt.NDArray[np.str_] = np.array(WEEKDAYS)[(days + THURSDAY) % len(WEEKDAYS)]
        return weekdays
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    if name == MONTH:
        return np.char.zfill((months.astype(np.int64) % 12 + 1).astype(np.str_), 2)
    before: npt.NDArray[np.float64] = (dates - months).astype(np.float64)
    return before + 1


def written(days: float, hour: float) -> str | None:
    """The date of which these are parts, as files have it; None if it is missing."""
    if np.isnan(days):
        return None
    micros = int(days) * DAY + round(float(hour) * HOUR)
    return str(np.datetime64(micros, "us").astype("datetime64[s]" if hour else "datetime64[D]"))


def in_another_form(words: Iterable[str]) -> str | None:
    """The first of words that are all dates, but not written as 2024-12-31; else None."""
    there = [word for word in words if word]
    if not there or not all(map(OTHER_FORM.fullmatch, there)):
        return None
    return there[0]


def how(word: str) -> str:
    """How to describe a column of such words, given one of them."""
    return f"dates in another form, such as {word!r}; write them as 2024-12-31"
