"""Reading a large CSV: our time to pandas' and pyarrow's own readers', and our peak memory to the
size of the arrays.

`python -m tests.benchmarks.csv [megabytes]` writes a file of that size (1000) to a folder:
forty numbers, a word and a class in each row. Every reader is a process of its own, in turn, three
times. Ours also checks every value, numbers words and classes, and puts all of it into one array of
32-bit floats.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROUNDS = 3
NUMBERS = 40
ROWS = 50_000  # that are written again and again
READERS = ("ours", "pyarrow", "pandas")


def write(path: Path, megabytes: int) -> None:
    """Rows until the file has that size."""
    random = np.random.default_rng(0)
    table = pd.DataFrame(random.normal(size=(ROWS, NUMBERS)).round(6))
    table.columns = [f"n{i}" for i in range(NUMBERS)]
    table["word"] = random.choice(["red", "green", "blue"], ROWS)
    table["label"] = random.choice(["yes", "no"], ROWS)
    text = table.to_csv(index=False)
    header, _, body = text.partition("\n")
    rows = body.encode()
    with path.open("wb") as file:
        file.write(f"{header}\n".encode())
        while file.tell() < megabytes * 10**6:
            file.write(rows)


def read(reader: str, path: Path) -> dict[str, float]:
    """Seconds, those of all cores together, the most memory beyond what imports take, and the
    size of the arrays, in bytes."""
    import pyarrow.csv

    from fairsweep.config.schema import Data
    from fairsweep.data.tables.table import load_table

    settings = Data("rows", "csv", str(path), target="label")
    before, start, work = peak(), time.perf_counter(), time.process_time()
    size = 0
    if reader == "ours":
        data = load_table(settings)
        size = data.x.nbytes + data.y.nbytes
    elif reader == "pyarrow":
        pyarrow.csv.read_csv(path)
    else:
        pd.read_csv(path, engine="pyarrow")
    return {
        "seconds": time.perf_counter() - start,
        "cores": time.process_time() - work,
        "memory": peak() - before,
        "arrays": size,
    }


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(megabytes: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        write(path, megabytes)
        found: dict[str, list[dict[str, float]]] = {reader: [] for reader in READERS}
        for _ in range(ROUNDS):
            for reader in READERS:
                done = subprocess.run(
                    [sys.executable, "-m", "tests.benchmarks.csv", reader, str(path)],
                    capture_output=True,
                    text=True,
                    check=True,
                    env={**os.environ},
                )
                found[reader].append(json.loads(done.stdout))
    seconds, cores = (
        {reader: statistics.median(run[what] for run in runs) for reader, runs in found.items()}
        for what in ("seconds", "cores")
    )
    memory = max(run["memory"] / run["arrays"] for run in found["ours"])
    print(f"{megabytes} MB of CSV, median of {ROUNDS}, on {os.cpu_count()} cores")
    for reader, median in seconds.items():
        ratio = f"{seconds['ours'] / median:.2f} of it is ours"
        print(f"{reader:8} {median:6.2f} s, {cores[reader]:6.2f} s of all cores; {ratio}")
    print(f"our peak of memory is {memory:.2f} times the arrays")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(read(sys.argv[1], Path(sys.argv[2]))))
    else:
        main(int(sys.argv[1]) if len(sys.argv) == 2 else 1000)
