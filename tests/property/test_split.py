"""The split keeps its promises for any number of classes and rows, or refuses."""

from __future__ import annotations

import re
from unittest import mock

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from fairsweep.config.schema import Data
from fairsweep.data import split
from fairsweep.data.dataset import Dataset
from fairsweep.data.split import SplitData, fingerprint, load_split
from fairsweep.errors import BadInput
from fairsweep.tasks import LABELS
from tests.property.profiles import examples

shares = st.sampled_from([0.0, 0.1, 0.2, 0.25, 1 / 3, 0.4, 0.45])
counts = st.lists(st.integers(1, 60), min_size=2, max_size=8)


def dataset_of(counts: list[int], seed: int) -> Dataset:
    """As many rows of each class as counts say, in random order; row i holds the number i."""
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    x = np.arange(len(labels), dtype=np.float32)[:, np.newaxis]
    return Dataset(x, labels.astype(np.int64), tuple(str(i) for i in range(len(counts))))


def split_of(dataset: Dataset, validation: float, test: float, seed: int) -> SplitData:
    with mock.patch.object(split, "load", return_value=dataset):
        return load_split(Data("rows", "npz", validation=validation, test=test, seed=seed))


TOO_FEW = re.compile("leaves some (class|label) without rows|no share helps")
"""What is said where a class or label has too few rows for the parts."""


@examples(150)
@given(counts=counts, validation=shares, test=shares, seed=st.integers(0, 1000))
@example(counts=[3, 3], validation=1 / 3, test=1 / 3, seed=0)
def test_invariants(counts: list[int], validation: float, test: float, seed: int) -> None:
    dataset = dataset_of(counts, seed)
    rows, sizes = len(dataset.y), np.array(counts)
    try:
        data = split_of(dataset, validation, test, seed)
    except BadInput as error:
        # Refused only where some class is too small for one of the parts.
        part = min(share for share in (validation, test, 1 - validation - test) if share > 0)
        assert min(counts) * part < 2
        assert TOO_FEW.search(str(error))
        return
    parts = {"train": data.train, "validation": data.validation, "test": data.test}
    together = np.concatenate(list(parts.values()))
    assert sorted(together.tolist()) == list(range(rows))
    for name, share in (("validation", validation), ("test", test)):
        held = np.bincount(dataset.y[parts[name]], minlength=len(counts))
        assert abs(held.sum() - share * rows) <= 1.5
        assert (np.abs(held - share * sizes) < 2).all()
        assert (held > 0).all() if share else held.sum() == 0
    assert (np.bincount(dataset.y[data.train], minlength=len(counts)) > 0).all()
    for rows_of_part in parts.values():
        assert (np.diff(rows_of_part) > 0).all()


@st.composite
def several_labels(draw: st.DrawFn) -> Dataset:
    """Rows that have some of 2 to 5 labels, rare and common ones; row i holds the number i."""
    chances = draw(st.lists(st.floats(0.05, 0.95), min_size=2, max_size=5))
    random = np.random.default_rng(draw(st.integers(0, 1000)))
    y = (random.random((draw(st.integers(20, 200)), len(chances))) < chances).astype(np.int64)
    x = np.arange(len(y), dtype=np.float32)[:, np.newaxis]
    return Dataset(x, y, tuple(str(i) for i in range(len(chances))), task=LABELS)


@examples(150)
@given(dataset=several_labels(), validation=shares, test=shares, seed=st.integers(0, 1000))
def test_invariants_of_labels(dataset: Dataset, validation: float, test: float, seed: int) -> None:
    """A part has its share of rows, of those with each label, and of those with the same labels."""
    y, rows = dataset.y, len(dataset.y)
    sides = np.concatenate([y.sum(axis=0), rows - y.sum(axis=0)])
    try:
        data = split_of(dataset, validation, test, seed)
    except BadInput as error:
        part = min(share for share in (validation, test, 1 - validation - test) if share > 0)
        assert sides.min() * part < 4
        never = sides.min() == 0
        assert re.search("never sees", str(error)) if never else TOO_FEW.search(str(error))
        return
    parts = (data.train, data.validation, data.test)
    assert sorted(np.concatenate(parts).tolist()) == list(range(rows))
    alike = y @ 2 ** np.arange(y.shape[1])
    all_alike = np.bincount(alike)
    for held, share in ((data.validation, validation), (data.test, test)):
        assert (np.diff(held) > 0).all()
        assert abs(len(held) - share * rows) < 4
        assert (np.abs(y[held].sum(axis=0) - share * y.sum(axis=0)) < 4).all()
        own = np.bincount(alike[held], minlength=len(all_alike))
        assert (np.abs(own - share * all_alike) < 2).all()
    for held in (part for part in parts if len(part)):
        assert (y[held].max(axis=0) - y[held].min(axis=0) == 1).all()


@examples(40)
@given(dataset=several_labels(), share=shares, seed=st.integers(0, 1000))
def test_labels_keep_their_share_to_two_rows(dataset: Dataset, share: float, seed: int) -> None:
    y, rows = dataset.y, np.arange(len(dataset.y))
    out, again = (LABELS.stratify(rows, y, share, np.random.default_rng(seed)) for _ in range(2))
    np.testing.assert_array_equal(out, again)
    assert (np.abs(y[out].sum(axis=0) - share * y.sum(axis=0)) < 2).all()
    assert abs(len(out) - share * len(rows)) < 2
    alike = y @ 2 ** np.arange(y.shape[1])
    counts = (np.bincount(alike[part], minlength=32) for part in (out, rows))
    assert (np.abs(next(counts) - share * next(counts)) < 1).all()


@examples(40)
@given(counts=st.lists(st.integers(20, 60), min_size=2, max_size=5), seed=st.integers(0, 1000))
def test_a_split_is_its_seed(counts: list[int], seed: int) -> None:
    dataset = dataset_of(counts, 0)
    one, again = (split_of(dataset, 0.2, 0.2, seed) for _ in range(2))
    other = split_of(dataset, 0.2, 0.2, seed + 1)
    assert fingerprint(one) == fingerprint(again)
    assert fingerprint(one) != fingerprint(other)


@examples(40)
@given(
    counts=st.lists(st.integers(20, 60), min_size=2, max_size=5),
    row=st.integers(0, 10**6),
    bit=st.integers(0, 31),
)
def test_every_bit_of_the_features_is_in_the_fingerprint(
    counts: list[int], row: int, bit: int
) -> None:
    data = split_of(dataset_of(counts, 0), 0.2, 0.2, 0)
    before = fingerprint(data)
    bits = data.dataset.x.view(np.uint32)
    bits[row % len(bits)] ^= np.uint32(1 << bit)
    assert fingerprint(data) != before
