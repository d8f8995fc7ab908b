"""Builds a model of the user's own, and checks that it can be trained on the data.

In: `package.module:function`. Out: the model it builds, or `BadInput` with everything that is wrong
with it, in words for somebody who builds a network for the first time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from fairsweep.data.dataset import Inputs
from fairsweep.data.scaling import Scaling
from fairsweep.data.several import plain
from fairsweep.errors import BadInput
from fairsweep.plural import plural
from fairsweep.tasks import Output
from fairsweep.training.asked_data import ARGUMENT, BuilderData, as_file, from_file
from fairsweep.training.ids import id_problems, lookups_of
from fairsweep.training.own import check_call, find_own, own_problem

KEY = "model.builder"
NOT_COMPILED = (
    "must compile its model, because data.task=own takes the loss and the metrics from there: "
    "model.compile(loss=…, metrics=[…])"
)
Shapes = Sequence[int] | Mapping[str, Sequence[int]]


def build_own(
    name: str,
    params: Mapping[str, Any],
    shape: Shapes,
    output: Output,
    data: BuilderData | None = None,
) -> keras.Model:
    """The model that the user's function returns.

    Args:
        name: `package.module:function`.
        params: its keywords.
        shape: of a row, as the model gets it; of several inputs by name.
        output: what the model ends in.
        data: for one that asks what the data is.

    Raises:
        BadInput: there is no such function, it doesn't take these arguments, or what it returns
            can't be trained on such rows with that loss.
    """
    builder = find_own(KEY, name)
    if data is not None:
        params = {**params, ARGUMENT: data}
    check_call("model.params", name, builder, ("shape", "classes"), params)
    model = builder(shape, output.count, **params)
    if problems := list(_problems(model, shape, output)):
        raise BadInput(*(builder_problem(name, text) for text in problems))
    assert isinstance(model, keras.Model)
    return model


def builder_problem(name: str, text: str) -> str:
    """The message about a user's function: where it is defined, and what is wrong with it."""
    return own_problem(KEY, name, text)


def check_values(
    name: str, model: keras.Model, rows: Inputs, output: Output, scaling: Scaling
) -> None:
    """Checks a model by its outputs, where its layers don't say what these are.

    Args:
        name: `package.module:function` that built it.
        model: with its preprocessing.
        rows: a few rows (rows, …) of the data.
        output: what the model ends in.
        scaling: its preprocessing.

    Raises:
        BadInput: the loss doesn't take such outputs, or an Embedding gets something else than ids.
    """
    with lookups_of(model) as noted:
        given = model(plain(rows), training=False)
    problems = list(id_problems(noted, scaling))
    if output.compiled:
        pass  # its outputs are its own
    elif not problems and isinstance(given, dict | list | tuple):
        problems = [_several(type(given).__name__, len(given))]
    elif not problems and (given.ndim != 2 or len(given) != len(rows)):
        problems = [f"must return one row of outputs per row, but returns {tuple(given.shape)}"]
    elif not problems:
        outputs = np.asarray(given)
        problems = list(output.problems(outputs.shape[1], None))
        problems = problems or list(output.value_problems(outputs))
    if problems:
        raise BadInput(*(builder_problem(name, text) for text in problems))


def file_problems(model: keras.Model, rows: Inputs) -> Iterator[str]:
    """Why a model can't be published as Keras's own file, as those are whose builder asks what the
    data is."""
    if not is_drawn(model):
        yield (
            "asks for data, so that its model is published as Keras's own file; make it of layers "
            "from its inputs to its outputs: keras.Sequential, or keras.Model(inputs, outputs)"
        )
        return
    try:
        again = from_file(as_file(model))
        same = np.array_equal(again(plain(rows)), model(plain(rows), training=False))
    except Exception as error:  # of Keras, or of a class of the user's
        why = f"which can't be read again: {type(error).__name__}: {first_line(error)}"
    else:
        why = "" if same else "which gives other outputs when it is read again"
    if why:
        yield (
            f"asks for data, so that its model is published as Keras's own file, {why}; give its "
            "own classes get_config(), and @keras.saving.register_keras_serializable()"
        )


def first_line(error: Exception) -> str:
    """What an exception says first."""
    return next(iter(str(error).splitlines()), "")


def shares_weights(model: keras.Model, other: keras.Model) -> bool:
    """Whether two models have a weight in common."""
    return bool({id(v) for v in model.variables} & {id(v) for v in other.variables})


def output_units(model: keras.Model, rows: Inputs) -> int:
    """How many outputs a model has per row; it is called on `rows` where only its code knows."""
    output = model.outputs[0] if is_drawn(model) else model(plain(rows[:1]), training=False)
    return int(output.shape[1])


def last_activation(model: keras.Model) -> str | None:
    """The activation of a model's last layer by Keras's name; None if its layers don't say."""
    layer: Any = model
    while isinstance(layer, keras.Model):
        if not is_drawn(layer):
            return None
        layer = layer.outputs[0]._keras_history.operation
    if isinstance(layer, keras.layers.Softmax):
        return "softmax"
    if (activation := getattr(layer, "activation", None)) is None:
        return None
    name = getattr(activation, "__name__", "")
    return name if getattr(keras.activations, name, None) is activation else None


def is_drawn(model: keras.Model) -> bool:
    """Whether a model is made of layers from its inputs to its outputs, with no call of its own."""
    own = not type(model).call.__module__.startswith("keras.")
    return not own and bool(getattr(model, "outputs", None))


def _problems(model: Any, shape: Shapes, output: Output) -> Iterator[str]:
    if model is None:
        yield "returns nothing; end it with: return model"
        return
    if not isinstance(model, keras.Model):
        kind = type(model).__name__
        yield f"must return a keras.Model, but returns {kind}; keras.Sequential([…]) makes one"
        return
    if is_drawn(model):
        yield from _input_problems(model, shape)
        if not output.compiled:
            yield from _output_problems(model, output)
    if output.compiled:
        if not model.compiled:
            yield NOT_COMPILED
        return
    takes_logits = model.compiled and getattr(model.loss, "from_logits", False)
    if takes_logits and (last := last_activation(model)) in ("softmax", "sigmoid"):
        yield (
            f"compiles its model with from_logits=True, but its {last} gives probabilities, not "
            "logits; remove the compile call: training.loss and optimizer are used instead"
        )


def _input_problems(model: keras.Model, shape: Shapes) -> Iterator[str]:
    if isinstance(shape, Mapping):
        yield from _inputs_problems(model, shape)
        return
    if len(model.inputs) != 1:
        yield f"builds a model with {len(model.inputs)} inputs, but a row of the data is one array"
        return
    wanted = tuple(model.inputs[0].shape[1:])
    if not _fits(wanted, tuple(shape)):
        yield (
            f"builds a model for rows of {_size(wanted)}, but the data has {_size(shape)}; use "
            "its first argument, the shape of a row: keras.Input(shape)"
        )


def _inputs_problems(model: keras.Model, shapes: Mapping[str, Sequence[int]]) -> Iterator[str]:
    """What is wrong with a model of several inputs: they have the names of those of the data."""
    own = {tensor.name: tuple(tensor.shape[1:]) for tensor in model.inputs}
    if own.keys() != shapes.keys():
        yield (
            f"builds a model with the inputs {', '.join(own)}, but the data has "
            f"{', '.join(shapes)}; its first argument has their shapes by name: "
            "keras.Input(shape[name], name=name)"
        )
        return
    for name, shape in shapes.items():
        if not _fits(own[name], tuple(shape)):
            yield (
                f"builds a model whose input {name} takes rows of {_size(own[name])}, but the data "
                f"has {_size(shape)}; use its first argument: keras.Input(shape[{name!r}])"
            )


def _fits(wanted: tuple[int | None, ...], given: tuple[int, ...]) -> bool:
    """Whether Keras takes such rows for such an input; a last axis of 1 may be there or not."""
    if abs(len(wanted) - len(given)) == 1:
        longer = max(wanted, given, key=len)
        if longer[-1] == 1:
            wanted, given = wanted[: len(longer) - 1], given[: len(longer) - 1]
    if len(wanted) != len(given):
        return False
    return all(w in (None, g) for w, g in zip(wanted, given, strict=True))


def _size(shape: Sequence[int | None]) -> str:
    if len(shape) == 1 and shape[0] is not None:
        return plural(shape[0], "feature")
    return f"shape {tuple(shape)}"


def _several(kind: str, outputs: int) -> str:
    return (
        f"builds a model that returns a {kind} of {outputs} output{'s' * (outputs != 1)}, but "
        "exactly one can be trained and served; return it alone: keras.Model(inputs, output)"
    )


def _output_problems(model: keras.Model, output: Output) -> Iterator[str]:
    given = getattr(model, "output", model.outputs[0])
    if isinstance(given, dict | list | tuple):
        yield _several(type(given).__name__, len(given))
        return
    if len(given.shape) != 2:
        yield (
            f"must return one row of outputs per row, (None, {output.count}), but returns "
            f"{tuple(given.shape)}; a Flatten may be missing before the last Dense"
        )
        return
    units = model.outputs[0].shape[1]
    yield from output.problems(units, last_activation(model))
