"""A `tf.data.Dataset` and a `PyDataset` of the user's own loader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fairsweep.config.schema import Data
from fairsweep.data.dataset import TEST, TRAIN, Dataset
from fairsweep.data.loaded import write_about
from fairsweep.data.several import Several
from fairsweep.data.sources import python as source
from fairsweep.errors import BadInput
from fairsweep.training.user_data import run
from tests.integration import tensorflow_loaders as loaders


@pytest.fixture(autouse=True)
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "tests")


def loaded(folder: Path, name: str) -> Dataset:
    write_about(folder, run(f"{loaders.__name__}:{name}", {}, folder))
    return source.dataset_in(folder, Data("mine", "python"))


def test_batches_of_several_inputs_are_joined(tmp_path: Path) -> None:
    found = loaded(tmp_path, "dataset")
    assert isinstance(found.x, Several)
    np.testing.assert_array_equal(found.x.arrays["a"], loaders.X)
    assert found.x.arrays["ids"].reshape(-1).tolist() == list(range(20))
    assert [found.class_names[i] for i in found.y] == loaders.Y.tolist()


def test_a_sequence_is_read_once(tmp_path: Path) -> None:
    np.testing.assert_array_equal(loaded(tmp_path, "sequence").x, loaders.X)


def test_words_have_any_letters(tmp_path: Path) -> None:
    assert loaded(tmp_path, "letters").class_names == ("sauer", "süß")


def test_each_part_may_be_one(tmp_path: Path) -> None:
    found = loaded(tmp_path, "parts")
    assert found.parts is not None
    assert found.parts.tolist() == [TRAIN] * 10 + [TEST] * 10


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("rows", "gives y as a single value (0); need an array with rows first (batch 1); does it"),
        ("ragged", "gives x as RaggedTensor of shape (8, None), which is no array"),
        ("endless", "returns a tf.data.Dataset that never ends; take out .repeat()"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, name: str, told: str) -> None:
    with pytest.raises(BadInput) as caught:
        loaded(tmp_path, name)
    assert told in str(caught.value)
