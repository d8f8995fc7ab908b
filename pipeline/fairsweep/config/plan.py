"""The `Plan`: one checked command, ready to run; all that the other rooms know of its config."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fairsweep.config.checks.comparable import comparison_problems, incomparable
from fairsweep.config.checks.data import OF_ARRAYS
from fairsweep.config.checks.metrics import too_tolerant
from fairsweep.config.checks.model import class_problems
from fairsweep.config.schema import (
    ADDED_FIELDS,
    ADDED_PARAMS,
    WATCHDOG_FIELDS,
    Config,
    Data,
)
from fairsweep.config.space import GROUPS, ArmSettings
from fairsweep.costs import COSTS
from fairsweep.errors import BadInput
from fairsweep.metrics import (
    METRICS,
    USUAL,
    VALIDATION,
    Metric,
    asked,
    base_name,
    known,
    measured,
    metric_named,
    of_epoch,
)
from fairsweep.own import is_own
from fairsweep.records import Objective
from fairsweep.tasks import AUTO, CLASSES, VALUES, Task, forms_of
from fairsweep.tasks.classes import CLASS_FORMS, if_quantities
from fairsweep.tasks.layer import Form
from fairsweep.tasks.values import VALUES_FORM

ROWS = {"cnn": (3, "images (height, width, channels)"), "rnn": (2, "sequences (steps, features)")}
"""How many axes a row has that a model of ours takes, and what they are; others take any."""


@dataclass(frozen=True)
class Arm:
    """One of the things compared. `choices` is the option chosen in each group, `overrides`
    compose the arm again on its own. `auto` says that its loss follows from the data; until these
    are known it is that of classes."""

    name: str
    settings: ArmSettings
    choices: Mapping[str, str]
    overrides: tuple[str, ...]
    auto: bool = False

    @property
    def searched(self) -> list[str]:
        """Public names of the searched parameters."""
        return [f"{group}.{name}" for group, name, _, _ in self.settings.searched()]

    @property
    def sha256(self) -> str:
        return digest(self.identity())

    def identity(self) -> dict[str, Any]:
        """Everything that decides this arm's results, as plain data: what gives the same numbers
        however it is set is left out."""
        plain = dataclasses.asdict(self.settings)
        for name in ("loop", *WATCHDOG_FIELDS):
            del plain["training"][name]
        plain["training"]["class_weight"] = self.settings.training.class_weights
        for group, own in plain.items():
            _leave_out_added(group, own, getattr(self.settings, group))
        params = plain["model"]["params"]
        if self.settings.model.builder == "transfer":
            del params["path"]  # what is in the file counts, not where it is
        for name, value in ADDED_PARAMS.get(self.settings.model.builder, {}).items():
            if params.get(name) == value:
                del params[name]
        for spec in (own for group in GROUPS for own in plain[group]["space"].values()):
            if spec is not None and spec["when"] is None:
                del spec["when"]
        return plain

    def for_task(self, task: Task) -> Arm:
        """The arm with the loss and the metrics of a task, where it leaves them open."""
        training = self.settings.training
        usual = task.usual(None if self.auto else training.loss)
        metrics = usual.metrics if training.metrics is None else training.metrics
        own = None if metrics is None else list(metrics)
        chosen = replace(training, loss=usual.loss, metrics=own)
        return replace(self, settings=replace(self.settings, training=chosen), auto=False)


@dataclass(frozen=True)
class Plan:
    """A sweep: `group` is what the arms differ in, `config` everything that they share.
    `warnings` are for the user to read, `place` says where the values of a problem stand, by its
    key and its text. `auto` says that the objective follows from the data; until these are known it
    is that of classes. `chosen` is for the user to read, too: what followed from them. `stand_in`
    chooses the option that stands for all arms where Hydra composes once, if not the default one.
    """

    config: Config
    group: str
    arms: tuple[Arm, ...]
    warnings: tuple[str, ...] = ()
    place: Callable[[str, str], str] = field(default=lambda *_: "", compare=False, repr=False)
    auto: bool = False
    chosen: str = field(default="", compare=False)
    stand_in: tuple[str, ...] = field(default=(), compare=False)

    @property
    def objective(self) -> Objective:
        return objective_of(self.objective_settings())

    def objective_settings(self) -> dict[str, Any]:
        """The objective as it is stored, which `objective_of` reads."""
        plain = dataclasses.asdict(self.config.objective)
        _leave_out_added("objective", plain, self.config.objective)
        return plain

    @property
    def search_folds(self) -> int:
        """How many folds each trial of the search is trained on; 0 for none."""
        return self.config.search.folds or 0

    @property
    def experiment(self) -> str:
        """Name of the MLflow experiment."""
        return self.config.tracking.experiment or self.arms[0].settings.data.name

    @property
    def name(self) -> str:
        """The sweep's name: the user's, or `<data>-<model>-<4 hex digits>` of everything that
        makes results comparable, so that another config is another sweep."""
        if self.config.sweep.name is not None:
            return self.config.sweep.name
        arm = self.arms[0].settings
        return f"{arm.data.name}-{arm.model.name}-{self.sha256[:4]}"

    @property
    def sha256(self) -> str:
        return digest({"arms": {a.name: a.identity() for a in self.arms}, **self.shared()})

    def for_task(self, task: Task) -> Plan:
        """The plan with what follows from the task of the data, where it is left open. Where arms
        ask for different objectives, or for a loss that isn't the same in all trials, it is the
        task's usual one."""
        arms = tuple(arm.for_task(task) for arm in self.arms)
        config = self.config
        why = ""
        if self.auto:
            own = dict.fromkeys(usual_objective(task, arm.settings.training.loss) for arm in arms)
            metric = next(iter(own))
            if len(own) > 1 or incomparable(metric, {arm.name: arm.settings for arm in arms}):
                metric, why = usual_objective(task), ", which measures all alike"
            metric, direction = known(metric, AUTO)
            chosen = replace(config.objective, metric=metric, direction=direction)
            config = replace(config, objective=chosen)
        changed = replace(self, config=config, arms=arms, auto=False)
        losses = ", ".join(dict.fromkeys(arm.settings.training.loss for arm in arms))
        objective = f"objective.metric={changed.objective.metric}{why}"
        told = f"{task.name}: training.loss={losses}, {objective}"
        return changed if changed == replace(self, auto=False) else replace(changed, chosen=told)

    def only_for_values(self) -> str:
        """What was chosen that no class or label has, as `objective.metric=val_rmse`, if all that
        was chosen fits values and the data may have these; else nothing."""
        data, left_open = self.config.data, self.selecting[: int(self.auto)]
        if data.task != AUTO or (data.target is None and data.source not in OF_ARRAYS):
            return ""
        selecting = [own for own in self.selecting if own not in left_open and own[1] not in COSTS]
        trainings = [arm.settings.training for arm in self.arms]
        measured = [("training.metrics", own) for t in trainings for own in t.metrics or ()]
        metrics = {
            f"{key}={name}": metric_named(base_name(name)) for key, name in (*selecting, *measured)
        }
        losses = {arm.settings.training.loss for arm in self.arms if not arm.auto}
        if not all(own.fits([VALUES_FORM]) for own in metrics.values()) or any(
            loss not in VALUES.losses and not is_own(loss) for loss in losses
        ):
            return ""
        chosen = [what for what, own in metrics.items() if not own.fits_any(CLASS_FORMS)]
        own_losses = sorted(losses.intersection(VALUES.losses).difference(CLASSES.losses))
        return next(iter((*chosen, *(f"training.loss={loss}" for loss in own_losses))), "")

    def of_values(self) -> Plan:
        """The same with `data.task=values`."""

        def asked(settings: Data) -> Data:
            return replace(settings, task=VALUES.name)

        arms = tuple(
            replace(arm, settings=replace(arm.settings, data=asked(arm.settings.data)))
            for arm in self.arms
        )
        return replace(self, config=replace(self.config, data=asked(self.config.data)), arms=arms)

    def check_rows(
        self, shape: Sequence[int], validation: int, task: Task, classes: Sequence[str]
    ) -> None:
        """Checks that the models take rows of the data, and that the objective is measured on
        them.

        Args:
            shape: (rows, …).
            validation: how many rows validate.
            task: of the data.
            classes: of the data, or labels, by their names.

        Raises:
            BadInput: a model doesn't, or it isn't.
        """
        problems, metric, names = [], self.objective.metric, len(classes)
        quantities = if_quantities(classes, self.config.data.task) if task is CLASSES else ""
        if metric.startswith(VALIDATION) and not validation:
            problems.append(_unvalidated("objective.metric", metric))
        for arm in self.arms:
            training, builder = arm.settings.training, arm.settings.model.builder
            axes, rows = ROWS.get(builder, (len(shape) - 1, ""))
            if len(shape) - 1 != axes:
                problems.append(
                    f"model: {builder} needs {rows}, the data has rows of shape "
                    f"{tuple(shape[1:])}; use model=mlp"
                )
            problems += task.training_problems(training.loss, training.class_weights, names)
        settings = {arm.name: arm.settings for arm in self.arms}
        problems += comparison_problems(self.selecting, settings, usual_objective(task))
        metrics = () if problems else self.metrics(task, names)
        losses = ", ".join(dict.fromkeys(arm.settings.training.loss for arm in self.arms))
        by_name = [own for own in METRICS.values() if own.most < names]
        there = ", ".join(measured(by_name, self._forms(task, names)) if metrics else ())
        if metrics and base_name(metric) not in metrics:
            problems.append(
                f"objective.metric: {base_name(metric)} can't be measured for {task.name} under "
                f"training.loss={losses}; need one of {there}, with {VALIDATION} before it on "
                f"validation rows, got {metric!r}{quantities}"
            )
        elif metrics and (lost := [own.name for own in self._asked() if own.name not in metrics]):
            problems.append(
                f"training.metrics: {', '.join(lost)} can't be measured for {task.name} under "
                f"training.loss={losses}; need one of {there}, or leave it out{quantities}"
            )
        elif metrics and (told := [own for own in self._asked() if own.most >= names]):
            name = told[0].name
            key, remedy = "training.metrics", "leave it out"
            if name == base_name(metric):
                prefix = VALIDATION if metric.startswith(VALIDATION) else ""
                key = "objective.metric"
                remedy = f"use {key}={prefix}{base_name(usual_objective(task))}"
            problems.append(f"{key}: {name} is 1 for every row of {names} {task.name}; {remedy}")
        elif metrics:
            problems += self._second_problems(metrics, validation)
        if problems:
            raise BadInput(*dict.fromkeys(problems))

    @property
    def selecting(self) -> tuple[tuple[str, str], ...]:
        """The keys that name what selects, and this: the objective first."""
        second = self.config.objective.second
        own = (("objective.metric", self.objective.metric),)
        return own if second is None else (*own, ("objective.second", second))

    def _second_problems(self, metrics: Sequence[str], validation: int) -> Iterator[str]:
        """What is wrong with the second objective, where these metrics are measured."""
        key, second = "objective.second", self.config.objective.second
        if second is None:
            return
        yield from too_tolerant(self.objective.metric, self.config.objective.tolerance)
        if second in COSTS:
            return
        name = base_name(second)
        if second == self.objective.metric:
            yield (
                f"{key}: {second} is objective.metric already; name another metric, or one of "
                f"{', '.join(COSTS)}"
            )
        elif name not in metrics:
            given = self.arms[0].settings.training.metrics
            wanted = ",".join([*(USUAL if given is None else given), name])
            yield (
                f"{key}: {second} isn't measured; use training.metrics=[{wanted}], or one of "
                f"{', '.join([*COSTS, *of_epoch(metrics)])}"
            )
        elif second.startswith(VALIDATION) and not validation:
            yield _unvalidated(key, second)

    def check_classes(self, classes: Sequence[str]) -> None:
        """Checks that the data has the classes that an arm has weights for.

        Raises:
            BadInput: it hasn't.
        """
        trainings = (arm.settings.training for arm in self.arms)
        found = (problem for own in trainings for problem in class_problems(own, classes))
        if problems := list(dict.fromkeys(found)):
            raise BadInput(*problems)

    def metrics(self, task: Task, names: int) -> tuple[str, ...]:
        """What every epoch of each arm is measured by, on whatever part of the data.

        Args:
            task: of the data.
            names: how many classes, or labels, it has.
        """
        return measured(self._asked(), self._forms(task, names))

    def _forms(self, task: Task, names: int) -> set[Form]:
        """The forms of answers that the arms' models may want; none where what is measured is what
        a model logs."""
        forms: set[Form] = set()
        for arm in self.arms:
            output = task.output(
                arm.settings.training.loss, names, arm.settings.training.quantiles or ()
            )
            if output.compiled:
                return set()
            forms |= forms_of(output, own=is_own(arm.settings.model.builder))
        return forms

    def _asked(self) -> tuple[Metric, ...]:
        """What every arm is to be measured by."""
        first, *others = (
            asked(arm.settings.training.metrics, self.objective.metric) for arm in self.arms
        )
        names = [{metric.name for metric in own} for own in others]
        return tuple(metric for metric in first if all(metric.name in own for own in names))

    def shared(self) -> dict[str, Any]:
        """What arms share and results depend on."""
        search = self.config.search
        several = {"repeats": search.repeats} if search.repeats > 1 else {}
        folds = {"folds": self.search_folds} if self.search_folds else {}
        return {
            "objective": self.objective_settings(),
            "search": {"name": search.name, "params": search.params, **several, **folds},
            "pruner": dataclasses.asdict(self.config.pruner),
            "confirm": {"folds": self.config.confirm.folds},
        }


def usual_objective(task: Task, loss: str | None = None) -> str:
    """What selects where nothing else is asked for, under a loss or under the task's usual one."""
    return known(task.usual(loss).objective or AUTO, AUTO)[0]


def _unvalidated(key: str, metric: str) -> str:
    return (
        f"{key}: {metric} needs validation rows, and the data gives none; use data.validation=0.2 "
        f"or {key}={base_name(metric)}"
    )


def objective_of(stored: Mapping[str, Any]) -> Objective:
    """The objective of a plan or of a stored sweep."""
    second = stored.get("second")
    return Objective(
        stored["metric"],
        stored["direction"],
        None if second is None else Objective(second, stored["second_direction"]),
        stored.get("tolerance"),
    )


def _leave_out_added(group: str, plain: dict[str, Any], settings: Any) -> None:
    """Leaves out of a group's settings what sweeps could not set from the first and what is as
    usual."""
    usual = vars(type(settings)())
    for name in ADDED_FIELDS.get(group, ()):
        if plain[name] == usual[name]:
            del plain[name]


def store_name(uri: str | None) -> str:
    """What studies note of the store that their runs are in: `local`, or a server's address."""
    return "local" if uri is None else uri


def digest(value: Mapping[str, Any]) -> str:
    """SHA-256 of plain data, the same whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def differences(before: Any, after: Any, path: str = "") -> list[str]:
    """`key: before → after` for every leaf in which two nests of plain data differ."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        keys = sorted({*before, *after}, key=str)
        return [
            line
            for key in keys
            for line in differences(before.get(key), after.get(key), f"{path}.{key}".lstrip("."))
        ]
    return [] if before == after else [f"{path}: {before!r} → {after!r}"]
