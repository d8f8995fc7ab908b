"""A data set of 60 rows and three classes that anything learns, as a user's own CSV file."""

from __future__ import annotations

import csv
import random
from pathlib import Path

CENTERS = {"left": (-2.0, 0.0), "right": (2.0, 0.0), "top": (0.0, 2.0)}
ROWS = 20


def tiny_data(folder: Path) -> tuple[str, ...]:
    """Writes the data to `folder`, and gives the overrides that select it.

    Its columns are `x` and `y`, and `label` is the class: 20 rows of each, the same in every call.
    """
    draw = random.Random(0)
    path = folder / "tiny.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("x", "y", "label"))
        for _ in range(ROWS):
            for label, (x, y) in CENTERS.items():
                rows.writerow((f"{draw.gauss(x, 0.5):.4f}", f"{draw.gauss(y, 0.5):.4f}", label))
    return ("data=csv", f"data.path={path}", "data.target=label", "data.name=tiny")
