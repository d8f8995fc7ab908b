"""Checks of `training.callbacks` that need neither Keras nor the user's code.

In: a training. Out: a `Problem` for each check that fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fairsweep.config.callbacks import KERAS, KEY, SCHEDULES, SET_THE_RATE
from fairsweep.config.checks.values import Problem, hint, own_name
from fairsweep.config.schema import Training
from fairsweep.own import is_own

# What Keras has besides, and what to use for it here.
DONE_OTHERWISE = {
    "ModelCheckpoint": "the weights of the best epoch are kept by themselves, and published",
    "OrbaxCheckpoint": "the weights of the best epoch are kept by themselves, and published",
    "BackupAndRestore": "an interrupted trial continues by itself: training.checkpoint_seconds",
    "CSVLogger": "every epoch is stored in MLflow: fairsweep ui",
    "TensorBoard": "every epoch is stored in MLflow: fairsweep ui",
    "RemoteMonitor": "every epoch is stored in MLflow, on a server by tracking=server",
    "History": "every epoch is stored in MLflow: fairsweep ui",
    "ProgbarLogger": "what is shown is a setting of its own: terminal",
    "SwapEMAWeights": "use optimizer.params.use_ema=true, which averages weights",
    "LambdaCallback": "write a class: package.module:Class",
}
EXAMPLE = "{name: ReduceLROnPlateau, params: {monitor: val_loss, patience: 3}}"


def callback_problems(training: Training) -> Iterator[Problem]:
    """Checks of the callbacks of a training."""
    names = []
    for entry in training.callbacks or ():
        own: Mapping[str, Any] = {"name": entry} if isinstance(entry, str) else entry
        problems = list(_form(own))
        yield from problems
        if not problems:
            names.append(own["name"])
            yield from _callback(own["name"], own.get("params") or {})
    schedule = training.schedule
    if schedule.name != "constant" or schedule.warmup_epochs:
        for name in set(names) & set(SET_THE_RATE):
            yield (
                KEY,
                f"{name} and training.schedule would both set the learning rate; leave one of them "
                "out: training.schedule.name=constant training.schedule.warmup_epochs=0",
            )


def _form(entry: Any) -> Iterator[Problem]:
    if not (isinstance(entry, Mapping) and isinstance(entry.get("name"), str)):
        yield KEY, f"need a name, or a name with params, got {entry!r}; for example {EXAMPLE}"
        return
    for key in entry:
        if key not in ("name", "params"):
            yield KEY, f"need name and params alone, got {key!r}{hint(str(key), ('params',))}"
    if not isinstance(entry.get("params") or {}, Mapping):
        yield KEY, f"need params by name, got {entry['params']!r}; for example {EXAMPLE}"


def _callback(name: str, params: Mapping[str, Any]) -> Iterator[Problem]:
    if is_own(name):
        yield from own_name(KEY, name)
    elif name in DONE_OTHERWISE:
        yield KEY, f"{name} is not needed here: {DONE_OTHERWISE[name]}"
    elif name not in KERAS:
        known = (*KERAS, *DONE_OTHERWISE)
        yield (
            KEY,
            f"need one of {', '.join(KERAS)} or package.module:Class, got {name!r}"
            f"{hint(name, known)}",
        )
    elif name == SCHEDULES:
        schedule = params.get("schedule")
        if not (isinstance(schedule, str) and is_own(schedule)):
            yield (
                KEY,
                f"{name} needs a function of yours, schedule(epoch, learning_rate), got "
                f"{schedule!r}; for example params: {{schedule: mypackage.rates:halve}}",
            )
        else:
            yield from own_name(KEY, schedule)
