"""What the rows look like that a sweep's report lists, as a file of the sweep's run.

In: a sweep. Out: a `Shown`, so that a report needs no data.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from fairsweep.errors import StorageError
from fairsweep.files import replaced
from fairsweep.records import SweepRecord
from fairsweep.shown import NOTHING, Shown, packed, unpacked
from fairsweep.tracking.names import ROWS
from fairsweep.tracking.store import Store, local_folder


def shown_rows(store: Store, sweep: SweepRecord) -> Shown:
    """What is stored; nothing in a store of an earlier version, or where no row is listed.

    Raises:
        StorageError: the file is damaged.
    """
    client = store.client()
    content = store.artifact(client, client.get_run(sweep.run_id), ROWS)
    try:
        return NOTHING if content is None else unpacked(content)
    except ValueError as error:
        raise StorageError(
            f"{ROWS} of sweep {sweep.name} (run {sweep.run_id}) can't be read ({error}); run the "
            "sweep's command again, which writes it again, or delete it"
        ) from error


def store_rows(store: Store, sweep: SweepRecord, shown: Shown, folder: Path) -> None:
    """Stores it, whole or not at all, if it isn't there yet; what has no rows only takes the place
    of another. `folder` is for the file on its way; it is made."""
    client, content = store.client(), packed(shown)
    run = client.get_run(sweep.run_id)
    stored = store.artifact(client, run, ROWS)
    if stored == content or (stored is None and not shown.rows):
        return
    folder.mkdir(parents=True, exist_ok=True)
    with replaced(folder / ROWS) as draft:
        draft.write_bytes(content)
    own = local_folder(run)
    if own is None:
        client.log_artifact(sweep.run_id, str(folder / ROWS))
    else:
        own.mkdir(parents=True, exist_ok=True)
        shutil.move(folder / ROWS, own / ROWS)
