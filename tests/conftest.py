"""What tests share: a quiet TensorFlow, and the results of real commands (integration/lab.py)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")

from tests.integration import scenarios
from tests.integration.lab import Lab


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Begins, in the order of the tests, every scenario that some test of this session needs."""
    with Lab(tmp_path_factory.mktemp("lab"), scenarios.SCENARIOS) as lab:
        for item in request.session.items:
            for name in getattr(item, "fixturenames", ()):
                if name in scenarios.SCENARIOS:
                    lab.begin(name)
        yield lab


def _scenario(name: str) -> Any:
    @pytest.fixture(scope="session", name=name)
    def result(lab: Lab) -> Any:
        return lab.result(name)

    return result


smoke = _scenario("smoke")
trained_again = _scenario("trained_again")
twin_one = _scenario("twin_one")
twin_two = _scenario("twin_two")
growing = _scenario("growing")
singles = _scenario("singles")
troubled = _scenario("troubled")
worker_killed = _scenario("worker_killed")
sweep_killed = _scenario("sweep_killed")
sweep_interrupted = _scenario("sweep_interrupted")
