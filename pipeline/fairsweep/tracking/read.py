"""Reads a stored sweep back from MLflow: all that a report or a continued sweep needs."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fairsweep import judged, tested
from fairsweep.config.plan import objective_of
from fairsweep.config.space import LAYER_RATES, place_of
from fairsweep.errors import BadInput, StorageError
from fairsweep.invocation import command_line
from fairsweep.metrics import base_name, metric_named, of_epoch, scored
from fairsweep.metrics import stored as stored_metrics
from fairsweep.records import (
    Confirmation,
    Objective,
    RunRecord,
    SweepRecord,
    TrialKey,
    TrialResult,
)
from fairsweep.tasks import task_in
from fairsweep.tracking import names
from fairsweep.tracking.registry import champion
from fairsweep.tracking.store import Store, no_store
from fairsweep.tracking.write import frame

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


def read_sweep(store: Store, name: str | None, known: SweepRecord | None = None) -> SweepRecord:
    """A sweep by name, None for the newest one.

    Args:
        store: has the sweep.
        name: of the sweep.
        known: what was read of the same sweep before, when no training was under way: curves and
            rows are taken from it, where it has them.

    Raises:
        BadInput: there is no such sweep; the message lists those there are.
    """
    if store.local and not store.database.exists():
        raise no_store(store)
    client = store.client()
    experiments = names.all_experiments(client)
    sweeps = list(names.search(client, experiments, None, "tags.stage = 'sweep'"))
    chosen = [run for run in sweeps if name in (None, run.data.tags["sweep"])]
    if not sweeps:
        makes = command_line("sweep")
        raise BadInput(f"sweep.name: there is no sweep in {store.uri} yet; {makes} makes one")
    if not chosen:
        there_are = ", ".join(sorted({run.data.tags["sweep"] for run in sweeps}))
        raise BadInput(
            f"sweep.name: there is no sweep {name!r} in {store.uri}; there are: {there_are}"
        )
    run = chosen[-1]
    whole = {} if known is None else {own.run_id: own for own in known.runs if own.curves}
    return _sweep(store, client, run, experiments[run.info.experiment_id], whole)


@dataclass(frozen=True)
class Stored:
    """What the store holds of a sweep: the trainings that ended, named as their first attempts,
    whether the sweep was closed, and `frame.own_code` of the process that last ran it."""

    ended: Mapping[TrialKey, TrialResult]
    closed: bool
    code: Mapping[str, str] = field(default_factory=dict)


def stored(store: Store, experiment: str, sweep: str, objective: Objective) -> Stored:
    """What an earlier process stored of a sweep."""
    client = store.client()
    found = client.get_experiment_by_name(experiment)
    if found is None:
        return Stored({}, closed=False)
    own = list(names.search(client, [found.experiment_id], sweep, "tags.stage = 'sweep'"))
    ended = {}
    for run in names.search(client, [found.experiment_id], sweep, names.TRAININGS):
        if names.has_ended(run.info.status, run.data.tags):
            result = _result(_run(run, objective), run.data.tags)
            ended[result.key] = result
    code = frame.stored_code(own[-1].data.tags) if own else {}
    return Stored(ended, any(map(_closed, own)), code)


def _closed(sweep: Run) -> bool:
    return names.is_closed(sweep.info.status, sweep.data.tags)


def _result(run: RunRecord, tags: Mapping[str, str]) -> TrialResult:
    assert run.outcome != "running"
    return TrialResult(
        run.key.first,
        run.outcome,
        run.epochs,
        run.seconds,
        run.best_epoch,
        run.best_value,
        run.test,
        second=run.second,
        loop=tags.get("loop", ""),
        error=run.error,
        cause=tags.get(names.CAUSE, ""),
    )


def key_of(tags: Mapping[str, str]) -> TrialKey:
    """Which training a run with these tags is of."""
    return TrialKey(
        tags["arm"],
        tags["stage"],  # type: ignore[arg-type]
        int(tags["trial"]),
        int(tags.get("repeat", 0)),
        int(tags["attempt"]),
        int(tags["fold"]) if "fold" in tags else None,
        int(tags.get("search", 0)),
    )


def _sweep(
    store: Store, client: MlflowClient, run: Run, experiment: str, known: Mapping[str, RunRecord]
) -> SweepRecord:
    sweep, experiment_id = run.data.tags["sweep"], run.info.experiment_id
    about = _about(sweep, run.data.tags)
    metrics = stored_metrics(about)
    objective = objective_of(about["objective"])
    found = list(names.search(client, [experiment_id], sweep, names.TRAININGS))
    stands = [_run(r, objective) for r in found if r.data.tags.get("outcome") != "interrupted"]
    runs = [run for run in stands if run.key.whole is None]  # a trial stands for its folds
    folds = about.get(names.SEARCH_FOLDS, 0)
    told = {
        arm.data.tags["arm"]: arm.data.tags
        for arm in names.search(client, [experiment_id], sweep, "tags.stage = 'arm'")
    }
    arms = {arm: json.loads(tags[names.ARM_TAG]) for arm, tags in told.items()}
    commands: dict[str, Sequence[str]] = {
        name: _flags_last([*arm["overrides"], *_first_fold(folds)]) for name, arm in arms.items()
    }
    defaults = {
        record.key.arm: record.params
        for record in runs
        if (record.key.stage, record.key.trial) == ("search", 0)
    }
    for record in runs:
        if record.key.stage == "search" and record.params:  # else it has only just begun
            arm = arms[record.key.arm]
            again = again_by(record, arm, defaults.get(record.key.arm, {}))
            commands[record.run_id] = _flags_last([*again, *_first_fold(folds)])
    drawn, entities = _drawn(runs, objective), {r.info.run_id: r for r in found}

    def whole(own: RunRecord) -> RunRecord:
        if own.run_id in known:
            return _as_known(own, known[own.run_id])
        return _whole(store, client, own, entities[own.run_id], about, folds > 0)

    return SweepRecord(
        name=sweep,
        run_id=run.info.run_id,
        experiment=experiment,
        experiment_id=experiment_id,
        objective=objective,
        metrics=metrics,
        group=about["group"],
        arms=tuple(about["arms"]),
        trials=about["trials"],
        sampler=about.get("sampler", ""),
        search_folds=folds,
        champion=champion(client, sweep),
        confirmation=confirmation_in(about),
        stopped={arm: tags[names.STOPPED] for arm, tags in told.items() if names.STOPPED in tags},
        cut_off={arm: tags[names.CUT_OFF] for arm, tags in told.items() if names.CUT_OFF in tags},
        spaces={arm: json.loads(tags.get(names.SPACE_TAG, "[]")) for arm, tags in told.items()},
        data=about["data"],
        data_sha256=run.data.tags["data_sha256"],
        started=run.info.start_time,
        finished=_closed(run),
        work=names.work_in(run.data.tags),
        code_changed=names.CODE_CHANGED in run.data.tags,
        commands=commands,
        runs=tuple(whole(own) if own.run_id in drawn else own for own in runs),
    )


def again_by(
    run: RunRecord, arm: Mapping[str, Sequence[str]], defaults: Mapping[str, str]
) -> list[str]:
    """The overrides that train a trial again: its arm's, then those of its searched values that
    aren't the arm's defaults.

    Args:
        run: the trial.
        arm: its arm's `overrides`, and the names that are `searched`.
        defaults: the params of trial 0, or none where it has no run.
    """
    changed = [name for name in arm["searched"] if run.params[name] != defaults.get(name)]
    own = _overrides(run, changed)
    replaced = {override.partition("=")[0] for override in own}
    return [*(o for o in arm["overrides"] if o.partition("=")[0] not in replaced), *own]


def _flags_last(overrides: Sequence[str]) -> list[str]:
    return sorted(overrides, key=lambda override: override.startswith("--"))


def confirmation_in(about: Mapping[str, Any]) -> Confirmation:
    """How a sweep confirms, by what its run says of it; in the first format there were no folds."""
    if "confirmation" in about:
        return Confirmation(**about["confirmation"])
    return Confirmation(0, about["confirm_seeds"], about.get("confirm_top", 1))


def _about(sweep: str, tags: Mapping[str, str]) -> Any:
    """The description of a sweep in the tags of its run.

    Raises:
        StorageError: it was stored by another version, in a format that this one doesn't know.
    """
    about = json.loads(tags.get(names.SWEEP_TAG, "{}"))
    if about.get("format") not in range(names.EARLIEST_FORMAT, names.SWEEP_FORMAT + 1):
        raise StorageError(
            f"sweep {sweep} is stored in format {about.get('format', 'unknown')}, but this version "
            f"reads {names.EARLIEST_FORMAT} to {names.SWEEP_FORMAT}; use the version that stored "
            "it, or start another sweep with sweep.name=…"
        )
    return about


def _drawn(runs: Sequence[RunRecord], objective: Objective) -> set[str]:
    """The ids of the runs whose curves a report draws: the confirmations, or, while there are none,
    the best trial of each arm."""
    confirmations = {run.run_id for run in runs if run.key.stage == "confirm"}
    if confirmations:
        return confirmations
    found: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: (run.key.search, run.key.trial)):
        if run.outcome == "complete" and run.best_value is not None:
            found[run.key.arm].append((run.best_value, run.run_id))
    best = ((own, objective.best([value for value, _ in own])) for own in found.values())
    return {own[index][1] for own, index in best if index is not None}


def _run(run: Run, objective: Objective) -> RunRecord:
    tags, metrics = run.data.tags, run.data.metrics
    best_epoch = metrics.get("best_epoch")
    return RunRecord(
        run_id=run.info.run_id,
        key=key_of(tags),
        outcome=tags.get("outcome", "running"),
        seed=int(tags["seed"]),
        params=run.data.params,
        best_value=metrics.get(f"best_{objective.metric}"),
        best_epoch=None if best_epoch is None else int(best_epoch),
        epochs=int(metrics.get("epochs", 0)),
        seconds=metrics.get("seconds", 0.0),
        test={name: value for name, value in metrics.items() if name.startswith("test_")},
        second=metrics.get(objective.stored_second),
        error=tags.get("error", ""),
    )


def _first_fold(folds: int) -> Sequence[str]:
    """The overrides that train on the split of the search, which is its first fold."""
    return [f"search.folds={folds}"] if folds else []


def _overrides(run: RunRecord, searched: Sequence[str]) -> list[str]:
    """The overrides that give a training its searched values and its seed."""
    overrides = []
    for name in searched:
        group, _, parameter = name.partition(".")
        value = run.params[name].replace(" ", "")
        if parameter == LAYER_RATES:
            value = value.replace('"', "")  # Hydra takes keys as they are
        overrides.append(f"{place_of(group, parameter)}={value}")
    return [*overrides, f"training.seed={run.seed}"]


def _whole(
    store: Store,
    client: MlflowClient,
    record: RunRecord,
    run: Run,
    about: Mapping[str, Any],
    of_folds: bool,
) -> RunRecord:
    """The run with its curves, and with what it says of test rows and of its own if it has that."""
    measured = stored_metrics(about)
    judging = metric_named(base_name(about["objective"]["metric"]))
    epochs = 0 if of_folds and record.key.stage == "search" else record.epochs
    curves = {
        name: _curve(client.get_metric_history(record.run_id, name), epochs)
        for name in of_epoch(measured)
    }
    record = replace(record, curves={name: curve for name, curve in curves.items() if curve})
    if record.key.stage != "confirm":
        return record
    kind = task_in(about["data"]).tested
    kept = None if kind is None else store.artifact(client, run, tested.FILES[kind])
    said = store.artifact(client, run, names.JUDGED)
    return replace(
        record,
        tested=None if kept is None else tested.read(kept),
        judged=None
        if said is None
        else scored(judged.read(said), [judging], task_in(about["data"])),
    )


def _as_known(record: RunRecord, known: RunRecord) -> RunRecord:
    """The run with what was read of it before."""
    return replace(record, curves=known.curves, tested=known.tested, judged=known.judged)


def _curve(history: Sequence[Any], epochs: int) -> list[float]:
    values: Mapping[int, float] = {metric.step: metric.value for metric in history}
    length = max([epochs, *values]) if values else 0
    return [values.get(epoch, math.nan) for epoch in range(1, length + 1)]
