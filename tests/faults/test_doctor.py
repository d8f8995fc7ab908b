"""Every way to damage a store is found by the doctor, with its rule, its place and the remedy, and
nothing is changed by that; what the next start of the sweep can mend, it mends."""

from __future__ import annotations

import fcntl
import hashlib
import io
import itertools
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from fairsweep.commands.doctor import doctor, prepare
from fairsweep.doctor.examine import examine
from fairsweep.doctor.files import damage_in
from fairsweep.doctor.problems import RESTORE
from fairsweep.errors import PipelineError
from fairsweep.records import TrialSpec
from fairsweep.search.journal import Journal
from fairsweep.testing import Step, died, learning
from fairsweep.tracking.names import SWEEP_TAG
from fairsweep.tracking.store import Store
from tests.faults.conftest import NAME, Sweep
from tests.faults.oracle import assert_whole, problems
from tests.integration.lab import Sandbox
from tests.integration.scenarios import Smoke
from tests.integration.stored import sql

Damage = Callable[[Path], None]
GONE = 2**22 + 1  # more than Linux gives a process
# MLflow's own, at its first call.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")


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


# What each damage does, and the problem that tells of it.


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


def own_metric_beyond(root: Path) -> None:
    run = a_run(root, "search")
    store_own_metric(root, run, (1, 2, 5))


def store_own_metric(root: Path, run: str, epochs: tuple[int, ...]) -> None:
    """Rows of a metric that a model of the user's own measures."""
    for epoch in epochs:
        sql(
            root,
            "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) "
            f"VALUES ('entropy', 0.5, 1, '{run}', {epoch}, 0)",
        )
    sql(
        root,
        "INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid) "
        f"VALUES ('entropy', 0.5, 1, {epochs[-1]}, 0, '{run}')",
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


def no_database(root: Path) -> None:
    (root / "mlflow.db").unlink()


def empty_database(root: Path) -> None:
    (root / "mlflow.db").write_bytes(b"")


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


def line_taken_out(root: Path) -> None:
    lines = journal(root).read_bytes().splitlines(keepends=True)
    del lines[len(lines) // 2]
    journal(root).write_bytes(b"".join(lines))


def trial_forgotten(root: Path) -> None:
    """As a power cut does: the journal's end never reached the disk, MLflow's rows did."""
    lines = journal(root).read_bytes().splitlines(keepends=True)
    created = [i for i, line in enumerate(lines) if json.loads(line)["op_code"] == 4]
    journal(root).write_bytes(b"".join(lines[: created[-1]]))


def no_weights(root: Path) -> None:
    for path in best_weights(root):
        path.unlink()


def flipped_weights(root: Path) -> None:
    for path in best_weights(root):
        flip(path)


def no_confusion(root: Path) -> None:
    (files_of(root, a_run(root, "confirm")) / "confusion.json").unlink()


def cut_confusion(root: Path) -> None:
    path = files_of(root, a_run(root, "confirm")) / "confusion.json"
    path.write_bytes(path.read_bytes()[:20])


def judged_of_one(root: Path) -> Path:
    return files_of(root, a_run(root, "confirm")) / "judged.csv"


def no_judged(root: Path) -> None:
    judged_of_one(root).unlink()


def cut_judged(root: Path) -> None:
    path = judged_of_one(root)
    path.write_bytes(path.read_bytes().rstrip().rpartition(b",")[0])


def judged_of_others(root: Path) -> None:
    """Some rows were lost in a copy: those that are there have another mean."""
    path = judged_of_one(root)
    header, *lines = path.read_text().splitlines()
    wrong = [re.sub(r"[^,]+$", "0", line) for line in lines]
    path.write_text("\n".join([header, *wrong[:3], *lines[3:], ""]))


def flipped_champion(root: Path) -> None:
    (path,) = root.glob("artifacts/models/*/artifacts/data/model/weights.npz")
    flip(path)


def no_champion(root: Path) -> None:
    (path,) = root.glob("artifacts/models/*/artifacts/data/model")
    shutil.rmtree(path)


def of_champion(root: Path, name: str) -> Path:
    (path,) = root.glob(f"artifacts/models/*/artifacts/{name}")
    return path


def no_description(root: Path) -> None:
    of_champion(root, "MLmodel").unlink()


def no_requirements(root: Path) -> None:
    of_champion(root, "requirements.txt").unlink()


def no_code(root: Path) -> None:
    shutil.rmtree(of_champion(root, "code"))


def no_loader(root: Path) -> None:
    of_champion(root, "code/fairsweep/training/serving.py").unlink()


def no_alias(root: Path) -> None:
    sql(root, "DELETE FROM registered_model_aliases WHERE alias = 'champion'")


def writes_that_wait(root: Path) -> None:
    """A process was killed while its tracking server was away."""
    journal(root).with_suffix(".spool").write_text('{"name":"epochs","values":{}}\n')


def stray_files(root: Path) -> None:
    (root / f".probe-{GONE}").touch()
    (root / f".rows.csv.{GONE}.tmp").write_bytes(b"half")


LASTING = {
    doubled_row: ("V3", "loss has 2 rows for epoch 2"),
    lost_row: ("V3", "accuracy has no row for epoch 3"),
    row_beyond: ("V3", "loss has rows for epoch 5, but it ended after 4"),
    own_metric_beyond: ("V3", "entropy has rows for epoch 5, but it ended after 4"),
    changed_judged_value: ("V4", "val_accuracy of epoch 1 is "),
    changed_best_value: ("V4", "best_val_accuracy is "),
    stale_latest: ("V3", "MLflow shows loss as 9.0, its last row is "),
    run_twice: ("V2", "it has 2 runs, need one: "),
    run_deleted: ("V2", "it is complete in the study, but has no run in MLflow"),
    no_database: ("V2", "its studies have finished trials, but MLflow has none of its runs"),
    empty_database: ("V2", "its studies have finished trials, but MLflow has none of its runs"),
    arm_run_deleted: ("V2", "need one run for the arm "),
    other_outcome: ("V2", "it is pruned after "),
    other_status: ("V2", "its status is FAILED, but its outcome complete"),
    damaged_record: ("V1", "journal is damaged ("),
    line_taken_out: ("V1", "doesn't follow from the lines before it"),
    no_journal: ("V1", f"{NAME}.journal is missing"),
    trial_forgotten: ("V1", "belongs to a trial that the study doesn't have"),
    no_weights: ("V5", "weights.npz of the configuration's best training is missing"),
    flipped_weights: ("V5", "weights.npz is damaged ("),
    no_confusion: ("V5", "confusion.json is missing"),
    cut_confusion: ("V5", "confusion.json can't be read ("),
    no_judged: ("V5", "judged.csv is missing"),
    cut_judged: ("V5", "judged.csv can't be read ("),
    judged_of_others: ("V5", "judged.csv has a mean of "),
    writes_that_wait: ("V3", "1 write is in "),
    stray_files: ("V6", f".probe-{GONE} was left behind by a process that was killed"),
}
"""What the next start of the sweep doesn't mend, or not alone."""


def half_record(root: Path) -> None:
    with journal(root).open("ab") as file:
        file.write(b'{"op_code":5,"worker_id":"1')


def half_drawn_trial(root: Path) -> None:
    """A trial that was begun, and drew some of its values."""
    records = map(json.loads, journal(root).read_text().splitlines())
    *_, record = (record for record in records if record["op_code"] == 4)
    del record["crc"]
    Journal(journal(root)).append_logs([record])


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


def old_checkpoint(root: Path) -> None:
    folder = root / "studies" / f"{NAME}.checkpoints" / "adam-search-0-0"
    folder.mkdir(parents=True)
    (folder / "4242.tmp").write_bytes(b"half")


def cut_rows(root: Path) -> None:
    """What the rows of a report look like."""
    (files_of(root, a_run(root, "sweep")) / "rows.json").write_text('{"format": 1, "colu')


PUBLISHED = {
    flipped_champion: ("V5", "was changed after it was published; run the same command again"),
    no_champion: ("V5", "model.json is missing; run the same command again"),
    no_description: ("V5", "MLmodel is missing; run the same command again"),
    no_requirements: ("V5", "requirements.txt is missing; run the same command again"),
    no_code: ("V5", "code is missing; run the same command again"),
    no_loader: ("V5", "serving.py is missing; run the same command again"),
    no_alias: ("V5", "no version of its model has the alias champion, although it is stored"),
}
"""What is published anew by the next start."""


MENDED = {
    not_told: ("V2", "but the study was never told"),
    half_drawn_trial: ("V1", "unfinished bytes at the end of "),
    half_record: ("V1", "unfinished bytes at the end of "),
    open_run: ("V6", "its status is RUNNING, but no process runs the sweep"),
    closed_too_early: ("V2", "it has no run, although the sweep is stored as complete"),
    files_on_their_way: ("V6", f"{NAME}.files was left behind by a process that was killed"),
    old_checkpoint: ("V6", f"{NAME}.checkpoints was left behind by a process that was killed"),
    cut_rows: ("V5", "rows.json can't be read ("),
    **PUBLISHED,
}
"""What the next start of the sweep mends."""


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
    """How the command ended, and what it printed."""

    code: int
    lines: list[str]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., Told]:
    """`fairsweep doctor` on a store, in this process."""

    def command(root: Path, *overrides: str) -> Told:
        try:
            code = doctor(prepare([f"tracking.root={root}", *overrides], None), tmp_path)
        except PipelineError as error:
            return Told(error.exit_code, [*capsys.readouterr().out.splitlines(), str(error)])
        return Told(code, capsys.readouterr().out.splitlines())

    return command


def test_a_finished_sweep_has_nothing_wrong(store: Path) -> None:
    assert_whole(store)


def test_a_sweep_with_workers_has_nothing_wrong(smoke: Smoke) -> None:
    assert_whole(smoke.sandbox.work / "mlruns")


def test_a_sweep_whose_objective_is_of_training_rows_has_nothing_wrong(
    sweep: Sweep, tmp_path: Path
) -> None:
    """What its trainings say of validation rows has another mean than the objective."""
    own = ("objective.metric=loss", "objective.direction=minimize", "confirm.folds=0")
    assert sweep(tmp_path / "mlruns", *own) == 0
    assert_whole(tmp_path / "mlruns")


def test_epochs_that_were_judged_before_the_last_attempt_are_no_problem(
    sweep: Sweep, tmp_path: Path
) -> None:
    """A training whose workers all died is stored as the last attempt left it."""

    def deadly(spec: TrialSpec) -> Iterator[Step]:
        epochs = learning(spec)
        if (spec.key.arm, spec.key.stage, spec.key.trial) == ("sgd", "search", 1):
            if spec.key.attempt < 3:
                yield from itertools.islice(epochs, 2)
            yield died()
        yield from epochs

    assert sweep(tmp_path / "mlruns", script=deadly) == 1
    assert a_run(tmp_path / "mlruns", "search", "failed")
    assert problems(tmp_path / "mlruns") == []


def test_a_sweep_over_labels_counts_no_classes(store: Path) -> None:
    for path in store.rglob("confusion.json"):
        path.unlink()
    rule = ("V5", "confusion.json is missing")
    assert {(one.rule, one.what) for one in problems(store)} == {rule}
    sql(
        store,
        """UPDATE tags SET value = replace(value, '"classes": "left, ', '"labels": "left, ') """
        f"WHERE key = '{SWEEP_TAG}'",
    )
    assert problems(store) == []


def test_a_metric_of_the_users_own_model_is_no_problem(store: Path) -> None:
    """It logs it for every epoch, or for some."""
    for stage, epochs in (("search", (1, 2, 3)), ("confirm", (2, 4))):
        store_own_metric(store, a_run(store, stage), epochs)
    assert problems(store) == []


def test_every_flipped_weights_file_is_told(store: Path) -> None:
    """The best training of each arm has weights, and the one that is published."""
    files = best_weights(store)
    flipped_weights(store)
    told = [p for p in problems(store) if "weights.npz is damaged (" in p.what]
    assert len(told) == len(files) == 3


def test_no_flipped_bit_of_weights_is_raised_and_none_that_counts_goes_unseen() -> None:
    weights, file = np.arange(3, dtype=np.float32), io.BytesIO()
    np.savez(file, weights)
    whole = file.getvalue()
    for position in range(len(whole)):
        content = bytearray(whole)
        content[position] ^= 1
        if not damage_in(bytes(content)):
            with np.load(io.BytesIO(content)) as stored:
                assert np.array_equal(stored["arr_0"], weights), position


def test_the_sweep_has_what_damages_are_about(store: Path) -> None:
    assert a_run(store, "search", "pruned")
    assert len(best_weights(store)) >= 2


@pytest.mark.parametrize(
    ("damage", "rule", "text"),
    [(damage, *told) for damage, told in (LASTING | MENDED).items()],
    ids=[name_of(damage) for damage in LASTING | MENDED],
)
def test_damage_is_found_and_nothing_is_changed(
    damage: Damage, rule: str, text: str, store: Path
) -> None:
    damage(store)
    before = digests(store)
    found = [p for p in problems(store) if p.rule == rule and text in str(p)]
    assert found, [str(p) for p in problems(store)]
    assert all(p.remedy and p.place for p in found)
    assert digests(store) == before
    with pytest.raises(AssertionError):
        assert_whole(store)


REMEDIES = ("restore", "put it back", "run the same command again", "give another", "delete it")
SEVERAL: dict[Damage, int] = {trial_forgotten: 6, no_weights: 3, flipped_weights: 3}
"""How many trials or files these damage."""
SINGLE = [
    *(doubled_row, lost_row, own_metric_beyond, changed_judged_value, stale_latest, run_deleted),
    *(no_database, empty_database),
    *(other_outcome, other_status, damaged_record, line_taken_out, no_journal, not_told),
    *(cut_confusion, cut_judged, half_record, cut_rows, *PUBLISHED),
]


@pytest.mark.parametrize("damage", [*SINGLE, *SEVERAL], ids=name_of)
def test_a_problem_is_told_once_with_one_remedy(damage: Damage, store: Path) -> None:
    damage(store)
    lines = [str(problem) for problem in problems(store)]
    assert len(lines) == SEVERAL.get(damage, 1), lines
    for line in lines:
        assert sum(line.count(remedy) for remedy in REMEDIES) == 1, line
        assert line.count(str(store)) <= 1, line
        assert "Error(" not in line, line
        assert "zip()" not in line, line


def test_the_run_of_the_sweep_is_named_once(store: Path) -> None:
    cut_rows(store)
    (problem,) = problems(store)
    assert problem.place == f"{NAME} (run {a_run(store, 'sweep')})"


def test_the_next_start_mends_what_needs_no_more_than_that(store: Path, sweep: Sweep) -> None:
    """All at once: a sweep that was killed again and again, and nobody looked after it."""
    for damage in MENDED:
        if damage not in PUBLISHED:  # of which one hides the other
            damage(store)
    assert sweep(store) == 0
    assert problems(store) == []


@pytest.mark.parametrize("damage", [no_description, flipped_champion, no_alias], ids=name_of)
def test_the_next_start_publishes_a_champion_again(
    damage: Damage, store: Path, sweep: Sweep
) -> None:
    damage(store)
    assert sweep(store) == 0
    assert problems(store) == []
    assert ask(store, "SELECT version FROM registered_model_aliases") == [(2,)]
    assert sweep(store) == 0  # and once
    assert ask(store, "SELECT version FROM registered_model_aliases") == [(2,)]


def test_a_champion_whose_run_lost_its_weights_is_not_published_again(store: Path) -> None:
    no_weights(store)
    no_code(store)
    (problem,) = [problem for problem in problems(store) if "code" in problem.what]
    assert problem.remedy == RESTORE


def test_of_equally_good_seeds_the_first_one_has_the_weights(store: Path) -> None:
    """As the champion is made of it."""
    (first, second) = (
        str(run)
        for (run,) in ask(
            store,
            "SELECT r.run_uuid FROM tags r JOIN tags a USING (run_uuid) WHERE r.key = 'fold' "
            "AND a.key = 'arm' AND a.value = 'sgd' ORDER BY r.value",
        )
    )
    for table in ("metrics", "latest_metrics"):
        sql(
            store,
            f"UPDATE {table} SET value = (SELECT value FROM latest_metrics WHERE key = "
            f"'best_val_accuracy' AND run_uuid = '{first}') WHERE key = 'best_val_accuracy' AND "
            f"run_uuid = '{second}'",
        )
    weights = [files_of(store, run) / "weights.npz" for run in (first, second)]
    content = next(path.read_bytes() for path in weights if path.is_file())
    text = "of the configuration's best training is missing"
    weights[0].write_bytes(content)
    weights[1].unlink(missing_ok=True)
    assert not [p for p in problems(store) if text in p.what]
    weights[0].rename(weights[1])
    assert [p.place for p in problems(store) if text in p.what] == [
        f"{NAME} {name} (run {first})"
        for (name,) in ask(store, f"SELECT name FROM runs WHERE run_uuid = '{first}'")
    ]


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
    assert problems(store) == []
    assert digests(store) == before


class TestFilesOnTheirWay:
    """What a living process is at isn't left over, and is left alone."""

    def test_of_a_process_that_lives(self, store: Path) -> None:
        (store / f".probe-{os.getpid()}").touch()
        (store / f".rows.csv.{os.getpid()}.tmp").touch()
        assert problems(store) == []

    def test_of_one_that_is_gone(self, store: Path) -> None:
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        (store / f".rows.csv.{gone.pid}.tmp").touch()
        (problem,) = problems(store)
        assert f".rows.csv.{gone.pid}.tmp was left behind" in str(problem)
        assert problem.remedy == "delete it"

    def test_a_database_that_is_being_made(self, store: Path) -> None:
        for name in (".mlflow.db.tmp", ".mlflow.db.tmp-journal"):
            (store / name).touch()
        assert len(problems(store)) == 2
        descriptor = os.open(store, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            assert problems(store) == []
        finally:
            os.close(descriptor)


def note_store(root: Path, place: str | None) -> None:
    """Has the studies say that their runs are there, or nothing of it (None), as older ones do."""
    records = [json.loads(line) for line in journal(root).read_text().splitlines()]
    for record in records:
        del record["crc"]
        if "store" in record.get("user_attr", ()):
            record["user_attr"] = {"store": place} if place else {"note": ""}
    journal(root).write_text("".join(f"{json.dumps(record)}\n" for record in records))


class TestElsewhere:
    """A sweep whose runs are in another store is told as that, not as an unfinished one."""

    @pytest.fixture
    def server(self, finished: Path) -> Store:
        """The database as a server has it."""
        return Store(finished, f"sqlite:///{finished / 'mlflow.db'}", local=False)

    @pytest.fixture
    def without_runs(self, store: Path) -> Path:
        (store / "mlflow.db").unlink()
        return store

    def test_on_a_server_and_asked_locally(
        self, without_runs: Path, run: Callable[..., Told]
    ) -> None:
        note_store(without_runs, "http://tracker:5000")
        told = run(without_runs, f"sweep.name={NAME}")
        assert told.code == 2
        assert told.lines[0] == (
            f"sweep {NAME} has its runs in http://tracker:5000, and none in "
            f"sqlite:///{without_runs / 'mlflow.db'}; use tracking=server "
            "tracking.uri=http://tracker:5000"
        )
        assert told.lines[1:] == [
            "sweeps: 0 (1 not examined); trainings: 0; rows of metrics: 0; no problems"
        ]
        assert run(without_runs).code == 0  # of all sweeps: the others have no problem

    def test_stored_locally_and_asked_on_a_server(self, server: Store, tmp_path: Path) -> None:
        (tmp_path / "other" / "studies").mkdir(parents=True)
        shutil.copy(journal(server.root), journal(tmp_path / "other"))
        empty = Store(tmp_path / "other", f"sqlite:///{tmp_path / 'empty.db'}", local=False)
        with pytest.raises(PipelineError, match=r"has its runs in the local store.*tracking=local"):
            examine(empty, NAME)

    def test_another_folders_sweep_on_the_same_server(self, server: Store, tmp_path: Path) -> None:
        with pytest.raises(PipelineError, match=r"has no journal of it; give .* tracking\.root=…"):
            examine(Store(tmp_path, server.uri, local=False), NAME)

    def test_a_local_database_that_a_server_serves_now(self, server: Store) -> None:
        assert examine(server, NAME).problems == ()

    def test_older_studies_say_nothing_of_it(
        self, without_runs: Path, run: Callable[..., Told]
    ) -> None:
        note_store(without_runs, None)
        told = run(without_runs, f"sweep.name={NAME}")
        assert told.code == 1
        assert told.lines[0].startswith(f"V2 {NAME}: its studies have finished trials, but MLflow")


class TestCommand:
    """`fairsweep doctor`, its lines and its exit codes."""

    def test_nothing_wrong_is_0(self, store: Path, run: Callable[..., Told]) -> None:
        told = run(store)
        assert told.code == 0
        (line,) = told.lines
        assert line.startswith("sweeps: 1; trainings: 13; rows of metrics: ")
        assert line.endswith("; no problems")

    def test_something_wrong_is_1_and_a_line(self, store: Path, tmp_path: Path) -> None:
        doubled_row(store)
        box = Sandbox(tmp_path / "box")
        shutil.move(store, box.work / "mlruns")
        done = box.run("fairsweep", "doctor", f"sweep.name={NAME}")
        assert done.code == 1, done.said
        (line,) = [line for line in done.out.splitlines() if line.startswith("V3 ")]
        assert f"V3 {NAME} " in line
        assert "restore the store from a backup" in line
        assert done.out.splitlines()[-1].endswith("; 1 problem")

    def test_an_unfinished_sweep_is_told(self, store: Path, run: Callable[..., Told]) -> None:
        open_run(store)
        told = run(store)
        assert told.code == 1
        assert any(line.startswith(f"{NAME} is unfinished; ") for line in told.lines)

    def test_a_sweep_that_lost_its_runs_is_not_called_unfinished(
        self, store: Path, run: Callable[..., Told]
    ) -> None:
        no_database(store)
        told = run(store)
        assert told.code == 1
        assert [line.partition(":")[0] for line in told.lines] == [f"V2 {NAME}", "sweeps"]

    def test_unknown_sweep_is_2(self, store: Path, run: Callable[..., Told]) -> None:
        assert run(store, "sweep.name=nowhere") == Told(
            2, [f"sweep.name: there is no sweep 'nowhere' in {store}; there are: {NAME}"]
        )

    def test_no_store_is_2(self, tmp_path: Path, run: Callable[..., Told]) -> None:
        told = run(tmp_path / "mlruns")
        assert told.code == 2
        assert "there is no store" in told.lines[0]
        assert not (tmp_path / "mlruns").exists()

    def test_a_sweep_that_runs_is_3(self, store: Path, run: Callable[..., Told]) -> None:
        lock = store / "studies" / f"{NAME}.lock"
        with lock.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.truncate(0)
            file.write("process 4242")
            file.flush()
            told = run(store)
        assert told.code == 3
        assert f"sweep {NAME} is being run by process 4242" in told.lines[0]

    @pytest.mark.parametrize("how", ["cut", "flipped", "no database"])
    def test_a_damaged_database_is_5_and_a_copy_is_kept(
        self, how: str, store: Path, run: Callable[..., Told]
    ) -> None:
        database = store / "mlflow.db"
        content = bytearray(database.read_bytes())
        if how == "cut":
            content = content[: len(content) // 2]
        elif how == "flipped":
            for start in range(4096, len(content), 4096):
                content[start] ^= 0xFF
        else:
            content[:16] = b"something else.."
        database.write_bytes(content)
        told = [run(store) for _ in range(2)]
        assert [one.code for one in told] == [5, 5]
        assert all(f"{database} is damaged (" in one.lines[-1] for one in told)
        (copy,) = database.parent.glob("mlflow.db.damaged-*")
        assert str(copy) in told[0].lines[-1]
        assert copy.read_bytes() == database.read_bytes() == bytes(content)
