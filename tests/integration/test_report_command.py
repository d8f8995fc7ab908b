"""`fairsweep.report`: from the store alone, the report that the sweep made."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.forked import ScriptedSandbox
from tests.integration.lab import Done, Sandbox
from tests.integration.scenarios import Troubled


@dataclass(frozen=True)
class Rebuilt:
    """A report made again: what the command said, the files before it and after it."""

    done: Done
    before: dict[str, bytes]
    after: dict[str, bytes]
    rows_unchanged: bool


def rebuild(box: Sandbox, sweep: str, *overrides: str, options: tuple[str, ...] = ()) -> Rebuilt:
    before, rows = box.report_files(sweep), box.stored.dump()
    done = box.report(*overrides, options=options)
    return Rebuilt(done, before, box.report_files(sweep), box.stored.dump() == rows)


@pytest.fixture(scope="module")
def newest(troubled: Troubled) -> tuple[str, Rebuilt]:
    sweep = troubled.sandbox.stored.runs(stage="sweep")[-1].tags["sweep"]
    return sweep, rebuild(troubled.sandbox, sweep, options=("-X", "importtime"))


@pytest.fixture(scope="module")
def by_name(troubled: Troubled) -> Rebuilt:
    return rebuild(troubled.sandbox, "failing", "sweep.name=failing")


def test_newest_sweep_is_reported_without_a_name(newest: tuple[str, Rebuilt]) -> None:
    sweep, rebuilt = newest
    assert sweep.startswith("worked_example-mlp-")
    assert rebuilt.done.code == 0, rebuilt.done.said
    assert rebuilt.after == rebuilt.before
    assert rebuilt.rows_unchanged


def test_a_sweep_is_reported_by_name(by_name: Rebuilt) -> None:
    assert by_name.done.code == 0, by_name.done.said
    assert by_name.after == by_name.before
    assert by_name.rows_unchanged


def test_the_path_of_the_report_is_printed(by_name: Rebuilt) -> None:
    (printed,) = re.findall(r"^report: (.+)$", by_name.done.out, re.MULTILINE)
    assert Path(printed).read_bytes() == by_name.after["report.html"]


def test_a_report_needs_no_tensorflow(newest: tuple[str, Rebuilt]) -> None:
    imported = re.findall(r"^import time:.*\| +(\S+)$", newest[1].done.err, re.MULTILINE)
    assert "fairsweep.report.render" in imported
    heavy = {name for name in imported if name.split(".")[0] in {"tensorflow", "keras", "jax"}}
    assert heavy == set()


def test_an_unknown_name_lists_those_there_are(troubled: Troubled) -> None:
    rows = troubled.sandbox.stored.dump()
    done = troubled.sandbox.report("sweep.name=failling")
    assert done.code == 2, done.said
    for run in troubled.sandbox.stored.runs(stage="sweep"):
        assert run.tags["sweep"] in done.err
    assert "failling" in done.err
    assert "Traceback" not in done.err
    assert troubled.sandbox.stored.dump() == rows


@pytest.fixture(scope="module")
def without_store(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sandbox, Done]:
    box = ScriptedSandbox(tmp_path_factory.mktemp("empty"))
    return box, box.report()


def test_without_a_store_it_says_how_to_make_one(without_store: tuple[Sandbox, Done]) -> None:
    _, done = without_store
    assert done.code == 2, done.said
    assert "mlruns" in done.err
    assert "python -m fairsweep sweep makes one" in done.err
    assert "Traceback" not in done.err


def test_without_a_store_it_writes_nothing(without_store: tuple[Sandbox, Done]) -> None:
    box, _ = without_store
    assert list(box.work.iterdir()) == []


def altered(troubled: Troubled, box: Sandbox, *statements: str) -> Done:
    """A report on a copy of the store with some changes."""
    shutil.copytree(troubled.sandbox.work / "mlruns", box.work / "mlruns")
    with closing(sqlite3.connect(box.stored.database)) as database, database:
        for statement in statements:
            database.execute(statement)
    return box.report("sweep.name=failing")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            "UPDATE tags SET value = replace(value, '\"format\": 2', '\"format\": 7') "
            "WHERE key = 'fairsweep.sweep'",
            ("failing", "format 7", "reads 1 to 2", "use the version that stored it"),
        ),
        ("UPDATE alembic_version SET version_num = '728d730b5ebd'", ("728d730b5ebd", "db upgrade")),
    ],
    ids=["of-this-project", "of-mlflow"],
)
def test_a_store_of_another_version_is_told(
    troubled: Troubled, tmp_path: Path, statement: str, words: tuple[str, ...]
) -> None:
    done = altered(troubled, ScriptedSandbox(tmp_path), statement)
    assert done.code == 5, done.said
    assert "Traceback" not in done.err
    for word in words:
        assert word in done.err


def test_a_run_that_has_only_just_begun_is_told_as_running(
    troubled: Troubled, tmp_path: Path
) -> None:
    """MLflow has a run before its params: a report may come between the two."""
    (newest, *_) = [
        run.run_id
        for run in reversed(troubled.sandbox.stored.runs("failing", "search"))
        if run.outcome == "complete"
    ]
    box = ScriptedSandbox(tmp_path)
    done = altered(
        troubled,
        box,
        f"UPDATE runs SET status = 'RUNNING', end_time = NULL WHERE run_uuid = '{newest}'",
        f"DELETE FROM params WHERE run_uuid = '{newest}'",
        f"DELETE FROM metrics WHERE run_uuid = '{newest}'",
        f"DELETE FROM latest_metrics WHERE run_uuid = '{newest}'",
        f"DELETE FROM tags WHERE run_uuid = '{newest}' AND key = 'outcome'",
    )
    assert done.code == 0, done.said
    assert "(1 running)" in box.report_files("failing")["report.md"].decode()
