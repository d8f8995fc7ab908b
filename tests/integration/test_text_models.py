"""Models of texts: the words they get, padding, both loops, and programs that splits share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pyarrow as pa
import pytest

from fairsweep.config.schema import Model
from fairsweep.data.scaling import Ids, Scaling
from fairsweep.data.split import split_rows
from fairsweep.data.text import words_of
from fairsweep.folds import Fold
from fairsweep.tasks import CLASSES
from fairsweep.training.model import build_model, parameter_count
from fairsweep.training.preprocessing import preprocessing_of
from fairsweep.training.trial import WorkerCache
from tests.integration.training_room import assert_same, both_loops, compose, run

PARAMS = {
    "embedding": 4,
    "pooling": "mean",
    "filters": 3,
    "kernel_size": 3,
    "hidden_units": [5],
    "activation": "relu",
    "dropout": 0.1,
}


@pytest.fixture
def reviews(tmp_path: Path) -> tuple[str, ...]:
    """Sentences of which one word says what the class is."""
    random = np.random.default_rng(0)
    rows = []
    for i in range(160):
        words = [f"word{n}" for n in random.integers(0, 30, random.integers(0, 9))]
        words.insert(random.integers(0, len(words) + 1), ("dull", "great")[i % 2])
        rows.append(f"{i % 7},{' '.join(words)},{'ny'[i % 2]}\n")
    (tmp_path / "rows.csv").write_text("n,review,liked\n" + "".join(rows))
    return (
        *("data=csv", f"data.path={tmp_path / 'rows.csv'}", "data.target=liked"),
        *("data.text=[review]", "model=text", "optimizer=adam", "training.epochs=2"),
    )


def test_words_are_those_of_keras() -> None:
    texts = ["It's GREAT, isn't it?", 'a "quoted"\tline\nbreak', "x_y z-w (1,000.5)", "@#!", ""]
    layer = keras.layers.TextVectorization(ragged=True)
    layer.adapt(texts)
    known = layer.get_vocabulary()
    theirs = [[known[i] for i in row] for row in layer(texts).to_list()]
    assert [row or [] for row in words_of(pa.array(texts)).to_pylist()] == theirs


def test_ids_of_padding_of_known_and_of_unknown_words() -> None:
    scaling = Scaling(numbers=(0,), ids=(Ids(1, 4, (2, 0), 3, 5),))
    layer = preprocessing_of(scaling)
    assert layer is not None
    rows = np.array([[7, 2, 0, 1, -1], [8, np.nan, 2, -1, -1]], np.float32)
    assert np.asarray(layer(rows)).tolist() == [[7, 2, 3, 1, 0], [8, 1, 2, 0, 0]]


@pytest.mark.parametrize("pooling", ["mean", "convolution"])
def test_padding_changes_nothing(pooling: str) -> None:
    """A text gives the same numbers however far it is padded; one without words gives zeros."""
    x = np.array([[3, 0, 1, 2, -1, -1], [4, 1, 1, -1, -1, -1], [5, -1, -1, -1, -1, -1]], np.float32)
    settings = Model("text", "text", {**PARAMS, "pooling": pooling})
    answers = []
    for length in (3, 5):
        scaling = Scaling(numbers=(0,), ids=(Ids(1, length, (0, 1, 2), 3, 5),))
        row = x[:, : 1 + length]
        built = build_model(settings, scaling, row, CLASSES.output("dice", 2), seed=0)
        assert built.count_params() == parameter_count(settings, scaling, row.shape[1:], 2)
        answers.append(np.asarray(built(row)))
    assert np.isfinite(answers[0]).all()
    np.testing.assert_allclose(answers[0], answers[1], rtol=1e-6)


@pytest.mark.parametrize("pooling", ["mean", pytest.param("convolution", marks=pytest.mark.long)])
def test_the_compiled_loop_gives_the_numbers_of_fit(reviews: tuple[str, ...], pooling: str) -> None:
    assert_same(*both_loops(*reviews, f"model.params.pooling={pooling}"))


def test_another_split_and_dropout_share_a_program(reviews: tuple[str, ...]) -> None:
    """With other words and another dropout, bit for bit what a program of its own gives."""
    spec, data = compose(*reviews)
    other = split_rows(data.dataset, spec.data, Fold(4, 0, 1))
    params = {**spec.model.params, "dropout": 0.4}
    late = replace(spec, model=replace(spec.model, params=params))
    cache = WorkerCache()
    run(spec, data, cache=cache)
    assert cache.scaling(data, spec.data) != cache.scaling(other, spec.data)
    shared, alone = run(late, other, cache=cache), run(late, other)
    assert shared.result.outcome == "complete", shared.result.error
    assert shared.epochs == alone.epochs
    assert len(cache.programs) == 1
