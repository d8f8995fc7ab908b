"""Before the first trial: every arm's defaults are tried on the data, by the workers as they start.

In: a plan. Out: workers that are ready to train it, or `BadInput` with all that is wrong of all
arms. What a worker compiles for it is there for its first trials.
"""

from __future__ import annotations

import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

from fairsweep.config.plan import Plan
from fairsweep.errors import BadInput, PipelineError
from fairsweep.executor import Executor
from fairsweep.records import TrialKey, TrialResult, TrialSpec, WorkerLost, derive_seed
from fairsweep.stages.dispatch import ATTEMPTS, STARVED_ATTEMPTS
from fairsweep.stages.search import trial_spec

LISTENING_SECONDS = 0.5


@contextmanager
def tried_workers(
    workers: Executor,
    plan: Plan,
    root: Path,
    logs: Path,
    say: Callable[[str], None],
    beside: AbstractContextManager[object] | None = None,
) -> Iterator[Executor]:
    """Workers that have built each arm's model, compiled it and trained it for one step.

    Args:
        workers: to enter, and to be left with this; where there are none, nothing is tried.
        plan: has the arms.
        root: of the store.
        logs: the command's folder in there; where there is bad input, nothing of it is left.
        say: tells the user what takes its time.
        beside: to enter while workers start, and to be left with them.

    Raises:
        BadInput: with an arm or more it can't be done.
        PipelineError: workers die of it.
    """
    with workers as executor, beside or nullcontext():
        if executor.size:
            say("importing TensorFlow (a few seconds), then trying every model on one batch")
        problems, notes = _preflight(executor, plan) if executor.size else ((), ())
        if not problems:
            for note in notes:
                say(f"warning: {note}")
            yield executor
    if problems:
        _leave_nothing(root, logs)
        raise BadInput(*problems)


def _preflight(executor: Executor, plan: Plan) -> tuple[Sequence[str], Sequence[str]]:
    """What is wrong, and what is to be told."""
    specs = {spec.key: spec for spec in _specs(plan)}
    waiting = deque(specs.values())
    results: dict[str, TrialResult] = {}
    lost: list[WorkerLost] = []
    while len(results) < len(specs):
        while waiting and executor.idle:
            executor.submit(waiting.popleft())
        for event in executor.events(LISTENING_SECONDS):  # it looks for what hangs in between
            if isinstance(event, TrialResult):
                results[event.key.arm] = event
            elif isinstance(event, WorkerLost):
                lost.append(event)
                if problem := _hopeless(lost):
                    return [problem], ()
                if event.key is not None:
                    waiting.appendleft(specs[event.key])
    errors = {arm: result.error.split("\n") for arm, result in results.items()}
    notes = {arm: result.notes for arm, result in results.items()}
    return [*_together(plan, errors), *_traces(results)], list(_together(plan, notes))


def _specs(plan: Plan) -> Iterator[TrialSpec]:
    """The first trial of each arm, to be tried."""
    for arm in plan.arms:
        seed = derive_seed(arm.settings.training.seed, "search", 0)
        yield trial_spec(plan, arm, TrialKey(arm.name, "check", 0), {}, seed)


def _hopeless(lost: Sequence[WorkerLost]) -> str:
    """What to say when too many workers have died of memory.

    Raises:
        PipelineError: too many have died otherwise.
    """
    last = lost[-1]
    if sum(loss.out_of_memory for loss in lost) >= STARVED_ATTEMPTS:
        return (
            f"model: {last.why} at the first step; make it smaller, or lower training.batch_size "
            "or executor.workers"
        )
    if len(lost) >= ATTEMPTS:
        raise PipelineError(
            f"workers die before they can train (exit code {last.exit_code}); their log is "
            f"{last.log}"
        )
    return ""


def _together(plan: Plan, told: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Lines, each once, with the arms that have it unless all do."""
    arms: dict[str, list[str]] = {}
    for arm in plan.arms:
        for line in filter(None, told[arm.name]):
            arms.setdefault(line, []).append(arm.name)
    for line, own in arms.items():
        yield line if len(own) == len(plan.arms) else f"arm {', '.join(own)}: {line}"


def _traces(results: Mapping[str, TrialResult]) -> Iterator[str]:
    """Where exceptions came from, for those who ask for it as they do of Hydra."""
    if os.environ.get("HYDRA_FULL_ERROR") == "1":
        yield from (result.traceback for result in results.values() if result.traceback)


def _leave_nothing(root: Path, logs: Path) -> None:
    """Takes a command's logs away, and what of the store is empty without them."""
    shutil.rmtree(logs)
    above = [folder for folder in logs.parents if folder.is_relative_to(root)]
    for folder in (root / "studies", root / "artifacts", *above):
        with suppress(OSError):  # something else is in it
            folder.rmdir()
