"""Whether XLA pays: the same `train_step`, an epoch as one program compiled by XLA and by what the
workers use.

XLA compiles for one set of widths and one batch size; the workers' program is for all of them.
`python -m tests.benchmarks.xla`: a row for each model, with the epochs of one architecture and
batch size after which XLA would have won back its compiling, and how far its losses have drifted
from those of the other by then.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
    os.environ[name] = "1"
os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "2"}

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from fairsweep.config.compose.commands import compose_sweep  # noqa: E402
from fairsweep.data.split import load_split  # noqa: E402
from fairsweep.tasks.layer import LastLayer  # noqa: E402
from fairsweep.training.models.dense import mlp  # noqa: E402
from fairsweep.training.programs import Making, Program  # noqa: E402

EPOCHS = 60
CASES = [((64,), 32), ((64, 32), 16), ((64, 32), 64), ((128, 128, 64), 32), ((256, 256), 128)]


def compiled(widths: Sequence[int], inputs: int) -> keras.Model:
    keras.utils.set_random_seed(0)
    model = mlp((inputs,), LastLayer(10, "softmax"), widths, "relu", 0.0, False, 0.0)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def xla_epoch(model: keras.Model, x: Any, y: Any, batch: int) -> Callable[[Any], float]:
    """An epoch over `model.train_step` with every shape known, and its loss."""
    whole, rest = divmod(len(x), batch)

    @tf.function(jit_compile=True, autograph=False)
    def epoch(order: Any) -> Any:
        def step(rows: Any) -> None:
            model.train_step((tf.gather(x, rows), tf.gather(y, rows)))

        def body(i: Any) -> tuple[Any]:
            step(tf.slice(order, [i * batch], [batch]))
            return (i + 1,)

        model.reset_metrics()
        tf.while_loop(lambda i: i < whole, body, (0,))
        if rest:
            step(order[whole * batch :])
        return model.get_metrics_result()["loss"]

    return lambda order: float(epoch(order))


def _loss(program: Program, rows: Sequence[Any], batch: Any, order: Any) -> float:
    return program.train(rows, order, batch, None)["loss"]


def main() -> None:
    data = load_split(compose_sweep([]).config.data)
    x = tf.constant(data.dataset.x[data.train].reshape(len(data.train), -1))
    y = tf.constant(data.dataset.y[data.train])
    orders = [np.random.default_rng(e).permutation(len(x)).astype(np.int32) for e in range(EPOCHS)]
    print(f"digits, {len(x)} rows\n")
    print("| widths | batch | compiling (s) | an epoch (ms) | pays after | loss drifts by |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for widths, batch in CASES:
        program = Program(
            compiled(widths, x.shape[1]), (x, y), any_shape=True, kind="", making=Making()
        )
        model = compiled(widths, x.shape[1])
        Program(model, (x, y), any_shape=False, kind=None, making=Making())  # makes its variables
        size = tf.constant(batch)
        loops: dict[str, Callable[[Any], float]] = {
            "ours": partial(_loss, program, (x, y), size),
            "xla": xla_epoch(model, x, y, batch),
        }
        seconds: dict[str, list[float]] = {name: [] for name in loops}
        drift = 0.0
        for order in map(tf.constant, orders):
            losses = []
            for name, loop in loops.items():
                started = time.perf_counter()
                losses.append(loop(order))
                seconds[name].append(time.perf_counter() - started)
            drift = max(drift, abs(losses[1] / losses[0] - 1))
        first = {name: own[0] for name, own in seconds.items()}
        epoch = {name: statistics.median(own[1:]) for name, own in seconds.items()}
        saved = epoch["ours"] - epoch["xla"]
        pays = f"{(first['xla'] - first['ours']) / saved:.0f} epochs" if saved > 0 else "never"
        print(
            f"| {'-'.join(map(str, widths))} | {batch} | {first['ours']:.2f}, XLA "
            f"{first['xla']:.2f} | {1000 * epoch['ours']:.1f}, XLA {1000 * epoch['xla']:.1f} "
            f"| {pays} | {drift:.0e} |"
        )


if __name__ == "__main__":
    main()
