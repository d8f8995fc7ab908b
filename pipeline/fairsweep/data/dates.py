"""What a model is told of a date: its age in days, day of the month, month, weekday, and the hour.

In: dates, as microseconds since 1970 or as pandas has them in rows to predict. Out: numbers and
words. Times with a zone count in UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fairsweep.invocation import typed

if TYPE_CHECKING:
    import pandas as pd

DAY, HOUR, SECOND = 86_400_000_000, 3_600_000_000, 1_000_000  # microseconds
DAYS, OF_MONTH, MONTH, WEEKDAY, OF_DAY = "days", "day", "month", "weekday", "hour"
WEEKDAYS = tuple("Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split())
THURSDAY = 3  # 1970-01-01
OTHER_FORM = re.compile(
    r"\s*(\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|\d{1,2}[ -][A-Za-z]{3,9}[ -]\d{2,4})([ T].*)?\s*"
    r"|\s*((19|20)\d\d[/-](0?[1-9]|1[0-2])|(0?[1-9]|1[0-2])[/-](19|20)\d\d)\s*"  # a month
)
MOST_OTHERS = 0.5
SHOWN = 3

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
        ValueError: it has something else; the message names the column.
    """
    import pandas as pd

    need = f"column {values.name!r} must have dates such as 2024-12-31, as in training"
    if values.dtype.kind in "iufb" and values.notna().any():
        raise ValueError(f"{need}: {values.dropna().iloc[0]} is a number, and no date")
    known = values.astype(object).where(values.notna(), None)
    words = known.map(lambda value: None if value is None else str(value))
    dates = pd.to_datetime(words, utc=True, format="ISO8601", errors="coerce")
    missing = dates.isna().to_numpy()
    if (none := missing & words.notna().to_numpy()).any():
        row = int(none.argmax())
        raise ValueError(f"{need}: row {row + 1} has {words.iloc[row]!r}")
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
    """The date of which these are parts, to the second, as files have it; None if it is missing."""
    if np.isnan(days):
        return None
    seconds = int(days) * DAY // SECOND + round(float(hour) * HOUR / SECOND)
    return str(np.datetime64(seconds, "s").astype("datetime64[s]" if hour else "datetime64[D]"))


def almost_dates(words: Iterable[str]) -> str | None:
    """What keeps words from being read as dates, and the remedy; None where they are no dates:
    neither all of them in another form, nor most of them in ours."""
    there = [word for word in words if word]
    others = [word for word in there if not _is_date(word)]
    if others and len(others) < MOST_OTHERS * len(there):
        return (
            f"dates, except {', '.join(map(repr, others[:SHOWN]))}; mend them, or say that they "
            f"mean missing: {typed('data.missing_words', others[:SHOWN])}"
        )
    if others and all(map(OTHER_FORM.fullmatch, there)):
        return f"dates in another form, such as {others[0]!r}; write them as 2024-12-31"
    return None


def _is_date(word: str) -> bool:
    if OTHER_FORM.fullmatch(word) is None:
        return False
    try:
        datetime.fromisoformat(word)
    except ValueError:
        return False
    return True
