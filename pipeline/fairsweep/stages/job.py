"""What a command trains for: a checked plan, its data, and the store that keeps the results.

In: a plan. Out: a `Job`, or `BadInput` with all that its data and its models don't agree on.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from fairsweep.config.plan import Plan
from fairsweep.data.memory.room import check_workers
from fairsweep.data.split import SplitData, describe, fingerprint, load_split
from fairsweep.files import TrialFolders
from fairsweep.tracking.store import Store, open_store


@dataclass(frozen=True)
class Job:
    """A checked plan, the data it is about, its store, and how many workers train it."""

    plan: Plan
    data: SplitData
    store: Store
    workers: int

    @property
    def folders(self) -> TrialFolders:
        """Where its trainings keep checkpoints, and weights on their way into the store."""
        name = self.plan.name
        return TrialFolders(self.store.checkpoints(name), self.store.scratch(name))

    @cached_property
    def data_sha256(self) -> str:
        """Fingerprint of data and split."""
        return fingerprint(self.data)

    @cached_property
    def metrics(self) -> Sequence[str]:
        """What every epoch is measured by."""
        dataset = self.data.dataset
        return self.plan.metrics(dataset.task, len(dataset.class_names))

    @cached_property
    def data_facts(self) -> Mapping[str, object]:
        """What is stored about the data, flat."""
        return describe(self.data, self.plan.config.data)


def open_job(plan: Plan, workers: int) -> Job:
    """Loads the plan's data, checks that its models take them and that so many workers can load
    them, and opens its store.

    Raises:
        BadInput: they can't.
        StorageError: the store can't be written.
    """
    data = load_split(plan.config.data)
    check_workers(data.dataset.x, workers)
    dataset = data.dataset
    names = len(dataset.class_names)
    plan.check_rows(dataset.x.shape, len(data.validation), dataset.task, names)
    return Job(plan, data, open_store(plan.config.tracking), workers)


def worker_count(setting: int | str) -> int:
    """auto is one per core that this process may use."""
    if setting == "auto":
        return (
            len(os.sched_getaffinity(0))
            if hasattr(os, "sched_getaffinity")
            else os.cpu_count() or 1
        )
    return int(setting)
