"""The limit: the steps of the trainings that ours did and nothing else, each epoch one program that
was compiled before the clock starts, with every shape and constant known. One core. Prints seconds
for all trainings together: of a long list some stand for the others, evenly spread over it, for XLA
can't hold more programs than that.

Reads `trained.json`: on how many rows each was trained, and for how many epochs.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from task import ARMS, build_model, load_data, replayed, settings_of

SAMPLE = 200
BY_XLA = ("mlp", "lstm")
"""Models whose steps XLA makes faster; for convolutions TensorFlow's own kernels are."""


def make_epoch(model: Any, batch: int, by_xla: bool) -> Callable[..., Any]:
    """An epoch over rows in an order, and what validation rows say then."""
    weights, optimizer = model.trainable_variables, model.optimizer
    optimizer.build(weights)
    crossentropy = keras.losses.sparse_categorical_crossentropy

    def step(x: Any, y: Any) -> None:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(crossentropy(y, model(x, training=True)))
        optimizer.apply(tape.gradient(loss, weights), weights)

    @tf.function(jit_compile=by_xla, autograph=False)
    def epoch(x: Any, y: Any, x_val: Any, y_val: Any, order: Any) -> Any:
        whole, rest = divmod(x.shape[0], batch)

        def body(i: Any) -> tuple[Any]:
            rows = tf.slice(order, [i * batch], [batch])
            step(tf.gather(x, rows), tf.gather(y, rows))
            return (i + 1,)

        tf.while_loop(lambda i: i < whole, body, (0,))
        if rest:
            rows = order[whole * batch :]
            step(tf.gather(x, rows), tf.gather(y, rows))
        said = model(x_val, training=False)
        right = tf.cast(tf.argmax(said, 1, tf.int32) == y_val, tf.float32)
        return tf.reduce_mean(crossentropy(y_val, said)), tf.reduce_mean(right)

    return epoch


def main() -> None:
    data = load_data()
    trained = json.loads(Path("trained.json").read_text())
    sample = trained[:: -(-len(trained) // SAMPLE)]
    random = np.random.default_rng(0)
    programs: dict[str, Callable[..., Any]] = {}
    total = 0.0
    for own in sample:
        arm, values, count = own["arm"], own["values"], own["train"]
        rows = [
            tf.constant(array.astype(np.int32 if i % 2 else np.float32))
            for i, array in enumerate(replayed(data, count, own["validation"]))
        ]
        drawn = (random.permutation(count) for _ in range(own["epochs"]))
        orders = [tf.constant(order.astype(np.int32)) for order in drawn]
        kind = json.dumps([arm, values, count])
        if kind not in programs:
            model = build_model(arm, values, rows[0].shape[1:], int(data[1].max()) + 1)
            batch = settings_of(arm, values, "training")["batch_size"]
            programs[kind] = make_epoch(model, batch, ARMS[arm]["model"]["name"] in BY_XLA)
            programs[kind](*rows, orders[0])
        started = time.perf_counter()
        for order in orders:
            programs[kind](*rows, order)[1].numpy()
        total += time.perf_counter() - started
    epochs, of_sample = (sum(own["epochs"] for own in part) for part in (trained, sample))
    print(json.dumps({"seconds": total * epochs / of_sample}))


if __name__ == "__main__":
    main()
