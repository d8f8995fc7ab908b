"""Images that are changed at random: in training alone, by the trial's seed, and by how much."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from fairsweep.config.schema import Model
from fairsweep.data.scaling import Scaling
from fairsweep.tasks import CLASSES
from fairsweep.training.model import build_model
from fairsweep.training.trial import WorkerCache
from tests.integration.training_room import FEW_ROWS, train

X = np.random.default_rng(0).normal(size=(6, 8, 8, 1)).astype(np.float32)
CHANGES = {
    "flip": "vertical",
    "rotation": 0.2,
    "zoom": 0.3,
    "translation": 0.3,
    "contrast": 0.5,
}


def model(seed: int, **change: Any) -> keras.Model:
    params = {"filters": [4], "hidden_units": [8], "activation": "relu", "dropout": 0.0}
    settings = Model("cnn", "cnn", {**params, **change})
    return build_model(settings, Scaling(), X, CLASSES.output("dice", 2), seed)


@pytest.mark.parametrize(("name", "value"), CHANGES.items(), ids=CHANGES)
def test_each_changes_training_alone_by_the_seed(name: str, value: Any) -> None:
    changing, again, other, plain = (
        *(model(seed, **{name: value}) for seed in (1, 1, 2)),
        model(1),
    )
    for one in (again, other, plain):
        one.set_weights(changing.get_weights())
    first, same, different = (np.asarray(m(X, training=True)) for m in (changing, again, other))
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, different)
    assert not np.array_equal(first, np.asarray(changing(X, training=True)))
    told = np.asarray(plain(X, training=False))
    np.testing.assert_array_equal(np.asarray(changing(X, training=False)), told)
    assert not np.array_equal(first, told)


@pytest.mark.long
def test_another_size_of_change_is_another_program() -> None:
    """A graph has it as a number."""
    cache = WorkerCache()
    own = ("model=cnn", "model.params.filters=[2]", *FEW_ROWS, "training.epochs=1")
    late = [
        train(*own, "optimizer=sgd", f"model.params.contrast={size}", cache=cache)
        for size in (0.1, 0.9)
    ][-1]
    alone = train(*own, "optimizer=sgd", "model.params.contrast=0.9")
    assert late.epochs == alone.epochs
    assert len(cache.programs) == 2
