"""Models that begin with a trained one, from a `.keras` file, and end in dense layers of their own.

The file is never loaded as code: its config is checked, Keras makes the model of that, and the
weights are read from it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import keras
import numpy.typing as npt
from keras import layers

from fairsweep.errors import BadInput
from fairsweep.keras_file import foreign_parts, read_keras_file
from fairsweep.tasks.layer import LastLayer
from fairsweep.training.models.augmentation import augmented
from fairsweep.training.models.dense import dense_parameters, hidden, last
from fairsweep.training.seeds import default_seeds

KEY = "model.params.path"
ALL, NONE = "all", "none"


@dataclass(frozen=True)
class Base:
    """A trained model as it was read: what Keras makes it of, its weights, the shapes of what it
    takes and gives, how many parameters it has, its layers, each with the batch normalizations in
    it, and the activation that it ends in."""

    config: Mapping[str, Any]
    weights: Sequence[npt.NDArray[Any]]
    takes: tuple[int | None, ...]
    gives: tuple[int | None, ...]
    parameters: int
    layers: Sequence[tuple[str, Sequence[str]]]
    ends_in: str


def transfer(
    shape: Sequence[int],
    output: LastLayer,
    path: str | None,
    freeze: str,
    hidden_units: Sequence[int],
    activation: str,
    dropout: float,
    sha256: str | None = None,
    base: Mapping[str, Any] | None = None,
    flip: str = "none",  # models that were published before have none of these
    rotation: float = 0.0,
    zoom: float = 0.0,
    translation: float = 0.0,
    contrast: float = 0.0,
) -> keras.Model:
    """The trained model, frozen as a whole or up to a layer, its outputs averaged over places or
    steps, then dense layers, `hidden_1` the first of them. Batch normalization in what is frozen
    goes by what it has measured before. In training, images are changed at random first
    (`augmented`).

    Args:
        shape: of a row.
        output: the last layer.
        path: of the .keras file.
        freeze: all, none, or the name of the first layer that is trained.
        hidden_units: of the dense layers.
        activation: of these.
        dropout: behind each.
        sha256: of the file.
        base: the config of a published model, whose weights come from elsewhere; path is None.
        flip, rotation, zoom, translation, contrast: how much images are changed.

    Raises:
        BadInput: the file isn't what it was, the rows don't fit or are no images to change, or
            there is no such layer.
    """
    if base is None:
        read = read_base(str(path), sha256)
        own = _made(read.config)
        own.set_weights(read.weights)
    else:
        own = _made(base)
    if problem := _misfit(tuple(own.inputs[0].shape[1:]), shape):
        raise BadInput(problem)
    own.trainable = True
    for layer in _frozen(own, freeze):
        layer.trainable = False
    inputs = outputs = keras.Input(tuple(shape))
    changes: dict[str, Any] = {
        "flip": flip, "rotation": rotation, "zoom": zoom,
        "translation": translation, "contrast": contrast,
    }  # fmt: skip
    if asked := [name for name, size in changes.items() if size not in ("none", 0)]:
        if len(shape) != 3:
            raise BadInput(
                f"model.params.{asked[0]}: need images (height, width, channels) to change, got "
                f"rows of shape {tuple(shape)}; leave it out"
            )
        outputs = augmented(inputs, **changes)
    outputs = _pooled(own(outputs))
    return keras.Model(inputs, last(hidden(outputs, hidden_units, activation, dropout), output))


def read_base(path: str, sha256: str | None) -> Base:
    """A trained model; each is read once.

    Raises:
        BadInput: it isn't the one with this SHA-256, or can't be used.
    """
    return _read(path, sha256, read_keras_file(path).sha256)


def transfer_parameters(base: Base, outputs: int, hidden_units: Sequence[int]) -> int:
    """How many parameters such a model has."""
    sizes = [size or 1 for size in base.gives]
    features = sizes[-1] if len(sizes) in (1, 2, 3) else math.prod(sizes)
    return base.parameters + dense_parameters(features, hidden_units, outputs)


def transfer_notes(base: Base, freeze: str) -> Iterator[str]:
    """What is good to know of a trained model that is used."""
    names = [name for name, _ in base.layers]
    until = {ALL: len(names), NONE: 0}.get(freeze)
    until = names.index(freeze) if until is None else until
    if frozen := [name for _, normalizing in base.layers[:until] for name in normalizing]:
        yield (
            f"{KEY}: batch normalization in frozen layers ({', '.join(frozen[:3])}"
            f"{', …' if len(frozen) > 3 else ''}) keeps the means and variances of the base's own "
            "training data; scale features as they were scaled then"
        )
    if base.ends_in in ("softmax", "sigmoid"):
        yield (
            f"{KEY}: the base ends in a {base.ends_in}, so all that is learned from are its "
            f"{base.gives[-1]} probabilities; save it without its last layer, for example "
            "keras.Model(model.inputs, model.layers[-2].output)"
        )


@functools.lru_cache(maxsize=2)
def _read(path: str, sha256: str | None, found: str) -> Base:
    if sha256 is not None and found != sha256:
        raise BadInput(
            f"{KEY}: {path} has changed since this sweep began (its SHA-256 was {sha256[:12]}…, "
            f"and is {found[:12]}…); put the file back, or start another sweep: sweep.name=…"
        )
    config = read_keras_file(path).config
    with default_seeds(0):  # those of the training are drawn alike, whether it is read anew or not
        own = _made(config)
    try:
        own.load_weights(path)
    except Exception as error:  # those of h5py and Keras are of many kinds
        raise BadInput(
            f"{KEY}: the weights in {path} can't be read: {str(error).splitlines()[0]}"
        ) from error
    ends_in = getattr(getattr(own.layers[-1], "activation", None), "__name__", "")
    return Base(
        config,
        own.get_weights(),
        tuple(own.inputs[0].shape[1:]),
        tuple(own.outputs[0].shape[1:]),
        own.count_params(),
        [(layer.name, _normalizing(layer)) for layer in own.layers],
        ends_in,
    )


def _normalizing(layer: keras.layers.Layer) -> Sequence[str]:
    """The batch normalizations that a layer is or has."""
    kind = keras.layers.BatchNormalization
    return [own.name for own in layer._flatten_layers() if isinstance(own, kind)]


def _made(config: Mapping[str, Any]) -> keras.Model:
    """The model of a config, with new weights.

    Raises:
        BadInput: it isn't made of Keras's layers, or isn't one that rows go through.
    """
    if problems := list(foreign_parts(config)):
        raise BadInput(*(f"{KEY}: the base {problem}" for problem in problems))
    try:
        own = keras.saving.deserialize_keras_object(deepcopy(config), safe_mode=True)
    except Exception as error:  # whatever this Keras says of a config of another one
        raise BadInput(
            f"{KEY}: this version of Keras can't build the base: {str(error).splitlines()[0]}"
        ) from error
    if not (isinstance(own, keras.Model) and own.built and own.inputs):
        raise BadInput(
            f"{KEY}: the base must know its inputs; build it with keras.Input, and save it again"
        )
    for kind, tensors in (("input", own.inputs), ("output", own.outputs)):
        if len(tensors) != 1:
            raise BadInput(f"{KEY}: the base has {len(tensors)} {kind}s, and one can be used")
    return own


def _misfit(takes: tuple[int | None, ...], shape: Sequence[int]) -> str:
    """Why rows don't go into a base; empty if they do."""
    given = tuple(shape)
    if len(takes) == len(given) and all(
        wanted in (None, there) for wanted, there in zip(takes, given, strict=True)
    ):
        return ""
    images = len(takes) == len(given) == 3 and None not in takes[:2]
    remedy = f"; data.size=[{takes[0]},{takes[1]}] data.channels={takes[2]}" if images else ""
    return f"{KEY}: the base takes rows of shape {takes}, but the data has {given}{remedy}"


def _frozen(base: keras.Model, freeze: str) -> Sequence[keras.layers.Layer]:
    """The layers that aren't trained.

    Raises:
        BadInput: there is no layer of that name.
    """
    if freeze in (ALL, NONE):
        return [base] if freeze == ALL else []
    names = [layer.name for layer in base.layers]
    if freeze not in names:
        raise BadInput(
            f"model.params.freeze: need all, none, or the first layer of the base to train, got "
            f"{freeze!r}; it has {', '.join(names[-20:])}"
        )
    frozen: Sequence[keras.layers.Layer] = base.layers[: names.index(freeze)]
    return frozen


def _pooled(outputs: Any) -> Any:
    """The outputs of a base as one row of numbers."""
    rank = len(outputs.shape)
    if rank == 4:
        return layers.GlobalAveragePooling2D()(outputs)
    if rank == 3:
        return layers.GlobalAveragePooling1D()(outputs)
    return outputs if rank == 2 else layers.Flatten()(outputs)
