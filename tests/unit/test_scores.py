"""Metrics that aren't means over rows: scikit-learn's numbers, and how they change with a row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from fairsweep import judged, scores
from fairsweep.judged import Judged
from fairsweep.metrics import scored
from fairsweep.tasks import CLASSES, LABELS

ROWS = 120
TINY = 1e-5
Measured = Callable[[Any], float]
"""scikit-learn's number by the weights of rows."""


def told(seed: int, names: int) -> tuple[Any, Any]:
    """The class of each row, and probabilities that are rounded, so that some are equal."""
    random = np.random.default_rng(seed)
    y = random.choice(names, ROWS, p=random.dirichlet(np.full(names, 3)))
    y[:names] = np.arange(names)
    given = random.dirichlet(np.ones(names), ROWS) + 0.7 * np.eye(names)[y]
    given = given.round(1) + 0.01
    return y, given / given.sum(axis=1, keepdims=True)


def classes(seed: int) -> tuple[scores.Marks, Any, Measured, Measured]:
    y, given = told(seed, 4)
    said = given.argmax(axis=1)
    return (
        np.eye(4, dtype=bool)[y],
        (np.eye(4, dtype=bool)[said], given),
        lambda weights: f1_score(y, said, average="macro", sample_weight=weights),
        lambda weights: roc_auc_score(y, given, multi_class="ovr", sample_weight=weights),
    )


def two_classes(seed: int) -> tuple[scores.Marks, Any, Measured, Measured]:
    y, given = told(seed, 2)
    said = given.argmax(axis=1)
    return (
        np.eye(2, dtype=bool)[y],
        (np.eye(2, dtype=bool)[said], given),
        lambda weights: f1_score(y, said, average="macro", sample_weight=weights),
        lambda weights: roc_auc_score(y, given[:, 1], sample_weight=weights),
    )


def labels(seed: int) -> tuple[scores.Marks, Any, Measured, Measured]:
    random = np.random.default_rng(seed)
    y = random.random((ROWS, 3)) < (0.5, 0.2, 0.1)
    given = (0.3 * y + random.random((ROWS, 3))).round(1)
    said = given >= 0.5
    return (
        y,
        (said, given),
        lambda weights: f1_score(y, said, average="macro", sample_weight=weights),
        lambda weights: roc_auc_score(y, given, average="macro", sample_weight=weights),
    )


@pytest.mark.parametrize("kind", [classes, two_classes, labels])
@pytest.mark.parametrize("seed", range(3))
def test_scikit_learn_measures_the_same(kind: Any, seed: int) -> None:
    """The mean of the shares is the metric; and a share tells what a little more weight of its row
    does to it."""
    true, (said, given), f1, auc = kind(seed)
    for shares, measured in (
        (scores.macro_f1(true, said), f1),
        (scores.roc_auc(true, given), auc),
    ):
        whole = measured(np.ones(ROWS))
        assert shares.mean() == pytest.approx(whole, abs=1e-12)
        changes = [(measured(1 + TINY * np.eye(ROWS)[i]) - whole) / TINY for i in range(0, ROWS, 7)]
        assert whole + ROWS * np.array(changes) == pytest.approx(shares[::7], abs=2e-3)
        assert shares.std() > 0.02


def test_a_class_that_no_row_has_or_is_said_to_have_is_left_out() -> None:
    """As scikit-learn does with classes; it has no number for the ROC of a class without rows."""
    true = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0], [1, 0, 0]], bool)
    said = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [1, 0, 0]], bool)
    given = np.array([[0.9, 0.1, 0], [0.6, 0.4, 0], [0.3, 0.5, 0.2], [0.5, 0.5, 0]])
    assert scores.macro_f1(true, said).mean() == pytest.approx((0.8 + 2 / 3) / 2)
    # Of four pairs of a row of the class and another, three are in order for the first class; for
    # the second two are, and one is equal.
    assert scores.roc_auc(true, given).mean() == pytest.approx((3 / 4 + 2.5 / 4) / 2)
    nobody = np.zeros((3, 2), bool)
    for shares in (
        scores.roc_auc(nobody, np.zeros((3, 2))),
        scores.macro_f1(nobody, nobody),
    ):
        assert shares.shape == (3,)
        assert np.isnan(shares).all()


def test_what_is_stored_of_rows_is_enough(tmp_path: Path) -> None:
    """Class names may hold what separates labels, and of two classes one column is stored."""
    y, given = told(0, 2)
    names = ("a;b", "b")
    output = CLASSES.output("sparse_categorical_crossentropy", 2)
    answer = output.answer(given, names)
    small = given.astype(np.float32)
    ranking = {n: own.astype(float) for n, own in output.ranking(small, names).items()}
    said = Judged(np.arange(ROWS), CLASSES.words(y, names), answer["class"], {}, ranking)
    assert list(said.outputs) == ["b"]
    judged.write(tmp_path / "judged.csv", said)
    first, *_ = (tmp_path / "judged.csv").read_text().splitlines()
    assert first == "row,true,predicted,p_b"
    found = scored(judged.read((tmp_path / "judged.csv").read_bytes()), ("f1", "auc"), CLASSES)
    assert found.metrics["f1"].mean() == pytest.approx(
        f1_score(y, given.argmax(axis=1), average="macro")
    )
    assert found.metrics["auc"].mean() == pytest.approx(
        roc_auc_score(y, given[:, 1].astype(np.float32)), abs=1e-12
    )


def test_labels_are_told_by_their_words() -> None:
    """A row can have none; no label that no row has counts."""
    words = ["red;big", "", "big", "red", "big"]
    said = ["red", "", "big", "red;big", "big"]
    given = {"red": np.array([0.9, 0.1, 0.2, 0.8, 0.1]), "big": np.array([0.4, 0.3, 0.6, 0.7, 0.8])}
    found = scored(Judged(np.arange(5), words, said, {}, given), ("f1", "auc"), LABELS).metrics
    assert found["f1"].mean() == pytest.approx((1 + 2 * 2 / (3 + 3)) / 2)
    assert found["auc"].mean() == pytest.approx((1 + 4 / 6) / 2)


def test_many_outputs_of_a_row_leave_room_for_fewer_rows(tmp_path: Path) -> None:
    names = [str(i) for i in range(2_000)]
    outputs = {name: np.zeros(4_000) for name in names}
    said = Judged(np.arange(4_000), ["0"] * 4_000, ["0"] * 4_000, {}, outputs)
    judged.write(tmp_path / "judged.csv", said)
    rows = (tmp_path / "judged.csv").read_bytes().count(b"\n") - 1
    assert rows == pytest.approx(judged.MOST_OUTPUTS / len(names), rel=0.05)
