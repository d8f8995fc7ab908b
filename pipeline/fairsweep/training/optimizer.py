"""From the `optimizer` and `training` settings to a Keras optimizer."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

from fairsweep.config.schema import Optimizer, Schedule, Training
from fairsweep.errors import BadInput
from fairsweep.own import is_own
from fairsweep.training.own import check_call, find_own, own_problem

KEY = "optimizer.name"

# Those whose update of a variable is made of operations on its elements, or on its norm, whatever
# its shape; the rest look at the shape when their graph is made.
OF_ANY_SHAPE = {
    *("SGD", "RMSprop", "Adam", "AdamW", "Adadelta", "Adagrad", "Adamax", "Nadam", "Ftrl"),
    *("Lion", "Lamb"),
}
# What makes an update depend on the number of the step: a branch in the graph.
BRANCHING = ("gradient_accumulation_steps", "ema_overwrite_frequency")


def updates_any_shape(settings: Optimizer) -> bool:
    """Whether one graph without a branch updates variables of any shape."""
    return settings.name in OF_ANY_SHAPE and all(
        settings.params.get(name) is None for name in BRANCHING
    )


def optimizer_kind(settings: Optimizer) -> tuple[object, ...]:
    """What a compiled program depends on of an optimizer: a number is one of its inputs, and the
    learning rate a variable."""
    inputs = {"learning_rate", "nesterov"} if settings.name == "SGD" else {"learning_rate"}
    kept = {name: value for name, value in settings.params.items() if name not in inputs}
    return settings.name, {name: _kind(value) for name, value in kept.items()}


def _kind(value: object) -> object:
    return float if type(value) is float else value


def build_optimizer(
    settings: Optimizer, training: Training, steps_per_epoch: int, factor: float = 1.0
) -> keras.optimizers.Optimizer:
    """The optimizer with its learning rate times `factor`, constant or scheduled over the whole
    training."""
    rate = settings.params["learning_rate"] * factor
    schedule = _schedule(training.schedule, rate, training.epochs, steps_per_epoch)
    params = {**settings.params, "learning_rate": schedule}
    if is_own(settings.name):
        return _own(settings.name, params)
    optimizer = SGD if settings.name == "SGD" else getattr(keras.optimizers, settings.name)
    return optimizer(**params)


def _own(name: str, params: Mapping[str, Any]) -> keras.optimizers.Optimizer:
    """An optimizer of a class of the user's.

    Raises:
        BadInput: it is none, or it doesn't take these params.
    """
    found = find_own(KEY, name)
    if not (inspect.isclass(found) and issubclass(found, keras.optimizers.Optimizer)):
        raise BadInput(own_problem(KEY, name, "must be a subclass of keras.optimizers.Optimizer"))
    check_call("optimizer.params", name, found, (), params)
    return found(**params)


@contextmanager
def reads_once(optimizer: keras.optimizers.Optimizer) -> Iterator[None]:
    """Has a graph that is made meanwhile read the step's number and the learning rate once a step.

    Keras reads them for every weight. TensorFlow merges what is computed alike from one read, such
    as the powers of Adam's betas, and can't know that two reads are alike.
    """
    if not type(optimizer).__module__.startswith(("keras.", __name__)):
        yield  # one of the user's own may change them while it updates weights
        return
    usual = optimizer._backend_apply_gradients
    states = (optimizer._iterations, optimizer._learning_rate)
    variables = [state for state in states if isinstance(state, keras.Variable)]

    def once(gradients: Any, weights: Any) -> None:
        own = [variable._value for variable in variables]
        for variable in variables:
            variable._value = tf.convert_to_tensor(variable._value)
        try:
            usual(gradients, weights)
        finally:
            for variable, value in zip(variables, own, strict=True):
                variable._value = value

    optimizer._backend_apply_gradients = once
    try:
        yield
    finally:
        del optimizer._backend_apply_gradients


def _schedule(
    schedule: Schedule, rate: float, epochs: int, steps_per_epoch: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    warmup = schedule.warmup_epochs * steps_per_epoch
    steps = float(max(1, epochs * steps_per_epoch - warmup))  # numbers, as all constants are
    decay: float | keras.optimizers.schedules.LearningRateSchedule = rate
    if schedule.name == "cosine":
        decay = keras.optimizers.schedules.CosineDecay(rate, steps, alpha=schedule.final)
    elif schedule.name == "exponential":
        decay = keras.optimizers.schedules.ExponentialDecay(rate, steps, schedule.final)
    return Warmup(decay, float(warmup)) if warmup else decay


@keras.saving.register_keras_serializable("fairsweep")
class SGD(keras.optimizers.SGD):  # type: ignore[misc]
    """Keras's SGD, with its numbers, whose graph is one for any momentum, also of 0, and for
    Nesterov's or none: they are in two factors more."""

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self.ahead, self.fresh = (float(self.momentum), 1.0) if self.nesterov else (1.0, 0.0)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        if self.momentum == 0:
            super().update_step(gradient, variable, learning_rate)
            return
        step = keras.ops.cast(gradient, variable.dtype) * keras.ops.cast(
            learning_rate, variable.dtype
        )
        momentum = self.momentums[self._get_variable_index(variable)]
        self.assign(momentum, momentum * self.momentum - step)
        self.assign_add(variable, momentum * self.ahead - step * self.fresh)


@keras.saving.register_keras_serializable("fairsweep")
class Warmup(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """Rises linearly from 0 over the first `steps` steps, then goes on as `then` does.

    Keras has this inside CosineDecay only, and there it begins with a step at rate 0.
    """

    def __init__(
        self, then: float | keras.optimizers.schedules.LearningRateSchedule, steps: float
    ) -> None:
        self.then = then
        self.steps = steps

    def __call__(self, step: Any) -> Any:
        step = keras.ops.cast(step, "float32")
        later = self.then
        if isinstance(later, keras.optimizers.schedules.LearningRateSchedule):
            later = later(keras.ops.maximum(step - self.steps, 0))
        return later * keras.ops.minimum((step + 1) / self.steps, 1.0)

    def get_config(self) -> dict[str, object]:
        return {"then": self.then, "steps": self.steps}
