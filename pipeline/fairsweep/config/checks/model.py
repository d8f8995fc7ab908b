"""Checks of what is trained and how: the `model`, `optimizer` and `training` settings.

In: settings, also from a file of the user's. Out: a `Problem` for each check that fails.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from fairsweep.config.checks.loss_params import loss_param_problems
from fairsweep.config.checks.values import (
    Problem,
    above_0,
    at_least,
    hint,
    is_number,
    is_whole,
    one_of,
    own_name,
    plain_name,
    seed,
)
from fairsweep.config.guess import suggested
from fairsweep.config.options import CONF
from fairsweep.config.schema import ADDED_PARAMS, WATCHDOG_FIELDS, Model, Optimizer, Training
from fairsweep.errors import BadInput
from fairsweep.keras_file import read_keras_file
from fairsweep.own import is_own
from fairsweep.tasks import TASKS
from fairsweep.tasks.values import QUANTILE

SHORT_LOSSES = {
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "msle": "mean_squared_logarithmic_error",
    "bce": "binary_crossentropy",
    "kld": "kl_divergence",
}
BALANCED = "balanced"
SHOWN = 20
BUILDERS = ("mlp", "cnn", "rnn", "text", "transfer")
WIDTHS = {
    "mlp": ("hidden_units",),
    "cnn": ("hidden_units", "filters"),
    "rnn": ("units",),
    "text": ("hidden_units",),
    "transfer": ("hidden_units",),
}
"""The parameters of each builder that are lists of widths."""
SIZES = {"text": ("embedding", "filters", "kernel_size")}
"""Those that are one whole number."""
FLIP = ("none", "horizontal", "vertical", "both")
CHOICES: Mapping[str, Mapping[str, Sequence[str]]] = {
    "cnn": {"flip": FLIP},
    "rnn": {"cell": ("lstm", "gru")},
    "text": {"pooling": ("mean", "convolution")},
    "transfer": {"flip": FLIP},
}
"""Those that are one of a few words."""
CHANGES: Mapping[str, float] = {"rotation": 0.5, "zoom": 1, "translation": 1, "contrast": 1}
SHARES: Mapping[str, Mapping[str, float]] = {"cnn": CHANGES, "transfer": CHANGES}
"""Those that are a share below a bound."""
SWITCHES = {"rnn": ("bidirectional",)}
"""Those that are true or false."""
NORMALIZATIONS = ("batch_normalization", "layer_normalization")
LOOPS = ("auto", "resident", "fit")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
SCHEDULES = ("constant", "cosine", "exponential")
CLIPPING = ("clipnorm", "clipvalue", "global_clipnorm")
ACTIVATIONS = (
    "celu elu exponential gelu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh "
    "leaky_relu linear log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink "
    "softmax softplus softsign sparse_plus sparse_sigmoid sparsemax squareplus swish tanh "
    "tanh_shrink"
).split()


def model_problems(model: Model) -> Iterator[Problem]:
    """Checks of a model."""
    yield from plain_name("model.name", model.name)
    if is_own(model.builder):
        yield from own_name("model.builder", model.builder)
    elif model.builder not in BUILDERS:
        yield (
            "model.builder",
            f"need one of {', '.join(BUILDERS)} or package.module:function, got {model.builder!r}",
        )
    yield from _layer_rates(model.layer_learning_rates)
    if model.builder not in BUILDERS:
        return  # params of another builder mean what that builder says
    yield from _params(model.builder, model.params)
    yield from _normalization(model)


def _params(builder: str, given: Mapping[str, Any]) -> Iterator[Problem]:
    """Checks of the params of a builder of ours, those that are there."""
    for name in WIDTHS[builder]:
        widths = given.get(name, [])
        if not (isinstance(widths, list) and all(is_whole(w) and w >= 1 for w in widths)):
            yield (
                f"model.params.{name}",
                f"need a list of whole numbers from 1, got {widths!r}; for example [64,32]",
            )
    for name in SIZES.get(builder, ()):
        yield from at_least(f"model.params.{name}", given.get(name, 1), 1)
    for name, words in CHOICES.get(builder, {}).items():
        yield from one_of(f"model.params.{name}", given.get(name, words[0]), words)
    for name, bound in SHARES.get(builder, {}).items():
        if not (is_number(share := given.get(name, 0)) and 0 <= share < bound):
            yield f"model.params.{name}", f"need a share in [0, {bound}), got {share!r}"
    for name in SWITCHES.get(builder, ()):
        yield from _switch(f"model.params.{name}", given.get(name, False))
    if builder == "transfer":
        yield from _base_problems(given)
    if builder == "rnn" and given.get("units") == []:
        yield "model.params.units", "need at least one layer; for example [64]"
    dropout, l2 = given.get("dropout", 0.0), given.get("l2", 0.0)
    if not (is_number(dropout) and 0 <= dropout < 1):
        yield "model.params.dropout", f"need a share in [0, 1), got {dropout!r}"
    if not (is_number(l2) and math.isfinite(l2) and l2 >= 0):
        yield "model.params.l2", f"need a finite number from 0, got {l2!r}"
    yield from one_of("model.params.activation", given.get("activation", "relu"), ACTIVATIONS)


def _base_problems(given: Mapping[str, Any]) -> Iterator[Problem]:
    """Checks of the file of a trained model, and of what is frozen of it."""
    path, sha256, freeze = (given.get(name) for name in ("path", "sha256", "freeze"))
    if not isinstance(freeze, str):
        yield "model.params.freeze", f"need all, none or the name of a layer, got {freeze!r}"
    if not path:
        yield (
            "model.params.path",
            "need the .keras file of a trained model; model.params.path=base.keras",
        )
        return
    try:
        found = read_keras_file(str(path)).sha256
    except BadInput as error:
        yield from (("model.params.path", problem) for problem in error.problems)
        return
    if sha256 not in (None, found):
        yield (
            "model.params.sha256",
            f"{path} has another SHA-256, {found}; set it to null, or put the file back",
        )


def _switch(key: str, value: Any) -> Iterator[Problem]:
    if not isinstance(value, bool):
        yield key, f"need true or false, got {value!r}"


def _normalization(model: Model) -> Iterator[Problem]:
    given = {name: model.params.get(name, False) for name in NORMALIZATIONS}
    for name, value in given.items():
        yield from _switch(f"model.params.{name}", value)
    if all(given.values()):
        yield (
            "model.params.layer_normalization",
            f"{' and '.join(f'model.params.{name}' for name in given)} exclude each other; set one "
            "of them to false",
        )


def _layer_rates(factors: Any) -> Iterator[Problem]:
    key = "model.layer_learning_rates"
    if factors is None:
        return
    if not isinstance(factors, Mapping):
        yield (
            key,
            f"need a factor for each layer or pattern, got {factors!r}; for example "
            "{hidden_*: 0.1}",
        )
        return
    for pattern, factor in factors.items():
        if not (is_number(factor) and math.isfinite(factor) and factor >= 0):
            yield (
                key,
                f"need finite factors from 0, got {pattern}: {factor!r}; 0.1 trains a layer at a "
                "tenth of the learning rate, 0 freezes it",
            )


def optimizer_problems(optimizer: Optimizer) -> Iterator[Problem]:
    """Checks of an optimizer."""
    if is_own(optimizer.name):
        yield from own_name("optimizer.name", optimizer.name)
    else:
        yield from one_of("optimizer.name", optimizer.name, params_in_conf("optimizer", "name"))
    clipped = [name for name in CLIPPING if optimizer.params.get(name) is not None]
    if len(clipped) > 1:
        given = " and ".join(f"optimizer.params.{name}" for name in clipped)
        yield (
            f"optimizer.params.{clipped[0]}",
            f"at most one of {', '.join(CLIPPING)} may be set, got {given}",
        )
    rate: Any = optimizer.params.get("learning_rate")
    key = "optimizer.params.learning_rate"
    if not is_number(rate):
        yield key, f"need a number, got {rate!r}; for example 0.001"
    elif not (math.isfinite(rate) and rate > 0):
        yield key, f"need a finite number above 0, got {rate}; for example 0.001"


def _loss(loss: str) -> Iterator[Problem]:
    if is_own(loss):
        yield from own_name("training.loss", loss)
    elif loss.lower() in SHORT_LOSSES:
        whole = SHORT_LOSSES[loss.lower()]
        yield "training.loss", f"need the full name: training.loss={whole}, got {loss!r}"
    else:
        known = dict.fromkeys(loss for task in TASKS for loss in task.losses)
        yield from one_of("training.loss", loss, known)


def _quantiles(training: Training) -> Iterator[Problem]:
    levels, key = training.quantiles, "training.quantiles"
    if levels is None:
        return
    if training.loss != QUANTILE:
        yield (
            key,
            "applies to training.loss=quantile only; add that, or leave it out",
        )
    elif not levels or not all(0 < level < 1 for level in levels) or levels != sorted({*levels}):
        yield (
            key,
            f"need levels between 0 and 1 in ascending order, got {[*levels]}; for example "
            "[0.1,0.5,0.9]",
        )


def training_problems(training: Training) -> Iterator[Problem]:
    """Checks of a training."""
    yield from at_least("training.epochs", training.epochs, 1)
    yield from at_least("training.batch_size", training.batch_size, 1)
    yield from seed("training.seed", training.seed)
    yield from _loss(training.loss)
    yield from loss_param_problems(training)
    yield from _quantiles(training)
    yield from one_of("training.loop", training.loop, LOOPS)
    if training.precision is not None:
        yield from one_of("training.precision", training.precision, PRECISIONS)
    for name in WATCHDOG_FIELDS:
        yield from above_0(f"training.{name}", getattr(training, name))
    yield from _class_weight(training)
    yield from one_of("training.schedule.name", training.schedule.name, SCHEDULES)
    yield from at_least("training.schedule.warmup_epochs", training.schedule.warmup_epochs, 0)
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
            "training.schedule.name=exponential never reaches 0; use a small share such as 0.01",
        )
    if training.early_stopping.patience is not None:
        yield from at_least("training.early_stopping.patience", training.early_stopping.patience, 1)


def _class_weight(training: Training) -> Iterator[Problem]:
    key, given = "training.class_weight", training.class_weights
    if given is None or given == BALANCED:
        return
    if not isinstance(given, Mapping) or not given:
        yield key, f"need {BALANCED} or weights of classes such as {{yes:5,no:1}}, got {given!r}"
        return
    for name, weight in given.items():
        if not (is_number(weight) and math.isfinite(weight) and weight >= 0):
            yield key, f"need finite numbers from 0, got {name}: {weight!r}"


def class_problems(training: Training, classes: Sequence[str]) -> Iterator[str]:
    """What is wrong with weights for the classes that the data has."""
    weights = training.class_weights
    if not isinstance(weights, Mapping):
        return
    for name in weights:
        if name not in classes:
            shown = ", ".join(classes[:SHOWN]) + (", …" if len(classes) > SHOWN else "")
            meant = hint(name, classes) or f"; the classes are: {shown}"
            yield f"training.class_weight: the data has no class {name!r}{meant}"
    if not any(weights.get(name, 1) for name in classes):
        yield "training.class_weight: every class has weight 0, so nothing would be learned"


def params_problems(optimizer: Optimizer, model: Model) -> Iterator[Problem]:
    """Params that Keras's class or a built-in model doesn't have, and those that it needs.

    Their files in conf/ hold the whole list; the params of a user's own builder are the user's.
    """
    known = params_in_conf("optimizer", "name").get(optimizer.name, ())
    yield from _unknown("optimizer", optimizer.name, optimizer.params, known)
    known = params_in_conf("model", "builder").get(model.builder, ())
    yield from _unknown("model", model.builder, model.params, known)
    later = ADDED_PARAMS.get(model.builder, {})
    if missing := [name for name in known if name not in model.params and name not in later]:
        yield (
            "model.params",
            f"{', '.join(missing)} must be given; begin the file with defaults: "
            f"[{model.builder}, _self_] to take the rest from model={model.builder}",
        )


def _unknown(
    group: str, name: str, params: Mapping[str, object], known: Sequence[str]
) -> Iterator[Problem]:
    for param in params if known else ():
        if param not in known:
            meant = suggested(param, known)
            yield f"{group}.params.{param}", f"{name} has no such parameter; {meant}"


@functools.cache
def params_in_conf(group: str, key: str) -> Mapping[str, Sequence[str]]:
    """The names of `params` in conf/, by what their files say for `key`: every optimizer's class,
    or built-in builder. A variant that takes the rest from another file adds none."""
    texts = (path.read_text(encoding="utf-8") for path in sorted((CONF / group).glob("*.yaml")))
    files = [yaml.safe_load(text) for text in texts]
    whole = [file for file in files if "defaults" not in file and file.get("params")]
    return {file[key]: tuple(file["params"]) for file in whole}
