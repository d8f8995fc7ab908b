"""The history of a training, and whether it goes on after each epoch.

In: the metrics of one epoch after the other. Out: these epochs to the sweep, and a yes or no.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras

from fairsweep.records import EpochMetrics, Outcome, TrialSpec
from fairsweep.training.callbacks import Callbacks

Emit = Callable[[EpochMetrics], None]
Keep = Callable[[int], bool]
"""Waits for the pruning decision on an epoch: whether the trial goes on."""

# What a checkpoint holds of a history beside arrays.
PLAIN = ("best_epoch", "best_value", "patient_value", "patient_epoch", "loop", "loop_reason")


class History:
    """One training, epoch by epoch."""

    def __init__(self, spec: TrialSpec, emit: Emit, keep: Keep) -> None:
        self.spec = spec
        self.emit = emit
        self.keep = keep
        self.loop = "fit" if spec.training.loop == "fit" else "resident"
        self.loop_reason = ""
        self.model: keras.Model | None = None
        self.callbacks = Callbacks([])
        self.metrics: list[EpochMetrics] = []
        self.outcome: Outcome = "complete"
        self.best_epoch: int | None = None
        self.best_value: float | None = None
        self.best_weights: list[Any] = []
        self.patient_value = math.nan
        self.patient_epoch = 0
        self.earlier = 0.0
        self._started = time.monotonic()

    @property
    def epochs(self) -> int:
        """How many epochs have ended."""
        return len(self.metrics)

    @property
    def unmeasured(self) -> bool:
        """Whether it came to its end, and the objective was a number in none of its epochs."""
        to_be_measured = self.outcome == "complete" and not self.spec.last_epoch
        return to_be_measured and self.metrics != [] and self.best_epoch is None

    @property
    def seconds(self) -> float:
        """How long it has trained, including the time before its last checkpoint."""
        return self.earlier + time.monotonic() - self._started

    def use_fit(self, reason: str) -> None:
        """Continues with `fit` instead of the compiled loop, if `training.loop` is auto."""
        self.loop, self.loop_reason = "fit", reason
        logging.getLogger(__name__).warning("%s is trained with fit: %s", self.spec.key, reason)

    def plain(self) -> dict[str, Any]:
        """Its state without weights and epochs, for `go_on`."""
        return {name: getattr(self, name) for name in PLAIN} | {"seconds": self.seconds}

    def go_on(
        self, plain: Mapping[str, Any], metrics: Sequence[EpochMetrics], best_weights: list[Any]
    ) -> None:
        """Restores the state that `plain` returned, and emits its epochs again, because the sweep
        may not have got them."""
        for name in PLAIN:
            setattr(self, name, plain[name])
        self.earlier = plain["seconds"]
        self.best_weights = best_weights
        self.metrics = list(metrics)
        for earlier in self.metrics[:-1]:
            self.emit(replace(earlier, settled=True))
        self.emit(self.metrics[-1])

    def on_epoch(self, epoch: int, values: dict[str, float]) -> bool:
        """Adds an epoch, of which callbacks are told first; says whether to train another."""
        stops = self.callbacks.epoch_end(epoch, values)
        metrics = EpochMetrics(self.spec.key, epoch, values, time.time_ns() // 1_000_000)
        self.metrics.append(metrics)
        self.emit(metrics)
        last = self.spec.last_epoch or self.spec.training.epochs
        value = values.get(self.spec.objective.metric, math.nan)
        if self._is_best(epoch, value):
            self.best_epoch, self.best_value = epoch, value
            if (self.spec.test or self.spec.weights) and self.model is not None:
                self.best_weights = [weight.numpy() for weight in self.model.weights]
        if not all(math.isfinite(values[name]) for name in ("loss", "val_loss") if name in values):
            self.outcome = "diverged"
            return False
        if epoch == last or self._out_of_patience(epoch, value) or stops:
            return False
        if self._judged(epoch - 1) and not self.keep(epoch - 1):
            self.outcome = "pruned"
            return False
        return True

    def _is_best(self, epoch: int, value: float) -> bool:
        if self.spec.last_epoch:
            return epoch == self.spec.last_epoch
        best = math.nan if self.best_value is None else self.best_value
        return self.spec.objective.better(value, best)

    def _judged(self, epoch: int) -> bool:
        return self.spec.pruning is not None and self.spec.pruning.judged(epoch)

    def _out_of_patience(self, epoch: int, value: float) -> bool:
        if self.spec.last_epoch:
            return False
        stopping = self.spec.training.early_stopping
        objective = self.spec.objective
        if objective.better(objective.worsened(value, stopping.min_delta), self.patient_value):
            self.patient_value, self.patient_epoch = value, epoch
        return stopping.patience is not None and epoch - self.patient_epoch >= stopping.patience
