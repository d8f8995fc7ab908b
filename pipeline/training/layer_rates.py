"""Learning rates that differ from layer to layer, by factors for names and patterns of layers.

In: a built model, and what makes an optimizer of a factor. Out: one optimizer, in which the layers
of each pattern have one of their own (Keras's MultiOptimizer). A factor of 0 freezes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

import keras

from pipeline.errors import BadInput

KEY = "model.layer_learning_rates"


def optimizer_by_layer(
    model: keras.Model,
    factors: Mapping[str, float],
    build: Callable[[float], keras.optimizers.Optimizer],
) -> keras.optimizers.Optimizer:
    """The optimizer of a model; layers with a factor of 0 are no longer trained.

    Args:
        model: has all of its weights.
        factors: of the learning rate, by name or pattern of a layer. A name goes before patterns.
        build: makes an optimizer whose learning rate is multiplied by a factor.

    Raises:
        BadInput: a layer is meant by two patterns, or gradients are clipped by the norm of all.
    """
    layers = _with_weights(model)
    if problems := list(_twice_meant([layer.name for layer in layers], factors)):
        raise BadInput(*problems)
    own: dict[int, keras.optimizers.Optimizer] = {}
    for pattern, factor in factors.items():
        meant = [layer for layer in layers if pattern in _patterns(layer.name, factors)]
        if factor == 0:
            for layer in meant:
                layer.trainable = False
        else:
            optimizer = build(factor)
            own |= {id(v): optimizer for layer in meant for v in layer._trainable_variables}
    others = build(1.0)
    if not own:
        return others
    if others.global_clipnorm is not None:
        raise BadInput(
            f"optimizer.params.global_clipnorm: with {KEY} Keras takes the norm of each "
            "pattern's layers, not of all; use optimizer.params.clipnorm, or leave one of them out"
        )
    return keras.optimizers.MultiOptimizer(
        lambda variable: own.get(id(variable), others), others.loss_scale_factor
    )


def meaningless(model: keras.Model, factors: Mapping[str, float]) -> Iterator[str]:
    """What to say of patterns that mean no layer of a model."""
    names = [layer.name for layer in _with_weights(model)]
    for pattern in factors:
        if not any(fnmatchcase(name, pattern) for name in names):
            yield f"{KEY}: no layer is called {pattern}; those with weights: {', '.join(names)}"


def program_kind(factors: Mapping[str, float]) -> Sequence[tuple[str, bool]]:
    """What a compiled program depends on of them: a factor other than 0 is in a variable."""
    return sorted((pattern, factor == 0) for pattern, factor in factors.items())


def _with_weights(model: keras.Model) -> Sequence[keras.Layer]:
    return [layer for layer in model._flatten_layers() if layer._trainable_variables]


def _patterns(name: str, factors: Mapping[str, float]) -> Sequence[str]:
    """Those that mean a layer of this name."""
    if name in factors:
        return [name]
    return [pattern for pattern in factors if fnmatchcase(name, pattern)]


def _twice_meant(names: Sequence[str], factors: Mapping[str, float]) -> Iterator[str]:
    for name in names:
        if len(patterns := _patterns(name, factors)) > 1:
            yield (
                f"{KEY}: layer {name} is meant by {' and by '.join(patterns)}; give it a factor by "
                "its own name, which goes before patterns"
            )
