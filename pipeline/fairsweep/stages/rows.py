"""What the hard rows of a sweep look like: looked up in its data, and stored for its report.

In: a sweep as it is stored, and its data. Out: a `Shown` of the rows that the report lists.
"""

from __future__ import annotations

from pathlib import Path

from fairsweep.data.shown import shown
from fairsweep.records import SweepRecord
from fairsweep.report.analysis.far_rows import far_rows
from fairsweep.report.analysis.rows import hard_rows
from fairsweep.report.analysis.select import select
from fairsweep.shown import Shown
from fairsweep.stages.job import Job
from fairsweep.tracking.shown import store_rows


def show_rows(job: Job, sweep: SweepRecord, folder: Path) -> Shown:
    """What the rows look like that the report of a sweep lists; they are stored with its run.

    Args:
        job: the sweep, with its data.
        sweep: what its store holds of it.
        folder: for a file on its way; it is made.
    """
    dataset, selection = job.data.dataset, select(sweep)
    listed = hard_rows(selection, dataset.task) or far_rows(selection, dataset.task)
    found = shown(dataset, () if listed is None else listed.numbers)
    store_rows(job.store, sweep, found, folder)
    return found
