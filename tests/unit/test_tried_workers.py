"""What becomes of a sweep whose workers try its arms, with workers that are scripted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from fairsweep.config.compose.commands import compose_sweep
from fairsweep.errors import BadInput, PipelineError
from fairsweep.records import TrialKey, TrialResult, TrialSpec, WorkerLost
from fairsweep.stages.preflight import tried_workers
from fairsweep.testing import ScriptedExecutor

PLAN = compose_sweep(["arms.optimizer=[sgd,adam,lion]"])
Answer = Callable[[TrialSpec], TrialResult | WorkerLost]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store as a new one is, with the folder of a command in it."""
    root = tmp_path / "mlruns"
    for folder in ("studies", "artifacts", "hydra/today/now"):
        (root / folder).mkdir(parents=True)
    (root / "hydra" / "today" / "now" / "worker-1.log").write_text("words")
    return root


def tried(
    store: Path,
    answer: Answer,
    count: int = 2,
    say: Callable[[str], None] = lambda _: None,
) -> tuple[ScriptedExecutor, Sequence[str]]:
    """The workers, and the problems that there were."""
    workers = ScriptedExecutor(workers=count, checks=lambda spec: [answer(spec)])
    try:
        logs = store / "hydra" / "today" / "now"
        with tried_workers(workers, PLAN, store, logs, say) as executor:
            assert executor is workers
            assert not workers.closed
    except BadInput as error:
        return workers, error.problems
    return workers, ()


def fine(spec: TrialSpec) -> TrialResult:
    return TrialResult(spec.key, "complete", 0, 0.1)


def wrong(*problems: str, arms: Sequence[str] = ("sgd", "adam", "lion"), trace: str = "") -> Answer:
    def answer(spec: TrialSpec) -> TrialResult:
        if spec.key.arm not in arms:
            return fine(spec)
        error = "\n".join(problems)
        return TrialResult(spec.key, "failed", 0, 0.1, error=error, traceback=trace)

    return answer


def test_every_arm_is_tried_with_its_defaults(store: Path) -> None:
    workers, problems = tried(store, fine)
    assert problems == ()
    assert [spec.key for spec in workers.given] == [
        TrialKey(arm, "check", 0) for arm in ("sgd", "adam", "lion")
    ]
    for spec, arm in zip(workers.given, PLAN.arms, strict=True):
        assert (spec.model, spec.optimizer) == (arm.settings.model, arm.settings.optimizer)
        assert (spec.weights, spec.checkpoints, spec.test) == ("", "", False)
    assert (store / "hydra" / "today" / "now" / "worker-1.log").exists()
    assert workers.closed


def test_problems_are_told_together_and_each_once(store: Path) -> None:
    def answer(spec: TrialSpec) -> TrialResult:
        own = {"sgd": ["all", "two"], "adam": ["all"], "lion": ["all", "two", "one"]}
        return TrialResult(spec.key, "failed", 0, 0.1, error="\n".join(own[spec.key.arm]))

    _, problems = tried(store, answer)
    assert problems == ("all", "arm sgd, lion: two", "arm lion: one")


def test_notes_are_told_and_the_sweep_goes_on(store: Path) -> None:
    def answer(spec: TrialSpec) -> TrialResult:
        own = ["odd", "of one"] if spec.key.arm == "adam" else ["odd"]
        return TrialResult(spec.key, "complete", 0, 0.1, notes=own)

    said: list[str] = []
    _, problems = tried(store, answer, say=said.append)
    assert problems == ()
    assert said[1:] == ["warning: odd", "warning: arm adam: of one"]


def test_one_bad_arm_is_enough(store: Path) -> None:
    _, problems = tried(store, wrong("no", arms=["adam"]))
    assert problems == ("arm adam: no",)


def test_nothing_is_left_of_a_store_that_was_made_for_it(store: Path) -> None:
    workers, _ = tried(store, wrong("no"))
    assert workers.closed
    assert not store.exists()
    assert store.parent.exists()


def test_what_was_there_before_stays(store: Path) -> None:
    kept = [store / "mlflow.db", store / "hydra" / "yesterday" / "sweep.log"]
    kept[1].parent.mkdir()
    for path in kept:
        path.write_text("kept")
    tried(store, wrong("no"))
    assert sorted(path for path in store.rglob("*") if path.is_file()) == sorted(kept)
    assert not (store / "hydra" / "today").exists()


@pytest.mark.parametrize("asked", [False, True])
def test_a_traceback_is_shown_to_those_who_ask(
    monkeypatch: pytest.MonkeyPatch, store: Path, asked: bool
) -> None:
    if asked:
        monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    _, problems = tried(store, wrong("no", arms=["sgd"], trace="Traceback …"))
    assert problems == ("arm sgd: no", "Traceback …")[: 1 + asked]


def lost(spec: TrialSpec, out_of_memory: bool = False) -> WorkerLost:
    return WorkerLost(spec.key, -9, "worker-1.log", out_of_memory=out_of_memory, peak=2**30)


def test_a_worker_that_dies_once_costs_nothing(store: Path) -> None:
    died: list[TrialKey] = []

    def answer(spec: TrialSpec) -> TrialResult | WorkerLost:
        if spec.key.arm == "adam" and not died:
            died.append(spec.key)
            return lost(spec)
        return fine(spec)

    workers, problems = tried(store, answer)
    assert problems == ()
    assert [spec.key.arm for spec in workers.given].count("adam") == 2


def test_workers_that_die_of_an_arm_end_the_sweep(store: Path) -> None:
    with pytest.raises(PipelineError, match=r"\(exit code -9\); their log is worker-1.log") as told:
        tried(store, lost)
    assert not isinstance(told.value, BadInput)
    assert (store / "hydra" / "today" / "now" / "worker-1.log").exists()


def test_a_model_that_memory_has_no_room_for_is_bad_input(store: Path) -> None:
    workers, problems = tried(store, lambda spec: lost(spec, out_of_memory=True))
    (problem,) = problems
    assert "ran out of memory (it had 1.0 GiB)" in problem
    assert "lower training.batch_size or executor.workers" in problem
    assert len(workers.given) <= 4


def test_without_anything_to_train_nothing_is_tried(store: Path) -> None:
    workers, problems = tried(store, wrong("no"), count=0)
    assert (workers.given, problems) == ([], ())
