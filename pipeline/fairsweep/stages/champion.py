"""The best arm's model goes to MLflow's registry, as the champion of its sweep.

In: a finished sweep as it is stored, its plan, studies and data. Out: the champion, which is the
model of the best seed, by validation, of the arm with the best confirmed mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fairsweep.config.plan import Plan
from fairsweep.config.trust import code_of
from fairsweep.data.dataset import Dataset
from fairsweep.data.inputs.rows import InputSpec, decode
from fairsweep.data.memory.view import rows_of
from fairsweep.data.recipe import Recipe, write_model
from fairsweep.data.scaling import measure
from fairsweep.data.split import SplitData, split_rows
from fairsweep.records import Champion, RunRecord, SweepRecord, TrialSpec
from fairsweep.report.analysis.select import ArmSelection, select, value_of
from fairsweep.report.analysis.statistics import judge, summarize
from fairsweep.search.study import ArmStudy
from fairsweep.stages.confirm import confirmation
from fairsweep.tracking.registry import register
from fairsweep.tracking.store import Store

EXAMPLES = 3  # rows that show what a request looks like


def publish_champion(
    store: Store,
    sweep: SweepRecord,
    plan: Plan,
    studies: Mapping[str, ArmStudy],
    folder: Path,
    dataset: Dataset,
) -> Champion | None:
    """Registers the sweep's best model, unless the champion that there is has at least as good a
    mean, or earned it on other data.

    Args:
        store: the store of the sweep.
        sweep: what it holds of the sweep.
        plan: the sweep.
        studies: by arm.
        folder: for files on their way; it is made.
        dataset: of the sweep.

    Returns:
        The champion now; None where no arm is confirmed yet, or its weights aren't stored.
    """
    selection = select(sweep)
    verdict = judge(selection.samples, sweep.objective, final=not selection.pending)
    now = sweep.champion
    if verdict.best is None or selection.pending:
        return now
    entry = selection[verdict.best]
    mean = summarize(list(entry.values.values()))
    assert mean is not None
    assert entry.chosen is not None
    if now is not None and (
        now.data_sha256 != sweep.data_sha256 or not sweep.objective.better(mean.mean, now.mean)
    ):
        return now
    run = _best_seed(entry, sweep)
    weights = store.weights(run.run_id)
    if weights is None:
        return now
    values = dict(studies[entry.arm].best_trials(plan.config.confirm.top))[run.key.trial]
    spec = confirmation(plan, studies[entry.arm].arm, run.key.trial, values, run.key.repeat)
    data = split_rows(dataset, spec.data)
    recipe = recipe_of(spec, data)
    rows = data.dataset.x[data.train[:EXAMPLES]]
    write_model(folder / "model", recipe, weights)
    tags = {
        "confirmed_mean": repr(mean.mean),
        "confirmed_seeds": str(mean.n),
        "data_sha256": sweep.data_sha256,
        "objective": sweep.objective.metric,
        "arm": entry.arm,
        "verdict": verdict.kind,
    }
    return register(
        store,
        sweep,
        run,
        folder / "model",
        tags,
        decode(rows, recipe.columns) if recipe.columns else rows,
        InputSpec(recipe.shape, recipe.columns, bool(recipe.scaling.fill)),
        recipe.classes,
        data.dataset.task.columns(recipe.classes),
        code_of(spec.model.builder),
    )


def recipe_of(spec: TrialSpec, data: SplitData) -> Recipe:
    """The model of a training, without its weights."""
    dataset = data.dataset
    return Recipe(
        spec.model.builder,
        spec.model.params,
        measure(spec.data, rows_of(dataset.x, data.train), dataset.columns),
        dataset.x.shape[1:],
        dataset.class_names,
        dataset.columns,
        spec.training.loss,
        dataset.task.name,
    )


def _best_seed(entry: ArmSelection, sweep: SweepRecord) -> RunRecord:
    index = sweep.objective.best([value_of(run) for run in entry.confirmed])
    assert index is not None
    return entry.confirmed[index]
