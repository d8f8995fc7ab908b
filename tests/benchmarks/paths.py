"""What an epoch takes on each kind of data, model and setting that a sweep can have, beside Keras's
`fit` with the same compiled model on the same arrays.

`python -m tests.benchmarks.paths [rows [epochs]]`: CPU time on one thread, which other work on the
machine changes little: of the first epoch, which makes the program, and the least of the others.
Both are trained in turn, three times. What `fit` does is what people write: arrays, a batch size,
validation arrays, and the sample weights, metrics and callbacks that the path is about.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.loops import timed  # isort: skip - it says first on how many threads

import keras
import numpy as np
from keras import layers
from sklearn.metrics import roc_auc_score

from fairsweep.commands.train import prepare
from fairsweep.data.several import plain
from fairsweep.data.split import SplitData
from fairsweep.records import TrialKey, TrialSpec
from fairsweep.stages.search import trial_spec
from fairsweep.training.optimizer import build_optimizer
from fairsweep.training.trial import WorkerCache, compiled, train_trial

WORDS = "good bad slow fast film plot actor scene long short dull bright ending music story".split()
Arrays = Mapping[str, Any]
OWN = __spec__.name if __spec__ else __name__


def numbers(rows: int, random: np.random.Generator) -> Arrays:
    x = random.normal(size=(rows, 16)).astype(np.float32)
    return {"x": x, "y": x[:, 0] * x[:, 1] + x[:, 2] + random.normal(size=rows) / 4}


def three_numbers(rows: int, random: np.random.Generator) -> Arrays:
    x = numbers(rows, random)["x"]
    return {"x": x, "y": x[:, :3] * x[:, 3:6] + 0.5}


def two_classes(rows: int, random: np.random.Generator) -> Arrays:
    x = random.normal(size=(rows, 16)).astype(np.float32)
    return {"x": x, "y": (x[:, 0] + random.normal(size=rows) > 1).astype(int)}


def weighted(rows: int, random: np.random.Generator) -> Arrays:
    return {**two_classes(rows, random), "sample_weight": random.random(rows) + 0.5}


def sequences(rows: int, random: np.random.Generator) -> Arrays:
    x = random.normal(size=(rows, 30, 6)).astype(np.float32)
    y = (x[:, :15].mean((1, 2)) > 0).astype(int)
    x[np.arange(30) >= random.integers(15, 31, rows)[:, None]] = np.nan
    return {"x": x, "y": y}


def images(rows: int, random: np.random.Generator) -> Arrays:
    y = np.arange(rows) % 4
    x = random.normal(size=(rows, 20, 20, 1)) + np.eye(20)[y * 5][:, None, :, None]
    return {"x": x.astype(np.float32), "y": y}


def load(rows: int) -> Mapping[str, Any]:
    """Two inputs: what a loader of one's own gives."""
    random = np.random.default_rng(0)
    windows, about = random.normal(size=(rows, 20, 4)), random.normal(size=(rows, 5))
    x = {"windows": windows.astype(np.float32), "about": about.astype(np.float32)}
    return {"x": x, "y": (windows[:, :, 0].mean(1) * about[:, 0] > 0).astype(int)}


def load_pictures(rows: int) -> tuple[Any, Any]:
    """What an autoencoder learns: each row is its own answer."""
    x = np.random.default_rng(0).random((rows, 64)).astype(np.float32)
    return x, x


def two_inputs(shape: Mapping[str, Sequence[int]], classes: int) -> keras.Model:
    windows, about = (keras.Input(own, name=name) for name, own in shape.items())
    seen = layers.Conv1D(16, 5, activation="relu")(windows)
    joined = layers.Concatenate()([layers.GlobalAveragePooling1D()(seen), about])
    inner = layers.Dense(32, activation="relu")(joined)
    outputs = layers.Dense(classes, activation="softmax")(inner)
    return keras.Model({"windows": windows, "about": about}, outputs)


def autoencoder(shape: Sequence[int], classes: int) -> keras.Model:  # noqa: ARG001
    inputs = keras.Input(shape)
    outputs = layers.Dense(shape[0])(layers.Dense(16, activation="relu")(inputs))
    model = keras.Model(inputs, outputs)
    model.compile(loss="mse", metrics=["mae"])
    return model


def own_loss(y_true: Any, y_pred: Any) -> Any:
    return keras.ops.mean(keras.ops.abs(keras.ops.cast(y_true, y_pred.dtype) - y_pred) ** 1.5, -1)


class Scored(keras.callbacks.Callback):  # type: ignore[misc]
    """The AUC of validation rows after every epoch, as it is written beside `fit`: Keras's own is
    an approximation, and wants one output for two classes."""

    def __init__(self) -> None:
        super().__init__()
        self.x = self.y = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        roc_auc_score(self.y, self.model.predict(self.x, verbose=0)[:, 1])


@dataclass(frozen=True)
class Case:
    """A way that a training can go.

    Attributes:
        overrides: of `fairsweep train`.
        arrays: what its `.npz` has, by the number of rows; None where a loader or a CSV does.
        metrics, callbacks: what the one who writes `fit` adds for the same.
    """

    overrides: Sequence[str]
    arrays: Callable[[int, np.random.Generator], Arrays] | None = None
    metrics: Callable[[], Sequence[Any]] = tuple
    callbacks: Callable[[], Sequence[Any]] = tuple


def by_loader(function: str) -> Sequence[str]:
    return ("data=python", f"data.loader={OWN}:{function}")


TEXT = ("data=csv", "data.path=texts.csv", "data.target=label", "data.text=[review]", "model=text")
CUSTOM = "model=custom"
PATHS = {
    "numbers": Case(("data.task=values",), numbers),
    "three numbers": Case(("data.task=values",), three_numbers),
    "quantiles": Case(
        ("data.task=values", "training.loss=quantile", "training.quantiles=[0.1,0.5,0.9]"), numbers
    ),
    "a loss of one's own": Case(("data.task=values", f"training.loss={OWN}:own_loss"), numbers),
    "AUC as objective": Case(
        ("objective.metric=val_auc", "training.metrics=[auc]"),
        two_classes,
        callbacks=lambda: [Scored()],
    ),
    "a metric of Keras's": Case(
        ("training.metrics=[SparseTopKCategoricalAccuracy]",),
        two_classes,
        metrics=lambda: [keras.metrics.SparseTopKCategoricalAccuracy()],
    ),
    "weights of rows": Case((), weighted),
    "weights of classes": Case(("training.class_weight=balanced",), two_classes),
    "a callback": Case(
        ("training.callbacks=[ReduceLROnPlateau]",),
        two_classes,
        callbacks=lambda: [keras.callbacks.ReduceLROnPlateau()],
    ),
    "mixed precision": Case(("training.precision=mixed_bfloat16",), two_classes),
    "sequences with padding": Case(("model=rnn", "data.padding=nan"), sequences),
    "images, augmented": Case(
        ("model=cnn", "model.params.flip=horizontal", "model.params.rotation=0.05"), images
    ),
    "a frozen base": Case(("model=transfer", "model.params.path=base.keras"), images),
    "texts": Case(TEXT),
    "texts, convolution": Case((*TEXT, "model.params.pooling=convolution")),
    "two inputs": Case((*by_loader("load"), CUSTOM, f"model.builder={OWN}:two_inputs")),
    "a task of one's own": Case(
        (
            *by_loader("load_pictures"),
            *("data.task=own", CUSTOM, f"model.builder={OWN}:autoencoder"),
            *("objective.metric=val_mae", "objective.direction=minimize"),
        )
    ),
}


def write(case: Case, rows: int) -> Sequence[str]:
    """Its files, in the working folder, and its overrides."""
    random, folder = np.random.default_rng(0), Path.cwd()
    given = [f"+data.params.rows={rows}"] if "data=python" in case.overrides else []
    if case.arrays is not None:
        np.savez(folder / "rows.npz", **case.arrays(rows, random))
        given = ["data=npz", "data.path=rows.npz"]
    elif not given:
        texts = [" ".join(random.choice(WORDS, random.integers(8, 30))) for _ in range(rows)]
        lines = [f"{text},{'yes' if 'good' in text else 'no'}" for text in texts]
        (folder / "texts.csv").write_text("review,label\n" + "\n".join(lines) + "\n")
    if "model=transfer" in case.overrides:
        base = [keras.Input((20, 20, 1)), layers.Conv2D(16, 3, activation="relu")]
        keras.Sequential([*base, layers.MaxPooling2D(), layers.Flatten()]).save("base.keras")
    return (*given, *case.overrides)


def spec_of(overrides: Sequence[str], epochs: int) -> tuple[TrialSpec, SplitData]:
    job = prepare([*overrides, f"training.epochs={epochs}", "training.seed=0"], None)
    (arm,) = job.plan.arms
    return trial_spec(job.plan, arm, TrialKey(arm.name, "train", 0), {}, 0), job.data


def ours(spec: TrialSpec, data: SplitData) -> tuple[list[float], str]:
    """CPU seconds of each epoch, and the loop that was taken."""
    loop = ""

    def trained(ended: Callable[[], None]) -> None:
        nonlocal loop
        result = train_trial(spec, data, lambda _: ended(), lambda _: True)
        if result.outcome != "complete":
            raise RuntimeError(f"{result.error}\n{result.traceback}")
        loop = result.loop

    return timed(trained), loop


def by_fit(case: Case, spec: TrialSpec, data: SplitData) -> list[float]:
    """CPU seconds of each epoch of Keras's own loop."""
    return timed(lambda ended: fitted(case, spec, data, ended))


def fitted(case: Case, spec: TrialSpec, data: SplitData, ended: Callable[[], None]) -> None:
    cache, training = WorkerCache(), spec.training
    model, form = compiled(spec, data, cache)
    if added := case.metrics():
        steps = -(-len(data.train) // training.batch_size)
        optimizer = build_optimizer(spec.optimizer, training, steps, 1.0)
        model.compile(optimizer, model.loss, metrics=["accuracy", *added])
    train = cache.part(data, "train", form, training.class_weights)
    validation = cache.part(data, "validation", form)

    def arrays(part: Any) -> tuple[Any, Any]:
        return plain(part.table.x[part.rows]), plain(part.table.y[part.rows])

    callbacks, (x, y) = case.callbacks(), arrays(validation)
    for scored in callbacks:
        if isinstance(scored, Scored):
            scored.x, scored.y = x, y
    told = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: ended())
    model.fit(
        *arrays(train),
        batch_size=training.batch_size,
        epochs=training.epochs,
        validation_data=(x, y),
        sample_weight=train.weights,
        verbose=0,
        callbacks=[*callbacks, told],
    )


def measured(case: Case, rows: int, epochs: int, rounds: int = 3) -> tuple[Mapping[str, Any], str]:
    """The least first and later epoch of each loop, and the loop that was taken."""
    spec, data = spec_of(write(case, rows), epochs)
    least: dict[str, tuple[float, float]] = {}
    loop = ""
    for _ in range(rounds):
        own, loop = ours(spec, data)
        for name, seconds in (("ours", own), ("fit", by_fit(case, spec, data))):
            first, then = least.get(name, (float("inf"), float("inf")))
            least[name] = min(first, seconds[0]), min(then, *seconds[1:])
        keras.config.set_dtype_policy("float32")
        keras.backend.clear_session()
    return least, loop


@contextlib.contextmanager
def folder() -> Iterator[None]:
    with tempfile.TemporaryDirectory() as place, contextlib.chdir(place):
        yield


def main(rows: int = 3000, epochs: int = 5) -> None:
    os.environ["FAIRSWEEP_TRUSTED_PACKAGES"] = "tests"
    print("| path | loop | first epoch: `fit`, ours | another epoch: `fit`, ours | ratio |")
    print("| --- | --- | ---: | ---: | ---: |")
    for name, case in PATHS.items():
        with folder():
            least, loop = measured(case, rows, epochs)
        (first, then), (their_first, their_then) = least["ours"], least["fit"]
        print(
            f"| {name} | {loop} | {their_first:.2f} s, {first:.2f} s "
            f"| {1000 * their_then:.0f} ms, {1000 * then:.0f} ms | {their_then / then:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
