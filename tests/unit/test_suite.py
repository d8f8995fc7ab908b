"""The suite itself: it runs the same however it is started."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ByGroup, group_of, pytest_collection_modifyitems
from tests.integration import scenarios

ROOT = Path(__file__).parents[2]
PROBE = """
import signal, sys
taken = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGHUP)
sys.exit(taken != (signal.default_int_handler, signal.SIG_DFL))
"""


def test_what_a_test_starts_can_be_interrupted() -> None:
    assert subprocess.run([sys.executable, "-c", PROBE], check=False).returncode == 0


def test_that_holds_in_the_background_too() -> None:
    """A shell without job control has what it starts with `&` ignore SIGINT, nohup has it ignore
    SIGHUP."""
    name = f"{__file__}::{test_what_a_test_starts_can_be_interrupted.__name__}"
    words = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", name]
    started = ["sh", "-c", 'trap "" INT HUP; exec "$@"', "sh", *words]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    done = subprocess.run(
        started,
        cwd=ROOT,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_looks_at_scenarios_is_left_to_one_worker(request: pytest.FixtureRequest) -> None:
    """Else each of them runs every scenario."""
    apart = {
        item.nodeid
        for item in request.session.items
        if scenarios.SCENARIOS.keys() & set(getattr(item, "fixturenames", ()))
        and group_of(item.nodeid.partition("::")[0]) != "lab"
    }
    assert apart == set()


def test_every_file_is_a_group_and_lab_is_one_of_many() -> None:
    scheduled = ByGroup._split_scope(object.__new__(ByGroup), "tests/unit/test_errors.py::test[a]")
    assert scheduled == "tests/unit/test_errors.py"
    assert group_of("tests/integration/test_champion.py") == "lab"
    assert group_of("tests/browser/test_report_page.py") == "lab"
    assert group_of("tests/faults/test_chaos.py") == "faults"


def test_the_longest_begin_first() -> None:
    items = [_Item("a", None), _Item("b", pytest.mark.long), _Item("c", pytest.mark.long(20))]
    items += [_Item("d", pytest.mark.long(60)), _Item("e", None)]
    pytest_collection_modifyitems(items)  # type: ignore[arg-type]
    assert [item.name for item in items] == ["d", "c", "a", "b", "e"]


@dataclass(frozen=True)
class _Item:
    """A test of some file, with a mark or none."""

    name: str
    mark: pytest.MarkDecorator | None
    nodeid: str = "tests/unit/test_errors.py::test"

    def get_closest_marker(self, name: str) -> pytest.Mark | None:
        return self.mark.mark if self.mark is not None and self.mark.name == name else None
