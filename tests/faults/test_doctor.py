"""Every way to damage a store is found by the doctor, told with its rule and place, and mended if
that takes no training; a diagnosis changes nothing."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from fairsweep.doctor.studies import inspect_journal
from fairsweep.doctor.visit import Visit
from fairsweep.tracking.names import SWEEP_TAG
from tests.faults.conftest import NAME
from tests.faults.oracle import assert_whole, findings, open_root
from tests.integration.lab import Sandbox

Damage = Callable[[Path], None]
GONE = 2**22 + 1  # more than Linux gives a process
# MLflow's own, at its first call.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")


def sql(root: Path, *statements: str) -> None:
    """Changes the database behind everybody's back; one row at least."""
    with closing(sqlite3.connect(root / "mlflow.db")) as connection, connection:
        for statement in statements:
            assert connection.execute(statement).rowcount > 0, statement


def ask(root: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(root / "mlflow.db")) as connection:
        return connection.execute(query).fetchall()


def a_run(root: Path, stage: str, outcome: str = "complete", order: str = "ASC") -> str:
    """The id of a run of a stage that ended so."""
    (row,) = ask(
        root,
        "SELECT r.run_uuid FROM runs r JOIN tags s USING (run_uuid) JOIN tags o USING (run_uuid) "
        f"WHERE s.key = 'stage' AND s.value = '{stage}' AND o.key = 'outcome' "
        f"AND o.value = '{outcome}' ORDER BY r.start_time {order} LIMIT 1",
    )
    return str(row[0])


def journal(root: Path) -> Path:
    return root / "studies" / f"{NAME}.journal"


def files_of(root: Path, run: str) -> Path:
    return root / "artifacts" / run / "artifacts"


def best_weights(root: Path) -> list[Path]:
    return sorted(root.glob("artifacts/*/artifacts/weights.npz"))


def flip(path: Path) -> None:
    """Changes one bit in the middle of a file, as a disk does."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_last_told(root: Path) -> None:
    """Takes the end of the last trial out of the journal: its state, and what it was told."""
    lines = journal(root).read_bytes().splitlines(keepends=True)
    last = max(i for i, line in enumerate(lines) if b'"result"' in line)
    assert last >= len(lines) - 2
    journal(root).write_bytes(b"".join(lines[:last]))


# What each damage does, and the finding that tells of it.


def doubled_row(root: Path) -> None:
    run = a_run(root, "search")
    sql(
        root,
        "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) SELECT key, value, "
        "timestamp + 1, run_uuid, step, is_nan FROM metrics WHERE key = 'loss' AND step = 2 AND "
        f"run_uuid = '{run}'",
    )


def lost_row(root: Path) -> None:
    run = a_run(root, "confirm")
    sql(root, f"DELETE FROM metrics WHERE key = 'accuracy' AND step = 3 AND run_uuid = '{run}'")


def row_beyond(root: Path) -> None:
    run = a_run(root, "search")
    sql(
        root,
        "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) "
        f"VALUES ('loss', 0.5, 1, '{run}', 5, 0)",
    )


def changed_judged_value(root: Path) -> None:
    run = a_run(root, "search", "pruned")
    sql(
        root,
        "UPDATE metrics SET value = value + 1e-15 WHERE key = 'val_accuracy' AND step = 1 AND "
        f"run_uuid = '{run}'",
    )


def changed_best_value(root: Path) -> None:
    run = a_run(root, "search")
    for table in ("metrics", "latest_metrics"):
        sql(
            root,
            f"UPDATE {table} SET value = value + 1e-15 WHERE key = 'best_val_accuracy' AND "
            f"run_uuid = '{run}'",
        )


def stale_latest(root: Path) -> None:
    run = a_run(root, "confirm")
    sql(root, f"UPDATE latest_metrics SET value = 9 WHERE key = 'loss' AND run_uuid = '{run}'")


def run_twice(root: Path) -> None:
    run = a_run(root, "search")
    names = [row[1] for row in ask(root, "PRAGMA table_info(runs)")]
    columns = ", ".join(map(str, names))
    values = columns.replace("run_uuid", "'twice'")
    sql(
        root,
        f"INSERT INTO runs ({columns}) SELECT {values} FROM runs WHERE run_uuid = '{run}'",
        "INSERT INTO tags (key, value, run_uuid) SELECT key, value, 'twice' FROM tags "
        f"WHERE run_uuid = '{run}'",
    )


def run_deleted(root: Path) -> None:
    run = a_run(root, "search")
    sql(root, f"UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = '{run}'")


def arm_run_deleted(root: Path) -> None:
    run = a_run(root, "arm")
    sql(root, f"UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = '{run}'")


def other_outcome(root: Path) -> None:
    run = a_run(root, "search", "pruned")
    sql(root, f"UPDATE tags SET value = 'complete' WHERE key = 'outcome' AND run_uuid = '{run}'")


def other_status(root: Path) -> None:
    run = a_run(root, "confirm")
    sql(root, f"UPDATE runs SET status = 'FAILED' WHERE run_uuid = '{run}'")


def damaged_record(root: Path) -> None:
    lines = journal(root).read_bytes().splitlines(keepends=True)
    lines[len(lines) // 2] = b'{"op_code": 5, "wor\n'
    journal(root).write_bytes(b"".join(lines))


def no_journal(root: Path) -> None:
    journal(root).unlink()


def trial_forgotten(root: Path) -> None:
    """As a power cut does: the journal's end never reached the disk, MLflow's rows did."""
    lines = journal(root).read_bytes().splitlines(keepends=True)
    begun = [i for i, line in enumerate(lines) if json.loads(line)["op_code"] == 4]
    kept = [
        line
        for i, line in enumerate(lines)
        if i != begun[-1] and json.loads(line).get("trial_id") != len(begun) - 1
    ]
    journal(root).write_bytes(b"".join(kept))


def no_weights(root: Path) -> None:
    for path in best_weights(root):
        path.unlink()


def flipped_weights(root: Path) -> None:
    flip(best_weights(root)[0])


def no_confusion(root: Path) -> None:
    (files_of(root, a_run(root, "confirm")) / "confusion.json").unlink()


def cut_confusion(root: Path) -> None:
    path = files_of(root, a_run(root, "confirm")) / "confusion.json"
    path.write_bytes(path.read_bytes()[:20])


def flipped_champion(root: Path) -> None:
    (path,) = root.glob("artifacts/models/*/artifacts/data/model/weights.npz")
    flip(path)


def no_champion(root: Path) -> None:
    (path,) = root.glob("artifacts/models/*/artifacts/data/model")
    shutil.rmtree(path)


def writes_that_wait(root: Path) -> None:
    """A process was killed while its tracking server was away."""
    journal(root).with_suffix(".spool").write_text('{"name":"epochs","values":{}}\n')


LASTING = {
    doubled_row: ("V3", "loss has 2 rows of epoch 2"),
    lost_row: ("V3", "accuracy lacks the epochs 3"),
    row_beyond: ("V3", "loss has epochs beyond the 4 it ended after: 5"),
    changed_judged_value: ("V4", "val_accuracy of epoch 1 is "),
    changed_best_value: ("V4", "best_val_accuracy is "),
    stale_latest: ("V3", "MLflow shows loss as 9.0, its last row is "),
    run_twice: ("V2", "2 runs stand for it: "),
    run_deleted: ("V2", "the study has it as complete, and no run stands for it"),
    arm_run_deleted: ("V2", "need one run of the arm "),
    other_outcome: ("V2", "the study has it as pruned after "),
    other_status: ("V2", "its status is FAILED, and its outcome complete"),
    damaged_record: ("V1", "journal is damaged ("),
    no_journal: ("V1", "is of a trial that the study doesn't have"),
    trial_forgotten: ("V1", "is of a trial that the study doesn't have"),
    no_weights: ("V5", "weights.npz of the configuration's best seed is missing"),
    flipped_weights: ("V5", "weights.npz is damaged ("),
    no_confusion: ("V5", "confusion.json is missing"),
    cut_confusion: ("V5", "confusion.json can't be read ("),
    flipped_champion: ("V5", "isn't what was published; restore it"),
    no_champion: ("V5", "holds no model"),
    writes_that_wait: ("V3", "1 writes are in "),
}
"""What the doctor can tell of and not mend."""


def half_record(root: Path) -> None:
    with journal(root).open("ab") as file:
        file.write(b'{"op_code":5,"worker_id":"1')


def half_drawn_trial(root: Path) -> None:
    """A trial that was begun, and drew some of its values."""
    lines = journal(root).read_bytes().splitlines(keepends=True)
    created = [line for line in lines if json.loads(line)["op_code"] == 4]
    with journal(root).open("ab") as file:
        file.write(created[-1])


def not_told(root: Path) -> None:
    cut_last_told(root)


def open_run(root: Path) -> None:
    """A sweep that was killed while a confirmation ended."""
    run = a_run(root, "confirm", order="DESC")
    sql(
        root,
        f"UPDATE runs SET status = 'RUNNING', end_time = NULL WHERE run_uuid = '{run}' OR name IN "
        f"('{NAME}', 'sgd', 'adam')",
    )


def closed_too_early(root: Path) -> None:
    run = a_run(root, "confirm", order="DESC")
    sql(
        root,
        f"UPDATE tags SET value = 'interrupted' WHERE key = 'outcome' AND run_uuid = '{run}'",
        f"UPDATE runs SET status = 'KILLED' WHERE run_uuid = '{run}'",
    )


def files_on_their_way(root: Path) -> None:
    folder = root / "studies" / f"{NAME}.files" / "adam-3-0"
    folder.mkdir(parents=True)
    (folder / "weights.tmp").write_bytes(b"half")


def stray_files(root: Path) -> None:
    (root / f".probe-{GONE}").touch()
    (root / f".rows.csv.{GONE}.tmp").write_bytes(b"half")


def old_checkpoint(root: Path) -> None:
    folder = root / "studies" / f"{NAME}.checkpoints" / "adam-search-0-0"
    folder.mkdir(parents=True)
    (folder / "4242.tmp").write_bytes(b"half")


MENDED = {
    half_record: ("V1", "bytes at the end of "),
    half_drawn_trial: ("V1", "bytes at the end of "),
    not_told: ("V2", "and the study wasn't told"),
    open_run: ("V6", "it is open, and no process runs the sweep"),
    closed_too_early: ("V2", "no run stands for it, and the sweep is stored as complete"),
    files_on_their_way: ("V6", f"{NAME}.files is left of something that was killed"),
    stray_files: ("V6", f".probe-{GONE} is left of something that was killed"),
    old_checkpoint: ("V6", f"{NAME}.checkpoints is left of something that was killed"),
}
"""What it mends as well. After the last start of a sweep all of these would be gone."""


def name_of(damage: Damage) -> str:
    return damage.__name__


def digests(root: Path) -> dict[str, str]:
    """Every file of a store, by its content."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@dataclass(frozen=True)
class Told:
    """What a visit said, and what it left."""

    lines: list[str]
    left: int


def visit(root: Path, capsys: pytest.CaptureFixture[str], fix: bool) -> Told:
    doctor = Visit(open_root(root), fix)
    doctor.sweep(NAME)
    doctor.store()
    return Told([*capsys.readouterr().out.splitlines(), doctor.summary], doctor.left)


def test_a_finished_sweep_has_nothing_wrong(store: Path) -> None:
    assert_whole(store)


def test_a_sweep_over_labels_counts_no_classes(store: Path) -> None:
    for path in store.rglob("confusion.json"):
        path.unlink()
    rule = ("V5", "confusion.json is missing")
    assert {(one.rule, one.what) for one in findings(store)} == {rule}
    sql(
        store,
        """UPDATE tags SET value = replace(value, '"classes": "0, 1', '"labels": "0, 1') """
        f"WHERE key = '{SWEEP_TAG}'",
    )
    assert findings(store) == []


def test_the_sweep_has_what_damages_are_about(store: Path) -> None:
    assert a_run(store, "search", "pruned")
    assert len(best_weights(store)) >= 2


@pytest.mark.parametrize(
    ("damage", "rule", "text"),
    [(damage, *told) for damage, told in (LASTING | MENDED).items()],
    ids=[name_of(damage) for damage in LASTING | MENDED],
)
def test_damage_is_found_and_a_diagnosis_changes_nothing(
    damage: Damage, rule: str, text: str, store: Path
) -> None:
    damage(store)
    before = digests(store)
    found = [f for f in findings(store) if f.rule == rule and text in str(f)]
    assert found, [str(f) for f in findings(store)]
    assert all(f.remedy and f.place for f in found)
    assert digests(store) == before
    with pytest.raises(AssertionError):
        assert_whole(store)


@pytest.mark.parametrize("damage", LASTING, ids=name_of)
def test_what_cannot_be_mended_stays_as_it_is(
    damage: Damage, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(store)
    rows, studies = ask(store, "SELECT * FROM metrics ORDER BY 1, 2, 3, 4, 5"), digests(store)
    told = visit(store, capsys, fix=True)
    assert told.left > 0
    assert ask(store, "SELECT * FROM metrics ORDER BY 1, 2, 3, 4, 5") == rows
    key = f"studies/{NAME}.journal"
    assert digests(store).get(key) == studies.get(key)


@pytest.mark.parametrize("damage", MENDED, ids=name_of)
def test_what_can_be_mended_is(
    damage: Damage, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(store)
    told = visit(store, capsys, fix=True)
    assert told.left == 0, told.lines
    assert any(line.startswith("mended ") for line in told.lines)
    assert findings(store) == []
    again = visit(store, capsys, fix=True)
    assert not any(line.startswith("mended ") for line in again.lines)


@pytest.mark.parametrize("damage", [half_record, half_drawn_trial], ids=name_of)
def test_a_mended_journal_is_what_it_was_and_its_copy_what_it_had_become(
    damage: Damage, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = journal(store).read_bytes()
    damage(store)
    damaged = journal(store).read_bytes()
    visit(store, capsys, fix=True)
    assert journal(store).read_bytes() == whole
    (copy,) = journal(store).parent.glob("*.kept-*")
    assert copy.read_bytes() == damaged


def test_a_study_that_was_told_by_the_doctor_knows_what_it_knew(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = inspect_journal(journal(store))
    not_told(store)
    assert inspect_journal(journal(store)) != before
    visit(store, capsys, fix=True)
    assert inspect_journal(journal(store)) == before


def test_a_run_that_was_closed_has_a_copy_of_how_it_stood(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    open_run(store)
    visit(store, capsys, fix=True)
    (copy,) = store.glob("mlflow.db.kept-*")
    with closing(sqlite3.connect(copy)) as kept:
        ((count,),) = kept.execute("SELECT count(*) FROM runs WHERE status = 'RUNNING'")
    assert count == 4
    assert ask(store, "SELECT count(*) FROM runs WHERE status = 'RUNNING'") == [(0,)]


CRASH = """
import os, signal, sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA cache_size = 1")
database.execute("BEGIN IMMEDIATE")
database.execute("UPDATE metrics SET value = value + 1")
database.execute("UPDATE tags SET value = value || 'x'")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_transaction_that_a_crash_left_is_not_seen_and_not_taken_back(store: Path) -> None:
    whole = (store / "mlflow.db").read_bytes()
    subprocess.run([sys.executable, "-c", CRASH, store / "mlflow.db"], check=False)
    assert (store / "mlflow.db").read_bytes() != whole
    assert (store / "mlflow.db-journal").stat().st_size > 0
    before = digests(store)
    assert findings(store) == []
    assert digests(store) == before


@pytest.fixture
def sandbox(store: Path, tmp_path: Path) -> Sandbox:
    """A sandbox with the damaged store as its own."""
    box = Sandbox(tmp_path / "box")
    shutil.move(store, box.work / "mlruns")
    return box


class TestFilesOnTheirWay:
    """What a living process is at isn't left over, and is left alone."""

    def test_of_a_process_that_lives(self, store: Path) -> None:
        (store / f".probe-{os.getpid()}").touch()
        (store / f".rows.csv.{os.getpid()}.tmp").touch()
        assert findings(store) == []

    def test_of_one_that_is_gone(self, store: Path) -> None:
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        (store / f".rows.csv.{gone.pid}.tmp").touch()
        (finding,) = findings(store)
        assert f".rows.csv.{gone.pid}.tmp is left of something" in str(finding)

    def test_a_database_that_is_being_made(self, store: Path) -> None:
        for name in (".mlflow.db.tmp", ".mlflow.db.tmp-journal"):
            (store / name).touch()
        assert len(findings(store)) == 2
        descriptor = os.open(store, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            assert findings(store) == []
        finally:
            os.close(descriptor)


class TestCommand:
    """`fairsweep doctor`, its lines and its exit codes."""

    def test_nothing_wrong_is_0(self, sandbox: Sandbox) -> None:
        done = sandbox.run("fairsweep", "doctor")
        assert done.code == 0, done.said
        last = done.out.splitlines()[-1]
        assert last.startswith("sweeps: 1; trainings: 12; rows: ")
        assert last.endswith("; 0 findings")

    def test_something_wrong_is_1_and_a_line(self, sandbox: Sandbox) -> None:
        doubled_row(sandbox.work / "mlruns")
        done = sandbox.run("fairsweep", "doctor", f"sweep.name={NAME}", "fix=true")
        assert done.code == 1, done.said
        (line,) = [line for line in done.out.splitlines() if line.startswith("V3 ")]
        assert f"V3 {NAME} " in line
        assert "restore the store from a copy" in line
        assert done.out.splitlines()[-1].endswith("; 1 finding, 0 mended")

    def test_what_was_mended_is_0(self, sandbox: Sandbox) -> None:
        open_run(sandbox.work / "mlruns")
        done = sandbox.run("fairsweep", "doctor", "fix=true")
        assert done.code == 0, done.said
        assert f"{NAME} isn't finished" in done.out
        done = sandbox.run("fairsweep", "doctor")
        assert done.code == 0, done.said

    def test_unknown_sweep_is_2(self, sandbox: Sandbox) -> None:
        done = sandbox.run("fairsweep", "doctor", "sweep.name=nowhere")
        assert done.code == 2, done.said
        assert f"there is no sweep 'nowhere' in {sandbox.work / 'mlruns'}; there are: {NAME}" in (
            done.err
        )

    def test_no_store_is_2(self, tmp_path: Path) -> None:
        box = Sandbox(tmp_path)
        done = box.run("fairsweep", "doctor")
        assert done.code == 2, done.said
        assert "there is no store" in done.err
        assert not (box.work / "mlruns").exists()

    @pytest.mark.parametrize("fix", ["false", "true"])
    def test_a_sweep_that_runs_is_3(self, sandbox: Sandbox, fix: str) -> None:
        lock = sandbox.work / "mlruns" / "studies" / f"{NAME}.lock"
        with lock.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.truncate(0)
            file.write("process 4242")
            file.flush()
            done = sandbox.run("fairsweep", "doctor", f"fix={fix}")
        assert done.code == 3, done.said
        assert f"sweep {NAME} is being run by process 4242" in done.out

    @pytest.mark.parametrize("how", ["cut", "flipped", "no database"])
    def test_a_damaged_database_is_5_and_a_copy_is_kept(self, sandbox: Sandbox, how: str) -> None:
        database = sandbox.work / "mlruns" / "mlflow.db"
        content = bytearray(database.read_bytes())
        if how == "cut":
            content = content[: len(content) // 2]
        elif how == "flipped":
            for start in range(4096, len(content), 4096):
                content[start] ^= 0xFF
        else:
            content[:16] = b"something else.."
        database.write_bytes(content)
        for _ in range(2):
            done = sandbox.run("fairsweep", "doctor", "fix=true")
            assert done.code == 5, done.said
            assert f"error: {database} is damaged (" in done.err
        (copy,) = database.parent.glob("mlflow.db.damaged-*")
        assert str(copy) in done.err
        assert copy.read_bytes() == database.read_bytes() == bytes(content)
