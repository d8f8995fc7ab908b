"""`python -m fairsweep.training.user_data <request> <folder> <parent>`: runs a loader of the user's
own, and writes what it returns as plain files.

In: a request of JSON, `[loader, params]`; a folder; the process that waits. Out: the files of
`fairsweep.data.loaded`, or its problems there. TensorFlow is imported only by the user's own code.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fairsweep.data.loaded import About, write_about
from fairsweep.data.loaded.write import Writer
from fairsweep.errors import BadInput
from fairsweep.invocation import find_code_here
from fairsweep.training.failure import fails
from fairsweep.training.given import Given, Table, called, read
from fairsweep.training.own import check_call, find_own, place_of
from fairsweep.training.worker import end_with_parent

KEY = "data.loader"


def run(name: str, params: Mapping[str, Any], folder: Path) -> About:
    """Runs a loader, and writes what it returns into a folder.

    Args:
        name: `package.module:function`.
        params: its keywords.
        folder: empty.

    Returns:
        What is in the folder, or what is wrong.
    """
    place = name
    try:
        function = find_own(KEY, name)
        place = place_of(name, function)
        check_call("data.params", name, function, (), params)
        given = read(function(**params))
        about = _write(folder, given, place, str(getattr(function, "version", "")))
    except BadInput as error:
        problems = (
            text if text.startswith("data.") else f"{KEY}: {place} {text}"
            for text in error.problems
        )
        return About(place, tuple(problems))
    except (Exception, SystemExit) as error:  # in the user's code
        return About(place, (f"{KEY}: {place} {fails(error)}",))
    return about


def _write(folder: Path, given: Given, place: str, version: str) -> About:
    version = given.version or version
    tables = {part: own for part, own in given.parts.items() if isinstance(own, Table)}
    if tables:
        if len(tables) < len(given.parts):
            raise BadInput("returns a DataFrame for some parts only; give one for each")
        files = {part: _write_table(folder, part, own) for part, own in tables.items()}
        (target, *others) = (own.target for own in tables.values())
        if any(other != target for other in others):
            raise BadInput("returns answers of different names for the parts; name y alike")
        return About(
            place, tables=files, target=target, class_names=given.class_names, version=version
        )
    rows: dict[str, int] = {}
    all_need: list[str] = []
    with Writer(folder) as writer:
        for part, blocks in given.parts.items():
            assert not isinstance(blocks, Table)
            rows[part] = 0
            for block in blocks:
                there = [called(role, name) for role, name, _ in block.roles()]
                all_need = all_need or there
                if there != all_need:
                    raise BadInput(
                        f"gives {', '.join(there)} for some rows and {', '.join(all_need)} for "
                        "others; give the same for all"
                    )
                for role, name, array in block.roles():
                    writer.put(role, name, array)
                rows[part] += block.rows
        return About(
            place,
            arrays=writer.stored(),
            parts={} if "" in rows else rows,
            class_names=given.class_names,
            version=version,
        )


def _write_table(folder: Path, part: str, table: Table) -> str:
    """Writes a table as a Parquet file; its name."""
    import pyarrow as pa
    from pyarrow import parquet

    frame = table.frame.set_axis([str(name) for name in table.frame.columns], axis=1)
    if twice := sorted(set(frame.columns[frame.columns.duplicated()])):
        raise BadInput(f"returns a DataFrame with two columns {twice[0]!r}; rename one")
    if frame.empty:
        raise BadInput("returns a DataFrame without rows")
    name = f"{part or 'rows'}.parquet"
    try:
        parquet.write_table(pa.Table.from_pandas(frame, preserve_index=False), folder / name)
    except (pa.ArrowException, TypeError, OverflowError) as error:
        raise BadInput(
            f"returns a DataFrame with a column that is neither numbers nor words: {error}"
        ) from error
    return name


def main() -> None:
    request, folder, parent = sys.argv[1:]
    end_with_parent()
    if os.getppid() != int(parent):  # it ended before
        return
    find_code_here()
    name, params = json.loads(request)
    write_about(Path(folder), run(name, params, Path(folder)))


if __name__ == "__main__":
    main()
