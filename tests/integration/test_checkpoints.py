"""A training that is stopped and goes on from its checkpoint ends as one that never was: every
metric of every epoch, every weight and the optimizer's state, bit for bit."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest

from fairsweep.files import TrialFolders
from fairsweep.records import EpochMetrics, PruningSchedule, TrialResult, TrialSpec
from fairsweep.training import checkpoint, trial
from fairsweep.training.checkpoint import KEPT, newest, write_checkpoint
from fairsweep.training.history import History
from fairsweep.training.trial import WorkerCache, compiled, train_trial
from tests.integration.test_programs import BY_SHAPE, OPTIMIZERS
from tests.integration.training_room import FEW_ROWS, compose

OFTEN = "training.checkpoint_seconds=1e-9"
SMALL = (
    *("training.space.batch_size=null", *FEW_ROWS, OFTEN),
    *("training.batch_size=50", "training.epochs=5"),
)
NARROW = ("model.space.hidden_units=null", "model.params.hidden_units=[16]")
CNN = (
    *("model=cnn", "model.params.filters=[4]", "model.params.dropout=0.2"),
    *("model.params.flip=horizontal", "model.params.contrast=0.2"),
)
OWN = ("model=custom", "model.builder=tests.integration.own_models:")
LOOPS = ("resident", "fit")
CLASSES = sorted(set(OPTIMIZERS) - {"adam_twin"})
ALWAYS = {"adam": "fit", "muon": "resident"}
"""What `make test` tries: an optimizer with one program for all shapes, and one with a program for
each, the latter where there are programs."""


WORKER = WorkerCache()
"""What one worker keeps, for trainings that could as well run in a new one (test_programs.py)."""


class Killed(BaseException):
    """Ends a training as a signal does: nothing catches it."""


class Watched(History):
    """The progress of the last training, with its model."""

    last: History | None = None

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        Watched.last = self


@pytest.fixture(autouse=True)
def _watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(trial, "History", Watched)
    yield
    Watched.last = None


@dataclass(frozen=True)
class Ended:
    """A training: what was heard of it, its result, and all that its model ended with."""

    heard: Sequence[EpochMetrics]
    result: TrialResult
    variables: Sequence[np.ndarray[Any, Any]]

    @property
    def values(self) -> list[dict[str, float]]:
        return [dict(metrics.values) for metrics in self.heard]


KEPT_AS = "checkpoints"


def folders(root: Path | None) -> TrialFolders | None:
    return None if root is None else TrialFolders(root, root)


def train(
    spec: TrialSpec,
    data: Any,
    cache: WorkerCache = WORKER,
    dies_at: int | None = None,
    folder: Path | None = None,
) -> Ended:
    """Trains in this process, with its files in `folder`; it is killed when the epoch `dies_at` has
    ended, before anyone hears of that."""
    heard: list[EpochMetrics] = []

    def emit(metrics: EpochMetrics) -> None:
        if metrics.epoch == dies_at:
            raise Killed
        heard.append(metrics)

    try:
        result = train_trial(spec, data, emit, lambda _: True, cache, folders=folders(folder))
    except Killed:
        result = TrialResult(spec.key, "interrupted", len(heard), 0.0)
        return Ended(heard, result, [])
    assert Watched.last is not None
    model = Watched.last.model
    assert result.outcome == "complete", result.traceback
    assert model is not None
    variables = [v.numpy() for v in (*model.variables, *model.optimizer.variables)]
    return Ended(heard, result, variables)


def stopped_and_whole(
    folder: Path, *overrides: str, test: bool = True, dies_at: int = 4
) -> tuple[Ended, Ended, Ended]:
    """The same training stopped, gone on with by another worker, which has built another model
    and may have trained it, and never stopped."""
    spec, data = compose(*SMALL, *overrides, seed=3)
    spec = replace(spec, test=test)
    kept = replace(spec, checkpoints=KEPT_AS, weights="best")
    worker, next_worker = WorkerCache(), WorkerCache()
    stopped = train(kept, data, worker, dies_at, folder)
    assert [metrics.epoch for metrics in stopped.heard] == list(range(1, dies_at))
    other = replace(spec, seed=99, training=replace(spec.training, epochs=1))
    if spec.training.loop == "fit":
        compiled(other, data, next_worker)  # `fit` compiles each model anew
    else:
        train(other, data, next_worker)
    return stopped, train(kept, data, next_worker, folder=folder), train(spec, data, worker)


def assert_same(resumed: Ended, whole: Ended, done: int = 3) -> None:
    assert [metrics.epoch for metrics in resumed.heard] == [m.epoch for m in whole.heard]
    assert [metrics.settled for metrics in resumed.heard] == [
        epoch < done for epoch in range(1, len(whole.heard) + 1)
    ]
    assert resumed.values == whole.values
    assert len(resumed.variables) == len(whole.variables) > 2
    for ours, theirs in zip(resumed.variables, whole.variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    one, other = resumed.result, whole.result
    assert (one.best_epoch, one.best_value) == (other.best_epoch, other.best_value)
    assert (one.test, one.tested) == (other.test, other.tested)
    assert one.loop == other.loop


@pytest.mark.parametrize(
    ("optimizer", "loop"),
    [
        pytest.param(
            name,
            loop,
            marks=() if ALWAYS.get(name) == loop else pytest.mark.long,
            id=f"{name}-{loop}",
        )
        for name in CLASSES
        for loop in LOOPS
    ],
)
def test_every_optimizer_goes_on_as_if_never_stopped(
    optimizer: str, loop: str, tmp_path: Path
) -> None:
    rate = "optimizer.params.learning_rate=0.002"
    stopped, resumed, whole = stopped_and_whole(
        tmp_path, *NARROW, f"optimizer={optimizer}", rate, f"training.loop={loop}"
    )
    assert_same(resumed, whole)
    assert whole.values[:3] == stopped.values
    assert whole.values[3] != whole.values[2]  # it still learned when it was stopped


PARTS = "tests.integration.own_parts"


@pytest.mark.long(4)
@pytest.mark.parametrize(
    ("loop", "precision"), [*((loop, "null") for loop in LOOPS), ("resident", "mixed_float16")]
)
@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras's own
def test_parts_of_the_users_own_go_on_as_if_never_stopped(
    loop: str, precision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loss, an optimizer with a variable that Keras doesn't know of (inside another one, where
    the loss is scaled), and callbacks that remember something: in lists, in arrays, in a variable,
    in the learning rate."""
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "tests")
    callbacks = f"{{name: '{PARTS}:Swings'}}, {{name: ReduceLROnPlateau, params: {{patience: 1}}}}"
    if loop == "fit":
        callbacks += f", '{PARTS}:Batches'"
    stopped, resumed, whole = stopped_and_whole(
        tmp_path,
        *(
            *NARROW,
            "optimizer=sgd",
            f"optimizer.name={PARTS}:Counting",
            f"training.loss={PARTS}:squares",
        ),
        *(f"training.loop={loop}", f"training.callbacks=[{callbacks}]"),
        f"training.precision={precision}",
    )
    WORKER.globals.restore()
    assert_same(resumed, whole)
    assert whole.values[:3] == stopped.values
    assert len({values["learning_rate"] for values in whole.values}) > 2


@pytest.mark.long(3)
def test_one_that_keeps_what_no_checkpoint_holds_starts_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "tests")
    own = f"training.callbacks=['{PARTS}:Draws']"
    stopped, again, whole = stopped_and_whole(tmp_path, *NARROW, own)
    assert again.values == whole.values
    assert whole.values[:3] == stopped.values
    assert not any(metrics.settled for metrics in again.heard)


def test_there_are_both_kinds_of_programs_among_them() -> None:
    assert len(CLASSES) == 14
    assert set(BY_SHAPE) < set(CLASSES)
    assert ALWAYS.keys() & set(BY_SHAPE)
    assert ALWAYS.keys() - set(BY_SHAPE)
    assert set(ALWAYS.values()) == set(LOOPS)


KINDS = {
    "everything": (
        *("model.space.hidden_units=null", "model.params.hidden_units=[16,8]"),
        *("model.params.dropout=0.3", "model.params.batch_normalization=true"),
        *("model.params.l2=0.001", "optimizer.params.gradient_accumulation_steps=5"),
        *("optimizer.params.use_ema=true", "optimizer.params.ema_overwrite_frequency=11"),
        *("training.schedule.name=cosine", "training.schedule.warmup_epochs=2"),
    ),
    "a model with everything": (
        *("model.space.hidden_units=null", "model.params.hidden_units=[16,8]"),
        *("model.params.dropout=0.3", "model.params.batch_normalization=true"),
        *("model.params.l2=0.001", "training.schedule.name=cosine"),
        "training.schedule.warmup_epochs=2",
    ),
    "steps with everything": (
        *(*NARROW, "optimizer.params.gradient_accumulation_steps=5"),
        *("optimizer.params.use_ema=true", "optimizer.params.ema_overwrite_frequency=11"),
        *("training.schedule.name=exponential", "training.schedule.final=0.01"),
    ),
    "dropout": (*NARROW, "model.params.dropout=0.3"),
    "batch-normalization": (*NARROW, "model.params.batch_normalization=true"),
    "two-layers": (*NARROW[:1], "model.params.hidden_units=[16,8]", "model.params.l2=0.001"),
    "cnn": CNN,
    "cosine": (*NARROW, "training.schedule.name=cosine", "training.schedule.warmup_epochs=2"),
    "exponential": (
        *(*NARROW, "training.schedule.name=exponential"),
        "training.schedule.final=0.01",
    ),
    "accumulated": (*NARROW, "optimizer.params.gradient_accumulation_steps=5"),
    "averaged": (
        *(*NARROW, "optimizer.params.use_ema=true"),
        "optimizer.params.ema_overwrite_frequency=11",
    ),
    "half-floats": (OWN[0], f"{OWN[1]}half_floats"),
    "own-random-numbers": (OWN[0], f"{OWN[1]}noisy"),
    "own-variables": (OWN[0], f"{OWN[1]}tiring"),
}
SHORT = {("everything", "resident"), ("own-variables", "resident")}
"""What `make test` tries of them: all that Keras knows of at once, and what it doesn't."""


@pytest.fixture(autouse=True)
def _trust(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "tests")


@pytest.mark.parametrize(
    ("kind", "loop"),
    [
        pytest.param(
            kind, loop, marks=() if (kind, loop) in SHORT else pytest.mark.long, id=f"{kind}-{loop}"
        )
        for kind in KINDS
        for loop in LOOPS
    ],
)
def test_every_kind_of_training_goes_on_as_if_never_stopped(
    kind: str, loop: str, tmp_path: Path
) -> None:
    _, resumed, whole = stopped_and_whole(
        tmp_path, "optimizer=adam", *KINDS[kind], f"training.loop={loop}"
    )
    assert_same(resumed, whole)


def sequences(folder: Path) -> Sequence[str]:
    x = np.random.default_rng(0).normal(size=(200, 5, 2)).astype(np.float32)
    x[::2, 3:] = np.nan
    np.savez(folder / "rows.npz", x=x, y=np.nansum(x[:, :, 0], axis=1) > 0)
    own = ("data=npz", f"data.path={folder / 'rows.npz'}", "data.padding=nan")
    return (*own, "model=rnn", "model.params.dropout=0.3")


def texts(folder: Path) -> Sequence[str]:
    random = np.random.default_rng(0)
    words = random.choice(["good", "bad", "fine", "poor", "so", "it"], (200, 4))
    lines = (f"{' '.join(row)},{'yes' if 'good' in row else 'no'}" for row in words)
    (folder / "rows.csv").write_text("\n".join(["about,label", *lines]))
    own = ("data=csv", f"data.path={folder / 'rows.csv'}", "data.target=label")
    return (*own, "data.text=[about]", "model=text", "model.params.dropout=0.3")


def trained_base(folder: Path) -> Sequence[str]:
    """With batch normalization that goes on learning."""
    layers = [keras.layers.Conv2D(3, 3), keras.layers.BatchNormalization()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of h5py's, about numpy
        keras.Sequential([keras.Input((8, 8, 1)), *layers]).save(folder / "base.keras")
    return (
        "model=transfer",
        f"model.params.path={folder / 'base.keras'}",
        "model.params.freeze=none",
    )


@pytest.mark.long(4)
@pytest.mark.parametrize("made", [sequences, texts, trained_base])
def test_models_of_other_data_go_on_as_if_never_stopped(
    made: Callable[[Path], Sequence[str]], tmp_path: Path
) -> None:
    stopped, resumed, whole = stopped_and_whole(tmp_path, "optimizer=adam", *made(tmp_path))
    assert_same(resumed, whole)
    assert whole.values[:3] == stopped.values


# What a checkpoint knows beside weights.


def test_patience_goes_on_where_it_was(tmp_path: Path) -> None:
    """Nothing is learned, so training ends 4 epochs after the first one, stopped or not."""
    still = ("optimizer=sgd", "optimizer.params.learning_rate=1e-30")
    patient = ("training.epochs=9", "training.early_stopping.patience=4")
    free = "optimizer.space.learning_rate=null"
    spec, data = start(tmp_path, *still, free, *patient)
    resumed, whole = train(spec, data, folder=tmp_path), train(spec, data)
    assert whole.result.epochs == 5
    assert_same(resumed, whole)


def test_the_best_weights_of_before_are_kept(tmp_path: Path) -> None:
    """Learning ever faster, up to nonsense: the best epoch is before the checkpoint."""
    warm = ("training.schedule.warmup_epochs=4", "optimizer.params.learning_rate=30")
    free = "optimizer.space.learning_rate=null"
    _, resumed, whole = stopped_and_whole(tmp_path, *NARROW, "optimizer=adam", *warm, free)
    assert whole.result.best_epoch is not None
    assert whole.result.best_epoch < 3
    assert whole.result.test != {}
    assert_same(resumed, whole)
    assert resumed.result.weights
    with np.load(tmp_path / resumed.result.weights / "weights.npz") as best:
        assert len(best) == 4


def test_seconds_are_those_of_the_whole_training(tmp_path: Path) -> None:
    resumed = train(*start(tmp_path), folder=tmp_path)
    assert 0 < resumed.result.earlier < resumed.result.seconds


def test_a_training_that_fell_back_to_fit_goes_on_by_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise NotImplementedError("no graph of this")

    monkeypatch.setattr("fairsweep.training.programs.Program.train", refuse)
    spec, data = start(tmp_path, "training.loop=auto")
    resumed, whole = train(spec, data, folder=tmp_path), train(spec, data)
    assert resumed.result.loop == "fit"
    assert "no graph of this" in resumed.result.loop_reason
    assert_same(resumed, whole)


def test_no_verdict_is_asked_for_twice(tmp_path: Path) -> None:
    spec, data = compose(*SMALL, *NARROW)
    schedule = PruningSchedule(first=1, interval=1)
    spec = replace(spec, pruning=schedule, checkpoints=KEPT_AS)
    asked: list[int] = []

    def keep(epoch: int) -> bool:
        asked.append(epoch)
        return True

    def die(metrics: EpochMetrics) -> None:
        if metrics.epoch == 4:
            raise Killed

    with pytest.raises(Killed):
        train_trial(spec, data, die, keep, folders=folders(tmp_path))
    assert asked == [1, 2]  # 3 is judged while 4 is trained
    assert (
        train_trial(spec, data, lambda _: None, keep, folders=folders(tmp_path)).outcome
        == "complete"
    )
    assert asked == [1, 2, 3]


@pytest.mark.parametrize("loop", LOOPS)
def test_a_training_that_has_to_stop_ends_its_epoch_and_leaves_a_checkpoint(
    loop: str, tmp_path: Path
) -> None:
    spec, data = compose(*SMALL, *NARROW, f"training.loop={loop}")
    kept = replace(spec, checkpoints=KEPT_AS, test=True)
    heard: list[EpochMetrics] = []
    has_to_stop = iter([False, True]).__next__
    result = train_trial(
        *(kept, data, heard.append, lambda _: True, WorkerCache()),
        has_to_stop=has_to_stop,
        folders=folders(tmp_path),
    )
    assert result.outcome == "interrupted"
    assert result.error == ""
    assert len(heard) == 2
    assert names(tmp_path) == [1, 2]
    assert_same(train(kept, data, folder=tmp_path), train(replace(spec, test=True), data), done=2)


# Files.


def start(folder: Path, *overrides: str) -> tuple[TrialSpec, Any]:
    """A training that was killed in epoch 4: its checkpoints are of the epochs 2 and 3."""
    spec, data = compose(*SMALL, *NARROW, *overrides)
    spec = replace(spec, checkpoints=KEPT_AS)
    assert train(spec, data, dies_at=4, folder=folder).result.outcome == "interrupted"
    assert names(folder) == [2, 3]
    return spec, data


def names(folder: Path) -> list[int]:
    files = sorted(path.name for path in (folder / "checkpoints").iterdir())
    assert all(checkpoint.NAME.fullmatch(name) for name in files)
    return [int(name[:8]) for name in files]


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize("spoil", [damage, cut])
def test_of_a_torn_checkpoint_the_one_before_is_taken(
    spoil: Callable[[Path], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spec, data = start(tmp_path)
    _, last = sorted((tmp_path / KEPT_AS).iterdir())
    spoil(last)
    with caplog.at_level(logging.WARNING):
        resumed = train(spec, data, folder=tmp_path)
    assert str(last) in caplog.text
    assert_same(resumed, train(spec, data), done=2)


def test_without_one_whole_checkpoint_the_training_has_to_begin_anew(tmp_path: Path) -> None:
    spec, data = start(tmp_path)
    for path in (tmp_path / KEPT_AS).iterdir():
        damage(path)
    heard: list[EpochMetrics] = []
    result = train_trial(spec, data, heard.append, lambda _: True, folders=folders(tmp_path))
    assert result.outcome == "interrupted"
    assert "is damaged" in result.error
    assert heard == []


def test_a_checkpoint_of_another_model_is_not_taken(tmp_path: Path) -> None:
    spec, data = start(tmp_path)
    wider = replace(spec.model, params={**spec.model.params, "hidden_units": [17]})
    heard: list[EpochMetrics] = []
    spec = replace(spec, model=wider)
    result = train_trial(spec, data, heard.append, lambda _: True, folders=folders(tmp_path))
    assert result.outcome == "interrupted"
    assert "(64, 17)" in result.error
    assert "(64, 16)" in result.error
    assert heard == []


def test_a_draft_that_a_crash_left_is_no_checkpoint(tmp_path: Path) -> None:
    spec, data = start(tmp_path)
    ((tmp_path / KEPT_AS) / "123.tmp").write_bytes(b"PK")
    assert_same(train(spec, data, folder=tmp_path), train(spec, data))


def test_a_short_training_leaves_nothing(tmp_path: Path) -> None:
    spec, data = compose(*SMALL[:-2], *NARROW, "training.checkpoint_seconds=3600")
    train(replace(spec, checkpoints=KEPT_AS), data, folder=tmp_path)
    assert not (tmp_path / "checkpoints").exists()


def test_there_is_one_in_every_stretch_of_so_many_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An epoch takes a second, and one is left every two."""
    clock, left = [0.0], list[int]()

    def emit(metrics: EpochMetrics) -> None:
        clock[0] = metrics.epoch

    monkeypatch.setattr(checkpoint, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(checkpoint, "WORTH_SECONDS", 0.0)
    monkeypatch.setattr(checkpoint, "write_checkpoint", lambda _, epoch, __: left.append(epoch))
    spec, data = compose(*SMALL, *NARROW, "training.checkpoint_seconds=2")
    spec = replace(spec, checkpoints=KEPT_AS)
    train_trial(spec, data, emit, lambda _: True, WORKER, folders=folders(tmp_path))
    assert left == [2, 4]


def test_a_disk_that_takes_no_checkpoint_does_not_end_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    spec, data = compose(*SMALL, *NARROW)
    monkeypatch.setattr(np, "savez", full)
    with caplog.at_level(logging.WARNING):
        train(replace(spec, checkpoints=KEPT_AS), data, folder=tmp_path)
    assert "No space left on device" in caplog.text
    assert list((tmp_path / "checkpoints").iterdir()) == []


def test_a_checkpoint_gets_its_name_when_it_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Content, name, folder: in that order, each waited for."""
    steps: list[str] = []
    sync, rename = os.fsync, Path.replace

    def note_sync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").resolve()
        steps.append(path.suffix or path.name)
        sync(descriptor)

    def note_rename(path: Path, target: Path) -> Path:
        steps.append("named")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "replace", note_rename)
    folder = tmp_path / "trial"
    path = write_checkpoint(folder, 7, {"a": np.arange(3)})
    assert steps == [".tmp", "named", "trial", tmp_path.name]
    found = newest(folder)
    assert found is not None
    assert found["a"].tolist() == [0, 1, 2]
    assert path.name.startswith("00000007-")


def test_as_many_are_kept_as_one_damaged_needs(tmp_path: Path) -> None:
    for epoch in range(1, 6):
        write_checkpoint(tmp_path, epoch, {"a": np.arange(epoch)})
    assert len(list(tmp_path.iterdir())) == KEPT == 2
    found = newest(tmp_path)
    assert found is not None
    assert len(found["a"]) == 5
