"""How the table's metrics are made."""

from __future__ import annotations

import numpy as np
import pytest

from fairsweep.metrics import METRICS, KerasMetric, Metric
from fairsweep.tasks import CLASSES
from fairsweep.training.metrics import build_metrics


def test_a_metric_is_made_with_its_arguments_in_the_forms_that_it_has() -> None:
    measured = {"sparse": KerasMetric("SparseTopKCategoricalAccuracy", {"k": 2})}
    entry = Metric("top_2", "maximize", "Top-2 accuracy", "", keras=measured)
    both = (METRICS["accuracy"], entry)
    output = CLASSES.output("sparse_categorical_crossentropy", 3)
    accuracy, top_2 = build_metrics(output, 3, both)
    rows = np.array([[0.6, 0.3, 0.1], [0.6, 0.3, 0.1], [0.6, 0.3, 0.1]], np.float32)
    for metric in (accuracy, top_2):
        metric.update_state(np.array([0, 1, 2]), rows)
    assert float(accuracy.result()) == pytest.approx(1 / 3)
    assert (top_2.name, float(top_2.result())) == ("top_2", pytest.approx(2 / 3))
    others = build_metrics(CLASSES.output("categorical_crossentropy", 3), 3, both)
    assert [metric.name for metric in others] == ["accuracy"]
