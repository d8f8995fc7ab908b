"""Checks of composed settings that no type can express: of each arm, and of what arms share.

In: the composed settings. Out: a `Problem` for each check that fails. Nothing is raised here, so
that all of them are told at once.
"""

from __future__ import annotations

import importlib.util
import math
import os
import re
from collections.abc import Container, Iterator, Sequence

from fairsweep.config.checks.callbacks import callback_problems
from fairsweep.config.checks.data import data_problems
from fairsweep.config.checks.metrics import metrics_problems, objective_problems
from fairsweep.config.checks.model import (
    BUILDERS,
    model_problems,
    optimizer_problems,
    params_problems,
    training_problems,
)
from fairsweep.config.checks.space import condition_problems, domain_problems, spec_problems
from fairsweep.config.checks.values import Problem, at_least, hint, is_whole, one_of
from fairsweep.config.options import options_of
from fairsweep.config.schema import Config, Spec
from fairsweep.config.space import GROUPS, LAYER_RATES, ArmSettings, is_empty, loss_params
from fairsweep.own import is_own
from fairsweep.tasks import OWN

SWEEP_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")

SAMPLERS = ("tpe", "random", "qmc", "grid", "gp")
PRUNERS = ("none", "median", "successive_halving", "hyperband")
TRACKERS = ("local", "server")
FITS = ("all", "fold")
TERMINALS = ("auto", "live", "plain", "quiet")
LEAST = {
    "points": 2,
    "n_startup_trials": 0,
    "n_ei_candidates": 1,
    "n_warmup_steps": 0,
    "interval_steps": 1,
    "n_min_trials": 1,
    "min_resource": 1,
    "max_resource": 1,
    "reduction_factor": 2,
    "min_early_stopping_rate": 0,
}
LONGEST_VALUE = 6000  # characters that MLflow keeps of a param
DOMAINS = {
    "optimizer.learning_rate": (0.0, "need numbers above 0"),
    "training.batch_size": (1, "need whole numbers from 1"),
    "training.epochs": (1, "need whole numbers from 1"),
    "model.layer_learning_rates": (0.0, "need factors above 0"),
}


def arm_problems(arm: ArmSettings) -> Iterator[Problem]:
    """Checks of the four groups that decide an arm's results, and of its search space."""
    problems = [*data_problems(arm.data), *_settings_problems(arm)]
    yield from problems
    yield from _ids(arm)
    yield from _lengths(arm)
    if arm.data.task == OWN.name and not is_own(arm.model.builder):
        yield (
            "data.task",
            "own needs a model of your own, whose builder compiles it, got "
            f"model={arm.model.name}; use model=custom model.builder=mypackage.models:build",
        )
    broken = {key.replace(".params.", ".") for key, _ in problems}
    told = {text for _, text in problems}
    for group in GROUPS:
        known = arm.known(group)
        for name, spec in getattr(arm, group).space.items():
            key = f"{group}.space.{name}"
            if name not in known:
                there = f"; there are: {', '.join(known)}"
                if group == "model" and is_own(arm.model.builder):
                    there += f"; one of your function needs its default: +model.params.{name}=…"
                meant = hint(name, known) or there
                owner = "training" if group == "training" else getattr(arm, group).name
                yield key, f"{owner} has no such parameter to search{meant}"
            elif spec is None or is_empty(name, spec) or f"{group}.{name}" in broken:
                continue
            else:
                found = list(spec_problems(key, spec, arm.value(group, name)))
                yield from found
                if not found:
                    yield from _domain(arm, group, name, spec, told)
                    yield from condition_problems(arm, group, name)


def _settings_problems(arm: ArmSettings) -> Iterator[Problem]:
    yield from model_problems(arm.model)
    yield from optimizer_problems(arm.optimizer)
    yield from training_problems(arm.training)
    yield from callback_problems(arm.training)
    yield from metrics_problems(arm.training, arm.model)
    yield from params_problems(arm.optimizer, arm.model)


def _domain(
    arm: ArmSettings, group: str, name: str, spec: Spec, told: Container[str]
) -> Iterator[Problem]:
    """What is wrong with values that a spec allows: its choices, or the ends of its range. What is
    wrong without them, too, has been `told`."""
    key = f"{group}.space.{name}"
    if f"{group}.{name}" in DOMAINS:
        least, text = DOMAINS[f"{group}.{name}"]
        if found := list(domain_problems(key, spec, least, text)):
            yield from found
            return
    if spec.layers is None and name != LAYER_RATES:
        for value in spec.choices if spec.choices is not None else (spec.low, spec.high):
            tried = arm.with_values({f"{group}.{name}": value})
            yield from ((key, text) for _, text in _settings_problems(tried) if text not in told)


def _ids(arm: ArmSettings) -> Iterator[Problem]:
    """Checks that a model of ours takes ids of words where the data has them."""
    data, builder = arm.data, arm.model.builder
    if builder == "text" and not (data.text or data.as_ids):
        yield (
            "model",
            "text needs columns of texts; name them: data.text=[review]; or data.words=ids, for "
            "an embedding of each column of words",
        )
    if builder not in BUILDERS or builder == "text":
        return
    for key, asked in (("data.text", data.text), ("data.words", data.as_ids)):
        if asked:
            yield (
                key,
                f"makes ids of words, which model={builder} takes for quantities; leave it out, "
                "or use model=text, or a model of your own with an Embedding",
            )


def _lengths(arm: ArmSettings) -> Iterator[Problem]:
    """Checks that MLflow keeps each value whole."""
    values = {
        "model.params": arm.model.params,
        "optimizer.params": arm.optimizer.params,
        "training.loss_params": loss_params(arm.training),
        "training": {"callbacks": arm.training.callbacks},
    }
    for place, own in {"data": vars(arm.data), **values}.items():
        for name, value in own.items():
            if (length := len(str(value))) > LONGEST_VALUE:
                key = f"{place}.{name}"
                yield key, f"need at most {LONGEST_VALUE} characters, got {length:,}"


def sweep_problems(config: Config, longest: int, arms: Sequence[ArmSettings]) -> Iterator[Problem]:
    """Checks of what arms share.

    Args:
        config: the composed settings.
        longest: epochs of the longest training of any arm.
        arms: the settings of each.
    """
    yield from one_of("search.name", config.search.name, SAMPLERS)
    yield from one_of("pruner.name", config.pruner.name, PRUNERS)
    yield from one_of("executor.name", config.executor.name, options_of("executor"))
    yield from one_of("tracking.name", config.tracking.name, TRACKERS)
    if config.tracking.name == "server" and config.tracking.uri is None:
        yield (
            "tracking.uri",
            "tracking=server needs the server's address; tracking.uri=http://host:5000",
        )
    elif config.tracking.uri is not None and "@" in config.tracking.uri:
        yield (
            "tracking.uri",
            "need an address without user and password, because it is stored and shown; MLflow "
            "reads them from MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD",
        )
    elif config.tracking.uri is not None and not re.match(r"https?://.", config.tracking.uri):
        yield (
            "tracking.uri",
            f"need the http address of an MLflow server, got {config.tracking.uri!r}; null uses "
            "the local store in tracking.root",
        )
    yield from one_of("terminal", config.terminal, TERMINALS)
    yield from at_least("search.trials", config.search.trials, 1)
    yield from at_least("search.repeats", config.search.repeats, 1)
    yield from at_least("confirm.seeds", config.confirm.seeds, 0)
    yield from at_least("confirm.repeats", config.confirm.repeats, 1)
    yield from _folds("confirm.folds", config.confirm.folds)
    yield from _folds("search.folds", config.search.folds)
    yield from one_of("publish.fit", config.publish.fit, FITS)
    yield from at_least("confirm.top", config.confirm.top, 1)
    if config.search.epochs is not None:
        least = longest * max(1, config.search.folds or 0)
        if config.search.epochs < least:
            yield (
                "search.epochs",
                f"need a whole number from {least}, the epochs of one trial by training.epochs, "
                f"training.space.epochs and search.folds; got {config.search.epochs}",
            )
    minutes = config.search.minutes
    if minutes is not None and not (math.isfinite(minutes) and minutes > 0):
        yield "search.minutes", f"need more than 0, got {minutes}; null sets no limit"
    workers = config.executor.workers
    most = 4 * (os.cpu_count() or 1)
    if workers != "auto" and not (is_whole(workers) and 1 <= workers <= most):
        yield (
            "executor.workers",
            f"need auto or a whole number from 1 to {most}, four per core, got {workers!r}",
        )
    yield from at_least("executor.threads", config.executor.threads, 1)
    if config.search.name == "gp" and importlib.util.find_spec("torch") is None:
        yield (
            "search.name",
            "gp needs torch, which isn't installed; pip install torch, or search=tpe",
        )
    for place, params in (("search", config.search.params), ("pruner", config.pruner.params)):
        for name, value in params.items():
            if name in LEAST and value != "auto":
                yield from at_least(f"{place}.params.{name}", value, LEAST[name])
    yield from objective_problems(config, arms)
    yield from name_problems(config.sweep.name)


def _folds(key: str, folds: int | None) -> Iterator[Problem]:
    if folds is not None and (folds == 1 or folds < 0):
        yield (
            key,
            f"need at least 2, because each fold is judged by a model that was trained on the "
            f"others, or 0 for none; got {folds}",
        )


def name_problems(name: str | None) -> Iterator[Problem]:
    """Checks of a sweep's name, which becomes a file name, a tag and part of a URL."""
    if name is None:
        return
    if not SWEEP_NAME.fullmatch(name):
        shown = name if len(name) <= 120 else f"{name[:120]}… ({len(name)} characters)"
        yield (
            "sweep.name",
            f"need 1 to 100 of A-Z a-z 0-9 . _ - and no dot or - first, got {shown!r}; "
            "for example sweep.name=digits-first-try",
        )
