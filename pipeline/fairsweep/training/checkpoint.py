"""Checkpoints: an interrupted training continues from the last one, with the same numbers.

A checkpoint is a file `<epoch>-<SHA-256 of its content>.npz` of plain arrays: every variable that
training changes, the weights of the best epoch, the metrics of all epochs, and the rest of the
training's state as JSON. It gets its name once all of it is on disk, so that a partial file never
counts as a checkpoint.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from keras.src.backend.common import global_state
from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR

from fairsweep.config.trust import METRICS, has_parts, own_parts
from fairsweep.files import TrialFolders
from fairsweep.records import EpochMetrics, TrialKey, TrialSpec
from fairsweep.training.constants import optimizers_of
from fairsweep.training.history import History
from fairsweep.training.kept_state import NotKept
from fairsweep.training.model import is_of_keras
from fairsweep.training.values import ScaledLoss

Arrays = Mapping[str, npt.NDArray[Any]]
KEPT = 2  # if the last one turns out to be damaged, the one before it is used
WORTH_SECONDS = 1.0
NOT_THERE = 0.0  # stands for a metric that an epoch hasn't
NAME = re.compile(r"(\d{8})-([0-9a-f]{64})\.npz")


class CheckpointLost(Exception):
    """The checkpoints of a training can't be used; it has to start over."""


class Checkpoints:
    """The checkpoints of one training.

    Args:
        spec: says which they are and how often there is one.
        folders: where they are; None where none are kept.

    Raises:
        CheckpointLost: there are some, and all are damaged.
    """

    def __init__(self, spec: TrialSpec, folders: TrialFolders | None) -> None:
        self._folder: Path | None = None
        if folders is not None and spec.checkpoints:
            self._folder = folders.checkpoints_of(spec.checkpoints)
        self._every = spec.training.checkpoint_seconds
        self._due = time.monotonic() + self._every
        self._stored = None if self._folder is None else newest(self._folder)
        self._plain = {} if self._stored is None else _from_text(self._stored["plain"])

    def prefer(self, history: History) -> None:
        """Continues in the loop that the training began in, if `training.loop` is auto."""
        if history.spec.training.loop == "auto" and self._plain.get("loop") == "fit":
            history.use_fit(self._plain["loop_reason"])

    def resume(self, history: History) -> None:
        """Restores the last checkpoint, if there is one, into the training and its model, whose
        optimizer is built.

        Raises:
            CheckpointLost: it is one of another model.
        """
        if self._stored is None:
            return
        for name, variable in _variables(history).items():
            stored = self._stored.get(f"variables/{name}")
            own = variable.numpy()
            if stored is None or stored.shape != own.shape or stored.itemsize != own.itemsize:
                raise CheckpointLost(
                    f"the checkpoint is of another model: {name} has the shape {own.shape} now, "
                    f"and {None if stored is None else stored.shape} there"
                )
            variable.assign(stored.view(own.dtype))
        weights = history.model.weights[: self._plain["best_weights"]] if history.model else []
        best = [self._stored[f"best/{i}"].view(w.numpy().dtype) for i, w in enumerate(weights)]
        history.go_on(self._plain, _epochs(history.spec.key, self._stored, self._plain), best)
        found = {i: self._stored[f"callbacks/{i}"] for i in range(self._plain.get("arrays", 0))}
        history.callbacks.put_back(self._plain.get("callbacks", ()), found)
        self._stored = None

    def offer(self, history: History) -> None:
        """Writes a checkpoint of a training that goes on, if one is due."""
        if time.monotonic() >= self._due:
            self.leave(history)

    def leave(self, history: History) -> None:
        """Writes a checkpoint, if the spec asks for them and it saves more than a moment. A disk
        that doesn't take it is a warning: the training goes on without."""
        if self._folder is None or history.seconds < min(self._every, WORTH_SECONDS):
            return
        try:
            write_checkpoint(self._folder, history.epochs, _arrays(history))
        except NotKept as error:  # the training goes on from an earlier one, or from its start
            log = logging.getLogger(__name__)
            log.info("%s has no checkpoint: a callback keeps %s", history.spec.key, error)
        except OSError as error:
            log = logging.getLogger(__name__)
            log.warning(
                "%s: can't write a checkpoint to %s: %s", history.spec.key, self._folder, error
            )
        self._due = time.monotonic() + self._every


def write_checkpoint(folder: Path, epoch: int, arrays: Arrays) -> Path:
    """Writes a checkpoint into the folder, which is created, and removes the oldest ones.

    Raises:
        OSError: the disk doesn't take it; earlier ones stay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f"{os.getpid()}.tmp"
    try:
        with draft.open("w+b") as file:
            np.savez(file, allow_pickle=False, **arrays)
            file.flush()
            os.fsync(file.fileno())
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        path = draft.replace(folder / f"{epoch:08}-{digest}.npz")
    finally:
        draft.unlink(missing_ok=True)
    _sync(folder)
    _sync(folder.parent)
    for old in _named(folder)[KEPT:]:
        old.unlink()
    return path


def newest(folder: Path) -> Arrays | None:
    """The last undamaged checkpoint in a folder; None if it has none at all.

    Raises:
        CheckpointLost: all of them are damaged.
    """
    paths = _named(folder)
    for path in paths:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if path.name.endswith(f"-{digest}.npz"):
            with np.load(path, allow_pickle=False) as stored:
                return dict(stored)
        logging.getLogger(__name__).warning("checkpoint %s is damaged", path)
    if paths:
        raise CheckpointLost(f"every checkpoint in {folder} is damaged")
    return None


def _named(folder: Path) -> list[Path]:
    """The checkpoints in a folder, the last one first."""
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted((path for path in found if NAME.fullmatch(path.name)), reverse=True)


def _sync(folder: Path) -> None:
    """Waits until the names in a folder are on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _arrays(history: History) -> Arrays:
    metrics, weights = history.metrics, history.best_weights
    names = list(dict.fromkeys(name for epoch in metrics for name in epoch.values))
    plain = history.plain() | {"names": names, "best_weights": len(weights)}
    arrays: list[npt.NDArray[Any]] = []
    plain |= {"callbacks": history.callbacks.kept(arrays), "arrays": len(arrays)}
    return {
        **{f"callbacks/{i}": array for i, array in enumerate(arrays)},
        **{f"variables/{name}": v.numpy() for name, v in _variables(history).items()},
        **{f"best/{i}": weight for i, weight in enumerate(weights)},
        "epochs": np.array([[e.values.get(name, NOT_THERE) for name in names] for e in metrics]),
        "there": np.array([[name in e.values for name in names] for e in metrics]),
        "timestamps": np.array([epoch.timestamp for epoch in metrics]),
        "plain": np.frombuffer(json.dumps(plain).encode(), np.uint8),
    }


def _from_text(stored: npt.NDArray[np.uint8]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(stored.tobytes())
    return plain


def _epochs(key: TrialKey, stored: Arrays, plain: Mapping[str, Any]) -> list[EpochMetrics]:
    names, rows = plain["names"], stored["epochs"]
    there = stored.get("there", np.ones(rows.shape, bool))  # an earlier version has all of them
    found = []
    for i, timestamp in enumerate(stored["timestamps"].tolist()):
        own = zip(names, rows[i].tolist(), there[i], strict=True)
        values = {name: value for name, value, has in own if has}
        found.append(EpochMetrics(key, i + 1, values, timestamp))
    return found


def _variables(history: History) -> dict[str, Any]:
    """All that training changes, as TensorFlow's variables: weights, the seeds of dropout, the
    optimizer's slots, its learning rate and its count of steps."""
    model, spec = history.model, history.spec
    assert model is not None
    found = {f"model/{i}": v.value for i, v in enumerate(model.variables)}
    found |= {f"optimizer/{i}": v.value for i, v in enumerate(model.optimizer.variables)}
    if any(key != METRICS for key, _ in own_parts(spec)):
        generator = global_state.get_global_attribute(GLOBAL_SEED_GENERATOR)
        found["seed"] = generator.state.value
    if not is_of_keras(model):
        found |= dict(_hidden("layer", model._flatten_layers(), (tf.Variable,)))
    owners = [*_losses(model), *(optimizers_of(model) if has_parts(spec) else ())]
    return found | dict(_hidden("part", owners, (tf.Variable, keras.Variable)))


def _losses(model: keras.Model) -> Iterator[keras.losses.Loss]:
    """The losses that are objects: one of ours, or what the builder compiled its model with."""
    for given in keras.tree.flatten(model.loss):
        own = given.loss if isinstance(given, ScaledLoss) else given
        if isinstance(own, keras.losses.Loss):
            yield own


def _hidden(what: str, owners: Iterable[Any], kinds: tuple[type, ...]) -> Iterator[tuple[str, Any]]:
    """Variables in layers, optimizers and losses, of which Keras may not know."""
    for i, owner in enumerate(owners):
        for name, value in sorted(vars(owner).items()):
            if isinstance(value, kinds):
                own = value.value if isinstance(value, keras.Variable) else value
                yield f"{what}/{i}/{name}", own
