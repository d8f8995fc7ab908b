"""A Parquet file: its columns, and its rows in batches.

In: a path. Out: the schema, and batches of a few megabytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from fairsweep.errors import BadInput

BATCH_BYTES = 8 * 2**20
BUFFER = 2**16  # bytes of a column read at once, however large its row groups
DAMAGED = (pa.ArrowException, OSError, UnicodeDecodeError)  # the last one by a column's name


def index_of(schema: pa.Schema) -> tuple[str, ...]:
    """The columns that pandas wrote as the index of the table, if any."""
    about = schema.pandas_metadata or {}
    return tuple(name for name in about.get("index_columns", ()) if isinstance(name, str))


class ParquetRows:
    """The columns of a file, and its rows in batches.

    Raises:
        BadInput: it isn't a complete Parquet file.
    """

    def __init__(self, key: str, path: Path) -> None:
        self._key, self._path = key, path
        self.zeros: Mapping[str, str] = {}
        try:
            with path.open("rb") as file:
                about = parquet.ParquetFile(file)
                self.schema: pa.Schema = about.schema_arrow
                self.rows: int = about.metadata.num_rows
        except DAMAGED as error:
            raise self._damaged(error) from error

    def batches(self, columns: list[str]) -> Iterator[Any]:
        """The named columns, a few megabytes at a time."""
        size = max(1024, BATCH_BYTES // (8 * max(1, len(columns))))
        try:
            with self._path.open("rb") as file:
                opened = parquet.ParquetFile(file, buffer_size=BUFFER, pre_buffer=False)
                yield from opened.iter_batches(size, columns=columns)
        except DAMAGED as error:
            raise self._damaged(error) from error

    def table(self, columns: list[str]) -> pa.Table:
        """The named columns of all rows."""
        schema = pa.schema([self.schema.field(name) for name in columns])
        return pa.Table.from_batches(self.batches(columns), schema)

    def _damaged(self, error: Exception) -> BadInput:
        return BadInput(
            f"{self._key}: {self._path} isn't a complete Parquet file ({error}); write it again"
        )
