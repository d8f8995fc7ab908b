"""The jobs that tests look at: each is run once a session, by `lab.Lab`.

Most train on the worked example, six rows: what they are about is the sweep, not the network, and
an epoch of one batch lets a test stop a training at an exact epoch.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np

from fairsweep.config.schema import Data
from fairsweep.data.split import load_split
from tests.integration.forked import Forked, ForkedSandbox, ScriptedSandbox
from tests.integration.lab import Done, Sandbox, Scenario, finish, listing, wait_until
from tests.integration.processes import descendants, gone_within, workers_of
from tests.integration.stored import Run, Stored, trainings, whole

SMALL = (
    *("data=worked_example", "objective.metric=loss", "objective.direction=minimize"),
    *("training.batch_size=6", "training.space.batch_size=null"),
    *("search=random", "pruner=none", "confirm.folds=0", "confirm.seeds=1"),
    "executor.workers=1",
)
"""Six rows, one batch an epoch, nothing pruned, one worker."""

Running = subprocess.Popen[str] | Forked

ARMS, TRIALS, EPOCHS, WAITS_AT = ("sgd", "adam"), 2, 4, 3
WAITING = (
    *SMALL,
    *("model=custom", "model.builder=workbench:waits", f"+model.params.batch={WAITS_AT}"),
    *(f"training.epochs={EPOCHS}", f"search.trials={TRIALS}", "arms.optimizer=[sgd,adam]"),
    "sweep.name=waiting",
)
"""A sweep whose first training that comes to epoch `WAITS_AT` waits there."""


@dataclass(frozen=True)
class Finished:
    """A command that has ended, and the sandbox it ran in."""

    done: Done
    sandbox: Sandbox

    @property
    def sweep(self) -> str:
        """Name of the only sweep there is."""
        (run,) = self.sandbox.stored.runs(stage="sweep")
        return run.tags["sweep"]


# A whole small job.


OWN_PROJECT = ("pyproject.toml", "uv.lock")


@dataclass(frozen=True)
class Smoke(Finished):
    """`written` lists what is new in each of the sandbox's folders when the sweep has ended."""

    written: Mapping[str, Sequence[str]]


def smoke(sandbox: Sandbox) -> Smoke:
    sandbox.copy_project()
    for name in OWN_PROJECT:  # of the user's own, for uv
        (sandbox.work / name).write_text("")
    folders = {name: getattr(sandbox, name) for name in ("work", "home", "temporary", "project")}
    before = {name: listing(folder) for name, folder in folders.items()}
    done = sandbox.sweep("experiment=smoke")
    written = {
        name: [path for path in listing(folder) if path not in before[name]]
        for name, folder in folders.items()
    }
    return Smoke(done, sandbox, written)


@dataclass(frozen=True)
class TrainedAgain(Finished):
    """The command that a report prints, run in an empty folder."""

    command: str
    original: str


def trained_again(sandbox: Sandbox, swept: Smoke) -> TrainedAgain:
    report = swept.sandbox.report_files(swept.sweep)["report.md"].decode()
    (command,) = re.findall(r"^python -m fairsweep train .*$", report, re.MULTILINE)
    (original,) = re.findall(r"MLflow run \[`([0-9a-f]{32})`\]", report)
    done = sandbox.run(*shlex.split(command)[2:])
    return TrainedAgain(done, sandbox, command, original)


def headline(report: str) -> str:
    """The sentence in bold at the head of report.md, as plain text."""
    (text,) = re.findall(r"^\*\*(.+)\*\*$", report, re.MULTILINE)[:1]
    return re.sub(r"\\(.)", r"\1", text)


# The champion of that sweep, in a store that was moved.


@dataclass(frozen=True)
class Served:
    """`predicted` has the champion's answers for the test rows, `answer` what the model server said
    of the first of them, `refused` its status for rows of another shape. `reports` are the report's
    files before the store was moved and after."""

    sandbox: Sandbox
    sweep: str
    predicted: Path
    from_csv: Path
    answer: Mapping[str, list[dict[str, object]]]
    refused: int
    report: Done
    reports: tuple[Mapping[str, bytes], Mapping[str, bytes]]
    old_place_untouched: bool

    @property
    def database(self) -> Path:
        return self.sandbox.stored.database


def served(sandbox: Sandbox, swept: Smoke) -> Served:
    before = swept.sandbox.report_files(swept.sweep)
    # A place of its own: others work on the sweep's own store meanwhile.
    first = sandbox.work.with_name("first") / "mlruns"
    shutil.copytree(swept.sandbox.work / "mlruns", first)
    at_home = sandbox.report(f"tracking.root={first}")
    assert at_home.code == 0, at_home.said
    old = {path: path.stat().st_mtime_ns for path in first.rglob("*")}
    shutil.copytree(first, sandbox.work / "mlruns")
    data = load_split(Data("digits", "digits", rescale=0.0625))
    rows = data.dataset.x[data.test]
    np.savez(sandbox.work / "rows.npz", x=rows)
    header = ",".join(f"pixel {i}" for i in range(64))
    flat = rows.reshape(len(rows), -1)
    np.savetxt(sandbox.work / "rows.csv", flat, "%g", ",", header=header, comments="")
    for kind in ("npz", "csv"):
        done = sandbox.run("fairsweep", "predict", f"input=rows.{kind}", f"output={kind}.csv")
        assert done.code == 0, done.said
    report = sandbox.report()
    answer, refused = _ask_server(sandbox, swept.sweep, rows[:3].tolist())
    return Served(
        sandbox,
        swept.sweep,
        sandbox.work / "npz.csv",
        sandbox.work / "csv.csv",
        answer,
        refused,
        report,
        (before, sandbox.report_files(swept.sweep)),
        {path: path.stat().st_mtime_ns for path in first.rglob("*")} == old,
    )


def _ask_server(
    sandbox: Sandbox, sweep: str, rows: Sequence[object]
) -> tuple[dict[str, list[dict[str, object]]], int]:
    """What `mlflow models serve` answers to rows, and its status for half a row."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = sandbox.start(
        *("mlflow", "models", "serve", "-m", f"models:/{sweep}@champion"),
        *("--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)),
        MLFLOW_TRACKING_URI=f"sqlite:///{sandbox.stored.database}",
        PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: _answers(f"{address}/health"), "the model server", process)
        answer = _post(f"{address}/invocations", {"inputs": rows})
        try:
            _post(f"{address}/invocations", {"inputs": [[1.0] * 32]})
            refused = 200
        except HTTPError as error:
            refused = error.code
            error.close()
    finally:
        for pid in [*descendants(process.pid), process.pid]:
            os.kill(pid, signal.SIGTERM)
        process.communicate()
    return answer, refused


def _answers(address: str) -> bool:
    try:
        urlopen(address, timeout=2).close()
    except OSError:
        return False
    return True


def _post(address: str, content: object) -> dict[str, list[dict[str, object]]]:
    body = json.dumps(content).encode()
    request = Request(address, body, {"Content-Type": "application/json"})
    with urlopen(request, timeout=60) as response:
        answer: dict[str, list[dict[str, object]]] = json.load(response)
    return answer


# The same sweep twice, with pruning and a budget of epochs.

TWIN_EPOCHS, TWIN_BUDGET = 4, 14


def twin(sandbox: Sandbox) -> Finished:
    done = sandbox.sweep(
        *("data=digits", "arms.optimizer=[sgd,adam]", "executor.workers=1"),
        *("confirm.folds=0", "confirm.seeds=1"),
        *("search=tpe", "search.params.n_startup_trials=2"),
        *("search.trials=50", f"search.epochs={TWIN_BUDGET}", f"training.epochs={TWIN_EPOCHS}"),
        *("pruner=successive_halving", "pruner.params.min_resource=1"),
        "pruner.params.reduction_factor=2",
    )
    return Finished(done, sandbox)


# One name, and more and more of it.


@dataclass(frozen=True)
class Step:
    """A command under the sweep's name, with the store before and after it."""

    done: Done
    runs: Sequence[Run]
    rows_unchanged: bool
    studies_unchanged: bool


@dataclass(frozen=True)
class Growing:
    """`steps` has a `Step` for each command given; `sandbox` stands after the last. The code
    changes before the new arm comes."""

    steps: Mapping[str, Step]
    sandbox: Sandbox


def growing(sandbox: ScriptedSandbox) -> Growing:
    base = [*SMALL, "model=mlp", "training.epochs=2", "sweep.name=growing"]
    adam, both = "arms.optimizer=[adam]", "arms.optimizer=[adam,sgd]"
    slow = ["optimizer.space.learning_rate=null"]
    commands = {
        "first": [*base, adam, "search.trials=1"],
        "more trials": [*base, adam, "search.trials=3"],
        "new arm": [*base, both, "search.trials=3"],
        "other space": [*base, both, "search.trials=3", *slow],
        "other data": [*base, both, "search.trials=3", "data.standardize=true"],
        "other model": [*base, both, "search.trials=3", "model.params.activation=tanh"],
        "other space and new arm": [
            *(*base, "arms.optimizer=[rmsprop,adam,sgd]", "search.trials=3"),
            "model.params.activation=tanh",
        ],
        "finished, and fewer trials": [*base, both, "search.trials=2"],
    }
    steps = {}
    for name, overrides in commands.items():
        if name == "new arm":
            code = sandbox.code / "changed.py"
            code.write_text("# changed")
            sandbox.changed_code = str(code)
        steps[name] = _step(sandbox, overrides)
    return Growing(steps, sandbox)


def _step(sandbox: Sandbox, overrides: Sequence[str]) -> Step:
    rows, studies = _state(sandbox)
    done = sandbox.sweep(*overrides)
    rows_after, studies_after = _state(sandbox)
    return Step(done, sandbox.stored.runs(), rows_after == rows, studies_after == studies)


def _state(sandbox: Sandbox) -> tuple[object, dict[str, bytes]]:
    """Everything that is stored: all rows of the database, and the bytes of every study."""
    rows = sandbox.stored.dump() if sandbox.stored.database.exists() else None
    journals = sandbox.journal("any").parent.glob("*.journal")
    return rows, {path.name: path.read_bytes() for path in journals}


# Single trainings, and the worked example.


@dataclass(frozen=True)
class Singles:
    """`fairsweep train` with overrides, then the worked example, in one store."""

    overridden: Done
    worked: Done
    sandbox: Sandbox


def singles(sandbox: Sandbox) -> Singles:
    overridden = sandbox.train(
        "optimizer=adam", "model.params.hidden_units=[64,32]", "training.epochs=3"
    )
    return Singles(overridden, sandbox.train("experiment=worked_example"), sandbox)


# Trials that go wrong, and two sweeps in one store.


@dataclass(frozen=True)
class Troubled:
    """A sweep with a model that raises, then one in which an arm always does, then one that
    diverges, then one that works."""

    failing: Done
    alike: Done
    diverging: Done
    worked: Done
    sandbox: Sandbox


FRAGILE = """\
name: fragile
builder: workbench:fails
params: {units: 8}
space: {units: {choices: [8, 13]}}
"""
BROKEN = """\
name: broken
builder: workbench:always_fails
params: {}
space: {}
"""


def troubled(sandbox: ScriptedSandbox) -> Troubled:
    _install_workbench(sandbox)
    sandbox.script = "fragile"
    options = sandbox.code / "options" / "model"
    options.mkdir(parents=True)
    (options / "fragile.yaml").write_text(FRAGILE)
    failing = sandbox.sweep(
        *("--config-dir", str(options.parent), *SMALL, "model=fragile", "training.epochs=2"),
        *("search.trials=4", "arms.optimizer=[sgd,adam]", "sweep.name=failing"),
        FAIRSWEEP_TRUSTED_PACKAGES="workbench",
    )
    (options / "broken.yaml").write_text(BROKEN)
    alike = sandbox.sweep(
        *("--config-dir", str(options.parent), *SMALL, "arms.model=[broken,mlp]"),
        *("training.epochs=2", "search.trials=6", "sweep.name=alike"),
        FAIRSWEEP_TRUSTED_PACKAGES="workbench",
    )
    sandbox.script = "diverging"
    diverging = sandbox.sweep(
        *(*SMALL, "model=mlp", "arms.optimizer=[sgd]", "optimizer.space.learning_rate=null"),
        *("optimizer.params.learning_rate=1e20", "search.trials=2", "training.epochs=6"),
        "sweep.name=diverging",
    )
    sandbox.script = "learning"
    worked = sandbox.sweep("experiment=worked_example", "confirm.seeds=2")
    return Troubled(failing, alike, diverging, worked, sandbox)


# Workers that hang.

TRAPS, STALL = ("spin", "sleep", "build"), 8
STUCK = f"""\
name: stuck
builder: workbench:stuck
params: {{how: never}}
space: {{how: {{choices: [never, {", ".join(TRAPS)}]}}}}
"""


def stuck(sandbox: Sandbox) -> Finished:
    """A sweep over all the ways to hang, and one that doesn't."""
    _install_workbench(sandbox)
    options = sandbox.code / "options" / "model"
    options.mkdir(parents=True)
    (options / "stuck.yaml").write_text(STUCK)
    given = [g for g in SMALL if not g.startswith(("search=", "executor."))]
    done = sandbox.sweep(
        *("--config-dir", str(options.parent), *given, "search=grid", "search.only=[model.how]"),
        *("model=stuck", "optimizer=sgd", "training.epochs=4", f"training.stall_seconds={STALL}"),
        *("search.trials=9", "executor.workers=2", "sweep.name=stuck"),
        FAIRSWEEP_TRUSTED_PACKAGES="workbench",
    )
    return Finished(done, sandbox)


# Processes that die.


def assert_counted(printed: str) -> None:
    """The last training of the process that ended a sweep is the last of all that were counted. It
    has none where everything was stored before."""
    counts = re.findall(r"^\[(\d+)/(\d+)", printed, re.MULTILINE)
    for done, total in counts[-1:]:
        assert done == total, printed


def assert_whole(stored: Stored, sweep: str, searches: int = 1) -> None:
    """What must hold of a finished sweep of `ARMS`, `TRIALS` and `EPOCHS`, whatever happened to it
    on the way."""
    places = sorted((arm, str(number)) for arm in ARMS for number in range(searches))
    runs = stored.runs(sweep)
    assert Counter(run.stage for run in runs if run.stage in {"sweep", "arm"}) == {
        "sweep": 1,
        "arm": len(ARMS),
    }
    counted = Counter(
        (run.stage, (run.arm, run.tags.get("search", "0")), run.trial)
        for run in trainings(whole(runs))
    )
    searched = {key: count for key, count in counted.items() if key[0] == "search"}
    assert searched == {("search", own, trial): 1 for own in places for trial in range(TRIALS)}
    assert sorted(own for stage, own, _ in counted if stage == "confirm") == places
    assert {run.status for run in whole(runs)} == {"FINISHED"}
    assert "RUNNING" not in {run.status for run in runs}
    for run in trainings(whole(runs)):
        assert run.steps("loss") == list(range(1, EPOCHS + 1)), run.name
    assert stored.twice("search", "confirm") == []


@dataclass(frozen=True)
class WorkerKilled(Finished):
    """`epochs_seen` were in the database while the training waited, before its worker died."""

    killed: int
    epochs_seen: int


def worker_killed(sandbox: Sandbox) -> WorkerKilled:
    process = _start_waiting(sandbox)
    # Epochs before the one that waits are finished: they must come to the store by themselves.
    seen = _most_within(30, sandbox.stored.epochs_so_far, WAITS_AT - 1)
    killed = int((sandbox.code / "waiting").read_text())
    os.kill(killed, signal.SIGKILL)
    (sandbox.code / "open").touch()
    return WorkerKilled(finish(process), sandbox, killed, seen)


@dataclass(frozen=True)
class Stop:
    """A sweep stopped while a training waited. `left` are its workers that were still there 5 s
    after it had ended, `runs` what was stored then."""

    done: Done
    workers: int
    left: Sequence[int]
    runs: Sequence[Run]


@dataclass(frozen=True)
class Stopped:
    """A sweep killed, the same command interrupted, and the same command again, to the end.

    `second` is the same command while the first one ran.
    """

    second: Done
    killed: Stop
    interrupted: Stop
    continued: Done
    sandbox: Sandbox


def stopped(sandbox: ScriptedSandbox) -> Stopped:
    sandbox.script = "waiting"
    process = _start_waiting(sandbox, "executor.workers=2")
    second = _waiting_sweep(sandbox)
    killed = _stop(sandbox, process, signal.SIGKILL)
    (sandbox.code / "waiting").unlink()
    process = _start_waiting(sandbox)
    interrupted = _stop(sandbox, process, signal.SIGINT)
    (sandbox.code / "open").touch()
    return Stopped(second, killed, interrupted, _waiting_sweep(sandbox), sandbox)


RESUMED = (
    *("pruner=median" if given == "pruner=none" else given for given in WAITING),
    *("pruner.params.n_warmup_steps=0", "pruner.params.interval_steps=1"),
)
"""The same sweep, every epoch judged, with a checkpoint after every epoch."""


@dataclass(frozen=True)
class Resumed(Finished):
    """A sweep that left checkpoints: its worker killed, then the sweep killed, then interrupted,
    each in another training, and the same command to its end. `folders` has the checkpoints there
    were when it was interrupted, `left` is what was left beside the journal at the end."""

    stops: Sequence[Stop]
    folders: Sequence[str]
    left: Sequence[str]


def resumed(sandbox: ScriptedSandbox) -> Resumed:
    sandbox.script = "dies_once"
    studies = sandbox.journal("any").parent
    often, waiting = "training.checkpoint_seconds=1e-9", sandbox.code / "waiting"
    stops = []
    for how in (signal.SIGKILL, signal.SIGINT):
        process = _start_waiting(sandbox, often, command=RESUMED)
        folders = listing(studies / "waiting.checkpoints")
        stops.append(_stop(sandbox, process, how))
        waiting.unlink()
    (sandbox.code / "open").touch()
    done = _waiting_sweep(sandbox, often, command=RESUMED)
    left = [path.name for path in studies.iterdir()]
    return Resumed(done, sandbox, stops, folders, left)


def _stop(sandbox: Sandbox, process: Running, how: signal.Signals) -> Stop:
    workers = workers_of(process.pid)
    process.send_signal(how)
    done = finish(process)
    return Stop(done, len(workers), gone_within(60, workers), sandbox.stored.runs())


def _start_waiting(sandbox: Sandbox, *overrides: str, command: Sequence[str] = WAITING) -> Running:
    """Starts a sweep; returns when its training waits, and epochs of what it trains are stored."""
    _install_workbench(sandbox)
    stored = sandbox.stored.epochs_so_far()
    process = sandbox.start("fairsweep", "sweep", *command, *overrides, **_workbench(sandbox))
    wait_until((sandbox.code / "waiting").exists, "a training to wait", process)
    kept = sandbox.stored
    wait_until(
        lambda: kept.epochs_so_far() > stored and kept.epochs_under_way() > 0,
        "an epoch of the training in the store",
        process,
    )
    return process


def _waiting_sweep(sandbox: Sandbox, *overrides: str, command: Sequence[str] = WAITING) -> Done:
    return sandbox.sweep(*command, *overrides, **_workbench(sandbox))


def _workbench(sandbox: Sandbox) -> dict[str, str]:
    return {"WORKBENCH": str(sandbox.code), "FAIRSWEEP_TRUSTED_PACKAGES": "workbench"}


def _install_workbench(sandbox: Sandbox) -> None:
    shutil.copy(Path(__file__).with_name("workbench.py"), sandbox.code)


def _most_within(seconds: float, count: Callable[[], int], enough: int) -> int:
    """The count once it is enough, or what it is when the time is up."""
    deadline = time.monotonic() + seconds
    while (found := count()) < enough and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


SCENARIOS = {
    "smoke": Scenario(smoke),
    "trained_again": Scenario(trained_again, after=("smoke",), box=ForkedSandbox),
    "served": Scenario(served, after=("smoke",), box=ScriptedSandbox),
    "twin_one": Scenario(twin, box=ScriptedSandbox, database=True),
    "twin_two": Scenario(twin, box=ScriptedSandbox, database=True),
    "growing": Scenario(growing, box=ScriptedSandbox, database=True),
    "singles": Scenario(singles, box=ScriptedSandbox),
    "troubled": Scenario(troubled, box=ScriptedSandbox, database=True),
    "worker_killed": Scenario(worker_killed, box=ForkedSandbox),
    "stopped": Scenario(stopped, box=ScriptedSandbox, database=True),
    "resumed": Scenario(resumed, box=ScriptedSandbox, database=True),
    "stuck": Scenario(stuck),
}


def train(names: Iterable[str]) -> bool:
    """Whether one of these scenarios has workers that train, or comes after one that has."""
    found = [SCENARIOS[name] for name in names]
    return any(scenario.box is not ScriptedSandbox or train(scenario.after) for scenario in found)
