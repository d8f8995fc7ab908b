"""The callbacks of one training, which both loops call in the same places.

In: `training.callbacks`. Out: Keras's objects, called as `fit` calls them. What only acts between
epochs is called by us in either loop; what acts on batches needs `fit`, which has them.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras

from fairsweep.config.callbacks import KEY, SCHEDULES, STOPS, Callback, callbacks_of
from fairsweep.config.guess import suggested
from fairsweep.errors import BadInput
from fairsweep.metrics import base_name, direction_of, is_of_run
from fairsweep.own import is_own
from fairsweep.records import TrialSpec
from fairsweep.training.failure import fails, failure
from fairsweep.training.kept_state import Arrays, NotKept, code_of, kept, put_back
from fairsweep.training.loops import Arrays as Rows
from fairsweep.training.loops import fits_in_memory
from fairsweep.training.own import check_call, find_own, own_problem

BETWEEN_EPOCHS = ("on_epoch_begin", "on_epoch_end", "on_train_begin", "on_train_end")
"""What a callback can override and be called by either loop."""
MODES = {"minimize": "min", "maximize": "max"}


class Callbacks:
    """The callbacks of a training, in order: `made` of what the config has `asked` for.

    Raises:
        BadInput: one of them isn't there, or doesn't take its params.
    """

    def __init__(self, asked: Sequence[Callback]) -> None:
        self.asked = asked
        self.made = [_made(own) for own in asked]
        self.overwriting: dict[str, None] = {}
        """Who has written over what was measured, each told once."""
        self.unwatched: Sequence[str] = ()
        """Who of Keras's watches what the last epoch doesn't have when it is told of it."""
        self._code: Sequence[Mapping[str, Any]] = [{} for _ in asked]

    @property
    def on_batches(self) -> str:
        """The first that acts on batches, and where: `Noisy (on_train_batch_end)`; empty for
        none."""
        for asked, own in zip(self.asked, self.made, strict=True):
            if overridden := _beside_epochs(type(own)):
                return f"{asked.name} ({overridden[0]})"
        return ""

    def begin(self, model: keras.Model, epochs: int, steps: int) -> None:
        """Says that a training begins, of so many epochs of so many steps."""
        model.stop_training = False

        def begin(own: Any) -> None:
            own.set_params({"epochs": epochs, "steps": steps, "verbose": 0})
            own.set_model(model)
            own.on_train_begin()

        self._each(begin)
        self._code = list(map(code_of, self.made))

    def epoch_begin(self, epoch: int) -> None:
        """Says that an epoch begins, by its number from 1."""
        self._each(lambda own: own.on_epoch_begin(epoch - 1))

    def epoch_end(self, epoch: int, values: dict[str, float]) -> bool:
        """Says that an epoch has ended, and takes up the metrics that they add to it. What was
        measured stays, whatever they write over it. Whether one of them stops the training."""
        measured, logs = dict(values), dict[str, Any](values)
        adds, early = dict[str, Callback](), list[tuple[Callback, str]]()

        def end(own: Any) -> None:
            own.on_epoch_end(epoch - 1, logs)

        for asked, own in zip(self.asked, self.made, strict=True):
            if (monitor := _watched(asked, own)) and monitor not in logs:
                early.append((asked, monitor))  # Keras's would only warn, in every epoch
                continue
            self._call(asked, own, end)
            for problem in _overwritten(asked, measured, logs):
                if problem not in self.overwriting:
                    self.overwriting[problem] = None
                    logging.getLogger(__name__).warning("%s; it stays as it was measured", problem)
            logs.update(measured)
            added = [name for name in logs if name not in measured]
            values |= {name: _number(asked, name, logs[name]) for name in added}
            adds = dict.fromkeys(added, asked) | adds
        self.unwatched = [_too_early(*own, list(values), adds) for own in early]
        return any(own.model.stop_training for own in self.made)

    def end(self) -> None:
        """Says that the training has ended."""
        self._each(lambda own: own.on_train_end())

    def in_fit(self) -> keras.callbacks.Callback:
        """What `fit` calls of them: all but what is called from here."""
        return _InFit(self.made, self.epoch_begin)

    def _each(self, call: Callable[[Any], None]) -> None:
        """Calls them one after the other; see `_call`."""
        for asked, own in zip(self.asked, self.made, strict=True):
            self._call(asked, own, call)

    def _call(self, asked: Callback, own: Any, call: Callable[[Any], None]) -> None:
        """Calls one of them.

        Raises:
            BadInput: it fails, and not in a line of the user's, which says it better.
        """
        try:
            call(own)
        except BadInput:
            raise
        except Exception as error:
            if failure(error).file:
                raise
            raise BadInput(_failing(asked, error)) from error

    def kept(self, arrays: Arrays) -> list[Any]:
        """What they keep from one epoch to the next, for `put_back`.

        Raises:
            NotKept: one of them keeps something else than plain values and arrays.
        """
        both = zip(self.made, self._code, strict=True)
        return [kept(own, own.model, code, arrays) for own, code in both]

    def put_back(self, found: Sequence[Mapping[str, Any]], arrays: Mapping[int, Any]) -> None:
        """Puts back what they kept; the training has begun again."""
        for own, attributes in zip(self.made, found, strict=True):
            put_back(own, own.model, attributes, arrays)

    def warnings(self) -> Iterator[str]:
        """What is to be told of them, after a try."""
        for asked, own, code in zip(self.asked, self.made, self._code, strict=True):
            try:
                kept(own, own.model, code, [])
            except NotKept as error:
                text = f"keeps {error}, which no checkpoint holds: a trial that is stopped is"
                yield own_problem(KEY, asked.name, f"{text} trained again from its start")
        if on_batches := self.on_batches:
            yield (
                f"{KEY}: {on_batches} acts on batches, so that the training takes Keras's own "
                "loop, fit, which is slower"
            )
        for asked, own in zip(self.asked, self.made, strict=True):
            if asked.name == STOPS and getattr(own, "restore_best_weights", False):
                yield (
                    f"{KEY}: {STOPS} has restore_best_weights, which has no effect: the weights of "
                    "the epoch with the best objective are kept anyway"
                )

    def problems(self, spec: TrialSpec) -> Iterator[str]:
        """Which of them don't fit the training."""
        if spec.training.loop == "resident" and self.on_batches:
            yield (
                f"training.loop: resident has no batches for {self.on_batches}; use "
                "training.loop=auto, which takes fit"
            )
        patience = spec.training.early_stopping.patience
        watched = [own.monitor for own in self.asked if own.name == STOPS]
        if patience is not None and spec.objective.metric in watched:
            yield (
                f"{KEY}: {STOPS} and training.early_stopping.patience={patience} both stop a "
                f"training by {spec.objective.metric}; leave one of them out"
            )


def callbacks_for(spec: TrialSpec) -> Callbacks:
    """New callbacks for a training. One that only stops it is left out where the number of epochs
    is given.

    Raises:
        BadInput: one of them isn't there, or doesn't take its params.
    """
    asked = callbacks_of(spec.training)
    return Callbacks([own for own in asked if not (own.name == STOPS and spec.last_epoch)])


def needs_fit(spec: TrialSpec, train: Rows) -> str:
    """Why a training can't be the compiled loop's; empty if it can."""
    if not fits_in_memory(train.table):
        return "the data doesn't fit in memory twice"
    on_batches = callbacks_for(spec).on_batches
    return f"{on_batches} acts on batches" if on_batches else ""


def _made(asked: Callback) -> keras.callbacks.Callback:
    if is_own(asked.name):
        found = find_own(KEY, asked.name)
        if not (inspect.isclass(found) and issubclass(found, keras.callbacks.Callback)):
            text = "must be a subclass of keras.callbacks.Callback"
            raise BadInput(own_problem(KEY, asked.name, text))
        check_call(KEY, asked.name, found, (), asked.params)
        return found(**asked.params)
    kind = getattr(keras.callbacks, asked.name)
    known = inspect.signature(kind).parameters
    if unknown := [param for param in asked.params if param not in known]:
        remedy = suggested(unknown[0], known)
        raise BadInput(f"{KEY}: {asked.name} has no parameter {unknown[0]!r}; {remedy}")
    params = dict(asked.params)
    if asked.name == SCHEDULES:
        params["schedule"] = find_own(KEY, params["schedule"])
    if "monitor" in known and params.get("mode", "auto") == "auto":
        params["mode"] = MODES.get(direction_of(base_name(asked.monitor)), "auto")
    try:
        return kind(**params)
    except Exception as error:
        raise BadInput(_failing(asked, error)) from error


def _failing(asked: Callback, error: Exception) -> str:
    """What is told of a callback that fails in Keras's code."""
    if asked.name == SCHEDULES:
        text = f"gives what {SCHEDULES} refuses: {failure(error).line}"
        return own_problem(KEY, asked.params["schedule"], text)
    return _problem(asked, fails(error))


def _watched(asked: Callback, own: Any) -> str:
    """What one of Keras's watches; empty for nothing."""
    return "" if is_own(asked.name) else getattr(own, "monitor", "")


def _too_early(
    asked: Callback, monitor: str, names: Sequence[str], adds: Mapping[str, Callback]
) -> str:
    """What is told of one that watches what isn't there yet, or never: the epoch has these names,
    some of which callbacks add."""
    if monitor in adds:
        own = adds[monitor].name
        why = f"which {own} adds only after it; put {own} before {asked.name}"
    else:
        why = f"which no epoch has; {suggested(monitor, names)}"
    return f"{KEY}: {asked.name} monitors {monitor}, {why}"


def _overwritten(
    asked: Callback, measured: Mapping[str, float], logs: Mapping[str, Any]
) -> Iterator[str]:
    """What a callback has made of the metrics that were measured."""
    for name, value in measured.items():
        if name not in logs:
            text = f"removes {name} from logs, which is measured; leave it there"
            yield _problem(asked, text)
        elif logs[name] is not value and not _is_same(logs[name], value):
            text = f"sets {name} in logs, which is measured; log it under another name"
            yield _problem(asked, text)


def _is_same(written: Any, value: float) -> bool:
    """Whether a callback has written what was measured."""
    try:
        return float(written) == value
    except (TypeError, ValueError):
        return False


def _number(asked: Callback, name: str, value: Any) -> float:
    """A metric that a callback has added.

    Raises:
        BadInput: it is no number, or has the name of something else than a metric.
    """
    if is_of_run(name):
        text = f"logs {name}, which is what a run has beside metrics; log it under another name"
        raise BadInput(_problem(asked, text))
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        text = f"must give numbers as metrics of an epoch, got {name}: {value!r}"
        raise BadInput(_problem(asked, text)) from error


def _problem(asked: Callback, text: str) -> str:
    """What is wrong with a callback, with the user's line where it is one of theirs."""
    own = is_own(asked.name)
    return own_problem(KEY, asked.name, text) if own else f"{KEY}: {asked.name} {text}"


def _beside_epochs(kind: type) -> list[str]:
    """What a class overrides beside what is called between epochs."""
    usual = keras.callbacks.Callback
    names = [name for name in dir(usual) if name.startswith("on_") and name not in BETWEEN_EPOCHS]
    return [name for name in names if getattr(kind, name) is not getattr(usual, name)]


class _InFit(keras.callbacks.CallbackList):  # type: ignore[misc]
    """Callbacks as `fit` calls them; it doesn't hear of the end of an epoch, which they are told
    with all of its metrics, nor of the training's begin and end."""

    def __init__(
        self, made: Sequence[keras.callbacks.Callback], epoch_begin: Callable[[int], None]
    ) -> None:
        super().__init__(list(made))
        self._epoch_begin = epoch_begin

    def _configure_async_dispatch(self, callbacks: Any) -> None:
        """One after the other."""

    def set_params(self, params: Any) -> None:
        pass

    def on_train_begin(self, logs: Any = None) -> None:
        pass

    def on_train_end(self, logs: Any = None) -> None:
        pass

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras's
        self._epoch_begin(epoch + 1)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        pass
