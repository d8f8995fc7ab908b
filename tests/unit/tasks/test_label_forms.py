"""Labels in a form that isn't one class per row."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from fairsweep.tasks import CLASSES

ONE_HOT = np.eye(3)[[0, 1, 2, 1]]
FORMS: dict[str, tuple[npt.NDArray[np.generic], str]] = {
    "one-hot": (ONE_HOT, "is one-hot, of shape (4, 3); save y.argmax(axis=1)"),
    "one-hot of booleans": (ONE_HOT.astype(bool), "is one-hot"),
    "numbers": (np.array([[0.5, 2.0], [1.0, 1.0]]), "must be one integer or string per row"),
    "fractions": (np.array([0.5, 2.0]), "data.task=values predicts them as numbers"),
}


@pytest.mark.parametrize(("labels", "told"), FORMS.values(), ids=FORMS)
def test_labels_in_another_form(labels: npt.NDArray[np.generic], told: str) -> None:
    (problem,) = CLASSES.problems(labels, "y", ())
    assert told in problem
