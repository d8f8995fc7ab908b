"""What a training says of each row that judges it, and the file that holds it.

The file is a CSV of one line a row: the row's number (from 1, in the order of the data), what it is
and what the model takes it for, and each metric of the row alone. Where a metric needs them, a
column `p_<name>` follows for each class or label, with what the model gives for it; of two classes
the second is enough. Fewer rows are stored then, if there are many names.

Of values, the second and third column are numbers of nine digits, those of several targets with a
`;` between them; where a model gives several quantiles of one, a column `p_q<level>` follows for
each.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fairsweep.files import replaced

Rows = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

MOST_ROWS = 50_000
"""Rows of a training that are stored. Of more rows about as many are drawn, the same ones in every
training of the sweep."""
MOST_OUTPUTS = 1_000_000
"""Numbers that a model gives for rows that are stored of a training: fewer rows of more names."""
OUTPUT = "p_"
"""Comes before the name of a class or label, in the name of its column."""
SPREAD = 0x9E3779B1  # an odd number near 2**32 / the golden ratio: its multiples look random
HEADER = ("row", "true", "predicted")


@dataclass(frozen=True, eq=False)
class Judged:
    """The numbers of the rows from 0, what each is and what it is taken for, each metric of the row
    alone (of one that takes all rows at once, its share), and what the model gives for each class
    or label, by its name; all (rows,)."""

    rows: Rows
    true: Sequence[str]
    predicted: Sequence[str]
    metrics: Mapping[str, Values]
    outputs: Mapping[str, Values] = field(default_factory=dict)


def most_rows(outputs: int) -> int:
    """How many rows of a training are stored, with so many outputs of each."""
    return min(MOST_ROWS, MOST_OUTPUTS // max(1, outputs))


def drawn(rows: Rows, most: int = MOST_ROWS) -> npt.NDArray[np.bool_]:
    """Which rows are stored, by their numbers alone: all, or about `most` of them."""
    if len(rows) <= most:
        return np.ones(len(rows), bool)
    mixed = (rows.astype(np.uint64) * np.uint64(SPREAD)) % np.uint64(2**32)
    chosen: npt.NDArray[np.bool_] = mixed < np.uint64(2**32 * most // len(rows))
    return chosen


def write(file: Path, judged: Judged) -> None:
    """Writes the file, whole or not at all; its folder is made."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with replaced(file) as draft, draft.open("w", newline="", encoding="utf-8") as target:
        lines = csv.writer(target)
        lines.writerow([*HEADER, *judged.metrics, *(f"{OUTPUT}{n}" for n in judged.outputs)])
        columns = [*judged.metrics.values(), *judged.outputs.values()]
        for i in np.flatnonzero(drawn(judged.rows, most_rows(len(judged.outputs)))).tolist():
            numbers = (f"{own[i]:.9g}" for own in columns)
            lines.writerow([judged.rows[i] + 1, judged.true[i], judged.predicted[i], *numbers])


def read(content: bytes) -> Judged:
    """What a file holds.

    Raises:
        ValueError: it isn't such a file.
    """
    header, *lines = [*csv.reader(io.StringIO(content.decode(), newline=""))] or [[]]
    if tuple(header[: len(HEADER)]) != HEADER:
        raise ValueError(f"its first line is {','.join(header)!r}")
    for number, line in enumerate(lines, start=2):
        if len(line) != len(header):
            raise ValueError(f"line {number} has {len(line)} values, the first one {len(header)}")
    columns = list(zip(*lines, strict=True)) or [()] * len(header)
    rows, true, predicted, *values = columns
    names = header[len(HEADER) :]
    numbers = {n: np.array(own, np.float64) for n, own in zip(names, values, strict=True)}
    metrics = {n: own for n, own in numbers.items() if not n.startswith(OUTPUT)}
    outputs = {n.removeprefix(OUTPUT): own for n, own in numbers.items() if n not in metrics}
    return Judged(np.array(rows, np.int64) - 1, true, predicted, metrics, outputs)
