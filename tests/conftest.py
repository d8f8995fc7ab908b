"""What tests share: a quiet TensorFlow, an empty store, and the results of real commands
(integration/lab.py)."""

from __future__ import annotations

import functools
import gc
import importlib
import os
import re
import shutil
import signal
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.pop("FAIRSWEEP_UNDER_MAKE", None)  # commands are shown as without make

# What runs under `nohup … &` ignores Ctrl-C and a closed terminal, and so do the processes that it
# starts, to which tests send both. A handler of ours isn't handed on to them; these tests survive a
# closed terminal all the same.
signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)

# Tracing makes cycles by the million; looking for them more often costs a sixth of all time.
gc.set_threshold(100_000, 20, 20)

for _helper in ("lab", "scenarios", "stored", "training_room"):
    pytest.register_assert_rewrite(f"tests.integration.{_helper}")

from fairsweep.config.schema import Tracking  # noqa: E402
from fairsweep.tracking.store import Store, find_store, open_store  # noqa: E402
from tests.integration import scenarios  # noqa: E402
from tests.integration.lab import Lab  # noqa: E402


class ByGroup(LoadScopeScheduling):  # type: ignore[misc]
    """Hands workers of pytest-xdist whole groups, in the order of the tests.

    A group is what shares something costly: the tests that look at scenarios, which run in
    processes of their own, or fork commands; those of faults; and those of a file. Marks of
    `xdist_group` would say the same, but pytest 9 doesn't let xdist 3.8 write them into the names
    of tests, so that every test went to whichever worker was free.
    """

    def __init__(self, config: pytest.Config, log: Any) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.partition("::")[0])


SHARES = re.compile(rf"\b({'|'.join(scenarios.SCENARIOS)}): ")
"""A parameter that is what a scenario gave."""
FORKS = re.compile(r"\b(Scripted|Forked)Sandbox\b")
"""What forks commands, from one process a session."""


@functools.cache
def group_of(file: str) -> str:
    """The group of a file of tests, by its path from the project's folder."""
    folder = Path(file).parent.name
    text = (Path(__file__).parents[1] / file).read_text(encoding="utf-8")
    looks_at_one = "integration.scenarios import" in text and SHARES.search(text)
    if folder == "browser" or looks_at_one or FORKS.search(text):
        return "lab"
    return folder if folder == "faults" else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByGroup | None:
    return ByGroup(config, log) if config.getvalue("dist") == "loadgroup" else None


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Asked for the long tests alone, it imports no file without the word: that takes long."""
    if config.getoption("markexpr") != "long" or not collection_path.name.startswith("test_"):
        return None
    return re.search(r"long\b", collection_path.read_text(encoding="utf-8")) is None or None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest come first, so that none begins when all others have ended; then those that look
    at scenarios, and the other costly ones: with small files at the end no worker waits long.
    Scenarios that train take longest, so the files that look at one come after the others."""
    trained = {
        item.nodeid.partition("::")[0] for item in items if scenarios.train(_scenarios(item))
    }
    files = {item.nodeid.partition("::")[0] for item in items}
    late = {
        file: (group_of(file) != "lab", "integration" not in file, file in trained)
        for file in files
    }
    items.sort(key=lambda item: (-_seconds(item), late[item.nodeid.partition("::")[0]]))


def pytest_collection_finish() -> None:
    """What was imported never goes: no collection needs to look at it, those at the end included.
    Hypothesis, which looks through all objects when it is imported, is by then."""
    importlib.import_module("hypothesis")
    gc.freeze()


def _seconds(item: pytest.Item) -> float:
    """What a test's mark `long` says; 0 where it says nothing."""
    mark = item.get_closest_marker("long")
    return mark.args[0] if mark is not None and mark.args else 0


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Store]:
    """Makes a store in a folder that isn't there yet: with MLflow's database in it, which takes
    seconds to make and so is made once and copied."""
    template = tmp_path_factory.mktemp("template") / "mlruns"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SQLAlchemy's, of what MLflow does
        open_store(Tracking("local", str(template))).client()

    def make(root: Path) -> Store:
        return find_store(Tracking("local", str(shutil.copytree(template, root))))

    return make


def _scenarios(item: pytest.Item) -> list[str]:
    """The scenarios that a test looks at."""
    return [name for name in getattr(item, "fixturenames", ()) if name in scenarios.SCENARIOS]


@pytest.fixture(scope="session")
def lab(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    empty_store: Callable[[Path], Store],
) -> Iterator[Lab]:
    """Begins every scenario that some test of this session needs: the one with the longest job
    first, on which others wait, and beside it those that tests look at first."""
    needed = [name for item in request.session.items for name in _scenarios(item)]
    with Lab(tmp_path_factory.mktemp("lab"), scenarios.SCENARIOS, empty_store) as lab:
        for name in sorted(needed, key=lambda name: name != "smoke"):
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
