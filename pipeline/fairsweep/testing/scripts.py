"""What a scripted training does, step by step.

In: a `TrialSpec`. Out: the metrics of its epochs, and perhaps an end of another kind than all of
them trained.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from fairsweep.folds import ALL_ROWS
from fairsweep.metrics import VALIDATION, Metric, asked
from fairsweep.records import Outcome, TrialKey, TrialResult, TrialSpec, WorkerLost, derive_seed

Step = Mapping[str, float] | TrialResult | WorkerLost | None
"""The metrics of the next epoch, an end, or nothing yet. The executor fills in which training an
end is of, unless it says so itself."""

Script = Callable[[TrialSpec], Iterable[Step]]
"""The steps of a training; one that has no more of them is complete. It is called again for another
attempt; an attempt that goes on from a checkpoint passes over the epochs that it has already."""

NOBODY = TrialKey("", "search", -1)


def learning(spec: TrialSpec) -> Iterator[Mapping[str, float]]:
    """Trains all epochs, and gets better with each of them; how good it gets depends on the
    hyperparameters and the seed alone, and is the same in every process."""
    model, optimizer = (spec.model.builder, spec.model.params), spec.optimizer.params
    hyperparameters = (model, spec.optimizer.name, optimizer, spec.training.batch_size)
    of_arm = derive_seed(0, repr(hyperparameters))  # and not on settings that are added later
    of_seed = derive_seed(spec.seed, "luck")
    best = 0.6 + 0.3 * of_arm / 2**31 + 0.05 * of_seed / 2**31
    for epoch in range(1, (spec.last_epoch or spec.training.epochs) + 1):
        right = best * (1 - math.exp(-epoch))
        metrics = {m.name: m for m in asked(spec.training.metrics, spec.objective.metric)}
        own = {name: _value(metric, right, 0.0) for name, metric in metrics.items()}
        if spec.data.validation if spec.fold is None else spec.fold != ALL_ROWS:
            own |= {f"{VALIDATION}{n}": _value(m, right, 0.05) for n, m in metrics.items()}
        yield own


def _value(metric: Metric, right: float, gap: float) -> float:
    """Of a model that is right so often, by `gap` less where it wasn't trained."""
    return right - gap if metric.direction == "maximize" else 1 + gap - right


def passing(_: TrialSpec) -> Iterator[Step]:
    """Nothing is wrong with the model that is tried."""
    return iter(())


def died(exit_code: int = -9, *, out_of_memory: bool = False) -> WorkerLost:
    """The worker dies."""
    return WorkerLost(NOBODY, exit_code, "worker.log", 0, out_of_memory, 3 * 2**30)


def failed(error: str, cause: str = "", traceback: str = "") -> TrialResult:
    """The training ends by an error, which is one line; those with the same cause are alike."""
    return _end("failed", error, cause or error, traceback)


def stalled(seconds: float = 60.0) -> TrialResult:
    """The training reported nothing for so long that its worker was killed."""
    return _end(
        "failed", f"no epoch for {seconds:.0f} s (stuck in model.py:1)", "stuck at model.py:1"
    )


def _end(outcome: Outcome, error: str, cause: str, traceback: str = "") -> TrialResult:
    return TrialResult(NOBODY, outcome, 0, 0.0, error=error, cause=cause, traceback=traceback)


def addressed(
    end: TrialResult | WorkerLost, key: TrialKey, epochs: int
) -> TrialResult | WorkerLost:
    """An end of a training that says which one it is of."""
    return replace(end, key=key, epochs=epochs) if end.key == NOBODY else end
