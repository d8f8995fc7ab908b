"""The best arm's model goes to MLflow's registry, as the champion of its sweep.

In: a finished sweep as it is stored, its plan, studies and data. Out: the champion: the
configuration of the arm with the best confirmed mean, trained on all rows, or else the best of its
confirmations by validation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fairsweep.config.form import EXAMPLE_PATHS, TAB, WRITTEN
from fairsweep.config.schema import Data, Model
from fairsweep.config.trust import code_of
from fairsweep.data.dataset import in_file
from fairsweep.data.inputs.encoding import decode
from fairsweep.data.inputs.rows import InputSpec
from fairsweep.data.memory.view import rows_of
from fairsweep.data.recipe import Recipe, known_words, write_model
from fairsweep.data.scaling import measure
from fairsweep.data.several import inputs_of, plain
from fairsweep.data.split import SplitData, split_rows
from fairsweep.keras_file import read_keras_file
from fairsweep.records import (
    Champion,
    Objective,
    RunRecord,
    SearchKey,
    SweepRecord,
    TrialKey,
    TrialSpec,
)
from fairsweep.report.analysis.select import ArmSelection, select, value_of
from fairsweep.report.analysis.statistics import summarize
from fairsweep.search.study import ArmStudy
from fairsweep.stages.confirm import confirming
from fairsweep.stages.job import Job
from fairsweep.stages.refit import STAGE, leading, refit
from fairsweep.tracking.registry import is_damaged, register

EXAMPLES = 3  # rows that show what a request looks like


def publish_champion(
    job: Job, sweep: SweepRecord, studies: Mapping[SearchKey, ArmStudy], folder: Path
) -> Champion | None:
    """Registers the sweep's best model, unless the champion that there is has all its files, and
    has at least as good a mean or earned it on other data. With a second objective a model with a
    worse mean can be the one that is recommended, and takes its place.

    Args:
        job: the sweep.
        sweep: what its store holds of it.
        studies: by search.
        folder: for files on their way; it is made.

    Returns:
        The champion now; None where no arm is confirmed yet, or its weights aren't stored.
    """
    plan, store = job.plan, job.store
    selection = select(sweep)
    now, entry, verdict = sweep.champion, leading(selection), selection.verdict
    if entry is None:
        return now
    mean = summarize([value_of(run) for run in entry.retrained])
    assert mean is not None
    assert entry.chosen is not None
    fitted = _refit_of(entry, sweep) if plan.config.publish.fit == "all" else None
    run = fitted or _best_training(entry, sweep)
    if now is not None and not is_damaged(store, now):
        other_data = now.data_sha256 != sweep.data_sha256
        if other_data or _stays(now, run, mean.mean, sweep.objective):
            return now
    study, confirmation = studies[entry.chosen.key.of], job.confirmation
    if fitted is not None:
        spec = refit(plan, confirmation, entry, study)
    else:
        values = dict(study.best_trials(confirmation.top))[run.key.trial]
        spec = confirming(plan, confirmation, study.arm, values, run.key)
    weights = store.weights(run.run_id)
    if weights is None:
        return now
    data = split_rows(job.data.dataset, spec.data, spec.fold)
    recipe = recipe_of(spec, data)
    rows = data.dataset.x[data.train[:EXAMPLES]]
    write_model(folder / "model", recipe, weights)
    tags = {
        "confirmed_mean": repr(mean.mean),
        "confirmed_trainings": str(mean.n),
        "data_sha256": sweep.data_sha256,
        "objective": sweep.objective.metric,
        "arm": entry.arm,
        "verdict": verdict.kind if entry.arm == verdict.best else "recommended",
        "claim": verdict.claim,
        "fit": "all" if run.key.stage == STAGE else "fold",
        "asked": json.dumps(asked(spec.data, recipe)),
    }
    return register(
        store,
        sweep,
        run,
        folder / "model",
        tags,
        decode(rows, data.dataset.columns) if recipe.columns else plain(rows),
        InputSpec(
            recipe.shape,
            in_file(recipe.columns),
            recipe.fills or recipe.scaling.takes_gaps,
            spec.data.missing_words,
            recipe.inputs,
            recipe.scaling.padding,
        ),
        recipe.classes,
        data.dataset.task.columns(recipe.classes, recipe.quantiles),
        code_of(spec.model.builder),
    )


def asked(data: Data, recipe: Recipe) -> Sequence[str]:
    """The overrides of `fairsweep predict` by which rows like those of the data are given."""
    arrays_or_table = EXAMPLE_PATHS["csv" if recipe.columns else "npz"]
    example = EXAMPLE_PATHS.get(data.source, arrays_or_table)
    written = {name: getattr(data, name) for name in WRITTEN if data.source == "csv"}
    return f"input={example}", *(f"{name}={_word(own)}" for name, own in written.items() if own)


def _word(value: Any) -> str:
    """A value as overrides have it."""
    if isinstance(value, list):
        return f"[{','.join(map(_word, value))}]"
    text = str(value)
    if text.isascii() and text.isidentifier():
        return text
    return "'" + text.replace("\t", TAB).replace("'", r"\'") + "'"


def _stays(now: Champion, run: RunRecord, mean: float, objective: Objective) -> bool:
    """Whether a champion isn't replaced by a training whose configuration has this mean."""
    if objective.second is not None:
        return now.run_id == run.run_id
    return not objective.better(mean, now.mean)


def recipe_of(spec: TrialSpec, data: SplitData) -> Recipe:
    """The model of a training, without its weights."""
    dataset = data.dataset
    measured = measure(spec.data, rows_of(dataset.x, data.train), dataset.columns)
    scaling, columns = known_words(measured, dataset.columns)
    output = data.output(spec.training)
    return Recipe(
        spec.model.builder,
        _packed(spec.model),
        scaling,
        () if (inputs := inputs_of(dataset.x)) else dataset.x.shape[1:],
        dataset.class_names,
        columns,
        spec.training.loss,
        dataset.task.name,
        output.scale,
        inputs,
        tuple(output.quantiles),
        bool(columns) and spec.data.fills,
    )


def _packed(model: Model) -> Mapping[str, Any]:
    """The params of a model, with what its base is made of in the place of a file's path."""
    if model.builder != "transfer":
        return model.params
    base = read_keras_file(model.params["path"]).config
    return {**model.params, "path": None, "base": base}


def _refit_of(entry: ArmSelection, sweep: SweepRecord) -> RunRecord | None:
    """The arm's configuration trained on all rows, if that ended well."""
    assert entry.chosen is not None
    chosen = entry.chosen.key
    wanted = TrialKey(entry.arm, STAGE, chosen.trial, search=chosen.search)
    for run in sweep.runs:
        if run.key.first == wanted and run.outcome == "complete":
            return run
    return None


def _best_training(entry: ArmSelection, sweep: SweepRecord) -> RunRecord:
    index = sweep.objective.best([value_of(run) for run in entry.retrained])
    assert index is not None
    return entry.retrained[index]
