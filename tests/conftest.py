"""What tests share: a quiet TensorFlow, and the results of real commands (integration/lab.py)."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.pop("FAIRSWEEP_UNDER_MAKE", None)  # commands are shown as without make

# What runs under `nohup … &` ignores Ctrl-C, and has its children ignore it too, which tests send.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Tracing makes cycles by the million; looking for them more often costs a sixth of all time.
gc.set_threshold(100_000, 20, 20)

for _helper in ("lab", "scenarios", "stored", "training_room"):
    pytest.register_assert_rewrite(f"tests.integration.{_helper}")

from tests.integration import scenarios  # noqa: E402
from tests.integration.lab import Lab  # noqa: E402


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Says what workers of pytest-xdist leave together, for what it shares: the tests that look at
    scenarios, which begin at once and run in processes of their own, those of faults, and those of
    a file."""
    for item in items:
        folder, file = item.path.parent.name, item.path.stem
        group = "lab" if _scenarios(item) else folder if folder == "faults" else file
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: not _scenarios(item))


def _scenarios(item: pytest.Item) -> list[str]:
    """The scenarios that a test looks at."""
    return [name for name in getattr(item, "fixturenames", ()) if name in scenarios.SCENARIOS]


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Begins, in the order of the tests, every scenario that some test of this session needs."""
    with Lab(tmp_path_factory.mktemp("lab"), scenarios.SCENARIOS) as lab:
        for item in request.session.items:
            for name in _scenarios(item):
                lab.begin(name)
        yield lab


def _scenario(name: str) -> Any:
    @pytest.fixture(scope="session", name=name)
    def result(lab: Lab) -> Any:
        return lab.result(name)

    return result


smoke = _scenario("smoke")
trained_again = _scenario("trained_again")
served = _scenario("served")
twin_one = _scenario("twin_one")
twin_two = _scenario("twin_two")
growing = _scenario("growing")
singles = _scenario("singles")
troubled = _scenario("troubled")
worker_killed = _scenario("worker_killed")
stopped = _scenario("stopped")
resumed = _scenario("resumed")
stuck = _scenario("stuck")
