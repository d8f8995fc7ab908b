"""Models of texts: an embedding of their words, pooled to a few numbers for each text, beside the
other columns of the table; then dense layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from fairsweep.data.scaling import Ids
from fairsweep.tasks.layer import LastLayer
from fairsweep.training.models.dense import dense_parameters, hidden, last


@keras.saving.register_keras_serializable("fairsweep")
class Pooling(layers.Layer):  # type: ignore[misc]
    """What stands for all words of a text: their mean, or the largest of each feature. Padding
    isn't part of it, and a text without words gives zeros.

    Args:
        largest: for the largest; otherwise the mean.
    """

    def __init__(self, largest: bool, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.largest = largest

    def call(self, inputs: Any, ids: Any) -> Any:
        """From (rows, words, features) and the ids of the words, of which 0 is padding."""
        there = ops.expand_dims(ops.not_equal(ids, 0), -1)
        if self.largest:
            lowest = ops.where(there, inputs, float("-inf"))
            return ops.where(ops.any(there, axis=1), ops.max(lowest, axis=1), 0)
        count = ops.sum(ops.cast(there, inputs.dtype), axis=1)
        return ops.sum(ops.where(there, inputs, 0), axis=1) / ops.maximum(count, 1)

    def compute_output_shape(self, inputs_shape: Sequence[Any], *_: Any) -> tuple[Any, ...]:
        return (inputs_shape[0], inputs_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "largest": self.largest}


@keras.saving.register_keras_serializable("fairsweep")
class Words(layers.Embedding):  # type: ignore[misc]
    """Keras's Embedding, with zeros for padding."""

    def call(self, inputs: Any) -> Any:
        there = ops.cast(ops.not_equal(inputs, 0), self.compute_dtype)
        return super().call(inputs) * ops.expand_dims(there, -1)


def text(
    shape: Sequence[int],
    output: LastLayer,
    ids: Sequence[Ids],
    embedding: int,
    pooling: str,
    filters: int,
    kernel_size: int,
    hidden_units: Sequence[int],
    activation: str,
    dropout: float,
) -> keras.Model:
    """An embedding of each column of words, `embedding_1` the first; under `convolution` each has a
    1-D convolution over its texts, `convolution_1` the first, and the largest of every filter is
    kept, otherwise the mean of the words. Columns of words that are no texts are embedded alone.

    Args:
        shape: of a row: other features, then those in `ids`.
        output: the last layer.
        ids: the columns of words.
        embedding: numbers for each word.
        pooling: mean or convolution.
        filters: of the convolution.
        kernel_size: how many words in a row a filter sees.
        hidden_units: of the dense layers.
        activation: of the convolution and the dense layers.
        dropout: behind the words, and behind each dense layer.
    """
    inputs = keras.Input(tuple(shape))
    start = shape[0] - sum(own.length for own in ids)
    parts = [inputs[:, :start]] if start else []
    for i, own in enumerate(ids, 1):
        places = ops.cast(inputs[:, start : start + own.length], "int32")
        start += own.length
        words = Words(own.rows, embedding, name=f"embedding_{i}")(places)
        convolved = pooling == "convolution" and own.length > 1
        if convolved:
            words = layers.Conv1D(
                *(filters, kernel_size),
                padding="same",
                activation=activation,
                name=f"convolution_{i}",
            )(words)
        parts.append(Pooling(convolved, name=f"pooling_{i}")(words, places))
    outputs = parts[0] if len(parts) == 1 else layers.Concatenate()(parts)
    if dropout:
        outputs = layers.Dropout(dropout)(outputs)
    return keras.Model(inputs, last(hidden(outputs, hidden_units, activation, dropout), output))


def text_parameters(
    others: int,
    ids: Sequence[Ids],
    outputs: int,
    embedding: int,
    pooling: str,
    filters: int,
    kernel_size: int,
    hidden_units: Sequence[int],
    **_: object,
) -> int:
    """How many parameters such a model has, on rows with so many features beside the ids."""
    count, features = 0, others
    for own in ids:
        count += own.rows * embedding
        if pooling == "convolution" and own.length > 1:
            count += (kernel_size * embedding + 1) * filters
            features += filters
        else:
            features += embedding
    return count + dense_parameters(features, hidden_units, outputs)
