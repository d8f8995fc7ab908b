"""The columns of dates of a table, as columns of their parts.

In: opened files. Out: the same, in which parts have taken the place of dates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fairsweep.config.schema import Data
from fairsweep.data.dates import (
    DAYS,
    MONTH,
    OF_DAY,
    OF_MONTH,
    WEEKDAY,
    Micros,
    named,
    part,
    part_in,
)
from fairsweep.data.tables.columns import is_date
from fairsweep.data.tables.files import RowFile

Dates = Mapping[str, Mapping[str, pa.DataType]]
"""The parts of each column of dates, by name, and their types."""


def with_parts(
    settings: Data, files: Mapping[int, RowFile]
) -> tuple[Mapping[int, RowFile], Mapping[str, str]]:
    """The files, and the column of dates that each part is of.

    Args:
        settings: columns that are no features, or are words, stay as they are.
        files: in which a column has dates everywhere, or nowhere.
    """
    apart = {*settings.targets, settings.split, settings.group, settings.weight}
    apart |= {*(settings.drop or ()), *(settings.categorical or ()), *(settings.text or ())}
    schemas = [file.schema for file in files.values()]
    dates: dict[str, Mapping[str, pa.DataType]] = {}
    for name in schemas[0].names:
        kinds = [schema.field(name).type for schema in schemas if name in schema.names]
        if name not in apart and all(map(is_date, kinds)):
            timed = any(map(pa.types.is_timestamp, kinds))
            dates[name] = {named(name, own): kind for own, kind in parts_of(timed).items()}
    if not dates:
        return files, {}
    of = {own: name for name, parts in dates.items() for own in parts}
    return {place: _Dated(file, dates) for place, file in files.items()}, of


def parts_of(timed: bool) -> Mapping[str, pa.DataType]:
    """The parts of a date, with the hour if there are times, and the type of each. `days` count
    from 1970-01-01, and are scaled like every number."""
    number, word = pa.float64(), pa.string()
    parts = {DAYS: number, OF_MONTH: number, MONTH: word, WEEKDAY: word}
    return {**parts, OF_DAY: number} if timed else parts


def micros_of(column: Any) -> tuple[Micros, npt.NDArray[np.bool_]]:
    """Microseconds since 1970 of a column of dates, and which are missing."""
    zone = getattr(column.type, "tz", None)
    micros = column.cast(pa.timestamp("us", zone), safe=False).cast(pa.int64())
    missing = micros.is_null().to_numpy(zero_copy_only=False)
    return micros.fill_null(0).to_numpy(zero_copy_only=False), missing


class _Dated:
    """A file with parts in the place of dates."""

    def __init__(self, file: RowFile, dates: Dates) -> None:
        self._file, self._dates = file, dates

    @property
    def rows(self) -> int:
        return self._file.rows

    @property
    def zeros(self) -> Mapping[str, str]:
        return self._file.zeros

    @property
    def schema(self) -> pa.Schema:
        fields = []
        for field in self._file.schema:
            parts = self._dates.get(field.name)
            fields += [field] if parts is None else list(map(pa.field, parts, parts.values()))
        return pa.schema(fields, self._file.schema.metadata)

    def batches(self, columns: list[str]) -> Iterator[Any]:
        of = {own: name for name, parts in self._dates.items() for own in parts}
        wanted = list(dict.fromkeys(of.get(name, name) for name in columns))
        for batch in self._file.batches(wanted):
            arrays = {name: batch.column(name) for name in wanted}
            for name in self._dates.keys() & arrays.keys():
                micros, missing = micros_of(arrays[name])
                for own, kind in self._dates[name].items():
                    values = part(micros, part_in(own, name))
                    arrays[own] = pa.array(values, kind, mask=missing)
            yield pa.RecordBatch.from_arrays([arrays[name] for name in columns], columns)
