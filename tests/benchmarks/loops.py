"""What an epoch of models of several kinds takes: Keras's `fit` on arrays, `training.loop=fit`, and
the compiled program with and without TensorFlow's graph rewriter.

`python -m tests.benchmarks.loops [rows [epochs]]`: CPU time on one thread, which other work on the
machine changes little: of the first epoch, and the least of the others, each loop's in turn.
"""

from __future__ import annotations

import functools
import itertools
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
    os.environ[name] = "1"
os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "2"}

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers  # noqa: E402

from fairsweep.tasks.layer import LastLayer  # noqa: E402
from fairsweep.training.execution import Way, is_light  # noqa: E402
from fairsweep.training.loops import Arrays, BatchOrder, Table, run_fit  # noqa: E402
from fairsweep.training.models.convolution import cnn  # noqa: E402
from fairsweep.training.models.dense import mlp  # noqa: E402
from fairsweep.training.programs import Making, Program  # noqa: E402

BATCH, LAST = 32, LastLayer(10, "softmax")


def lstm(shape: Sequence[int]) -> keras.Model:
    return keras.Sequential(
        [keras.Input(shape), layers.LSTM(32), layers.Dense(10, activation="softmax")]
    )


def attention(shape: Sequence[int]) -> keras.Model:
    inputs = keras.Input(shape)
    before = layers.Dense(32)(inputs)
    attended = layers.MultiHeadAttention(4, 8)(before, before)
    inner = layers.LayerNormalization()(before + attended)
    outputs = layers.Dense(32)(layers.Dense(64, activation="relu")(inner))
    pooled = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(inner + outputs))
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(pooled))


MODELS: dict[str, tuple[Callable[[Any], keras.Model], tuple[int, ...]]] = {
    "dense 64-32": (lambda shape: mlp(shape, LAST, (64, 32), "relu", 0.0, False, 0.0), (64,)),
    "the same, normalized": (
        lambda shape: mlp(shape, LAST, (64, 32), "relu", 0.0, True, 0.0),
        (64,),
    ),
    "cnn": (lambda shape: cnn(shape, LAST, (16, 32), (64,), "relu", 0.0), (28, 28, 1)),
    "lstm": (lstm, (40, 8)),
    "attention": (attention, (40, 8)),
}


def compiled(build: Callable[[Any], keras.Model], shape: Sequence[int]) -> keras.Model:
    keras.utils.set_random_seed(0)
    model = build(shape)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def timed(epochs: Callable[[Callable[[], None]], object]) -> list[float]:
    """Seconds of each epoch, at whose end what is given is called."""
    ends = [time.process_time()]
    epochs(lambda: ends.append(time.process_time()))
    return [after - before for before, after in itertools.pairwise(ends)]


def loops(
    new: Callable[[], keras.Model], part: Arrays, epochs: int
) -> Iterator[tuple[str, list[float]]]:
    """Each loop, and what its epochs took."""
    x, y = part.table.x, part.table.y
    plan = BatchOrder(epochs, BATCH, shuffle=True, seed=0)

    def by_keras(ended: Callable[[], None]) -> None:
        told = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: ended())
        new().fit(x, y, batch_size=BATCH, epochs=epochs, verbose=0, callbacks=[told])

    def by_fit(ended: Callable[[], None]) -> None:
        model = new()
        model.optimizer.build(model.trainable_variables)

        def on_epoch(*_: object) -> bool:
            ended()
            return True

        run_fit(model, part, None, plan, on_epoch)

    def by_program(ended: Callable[[], None], rewritten: bool) -> None:
        program = Program(new(), part.tensors, any_shape=False, kind=None, making=Making())
        program._train.way = Way(dense=False, rewritten=rewritten)
        for epoch in range(1, epochs + 1):
            order = tf.constant(plan.order(epoch, len(part)))
            program.train(part.tensors, order, tf.constant(BATCH), None)
            ended()

    yield "Keras", timed(by_keras)
    yield "fit", timed(by_fit)
    yield "program", timed(lambda ended: by_program(ended, rewritten=False))
    yield "program, rewritten", timed(lambda ended: by_program(ended, rewritten=True))


def main(rows: int = 2000, epochs: int = 4) -> None:
    random = np.random.default_rng(0)
    print("| | Keras's `fit` | `training.loop=fit` | program | program, rewritten | by our rule |")
    print("| --- | ---: | ---: | ---: | ---: | --- |")
    for name, (build, shape) in MODELS.items():
        x = random.normal(size=(rows, *shape)).astype(np.float32)
        part = Arrays(Table(x, random.integers(0, 10, rows)), np.arange(rows))
        least: dict[str, list[float]] = {}
        for _ in range(2):
            for loop, seconds in loops(functools.partial(compiled, build, shape), part, epochs):
                own = [seconds[0], min(seconds[1:])]
                least[loop] = [min(pair) for pair in zip(own, least.get(loop, own), strict=True)]
        figures = (f"{first:.2f}, then {1000 * then:.1f} ms" for first, then in least.values())
        rule = "no" if is_light(compiled(build, shape)) else "rewritten"
        print(f"| {name} | {' | '.join(figures)} | {rule} |", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
