"""Published models of texts, sequences and trained bases answer to rows as users have them."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from fairsweep.data.recipe import write_model
from fairsweep.data.split import SplitData
from fairsweep.stages.champion import recipe_of
from fairsweep.training.serving import PublishedModel, _load_pyfunc
from fairsweep.training.trial import WorkerCache, compiled
from tests.integration.training_room import compose

ROWS = 60


def published(folder: Path, *overrides: str) -> tuple[PublishedModel, keras.Model, SplitData]:
    """What is served of a model that hasn't been trained, the model, and its data."""
    spec, data = compose("optimizer=adam", *overrides)
    model, _ = compiled(spec, data, WorkerCache())
    weights = io.BytesIO()
    np.savez(weights, *model.get_weights())
    write_model(folder / "model", recipe_of(spec, data), weights.getvalue())
    return _load_pyfunc(str(folder / "model")), model, data


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    texts = [
        " ".join(f"Word{n}!" for n in random.integers(0, 20, random.integers(1, 6)))
        for _ in range(ROWS)
    ]
    table = pd.DataFrame({"stars": np.arange(ROWS) % 7, "review": texts})
    table["city"], table["liked"] = np.resize(["Rome", "Oslo"], ROWS), np.resize([0, 1, 1], ROWS)
    table.to_csv(tmp_path / "rows.csv", index=False)
    return tmp_path / "rows.csv"


@pytest.mark.parametrize("words", ["one_hot", "ids"])
def test_texts(reviews: Path, tmp_path: Path, words: str) -> None:
    own = ("data=csv", f"data.path={reviews}", "data.target=liked", "data.text=[review]")
    served, model, data = published(tmp_path, *own, f"data.words={words}", "model=text")
    table = pd.read_csv(reviews)
    asked = served.predict(table)[["p_0", "p_1"]].to_numpy()
    np.testing.assert_allclose(asked, model(data.dataset.x), rtol=1e-5)
    strange = table.head(1).assign(review="never seen", city="Bonn")
    unseen = strange.assign(review="nor this")
    pd.testing.assert_frame_equal(served.predict(strange), served.predict(unseen))
    nothing = strange.assign(review=None)
    assert np.isfinite(served.predict(nothing)[["p_0", "p_1"]].to_numpy()).all()


def test_sequences(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(4, 2, (ROWS, 5, 2)).astype(np.float32)
    x[::2, 3:] = np.nan
    np.savez(tmp_path / "rows.npz", x=x, y=np.arange(ROWS) % 3)
    own = ("data=npz", f"data.path={tmp_path / 'rows.npz'}", "data.padding=nan", "model=rnn")
    served, model, data = published(tmp_path, *own)
    rows = data.dataset.x
    asked = served.predict(rows)[["p_0", "p_1", "p_2"]].to_numpy()
    np.testing.assert_allclose(asked, model(rows), rtol=1e-6)


def test_a_trained_base(tmp_path: Path) -> None:
    base = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(3, 3, activation="relu")])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of h5py's, about numpy
        base.save(tmp_path / "base.keras")
    file = f"model.params.path={tmp_path / 'base.keras'}"
    served, model, data = published(tmp_path, "model=transfer", file)
    rows = data.dataset.x[:20]
    (tmp_path / "base.keras").unlink()
    asked = served.predict(rows).filter(like="p_").to_numpy()
    np.testing.assert_allclose(asked, model(rows), rtol=1e-5)
