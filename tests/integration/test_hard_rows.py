"""The hard rows of a sweep: what they look like is stored with it, and its report lists them,
without its data too."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from fairsweep import judged
from fairsweep.commands import report as report_command
from fairsweep.commands.sweep import prepare
from fairsweep.doctor.examine import examine
from fairsweep.doctor.problems import AGAIN
from fairsweep.errors import StorageError
from fairsweep.report.render import build
from fairsweep.shown import unpacked
from fairsweep.stages.job import Job
from fairsweep.stages.sweep import run_sweep
from fairsweep.testing import scripted, tiny_data
from fairsweep.tracking.store import Store

pytestmark = pytest.mark.filterwarnings("default")  # MLflow and what it needs warn of themselves


@dataclass(frozen=True)
class Swept:
    """A sweep in a folder, and where its data is. Every training takes the row `shared` for
    another, and those of adam the row `apart`, too; both from 0."""

    folder: Path
    data: Path
    shared: int = -1
    apart: int = -1

    def job(self) -> Job:
        fixed = ("arms.optimizer=[sgd,adam]", "search.trials=1", "training.epochs=1")
        how = ("confirm.folds=2", "confirm.repeats=1", "terminal=quiet", "sweep.name=hard")
        data = ("data=csv", f"data.path={self.data}", "data.target=label")
        return prepare([*fixed, *how, *data, f"tracking.root={self.folder / 'mlruns'}"], None)

    def sweep(self) -> None:
        assert run_sweep(self.job(), self.folder / "logs", scripted()) == 0

    def report(self) -> str:
        """What `fairsweep report` makes of the store."""
        given = ["terminal=quiet", f"tracking.root={self.folder / 'mlruns'}"]
        return build(report_command.prepare(given, None).sweep).markdown

    @property
    def page(self) -> Path:
        (found,) = self.folder.rglob("report/report.md")
        return found

    @property
    def rows(self) -> Path:
        return self.page.parent.parent / "rows.json"

    def table(self) -> list[dict[str, str]]:
        with self.data.open(newline="") as file:
            return list(csv.DictReader(file))

    def write(self, file: Path, said: judged.Judged) -> None:
        """What a scripted training leaves, which tells every row right."""
        wrong = {self.shared} | ({self.apart} if file.parent.name.startswith("adam") else set())
        answers = zip(said.rows.tolist(), said.predicted, strict=True)
        write(file, replace(said, predicted=["top" if r in wrong else own for r, own in answers]))


write = judged.write


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory, empty_store: Callable[[Path], Store]
) -> Swept:
    folder = tmp_path_factory.mktemp("hard")
    tiny_data(folder)
    (folder / "logs").mkdir()
    empty_store(folder / "mlruns")
    data = Swept(folder, folder / "tiny.csv").job().data
    names = data.dataset.task.words(data.dataset.y, data.dataset.class_names)
    first, second, *_ = (row for row in data.train.tolist() if names[row] != "top")
    swept = Swept(folder, folder / "tiny.csv", first, second)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(judged, "write", swept.write)
        swept.sweep()
    return swept


@pytest.fixture
def copied(finished: Swept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Swept:
    """The same sweep in another folder; pictures aren't drawn."""
    monkeypatch.setattr("fairsweep.report.static.draw", lambda *_: b"<svg/>")
    shutil.copytree(finished.folder / "mlruns", tmp_path / "mlruns")
    (tmp_path / "logs").mkdir()
    return replace(finished, folder=tmp_path)


def test_rows_are_stored_as_the_file_has_them(finished: Swept) -> None:
    found = unpacked(finished.rows.read_bytes())
    assert found.columns == ("x", "y")
    assert set(found.rows) == {finished.shared, finished.apart}
    for number, row in found.rows.items():
        given = finished.table()[number]
        assert [float(value) for value in row.values] == [float(given["x"]), float(given["y"])]


def test_the_report_lists_them(finished: Swept) -> None:
    page = finished.page.read_text()
    for row, sgd in ((finished.shared, "top in 1 of 1"), (finished.apart, "right in 1 of 1")):
        given = finished.table()[row]
        start = f"| {row + 1} | {given['label']} | {sgd} | top in 1 of 1 | "
        assert f"{start}{float(given['x']):g} | {float(given['y']):g} |" in page


def test_nothing_is_wrong_with_it(finished: Swept) -> None:
    assert examine(finished.job().store, "hard").problems == ()


def test_a_finished_sweep_stays_as_it_is(finished: Swept) -> None:
    written = finished.rows.stat().st_mtime_ns
    finished.sweep()
    assert finished.rows.stat().st_mtime_ns == written


def test_a_report_needs_no_data(
    finished: Swept, copied: Swept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fairsweep.data.sources.SOURCES", {})
    assert section(copied.report()) == section(finished.page.read_text())


def section(page: str) -> str:
    _, _, after = page.partition("## Hard rows")
    found, _, _ = after.partition("\n## ")
    assert found
    return found


def test_a_store_of_before_has_no_values(copied: Swept) -> None:
    copied.rows.unlink()
    page = copied.report()
    assert "| top in 1 of 1 | top in 1 of 1 |\n" in page
    assert "isn't stored with this sweep; its command, run again, stores it" in page


def test_a_damaged_file_is_told_and_written_again(finished: Swept, copied: Swept) -> None:
    copied.rows.write_bytes(copied.rows.read_bytes()[:-9])
    with pytest.raises(StorageError, match=r"^rows\.json of sweep hard .*run the sweep's command"):
        copied.report()
    store = copied.job().store
    (problem,) = examine(store, "hard").problems
    assert (problem.rule, problem.remedy) == ("V5", AGAIN)
    assert "rows.json can't be read (" in problem.what
    copied.sweep()
    assert copied.rows.read_bytes() == finished.rows.read_bytes()
