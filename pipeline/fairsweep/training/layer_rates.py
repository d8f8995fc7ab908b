"""Learning rates per layer, by factors for layer names and patterns.

In: a built model, and a function from a factor to an optimizer. Out: one optimizer, in which the
layers of each pattern have their own (Keras's MultiOptimizer). A factor of 0 freezes a layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

import keras

from fairsweep.errors import BadInput

KEY = "model.layer_learning_rates"


def optimizer_by_layer(
    model: keras.Model,
    factors: Mapping[str, float],
    build: Callable[[float], keras.optimizers.Optimizer],
) -> keras.optimizers.Optimizer:
    """The optimizer of a model; layers with a factor of 0 are no longer trained.

    Args:
        model: has all of its weights.
        factors: of the learning rate, by name or pattern of a layer, or by the name of a model or
            layer that it is in. Its own name goes before patterns, and these before the others.
        build: makes an optimizer whose learning rate is multiplied by a factor.

    Raises:
        BadInput: a layer matches two patterns, or gradients are clipped by their global norm.
    """
    layers = list(_with_weights(model))
    if problems := list(_ambiguous([names for _, names in layers], factors)):
        raise BadInput(*problems)
    own: dict[int, keras.optimizers.Optimizer] = {}
    for pattern, factor in factors.items():
        matching = [layer for layer, names in layers if pattern in _patterns(names, factors)]
        if factor == 0:
            for layer in matching:
                layer.trainable = False
        else:
            optimizer = build(factor)
            own |= {id(v): optimizer for layer in matching for v in layer._trainable_variables}
    others = build(1.0)
    if not own:
        return others
    if others.global_clipnorm is not None:
        raise BadInput(
            f"optimizer.params.global_clipnorm: with {KEY} Keras takes the norm over the layers of "
            "each pattern, not over all; use optimizer.params.clipnorm, or remove one of the two"
        )
    return keras.optimizers.MultiOptimizer(
        lambda variable: own.get(id(variable), others), others.loss_scale_factor
    )


def unmatched_patterns(model: keras.Model, factors: Mapping[str, float]) -> Iterator[str]:
    """The problems of patterns that match no layer of a model."""
    layers = [names for _, names in _with_weights(model)]
    own = ", ".join(names[0] for names in layers)
    for pattern in factors:
        if not any(fnmatchcase(names[0], pattern) or pattern in names for names in layers):
            yield f"{KEY}: no layer is named {pattern}; layers with weights: {own}"


def program_kind(factors: Mapping[str, float]) -> Sequence[tuple[str, bool]]:
    """What a compiled program depends on of them: a factor other than 0 is in a variable."""
    return sorted((pattern, factor == 0) for pattern, factor in factors.items())


def _with_weights(
    layer: keras.Layer, inside: Sequence[str] = ()
) -> Iterator[tuple[keras.Layer, Sequence[str]]]:
    """Layers that have weights of their own, each with its name and those of what it is in."""
    for inner in layer._flatten_layers(recursive=False, include_self=False):
        names = (inner.name, *inside)
        if inner._trainable_variables:
            yield inner, names
        yield from _with_weights(inner, names)


def _patterns(names: Sequence[str], factors: Mapping[str, float]) -> Sequence[str]:
    """The patterns that match a layer of these names."""
    own, *around = names
    if own in factors:
        return [own]
    matching = [pattern for pattern in factors if fnmatchcase(own, pattern)]
    return matching or [name for name in around if name in factors][:1]


def _ambiguous(layers: Sequence[Sequence[str]], factors: Mapping[str, float]) -> Iterator[str]:
    for names in layers:
        if len(patterns := _patterns(names, factors)) > 1:
            yield (
                f"{KEY}: layer {names[0]} matches {' and '.join(patterns)}; give it a factor under "
                "its own name, which takes precedence over patterns"
            )
