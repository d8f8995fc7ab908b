"""What a loader of the user's own returned, as plain files in a folder: the process that ran it
writes them (`write`), the sweep and its workers read them (`read`).

A folder has `about.json`, an array in a raw file each, and a Parquet file for each part of a table.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fairsweep.files import locked

ABOUT = "about.json"
PREFIX = "fairsweep-data-"


@dataclass(frozen=True)
class Stored:
    """An array in a file of the folder: its type, by NumPy's name, and its shape."""

    file: str
    dtype: str
    shape: Sequence[int]


@dataclass(frozen=True)
class About:
    """What is in a folder.

    Attributes:
        place: of the loader, for messages: `mydata.py:12: load()`.
        problems: what is wrong with what it returned; then nothing else is there.
        arrays: by role: `x` (by the names of the inputs, or alone under an empty name), `y`,
            `sample_weight`, `groups`.
        parts: the rows of each part of the split, in the order of the rows; empty where it isn't
            given.
        tables: the file of each part of a table, or of all of it, under an empty name.
        target: the columns of the table that hold what is to be learned, where the loader gave it
            apart from the features.
        class_names: None where the loader names none.
        version: the loader's own; empty where it has none.
    """

    place: str
    problems: Sequence[str] = ()
    arrays: Mapping[str, Mapping[str, Stored]] = field(default_factory=dict)
    parts: Mapping[str, int] = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)
    target: Sequence[str] = ()
    class_names: Sequence[str] | None = None
    version: str = ""


def write_about(folder: Path, about: About) -> None:
    """Writes down what is in a folder, which is complete then."""
    (folder / ABOUT).write_text(json.dumps(asdict(about)))


def read_about(folder: Path) -> About:
    """What is in a folder."""
    given: dict[str, Any] = json.loads((folder / ABOUT).read_bytes())
    given["arrays"] = {
        role: {name: Stored(**one) for name, one in own.items()}
        for role, own in given["arrays"].items()
    }
    return About(**given)


@contextlib.contextmanager
def new_folder() -> Iterator[Path]:
    """A folder among temporary files, as long as the context lasts. Those that were left by
    processes that were killed are removed first: nobody holds their locks."""
    temporary = Path(tempfile.gettempdir())
    for left in temporary.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError), locked(left) as free:
            if free:
                shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name, locked(Path(name)):
        yield Path(name)
