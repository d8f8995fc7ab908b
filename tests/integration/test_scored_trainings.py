"""Scores of real trainings: scikit-learn's numbers on what the model says, in both loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    f1_score,
    log_loss,
    matthews_corrcoef,
    roc_auc_score,
)

from fairsweep import judged
from fairsweep.files import TrialFolders
from fairsweep.training.trial import WorkerCache, compiled, train_trial
from tests.integration.training_room import FEW_ROWS, assert_same, both_loops, compose, train

SCORES = ("f1", "auc", "pr_auc", "log_loss", "brier", "mcc")
ASKED = f"training.metrics=[accuracy,{','.join(SCORES)}]"
SMALL = (
    *("training.space.batch_size=null", "model.space.hidden_units=null", *FEW_ROWS),
    *("model.params.hidden_units=[16]", "training.batch_size=50", "optimizer=adam"),
)
KINDS = ("classes", "two classes", "one output for two classes", "labels")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Digits as ten classes, as two, and as labels that a row can have several of."""
    digits, folder = load_digits(), tmp_path_factory.mktemp("rows")
    target = digits.target
    labels = np.column_stack([target < 3, target % 2 == 0, target == 7])
    for name, y in {"classes": target, "two": target == 8, "labels": labels}.items():
        np.savez(folder / f"{name}.npz", x=digits.data.astype(np.float32), y=y.astype(np.int64))
    return folder


def of_kind(kind: str, rows: Path) -> Sequence[str]:
    file = {"classes": "classes", "labels": "labels"}.get(kind, "two")
    own = ("data=npz", f"data.path={rows / file}.npz", "data.standardize=true", *SMALL, ASKED)
    loss = "binary_crossentropy" if kind in ("labels", "one output for two classes") else None
    return own if loss is None else (*own, f"training.loss={loss}")


def measured(kind: str, y: Any, outputs: Any) -> dict[str, float]:
    """scikit-learn's numbers."""
    if kind == "labels":
        said, given = outputs >= 0.5, outputs
    elif outputs.shape[1] == 1:
        said, given = outputs[:, 0] > 0.5, outputs[:, 0]
    else:
        said = outputs.argmax(axis=1)
        given = outputs[:, 1] if outputs.shape[1] == 2 else outputs.astype(np.float64)
        given = given / given.sum(axis=1, keepdims=True) if given.ndim == 2 else given
    found = {
        "f1": f1_score(y, said, average="macro"),
        "auc": roc_auc_score(y, given, multi_class="ovr", average="macro"),
        "pr_auc": average_precision_score(y, given),
    }
    if kind != "labels":
        return found | {
            "log_loss": log_loss(y, given),
            "brier": brier_score_loss(y, given),
            "mcc": matthews_corrcoef(y, said),
        }
    columns = list(zip(y.T, given.T, said.T, strict=True))
    return found | {
        "log_loss": np.mean([log_loss(own, likely) for own, likely, _ in columns]),
        "brier": np.mean([brier_score_loss(own, likely) for own, likely, _ in columns]),
        "mcc": np.mean([matthews_corrcoef(own, told) for own, _, told in columns]),
    }


@pytest.mark.parametrize("kind", KINDS)
def test_scikit_learn_measures_the_same(kind: str, rows: Path, tmp_path: Path) -> None:
    """Of a model that no step changes, on the rows of each part, and on those that are stored."""
    still = (
        *("optimizer=sgd", "optimizer.params.learning_rate=1e-30"),
        *("optimizer.space.learning_rate=null", "training.epochs=1", "objective.metric=val_auc"),
    )
    spec, data = compose(*of_kind(kind, rows), *still)
    cache, folders = WorkerCache(), TrialFolders(tmp_path, tmp_path)
    model, _ = compiled(spec, data, cache)
    epochs: list[Any] = []
    result = train_trial(
        replace(spec, test=True, judged="rows"),
        *(data, epochs.append, lambda _: True, cache),
        folders=folders,
    )
    assert result.outcome == "complete", result.error
    found = {**epochs[0].values, **result.test}
    for prefix, part in (("", data.train), ("val_", data.validation), ("test_", data.test)):
        outputs = model.predict(data.dataset.x[part], verbose=0)
        for name, value in measured(kind, data.dataset.y[part], outputs).items():
            assert found[f"{prefix}{name}"] == pytest.approx(value, abs=1e-6), prefix + name
    said = judged.read(folders.judged_of("rows").read_bytes())
    assert set(said.metrics) == {"loss", "accuracy", "log_loss", "brier"}
    outputs = np.column_stack([*said.outputs.values()])
    assert outputs.shape == (len(data.validation), {"classes": 10, "labels": 3}.get(kind, 1))
    stored = measured(kind, data.dataset.y[said.rows], outputs)
    assert result.best_value == pytest.approx(stored["auc"], abs=1e-12)


@pytest.mark.parametrize("kind", ["classes", pytest.param("labels", marks=pytest.mark.long)])
def test_resident_loop_equals_fit_with_scores(kind: str, rows: Path) -> None:
    both = both_loops(*of_kind(kind, rows), "training.epochs=2", test=True)
    assert_same(*both)
    names = {"loss", "accuracy", *SCORES}
    assert set(both[0].epochs[0]) == names | {f"val_{name}" for name in names}


def test_scores_change_no_other_number(rows: Path) -> None:
    own = (*of_kind("classes", rows), "training.epochs=2", "model.params.dropout=0.2")
    cache = WorkerCache()
    scored = train(*own, cache=cache)
    for cached in (cache, None):
        plain = train(*own, "training.metrics=null", cache=cached)
        assert set(plain.epochs[0]) == {"loss", "accuracy", "val_loss", "val_accuracy"}
        for epoch, with_scores in zip(plain.epochs, scored.epochs, strict=True):
            assert epoch == {name: with_scores[name] for name in epoch}
