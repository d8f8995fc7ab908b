"""What must hold of composed settings and no type can say.

In: the composed settings of one arm, or of the whole. Out: (key, rule broken and remedy) for
every law that doesn't hold; nothing is raised here, so that all of them are told at once.
"""

from __future__ import annotations

import difflib
import importlib.util
import math
import os
import re
from collections.abc import Iterable, Iterator
from typing import Any

from pipeline.config.schema import OF_THE_WATCH, Config, Data, Model, Optimizer, Training
from pipeline.config.space import TUNABLE_TRAINING, ArmSettings
from pipeline.config.space_laws import Problem, domain_problems, is_number, is_whole, spec_problems
from pipeline.config.trust import distrust, is_trusted

SWEEP_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")

OPTIMIZERS = (
    "Adadelta Adafactor Adagrad Adam AdamW Adamax Ftrl Lamb Lion Muon Nadam RMSprop SGD "
    "ScheduleFreeAdamW"
).split()
SPARSE_LOSSES = "sparse_categorical_crossentropy categorical_generalized_cross_entropy".split()
ONE_HOT_LOSSES = (
    "categorical_crossentropy categorical_focal_crossentropy "
    "categorical_hinge kl_divergence poisson "
    "mean_squared_error mean_absolute_error mean_squared_logarithmic_error huber log_cosh "
    "binary_crossentropy binary_focal_crossentropy cosine_similarity dice tversky"
).split()
SOURCES = ("digits", "worked_example", "npz")
BUILDERS = ("mlp", "cnn")
LOOPS = ("auto", "resident", "fit")
SCHEDULES = ("constant", "cosine", "exponential")
SAMPLERS = ("tpe", "random", "qmc", "grid", "gp")
PRUNERS = ("none", "median", "successive_halving", "hyperband")
EXECUTORS = ("local",)
TRACKERS = ("local", "server")
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
DOMAINS = {
    "optimizer.learning_rate": (0.0, "need numbers above 0"),
    "training.batch_size": (1, "need whole numbers from 1"),
}
CLIPPING = ("clipnorm", "clipvalue", "global_clipnorm")
ACTIVATIONS = (
    "celu elu exponential gelu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh "
    "leaky_relu linear log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink "
    "softmax softplus softsign sparse_plus sparse_sigmoid sparsemax squareplus swish tanh "
    "tanh_shrink"
).split()
METRICS = {
    "loss": "minimize",
    "accuracy": "maximize",
    "val_loss": "minimize",
    "val_accuracy": "maximize",
}


def arm_problems(arm: ArmSettings) -> Iterator[Problem]:
    """Laws of the four groups that decide an arm's results, and of its search space."""
    problems = [
        *_data(arm.data),
        *_model(arm.model),
        *_optimizer(arm.optimizer),
        *_training(arm.training),
    ]
    yield from problems
    broken = {key.replace(".params.", ".") for key, _ in problems}
    for group in ("optimizer", "model", "training"):
        settings = getattr(arm, group)
        known = TUNABLE_TRAINING if group == "training" else tuple(settings.params)
        for name, spec in settings.space.items():
            key = f"{group}.space.{name}"
            if name not in known:
                yield key, f"there is no such parameter to search{_hint(name, known)}"
            elif spec is not None and f"{group}.{name}" not in broken:
                found = list(spec_problems(key, spec, arm.value(group, name)))
                yield from found
                if f"{group}.{name}" in DOMAINS and not found:
                    least, text = DOMAINS[f"{group}.{name}"]
                    yield from domain_problems(key, spec, least, text)


def sweep_problems(config: Config, longest: int) -> Iterator[Problem]:
    """Laws of everything that arms share; `longest` is the epochs of their longest training."""
    yield from _one_of("search.name", config.search.name, SAMPLERS)
    yield from _one_of("pruner.name", config.pruner.name, PRUNERS)
    yield from _one_of("executor.name", config.executor.name, EXECUTORS)
    yield from _one_of("tracking.name", config.tracking.name, TRACKERS)
    if config.tracking.name == "server" and config.tracking.uri is None:
        yield "tracking.uri", "tracking=server needs its address; tracking.uri=http://host:5000"
    elif config.tracking.uri is not None and not re.match(r"https?://.", config.tracking.uri):
        yield (
            "tracking.uri",
            f"need the http address of an MLflow server, got {config.tracking.uri!r}; null is the "
            "store in tracking.root",
        )
    yield from _one_of("terminal", config.terminal, TERMINALS)
    yield from _at_least("search.trials", config.search.trials, 1)
    yield from _at_least("confirm.seeds", config.confirm.seeds, 0)
    yield from _at_least("confirm.top", config.confirm.top, 1)
    if config.search.epochs is not None:
        yield from _at_least("search.epochs", config.search.epochs, longest)
    minutes = config.search.minutes
    if minutes is not None and not (math.isfinite(minutes) and minutes > 0):
        yield "search.minutes", f"need more than 0, got {minutes}; null sets no limit"
    workers = config.executor.workers
    most = 4 * (os.cpu_count() or 1)
    if workers != "auto" and not (is_whole(workers) and 1 <= workers <= most):
        yield (
            "executor.workers",
            f"need auto or a whole number from 1 to {most}, 4 for each core here, got {workers!r}",
        )
    yield from _at_least("executor.threads", config.executor.threads, 1)
    if config.search.name == "gp" and importlib.util.find_spec("torch") is None:
        yield "search.name", "gp needs torch, which isn't installed: pip install torch, or use tpe"
    for place, params in (("search", config.search.params), ("pruner", config.pruner.params)):
        for name, value in params.items():
            if name in LEAST and value != "auto":
                yield from _at_least(f"{place}.params.{name}", value, LEAST[name])
    yield from _objective(config)
    yield from name_problems(config.sweep.name)


def name_problems(name: str | None) -> Iterator[Problem]:
    """The law of a sweep's name: it becomes a file name, a tag and part of a URL."""
    if name is not None and not SWEEP_NAME.fullmatch(name):
        shown = name if len(name) <= 120 else f"{name[:120]}… ({len(name)} characters)"
        yield (
            "sweep.name",
            f"need 1 to 100 of A-Z a-z 0-9 . _ - and no dot first, got {shown!r}; "
            "for example sweep.name=digits-first-try",
        )


def _objective(config: Config) -> Iterator[Problem]:
    metric, direction = config.objective.metric, config.objective.direction
    if metric not in METRICS:
        yield from _one_of("objective.metric", metric, METRICS)
    elif direction != METRICS[metric]:
        yield (
            "objective.direction",
            f"{metric} is better when you {METRICS[metric]} it, got {direction!r}; "
            f"use objective.direction={METRICS[metric]}",
        )
    elif metric.startswith("val_") and config.data.validation == 0:
        yield (
            "objective.metric",
            f"{metric} needs validation rows, and data.validation is 0; use "
            f"data.validation=0.2 or objective.metric={metric.removeprefix('val_')}",
        )


def _data(data: Data) -> Iterator[Problem]:
    yield from _plain("data.name", data.name)
    yield from _one_of("data.source", data.source, SOURCES)
    if data.source == "npz" and not data.path:
        yield "data.path", f"data={data.name} reads a file, and none is given; data.path=rows.npz"
    for name in ("validation", "test"):
        share = getattr(data, name)
        if not 0 <= share < 1:
            yield f"data.{name}", f"need a share of the rows in [0, 1), got {share}"
    if data.validation + data.test >= 1:
        yield (
            "data.test",
            f"validation and test must leave rows to train on, got {data.validation} + {data.test}",
        )
    yield from _at_least("data.seed", data.seed, 0)
    if data.validation_seed is not None:
        yield from _at_least("data.validation_seed", data.validation_seed, 0)
    if data.rescale is not None and data.standardize:
        yield (
            "data.rescale",
            "rescale and standardize exclude each other; set one of them to null/false",
        )
    if data.rescale is not None and not (math.isfinite(data.rescale) and data.rescale > 0):
        yield "data.rescale", f"need a finite factor above 0, got {data.rescale}"


def _model(model: Model) -> Iterator[Problem]:
    yield from _plain("model.name", model.name)
    if ":" in model.builder:
        if not is_trusted(model.builder):
            yield "model.builder", distrust(model.builder)
    elif model.builder not in BUILDERS:
        yield (
            "model.builder",
            f"need one of {', '.join(BUILDERS)} or package.module:function, got {model.builder!r}",
        )
    for name in ("hidden_units", "filters"):
        if name in model.params:
            widths = model.params[name]
            ok = isinstance(widths, list) and all(is_whole(w) and w >= 1 for w in widths)
            if not ok:
                yield (
                    f"model.params.{name}",
                    f"need a list of whole numbers from 1, got {widths!r}; for example [64,32]",
                )
    if model.builder not in BUILDERS:
        return
    dropout, l2 = model.params.get("dropout", 0.0), model.params.get("l2", 0.0)
    if not (is_number(dropout) and 0 <= dropout < 1):
        yield "model.params.dropout", f"need a share in [0, 1), got {dropout!r}"
    if not (is_number(l2) and math.isfinite(l2) and l2 >= 0):
        yield "model.params.l2", f"need a finite number from 0, got {l2!r}"
    yield from _one_of("model.params.activation", model.params.get("activation"), ACTIVATIONS)


def _optimizer(optimizer: Optimizer) -> Iterator[Problem]:
    yield from _one_of("optimizer.name", optimizer.name, OPTIMIZERS)
    clipped = [name for name in CLIPPING if optimizer.params.get(name) is not None]
    if len(clipped) > 1:
        yield f"optimizer.params.{clipped[0]}", f"at most one of {', '.join(CLIPPING)} may be set"
    rate: Any = optimizer.params.get("learning_rate")
    key = "optimizer.params.learning_rate"
    if not is_number(rate):
        yield key, f"need a number, got {rate!r}; for example 0.001"
    elif not (math.isfinite(rate) and rate > 0):
        yield key, f"need a finite number above 0, got {rate}; for example 0.001"


def _training(training: Training) -> Iterator[Problem]:
    yield from _at_least("training.epochs", training.epochs, 1)
    yield from _at_least("training.batch_size", training.batch_size, 1)
    yield from _at_least("training.seed", training.seed, 0)
    yield from _one_of("training.loss", training.loss, (*SPARSE_LOSSES, *ONE_HOT_LOSSES))
    yield from _one_of("training.loop", training.loop, LOOPS)
    for name in OF_THE_WATCH:
        yield from _above_0(f"training.{name}", getattr(training, name))
    if training.class_weight is not None:
        yield from _one_of("training.class_weight", training.class_weight, ("balanced",))
    yield from _one_of("training.schedule.name", training.schedule.name, SCHEDULES)
    yield from _at_least("training.schedule.warmup_epochs", training.schedule.warmup_epochs, 0)
    if training.schedule.warmup_epochs >= training.epochs >= 1:
        yield (
            "training.schedule.warmup_epochs",
            f"need fewer than training.epochs={training.epochs}, got "
            f"{training.schedule.warmup_epochs}",
        )
    if not training.early_stopping.min_delta >= 0:
        delta = training.early_stopping.min_delta
        yield "training.early_stopping.min_delta", f"need a number from 0, got {delta}"
    if not 0 <= training.schedule.final <= 1:
        final = training.schedule.final
        yield "training.schedule.final", f"need a share of the learning rate in [0, 1], got {final}"
    if training.schedule.name == "exponential" and training.schedule.final == 0:
        yield (
            "training.schedule.final",
            "an exponential schedule never reaches 0; use a small share such as 0.01",
        )
    if training.early_stopping.patience is not None:
        yield from _at_least(
            "training.early_stopping.patience", training.early_stopping.patience, 1
        )


def _plain(key: str, name: str) -> Iterator[Problem]:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", name):
        yield (
            key,
            f"need 1 to 40 of A-Z a-z 0-9 _ -, for it becomes part of the sweep's name; "
            f"got {name!r}",
        )


def _at_least(key: str, value: Any, least: int) -> Iterator[Problem]:
    if not is_whole(value) or value < least:
        yield key, f"need a whole number from {least}, got {value!r}; for example {key}={least}"


def _above_0(key: str, value: float) -> Iterator[Problem]:
    if not (math.isfinite(value) and value > 0):
        yield key, f"need a finite number of seconds above 0, got {value}; for example {key}=30"


def _one_of(key: str, value: Any, allowed: Iterable[str]) -> Iterator[Problem]:
    if value not in allowed:
        yield key, f"need one of {', '.join(allowed)}; got {value!r}{_hint(value, allowed)}"


def _hint(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(name), list(known), 1)
    return f"; did you mean {close[0]}?" if close else ""
