"""Metrics of numbers keep their digits whatever the mean is, under every loss."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import r2_score

from fairsweep.metrics import metric_named
from fairsweep.tasks import VALUES
from fairsweep.training.metrics import build_metrics

LARGE = np.random.default_rng(0).normal(1e6, 100.0, (500, 1)).round()


@pytest.mark.parametrize("loss", VALUES.losses)
def test_r2_of_counts_with_a_large_mean(loss: str) -> None:
    said = LARGE + np.random.default_rng(1).normal(0.0, 30.0, LARGE.shape).round()
    output = VALUES.output(loss, 1, (0.5,)).measured(LARGE)
    (metric,) = build_metrics(output, 1, [metric_named("r2")])
    metric.update_state(LARGE.astype(np.float32), said.astype(np.float32))
    assert float(metric.result()) == pytest.approx(r2_score(LARGE, said), abs=1e-4)
