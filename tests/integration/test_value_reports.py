"""A sweep over values from its trainings to its report, and what the doctor says of its files."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fairsweep.commands.sweep import prepare
from fairsweep.doctor.examine import examine
from fairsweep.records import SweepRecord
from fairsweep.stages.job import Job
from fairsweep.stages.sweep import run_sweep
from fairsweep.tested import Residuals
from fairsweep.testing import learning, scripted
from fairsweep.tracking.read import read_sweep
from fairsweep.tracking.store import Store

pytestmark = pytest.mark.filterwarnings("default")  # MLflow and what it needs warn of themselves
ROWS = 60
SHORT = (
    *("arms.optimizer=[sgd,adam]", "search.trials=2", "training.epochs=3", "search=random"),
    *("confirm.folds=2", "confirm.repeats=1", "sweep.name=values", "terminal=plain"),
)
TARGETS = ("price", "rent")


def houses(folder: Path) -> tuple[str, ...]:
    """Rows with two numbers to predict, in very different units."""
    draw, lines = random.Random(0), ["rooms,garden,price,rent"]
    for _ in range(ROWS):
        rooms, garden = draw.uniform(1, 9), draw.uniform(0, 1)
        price, rent = 50_000 * rooms + 1000 * garden + 0.5, 0.001 * rooms
        lines.append(f"{rooms:.4f},{garden:.4f},{price:.2f},{rent:.6f}")
    (folder / "houses.csv").write_text("\n".join([*lines, ""]))
    target = f"data.target=[{','.join(TARGETS)}]"
    return ("data=csv", f"data.path={folder / 'houses.csv'}", target)


@pytest.fixture(scope="module")
def swept(
    tmp_path_factory: pytest.TempPathFactory, empty_store: Callable[[Path], Store]
) -> tuple[Job, Path]:
    """A finished sweep, and the folder of its store."""
    folder = tmp_path_factory.mktemp("values")
    root = empty_store(folder / "mlruns").root
    job = prepare([*SHORT, f"tracking.root={root}", *houses(folder)], None)
    assert run_sweep(job, folder, scripted(learning)) == 0
    return job, root


@pytest.fixture(scope="module")
def record(swept: tuple[Job, Path]) -> SweepRecord:
    job, _ = swept
    return read_sweep(job.store, job.plan.name)


def test_every_confirmation_keeps_values_of_its_test_rows(record: SweepRecord) -> None:
    confirmed = [run for run in record.runs if run.key.stage == "confirm"]
    assert len(confirmed) == 4
    for run in confirmed:
        assert isinstance(run.tested, Residuals)
        assert run.tested.rows == record.data["test rows"] == 12
        price, rent = run.tested.targets
        assert (price.name, rent.name) == TARGETS
        assert price.predicted == pytest.approx(price.true, rel=1e-5)  # the script is always right
        assert min(price.true) > 50_000 * 0.9
        assert max(rent.true) < 0.01


def test_its_report_has_pictures_of_values_and_none_of_classes(
    swept: tuple[Job, Path], record: SweepRecord
) -> None:
    job, root = swept
    (page,) = root.rglob("report.md")
    text = page.read_text()
    assert "## Predicted and true values" in text
    assert "## Class by class" not in text
    assert {path.name for path in page.parent.glob("*.svg")} >= {
        *("predicted-1.svg", "predicted-2.svg", "errors-1.svg", "errors-2.svg"),
        *("curves-mae.svg", "curves-rmse.svg", "curves-r2.svg"),
    }
    assert "Each of the 48 rows is predicted exactly by some arm." in text
    assert f"{record.objective.metric} is the mean over 2 targets, each in its own unit" in (
        text.replace("\\", "")
    )
    assert "output=values.csv" in text
    assert record.champion is not None
    assert examine(job.store, job.plan.name).problems == ()


@pytest.fixture
def kept(swept: tuple[Job, Path], record: SweepRecord) -> Iterator[Path]:
    """What a confirmation keeps of test rows, to damage; it is put back."""
    _, root = swept
    run = next(run for run in record.runs if run.key.stage == "confirm")
    file = root / "artifacts" / run.run_id / "artifacts" / "residuals.json"
    content = file.read_bytes()
    yield file
    file.write_bytes(content)


def missing(file: Path) -> None:
    file.unlink()


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-20])


def shortened(file: Path) -> None:
    kept = json.loads(file.read_text())
    kept["targets"][1]["true"].pop()
    file.write_text(json.dumps(kept))


def of_fewer_rows(file: Path) -> None:
    kept = json.loads(file.read_text())
    for target in kept["targets"]:
        target["true"].pop()
        target["predicted"].pop()
    file.write_text(json.dumps({**kept, "rows": kept["rows"] - 1}))


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (missing, "residuals.json is missing"),
        (cut, "residuals.json can't be read ("),
        (shortened, "residuals.json can't be read (it hasn't 12 values of 'rent')"),
        (of_fewer_rows, "residuals.json counts 11 of 12 test rows"),
    ],
)
def test_damage_is_told(
    damage: Callable[[Path], None], told: str, kept: Path, swept: tuple[Job, Path]
) -> None:
    damage(kept)
    job, _ = swept
    (problem,) = examine(job.store, job.plan.name).problems
    assert (problem.rule, problem.what[: len(told)]) == ("V5", told)


def test_a_prediction_that_is_no_number_is_told(kept: Path, swept: tuple[Job, Path]) -> None:
    file, (job, _) = kept.with_name("judged.csv"), swept
    content = file.read_text()
    header, first, *others = content.splitlines()
    row, true, _, *metrics = first.split(",")
    file.write_text("\n".join([header, ",".join([row, true, "much", *metrics]), *others, ""]))
    (problem,) = examine(job.store, job.plan.name).problems
    file.write_text(content)
    assert problem.rule == "V5"
    assert problem.what.startswith("judged.csv can't be read (")
