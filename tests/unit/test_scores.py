"""Metrics that aren't means over rows: scikit-learn's numbers, and how they change with a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    log_loss,
    matthews_corrcoef,
    precision_score,
    recall_score,
    roc_auc_score,
    top_k_accuracy_score,
)

from fairsweep import judged, scores
from fairsweep.judged import Judged
from fairsweep.metrics import METRICS, Told, scored
from fairsweep.tasks import CLASSES, LABELS, Task

ROWS = 120
TINY = 1e-5
TWO = [METRICS["f1"], METRICS["auc"]]
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


def mean_of_labels(measure: Callable[..., float], y: Any, given: Any) -> Measured:
    """scikit-learn measures one label at a time by most of its metrics."""
    return lambda weights: float(
        np.mean([measure(y[:, i], given[:, i], sample_weight=weights) for i in range(y.shape[1])])
    )


def calibration_by_hand(confidence: Any, right: Any) -> Measured:
    """scikit-learn has none."""
    places = np.digitize(confidence, np.arange(1, 15) / 15)

    def measured(weights: Any) -> float:
        gaps = [
            abs(np.sum((weights * (right - confidence))[places == place])) for place in range(15)
        ]
        return float(np.sum(gaps) / np.sum(weights))

    return measured


def answers_of(kind: str, seed: int) -> tuple[Told, Mapping[str, Measured]]:
    """What a model says of rows, and scikit-learn's numbers by every metric of the table that is
    no mean of what Keras measures. Some rows are told with equal probabilities, and of many
    classes the last one is said of no row."""
    task: Task
    names: tuple[str, ...]
    if kind == "labels":
        random = np.random.default_rng(seed)
        y = random.random((ROWS, 3)) < (0.5, 0.2, 0.1)
        given = (0.3 * y + random.random((ROWS, 3))).round(1) / 1.53
        task, names = LABELS, ("a", "b", "c")
        said, positive = given >= 0.5, given
    else:
        count = 2 if kind == "two classes" else 5
        y, given = told(seed, count)
        if count == 5:
            given[:, 4] = 0.005
            given /= given.sum(axis=1, keepdims=True)
        task, names = CLASSES, tuple("abcde"[:count])
        said = given.argmax(axis=1)
        positive = given[:, 1] if count == 2 else given
    output = task.output(task.losses[0], len(names))
    judged_rows = Judged(
        np.arange(ROWS),
        task.words(y.astype(np.int64), names),
        next(iter(output.answer(given, names).values())),
        {},
        {name: own.astype(np.float64) for name, own in output.ranking(given, names).items()},
    )
    macro: Any = {"average": "macro", "zero_division": 0}
    measured: dict[str, Measured] = {
        "f1": lambda weights: f1_score(y, said, sample_weight=weights, **macro),
        "f1_weighted": lambda weights: f1_score(y, said, sample_weight=weights, average="weighted"),
        "precision": lambda weights: precision_score(y, said, sample_weight=weights, **macro),
        "recall": lambda weights: recall_score(y, said, sample_weight=weights, **macro),
        "auc": lambda weights: roc_auc_score(y, positive, multi_class="ovr", sample_weight=weights),
        "pr_auc": lambda weights: average_precision_score(y, positive, sample_weight=weights),
    }
    if kind == "labels":
        measured |= {
            "balanced_accuracy": mean_of_labels(balanced_accuracy_score, y, said),
            "mcc": mean_of_labels(matthews_corrcoef, y, said),
            "log_loss": mean_of_labels(log_loss, y, given.clip(1e-6)),
            "brier": mean_of_labels(brier_score_loss, y, given),
            "calibration_error": lambda weights: float(
                np.mean([calibration_by_hand(given[:, i], y[:, i])(weights) for i in range(3)])
            ),
        }
    else:
        classes = np.arange(len(names))
        measured |= {
            "balanced_accuracy": lambda w: balanced_accuracy_score(y, said, sample_weight=w),
            "mcc": lambda weights: matthews_corrcoef(y, said, sample_weight=weights),
            "log_loss": lambda w: log_loss(y, given, sample_weight=w, labels=classes),
            "brier": lambda w: brier_score_loss(y, positive, sample_weight=w, labels=classes),
            "calibration_error": calibration_by_hand(given.max(axis=1), said == y),
        }
        if len(names) > 3:
            measured["top_3"] = lambda w: top_k_accuracy_score(
                y, given, k=3, sample_weight=w, labels=classes
            )
    return Told(judged_rows, task), measured


@pytest.mark.parametrize("kind", ["classes", "two classes", "labels"])
@pytest.mark.parametrize("seed", range(2))
def test_every_score_is_that_of_scikit_learn(kind: str, seed: int) -> None:
    """And a share tells what a little more weight of its row does to it, or what it has alone."""
    answers, measured = answers_of(kind, seed)
    for name, measure in measured.items():
        metric = METRICS[name]
        assert metric.score is not None
        shares = metric.score(answers)
        whole = measure(np.ones(ROWS))
        assert shares.mean() == pytest.approx(whole, abs=2e-6), name
        changes = [(measure(1 + TINY * np.eye(ROWS)[i]) - whole) / TINY for i in range(0, ROWS, 24)]
        assert whole + ROWS * np.array(changes) == pytest.approx(shares[::24], abs=4e-3), name
        assert shares.std() > 0.02, name
        low, high = metric.bounds
        assert low <= whole <= high
    scores_there = {m.name for m in METRICS.values() if m.score is not None}
    assert scores_there - set(measured) <= {"top_3", "top_5"}


def test_what_cant_be_scored_is_no_number_or_nothing() -> None:
    """Rows that are all alike correlate with nothing; labels that no row has have no score."""
    alike, nobody = np.ones((4, 1), bool), np.zeros((3, 2), bool)
    assert scores.matthews(alike, alike, exclusive=True).tolist() == [0.0] * 4
    for shares in (
        scores.weighted_f1(nobody, nobody),
        scores.macro_precision(nobody, nobody),
        scores.balanced_accuracy(nobody, nobody, exclusive=False),
        scores.matthews(nobody, nobody, exclusive=False),
        scores.average_precision(nobody, np.zeros((3, 2))),
    ):
        assert np.isnan(shares).all()
        assert shares.shape == (3,)


def test_a_certain_answer_that_is_wrong_costs_a_finite_loss() -> None:
    true, given = np.array([[True, False], [False, True]]), np.array([[0.0, 1.0], [0.0, 1.0]])
    wrong, right = scores.log_loss(true, given, exclusive=True)
    assert wrong == METRICS["log_loss"].bounds[1]
    assert right == pytest.approx(0, abs=1e-6)


def test_of_equal_probabilities_the_later_class_goes_first() -> None:
    """As scikit-learn has it."""
    given = np.array([[0.4, 0.3, 0.3], [0.4, 0.3, 0.3], [0.2, 0.4, 0.4]])
    y = np.array([1, 2, 1])
    true = np.eye(3, dtype=bool)[y]
    assert scores.top(true, given, 2).tolist() == [0, 1, 1]
    for most in (1, 2):
        assert scores.top(true, given, most).mean() == top_k_accuracy_score(
            y, given, k=most, labels=[0, 1, 2]
        )


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
    found = scored(judged.read((tmp_path / "judged.csv").read_bytes()), TWO, CLASSES)
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
    found = scored(Judged(np.arange(5), words, said, {}, given), TWO, LABELS).metrics
    assert found["f1"].mean() == pytest.approx((1 + 2 * 2 / (3 + 3)) / 2)
    assert found["auc"].mean() == pytest.approx((1 + 4 / 6) / 2)


def test_many_outputs_of_a_row_leave_room_for_fewer_rows(tmp_path: Path) -> None:
    names = [str(i) for i in range(2_000)]
    outputs = {name: np.zeros(4_000) for name in names}
    said = Judged(np.arange(4_000), ["0"] * 4_000, ["0"] * 4_000, {}, outputs)
    judged.write(tmp_path / "judged.csv", said)
    rows = (tmp_path / "judged.csv").read_bytes().count(b"\n") - 1
    assert rows == pytest.approx(judged.MOST_OUTPUTS / len(names), rel=0.05)
