"""What the rooms hand each other: plain frozen values, no library of any room.

`TrialSpec` goes into a worker, `EpochMetrics` and one `TrialResult` come out. `RunRecord` and
`SweepRecord` are what the tracking store gives back to the report.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from fairsweep.costs import SECOND
from fairsweep.folds import Fold
from fairsweep.judged import Judged
from fairsweep.shown import NOTHING, Shown
from fairsweep.tested import Tested
from fairsweep.work import NOTHING_COMPILED, Compiled, Work

DISK_FULL = "disk full"
"""The cause of a training's interruption that no other attempt would help."""

WHOLE = ""
"""Stands for the sweep where a name would stand for an arm."""

Direction = Literal["minimize", "maximize"]
Outcome = Literal["complete", "pruned", "diverged", "failed", "interrupted"]
Stage = Literal["check", "search", "confirm", "refit", "train"]


@dataclass(frozen=True)
class Objective:
    """A metric and its direction: the one place in the project that knows "better than".

    Where values count as equal, a `second` one chooses: those not worse than the best by more than
    `tolerance`; None: trials with the same value, and arms that the verdict can't tell apart."""

    metric: str
    direction: Direction
    second: Objective | None = None
    tolerance: float | None = None

    def better(self, value: float, than: float) -> bool:
        """Whether `value` beats `than`; a value that isn't finite never does."""
        if not math.isfinite(value):
            return False
        if not math.isfinite(than):
            return True
        return self.cost(value) < self.cost(than)

    @property
    def higher_is_better(self) -> bool:
        return self.direction == "maximize"

    def cost(self, value: float) -> float:
        """The value in a form of which less is better: sorted by it, the best come first."""
        return -value if self.higher_is_better else value

    def gain(self, value: float, over: float) -> float:
        """By how much `value` is better than `over`; below 0 where it is worse."""
        return self.cost(over) - self.cost(value)

    def tolerates(self, value: float, best: float) -> bool:
        """Whether a value counts as equal to the best, up to the 32-bit floats of metrics."""
        slack = 1e-6 * max(abs(value), abs(best)) if self.tolerance else 0.0
        return self.gain(best, over=value) <= (self.tolerance or 0.0) + slack

    @property
    def stored_second(self) -> str:
        """The name under which a run has its value of the second objective; empty without one."""
        return "" if self.second is None else f"{SECOND}{self.second.metric}"

    def worsened(self, value: float, by: float) -> float:
        """A value that is worse by an amount."""
        return value - by if self.higher_is_better else value + by

    def best(self, values: Sequence[float]) -> int | None:
        """Index of the best finite value, the first one of equals; None when there is none."""
        index: int | None = None
        for i, value in enumerate(values):
            if math.isfinite(value) and (index is None or self.better(value, values[index])):
                index = i
        return index


def derive_seed(seed: int, *path: str | int) -> int:
    """A seed in [0, 2**31) that depends on `seed` and `path` only.

    SHA-256 rather than addition: neighbouring trials then share no stretch of random numbers,
    and no two purposes of one trial get the same seed.
    """
    text = "/".join(str(part) for part in (seed, *path))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


@dataclass(frozen=True, order=True)
class SearchKey:
    """One of the searches of an arm, which count from 0; as text it names the study."""

    arm: str
    number: int = 0

    def __str__(self) -> str:
        return f"{self.arm}/search-{self.number}" if self.number else self.arm


@dataclass(frozen=True)
class TrialKey:
    """Which training this is: `trial` counts within a search from 0, `repeat` is the index of the
    confirmation (else 0), `attempt` counts from 1, `fold` is the part of the rows that judges, and
    `search` says which of its arm's searches it belongs to."""

    arm: str
    stage: Stage
    trial: int
    repeat: int = 0
    attempt: int = 1
    fold: int | None = None
    search: int = 0

    def __str__(self) -> str:
        name = f"{self.of}/{self.trial}"
        if self.stage == "refit":
            return f"{name}/all-rows"
        if self.whole is not None:
            return f"{name}/fold-{self.fold}"
        if self.stage != "confirm":
            return name
        if self.fold is None:
            return f"{name}/seed-{self.repeat}"
        return f"{name}/repeat-{self.repeat}-fold-{self.fold}"

    @property
    def whole(self) -> TrialKey | None:
        """The trial of the search that this is the training on one fold of; None for others."""
        on_fold = self.stage == "search" and self.fold is not None
        return replace(self, fold=None) if on_fold else None

    @property
    def first(self) -> TrialKey:
        """The first attempt at it, which names a training or a trial whichever attempt this is."""
        return replace(self, attempt=1)

    @property
    def files(self) -> str:
        """The name of what this training keeps in files, the same for every attempt at it."""
        fold = "" if self.fold is None else f"-{self.fold}"
        return f"{self.arm}-{self.stage}{self.search or ''}-{self.trial}-{self.repeat}{fold}"

    @property
    def of(self) -> SearchKey:
        """The search whose trial it is, or whose best it confirms."""
        return SearchKey(self.arm, self.search)

    @property
    def place(self) -> tuple[int, int]:
        """Where it stands among the confirmations of its configuration: those of two arms at the
        same place share their seed, and the rows that they are trained and judged on."""
        return self.repeat, self.fold or 0


@dataclass(frozen=True)
class Confirmation:
    """How an arm's `top` best configurations are confirmed: each is trained `repeats` times on
    every one of `folds`; where these are 0, on the one split, with as many seeds. The `searches` of
    an arm take turns: a repeat confirms what one of them found."""

    folds: int
    repeats: int
    top: int = 1
    searches: int = 1

    @property
    def trainings(self) -> int:
        """How many there are of an arm, for each of its `top`."""
        return self.repeats * max(1, self.folds)

    def unit(self, repeat: int) -> int:
        """What a repeat stands for where luck is counted: itself, or the search that it is of."""
        return repeat if self.searches == 1 else repeat % self.searches

    def keys(self, search: SearchKey, trial: int) -> Iterator[TrialKey]:
        """Those of a configuration, which one of the searches found."""
        for repeat in range(search.number, self.repeats, self.searches):
            for fold in range(self.folds) if self.folds else (None,):
                yield TrialKey(search.arm, "confirm", trial, repeat, 1, fold, search.number)


@dataclass(frozen=True)
class PruningSchedule:
    """The epochs whose result the sweep judges: `first`, then every `interval` after it.

    The worker trains one epoch further while it waits, and then obeys: a trial judged hopeless
    at epoch e ends after epoch e + 1, at any speed of the machine.
    """

    first: int
    interval: int

    def judged(self, epoch: int) -> bool:
        return epoch >= self.first and (epoch - self.first) % self.interval == 0


@dataclass(frozen=True)
class TrialSpec:
    """Everything that decides the outcome of one training.

    `data`, `model`, `optimizer` and `training` are the settings of fairsweep.config.schema with
    this trial's values put in. `fold` says which rows validate, where it isn't the share that
    `data` asks for. `last_epoch` ends the training, and counts, rather than its best epoch; 0 for
    those of `training`. `test` asks for what test rows say of the best epoch. `weights` is the name
    under which the weights of that epoch are kept, `judged` the one of what it says of each
    validation row, `checkpoints` the one of the checkpoints from whose last the training goes on,
    and that get further ones: all are names in the executor's `TrialFolders`, none if empty.
    """

    key: TrialKey
    data: Any
    model: Any
    optimizer: Any
    training: Any
    objective: Objective
    seed: int
    pruning: PruningSchedule | None = None
    fold: Fold | None = None
    last_epoch: int = 0
    test: bool = False
    weights: str = ""
    judged: str = ""
    checkpoints: str = ""


@dataclass(frozen=True)
class EpochMetrics:
    """The metrics of one finished epoch (from 1) by Keras's names, and when it ended
    (milliseconds since 1970). One that is `settled` comes from a checkpoint that was taken after a
    later one: no decision on it is waited for."""

    key: TrialKey
    epoch: int
    values: Mapping[str, float]
    timestamp: int
    settled: bool = False


@dataclass(frozen=True)
class PruningDecision:
    """The sweep's answer to a judged epoch: whether the trial goes on."""

    key: TrialKey
    epoch: int
    keep: bool


@dataclass(frozen=True)
class WorkerReady:
    """A worker has imported what it needs and waits for its first trial."""


@dataclass(frozen=True)
class StillTraining:
    """A worker's training goes on in the midst of an epoch."""


@dataclass(frozen=True)
class WorkerLost:
    """A worker process died. `key` is the trial it was at, if any, of which `epochs` had ended;
    `exit_code` is negative for a signal; `log` is the file with what it printed. `peak` is the most
    memory that it had, in bytes, where `out_of_memory` says that it was ended for want of it."""

    key: TrialKey | None
    exit_code: int
    log: str
    epochs: int = 0
    out_of_memory: bool = False
    peak: int = 0

    @property
    def why(self) -> str:
        if self.out_of_memory:
            return f"its worker ran out of memory (it had {self.peak / 2**30:.1f} GiB)"
        return f"its worker died (exit code {self.exit_code})"


@dataclass(frozen=True)
class TrialResult:
    """How a training ended; `interrupted` says that it couldn't go on from its checkpoints.
    `earlier` of its `seconds` were trained before the checkpoint from which it went on.
    `best_value` is the objective at `best_epoch` (None when no epoch gave a finite value); `test`
    holds `test_*` metrics at that epoch when the spec asked, and `tested` what else is kept of test
    rows; `second` is the value of the second objective where it is complete; `weights` is the name
    of the weights of that epoch, and once the sweep keeps them the file that has them; `judged` the
    same of what it says of rows; `loop_reason` says why another loop trained than the one that
    comes first. `error` is one line, and failures with the same `cause` are alike. `notes` are for
    the user to read; `compiled` is what its worker has compiled since its last training."""

    key: TrialKey
    outcome: Outcome
    epochs: int
    seconds: float
    best_epoch: int | None = None
    best_value: float | None = None
    test: Mapping[str, float] = field(default_factory=dict)
    tested: Tested | None = None
    second: float | None = None
    weights: str = ""
    judged: str = ""
    earlier: float = 0.0
    loop: str = ""
    loop_reason: str = ""
    error: str = ""
    cause: str = ""
    traceback: str = ""
    notes: Sequence[str] = ()
    compiled: Compiled = NOTHING_COMPILED


@dataclass(frozen=True)
class RunRecord:
    """One stored training. `curves` maps a metric to its values, epoch 1 first (NaN where an
    epoch is missing), and `tested` has what is kept of test rows; they are filled for the runs
    a report draws, and empty for the rest, as is what it said of the rows that `judged` it.
    `second` is its value of the second objective, `error` why it failed."""

    run_id: str
    key: TrialKey
    outcome: Outcome | Literal["running"]
    seed: int
    params: Mapping[str, str]
    best_value: float | None
    best_epoch: int | None
    epochs: int
    seconds: float
    test: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)
    tested: Tested | None = None
    second: float | None = None
    error: str = ""
    judged: Judged | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Champion:
    """A sweep's model in the registry: the mean that earned it, whose weights it has, and the
    overrides of `fairsweep predict` that give it rows."""

    name: str
    version: str
    run_id: str
    mean: float
    data_sha256: str
    asked: tuple[str, ...] = ("input=rows.csv",)

    @property
    def uri(self) -> str:
        return f"models:/{self.name}@champion"


@dataclass(frozen=True)
class SweepRecord:
    """One stored sweep: `runs` holds search and confirmation trainings, those that were
    interrupted left out. `started` is milliseconds since 1970, `trials` the budget of an arm,
    `confirmation` how its best configurations are trained again; `finished` says that all of it was
    spent that some limit allowed. `work` is what workers did in the last process of it; `sampler`
    drew the trials, each trained on so many `search_folds`, of which a run stands for all (0: on
    one split); `metrics` are what every epoch is measured by, on whatever part of the data.
    `commands` maps an arm's name to the overrides that compose it again, and a search run's id to
    those that train that run again. `spaces` has the dimensions of each arm as
    fairsweep.config.stored_space writes them; an older store has none. `stopped` says of an arm why
    it got no more trials, `cut_off` which limit came before the last of them (an older store
    doesn't know), and `code_changed` that not all of it was trained with the same code.
    `shown` is what rows that the report lists look like, as far as that is known."""

    name: str
    run_id: str
    experiment: str
    experiment_id: str
    objective: Objective
    group: str
    arms: tuple[str, ...]
    trials: int
    confirmation: Confirmation
    data: Mapping[str, Any]
    data_sha256: str
    started: int
    commands: Mapping[str, Sequence[str]]
    runs: tuple[RunRecord, ...]
    spaces: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    stopped: Mapping[str, str] = field(default_factory=dict)
    cut_off: Mapping[str, str] = field(default_factory=dict)
    finished: bool = False
    work: Work | None = None
    sampler: str = ""
    search_folds: int = 0
    metrics: tuple[str, ...] = ("loss",)
    champion: Champion | None = None
    code_changed: bool = False
    shown: Shown = NOTHING
