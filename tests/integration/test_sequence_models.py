"""Models of sequences: padding changes nothing, and both loops give the same numbers."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from fairsweep.config.schema import Model
from fairsweep.data.recipe import Recipe
from fairsweep.data.scaling import Scaling
from fairsweep.tasks import CLASSES
from fairsweep.training.model import build_model, parameter_count
from fairsweep.training.preprocessing import preprocessing_of
from fairsweep.training.serving import PublishedModel
from tests.integration.training_room import assert_same, both_loops

OUTPUT = CLASSES.output("dice", 2)


def padded(steps: int, padding: str) -> np.ndarray:
    """Two steps, then padding."""
    x = np.full((4, steps, 3), float(padding), np.float32)
    x[:, :2] = np.random.default_rng(0).normal(5, 2, (4, 2, 3))
    return x


@pytest.mark.parametrize("padding", ["nan", "0"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_padded_row_gives_the_numbers_of_one_that_is_cut(
    cell: str, bidirectional: bool, padding: str
) -> None:
    params = {"cell": cell, "units": [3, 2], "bidirectional": bidirectional, "dropout": 0.1}
    scaling = Scaling(mean=(5, 4, 5), variance=(4, 1, 9), padding=padding)
    settings = Model("rnn", "rnn", params)
    answers = []
    for steps in (2, 5):
        x = padded(steps, padding)
        built = build_model(settings, scaling, x, OUTPUT, seed=0)
        assert built.count_params() == parameter_count(settings, scaling, x.shape[1:], 2)
        answers.append(np.asarray(built(x)))
    assert np.isfinite(answers[0]).all()
    np.testing.assert_allclose(answers[0], answers[1], rtol=1e-6)


def test_a_step_that_is_zero_once_scaled_is_no_padding() -> None:
    layer = preprocessing_of(Scaling(mean=(1.0,), variance=(4.0,), padding="nan"))
    assert layer is not None
    layer = type(layer).from_config(json.loads(json.dumps(layer.get_config())))
    x = keras.ops.convert_to_tensor([[[3.0], [1.0], [np.nan]]])
    outputs = layer(x)
    assert np.asarray(outputs)[..., 0].tolist() == [[1, 0, 0]]
    assert np.asarray(outputs._keras_mask).tolist() == [[True, True, False]]


def test_a_published_model_refuses_a_row_of_padding_alone() -> None:
    params = {"cell": "gru", "units": [2], "bidirectional": False, "dropout": 0.1}
    scaling, settings = Scaling(padding="-1"), Model("rnn", "rnn", params)
    x = padded(3, "-1")
    recipe = Recipe("rnn", params, scaling, (3, 3), ("a", "b"), loss="dice")
    model = PublishedModel(build_model(settings, scaling, x, OUTPUT, seed=0), recipe)
    assert len(model.predict(x)) == 4
    x[2] = -1
    with pytest.raises(ValueError, match="x has 1 row of padding alone, first row 3"):
        model.predict(x)


def test_the_compiled_loop_gives_the_numbers_of_fit(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(80, 4, 2)).astype(np.float32)
    x[::3, 2:] = np.nan
    np.savez(tmp_path / "rows.npz", x=x, y=np.arange(80) % 2)
    both = both_loops(
        *("data=npz", f"data.path={tmp_path / 'rows.npz'}", "data.padding=nan", "model=rnn"),
        *("model.params.units=[4]", "model.params.dropout=0.2", "training.epochs=2"),
        *("optimizer=adam", "training.batch_size=32"),
    )
    assert_same(*both)
