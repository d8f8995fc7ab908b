"""The limit: the steps of every listed trial and nothing else, each trial one XLA program that was
compiled before the clock starts. One core. Prints seconds for all trials together: of a long list
the first 200 are trained and stand for the others, for XLA can't hold more programs than that.

Runs in a folder that holds `work.json` and `data.npz`.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

Parameters = Sequence[Any]
SAMPLE = 200


def forward(parameters: Parameters, x: Any) -> Any:
    for weights, bias in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
        x = tf.nn.relu(x @ weights + bias)
    return x @ parameters[-2] + parameters[-1]


def losses(parameters: Parameters, x: Any, y: Any) -> tuple[Any, Any]:
    logits = forward(parameters, x)
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
    right = tf.cast(tf.argmax(logits, 1, tf.int32) == y, tf.float32)
    return tf.reduce_mean(loss), tf.reduce_mean(right)


def adam(state: Sequence[Any], gradients: Sequence[Any], rate: Any, step: Any) -> Sequence[Any]:
    count = len(gradients)
    parameters, first, second = state[:count], state[count : 2 * count], state[2 * count :]
    first = [m + (g - m) * 0.1 for m, g in zip(first, gradients, strict=True)]
    second = [v + (g * g - v) * 0.001 for v, g in zip(second, gradients, strict=True)]
    scale = rate * tf.sqrt(1 - 0.999**step) / (1 - 0.9**step)
    parameters = [
        p - scale * m / (tf.sqrt(v) + 1e-7)
        for p, m, v in zip(parameters, first, second, strict=True)
    ]
    return [*parameters, *first, *second]


def make_epoch(count: int, batch: int) -> Any:
    """One epoch over `order` and its validation as one program: state in, state and metrics out."""

    def train(state: Sequence[Any], x: Any, y: Any, rate: Any, step: Any) -> Sequence[Any]:
        with tf.GradientTape() as tape:
            tape.watch(state[:count])
            loss, _ = losses(state[:count], x, y)
        return adam(state, tape.gradient(loss, state[:count]), rate, step + 1)

    @tf.function(jit_compile=True, autograph=False)
    def epoch(
        state: Sequence[Any],
        x: Any,
        y: Any,
        x_val: Any,
        y_val: Any,
        order: Any,
        rate: Any,
        done: Any,
    ) -> Any:
        whole = x.shape[0] // batch

        def body(i: Any, *state: Any) -> Any:
            rows = tf.slice(order, [i * batch], [batch])
            step = done + tf.cast(i, tf.float32)
            return i + 1, *train(state, tf.gather(x, rows), tf.gather(y, rows), rate, step)

        _, *state = tf.while_loop(lambda i, *_: i < whole, body, (0, *state))
        if x.shape[0] % batch:
            rows = order[whole * batch :]
            state = train(state, tf.gather(x, rows), tf.gather(y, rows), rate, done + whole)
        return state, losses(state[:count], x_val, y_val)

    return epoch


def main() -> None:
    work = json.loads(Path("work.json").read_text())
    with np.load("data.npz") as arrays:
        data = [
            tf.constant(arrays[name].astype(kind))
            for name, kind in (
                *(("x_train", np.float32), ("y_train", np.int32)),
                *(("x_val", np.float32), ("y_val", np.int32)),
            )
        ]
    rows, inputs = data[0].shape
    classes = int(tf.reduce_max(data[1])) + 1
    random = np.random.default_rng(0)
    programs: dict[Any, Any] = {}
    total = 0.0
    listed = work["trials"]
    for trial in listed[:SAMPLE]:
        widths, batch = [inputs, *trial["hidden_units"], classes], trial["batch_size"]
        parameters = []
        for before, after in itertools.pairwise(widths):
            limit = (6 / (before + after)) ** 0.5
            parameters.append(random.uniform(-limit, limit, (before, after)).astype(np.float32))
            parameters.append(np.zeros(after, np.float32))
        zeros = [np.zeros_like(p) for p in parameters] * 2
        state = [tf.constant(p) for p in (*parameters, *zeros)]
        orders = [
            tf.constant(random.permutation(rows).astype(np.int32)) for _ in range(work["epochs"])
        ]
        rate, steps = tf.constant(trial["learning_rate"], tf.float32), -(-rows // batch)
        done = [tf.constant(float(steps * e)) for e in range(work["epochs"])]
        kind = (*widths, batch)
        if kind not in programs:
            programs[kind] = make_epoch(len(parameters), batch)
            programs[kind](state, *data, orders[0], rate, done[0])
        started = time.perf_counter()
        for order, before_it in zip(orders, done, strict=True):
            state, metrics = programs[kind](state, *data, order, rate, before_it)
            metrics[1].numpy()
        total += time.perf_counter() - started
    print(json.dumps({"seconds": total * len(listed) / len(listed[:SAMPLE])}))


if __name__ == "__main__":
    main()
