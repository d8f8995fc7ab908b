"""The result on the runs of a sweep and its arms, as MLflow's pages show it.

Only what isn't there yet is written: a sweep that is finished stays as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from fairsweep.records import WHOLE, SweepRecord
from fairsweep.tracking import names
from fairsweep.tracking.store import Store
from fairsweep.tracking.ui.view import TAG, view_key, view_state
from fairsweep.tracking.write.run import now

if TYPE_CHECKING:
    from mlflow import MlflowClient

DESCRIPTION = "mlflow.note.content"
LONGEST = 7500
"""Characters of a description: a tag of MLflow's holds 8000."""


def show_result(
    store: Store, sweep: SweepRecord, description: str, arms: Mapping[str, Mapping[str, float]]
) -> None:
    """Describes the sweep's run, and puts numbers on its arms' runs.

    Args:
        store: the store of the sweep.
        sweep: what was judged.
        description: Markdown; cut where MLflow has no room for more.
        arms: metrics by arm, and those of the sweep itself.
    """
    from mlflow.entities import Metric

    client = store.client()
    text = description[:LONGEST]
    if client.get_run(sweep.run_id).data.tags.get(DESCRIPTION) != text:
        client.set_tag(sweep.run_id, DESCRIPTION, text)
    _save_view(client, sweep)
    for run in names.search(client, [sweep.experiment_id], sweep.name, names.FRAME):
        values, there = arms.get(run.data.tags.get("arm", WHOLE), {}), run.data.metrics
        step = len(sweep.runs)  # of a sweep that goes on, for more seeds or trials
        missing = [Metric(k, v, now(), step) for k, v in values.items() if there.get(k) != v]
        if missing:
            client.log_batch(run.info.run_id, missing)


def mark_front(store: Store, sweep: SweepRecord, front: Collection[str]) -> None:
    """Tags the trials of a sweep that are on its Pareto front, and no others.

    Args:
        store: the store of the sweep.
        sweep: whose trials they are.
        front: the ids of their runs.
    """
    client, condition = store.client(), f"tags.{names.PARETO} = 'true'"
    found = names.search(client, [sweep.experiment_id], sweep.name, condition)
    marked = {run.info.run_id for run in found}
    for run_id in sorted(marked.difference(front)):
        client.delete_tag(run_id, names.PARETO)
    for run_id in sorted(set(front) - marked):
        client.set_tag(run_id, names.PARETO, "true")


def _save_view(client: MlflowClient, sweep: SweepRecord) -> None:
    key, state = TAG + view_key(sweep), view_state(sweep)
    if client.get_experiment(sweep.experiment_id).tags.get(key) != state:
        client.set_experiment_tag(sweep.experiment_id, key, state)
