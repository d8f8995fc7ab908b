"""What is done to features inside of a model, so that it travels with the model."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from fairsweep.data.scaling import Scaling


@keras.saving.register_keras_serializable("fairsweep")
class Encoding(layers.Layer):  # type: ignore[misc]
    """Rows of a table (rows, columns) as features: first its numbers, scaled and without gaps, then
    a feature for each word of a column, 1 where the row has it.

    Args:
        factor: of numbers; None for none.
        mean: of each number, to be taken away; empty for none.
        variance: of each number, to become 1.
        numbers: the columns that they are in.
        fill: what stands for a missing one of each; empty where none is missing.
        words: (column, value) of each word.
    """

    def __init__(
        self,
        factor: float | None,
        mean: Sequence[float],
        variance: Sequence[float],
        numbers: Sequence[int],
        fill: Sequence[float],
        words: Sequence[tuple[int, int]],
        **keywords: Any,
    ) -> None:
        super().__init__(**keywords)
        self.config = {
            "factor": factor,
            "mean": mean,
            "variance": variance,
            "numbers": numbers,
            "fill": fill,
            "words": words,
        }
        self.factor = factor
        self.numbers = list(numbers)
        self.fill = np.array(fill, np.float32)
        self.mean = np.array(mean, np.float32)
        self.deviation = np.sqrt(np.array(variance, np.float32))
        self.columns = [column for column, _ in words]
        self.values = np.array([value for _, value in words], np.float32)

    def call(self, inputs: Any) -> Any:
        parts = []
        if self.numbers:
            x = ops.take(inputs, self.numbers, axis=1)
            if len(self.fill):
                x = ops.where(ops.isnan(x), self.fill, x)
            if self.factor is not None:
                x = x * self.factor
            if len(self.mean):
                x = (x - self.mean) / self.deviation
            parts.append(x)
        if self.columns:
            # Compared, not looked up: what is no word that training rows have is 0 everywhere.
            same = ops.equal(ops.take(inputs, self.columns, axis=1), self.values)
            parts.append(ops.cast(same, "float32"))
        return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=1)

    def compute_output_shape(self, input_shape: Sequence[Any]) -> tuple[Any, ...]:
        return (input_shape[0], len(self.numbers) + len(self.columns))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.config}


def preprocessing_of(scaling: Scaling) -> keras.Layer | None:
    """The layer that does what was measured; None where there is nothing to do."""
    if scaling.encodes:
        return Encoding(**vars(scaling))
    if scaling.factor is not None:
        return layers.Rescaling(scaling.factor)
    if scaling.mean:
        return layers.Normalization(mean=scaling.mean, variance=scaling.variance)
    return None


def preprocessed(model: keras.Model, preprocessing: keras.Layer) -> keras.Model:
    """The model with its inputs preprocessed. A model around it would hide what its class says of
    a training step, its loss or its metrics."""
    own = model.call

    @functools.wraps(own)  # Keras looks at the names of its arguments
    def call(inputs: Any, *arguments: Any, **keywords: Any) -> Any:
        return own(preprocessing(inputs), *arguments, **keywords)

    model.call = call
    return model
