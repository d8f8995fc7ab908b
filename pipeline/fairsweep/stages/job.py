"""What a command trains for: a checked plan, its data, and the store that keeps the results.

In: a plan. Out: a `Job`, or `BadInput` with all that its data and its models don't agree on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

from fairsweep.config.plan import Plan
from fairsweep.data.dataset import Dataset
from fairsweep.data.folds import confirmation, first_fold
from fairsweep.data.memory.room import check_workers
from fairsweep.data.several import inputs_of
from fairsweep.data.sources import load
from fairsweep.data.split import SplitData, describe, fingerprint, split_rows
from fairsweep.errors import BadInput
from fairsweep.files import TrialFolders
from fairsweep.machine import cores
from fairsweep.own import is_own
from fairsweep.records import Confirmation
from fairsweep.stages.limits import Limits
from fairsweep.tasks import CLASSES, VALUES
from fairsweep.tasks.classes import AS_VALUES, are_whole_numbers
from fairsweep.tasks.values import MEDIAN, has_median
from fairsweep.tracking.store import Store, open_store
from fairsweep.tracking.write.frame import Facts

KEY = re.compile(r"\w+(\.\w+)+(?<!path)")
"""A key of the config, other than one of a path."""


@dataclass(frozen=True)
class Job:
    """A checked plan, the data it is about, split as the search has them (or its first fold), how
    best configurations are confirmed on them, the plan's store, and how many workers train it."""

    plan: Plan
    data: SplitData
    confirmation: Confirmation
    store: Store
    workers: int

    @property
    def folders(self) -> TrialFolders:
        """Where its trainings keep checkpoints, and weights on their way into the store."""
        name = self.plan.name
        return TrialFolders(self.store.checkpoints(name), self.store.scratch(name))

    @property
    def refits(self) -> bool:
        """Whether what is published is trained once more, on all rows."""
        return self.confirmation.trainings > 0 and self.plan.config.publish.fit == "all"

    @cached_property
    def facts(self) -> Facts:
        """What is stored about the data, and how they are used."""
        dataset, about = self.data.dataset, describe(self.data, self.plan.config.data)
        metrics = self.plan.metrics(dataset.task, len(dataset.class_names))
        return Facts(about, fingerprint(self.data), metrics, self.confirmation)


def open_job(plan: Plan, workers: int) -> Job:
    """Loads the plan's data, has what it leaves open follow from them, checks that its models take
    them and that so many workers can load them, and opens its store.

    Raises:
        BadInput: they can't.
        StorageError: the store can't be written.
    """
    with _placed(plan):
        plan, dataset = _loaded(plan)
        data = _split(plan, dataset)
        plan = plan.for_task(dataset.task)
        plan = replace(plan, warnings=(*plan.warnings, *_doubts(plan, dataset)))
        config = plan.config
        check_workers(dataset.x, workers)
        inputs = [own.name for own in inputs_of(dataset.x)]
        _check_takes(plan, inputs)
        shape = (len(dataset.y),) if inputs else dataset.x.shape
        plan.check_rows(shape, len(data.validation), dataset.task, dataset.class_names)
        losses = dict.fromkeys(arm.settings.training.loss for arm in plan.arms)
        if problems := [p for loss in losses for p in dataset.loss_problems(loss)]:
            raise BadInput(*problems)
        plan.check_classes(dataset.class_names)
        confirming = confirmation(
            config.confirm, config.data, data, plan.objective, config.search.repeats
        )
        limits = Limits(plan, data, folds=bool(plan.search_folds or confirming.folds))
        if problems := list(limits.problems()):
            raise BadInput(*problems)
        plan = replace(plan, warnings=(*plan.warnings, *limits.warnings()))
    return Job(plan, data, confirming, open_store(config.tracking), workers)


def _doubts(plan: Plan, dataset: Dataset) -> Iterator[str]:
    """Warns of a loss for numbers where the answers are taken for classes, and of quantiles none of
    which is in the middle."""
    trainings = [arm.settings.training for arm in plan.arms]
    names, losses = dataset.class_names, {own.loss for own in trainings}
    numbers, meant = are_whole_numbers(names), sorted(losses.intersection(VALUES.losses))
    for levels in dict.fromkeys(tuple(own.quantiles or ()) for own in trainings):
        if not has_median(levels):
            nearest = min(levels, key=lambda level: abs(level - MEDIAN))
            yield (
                f"training.quantiles: without {MEDIAN:g}, the median, errors (MAE, RMSE, R²) and "
                f"the figures are those of the quantile {nearest:g}; add {MEDIAN:g}"
            )
    if dataset.task is CLASSES and plan.config.data.task == "auto" and numbers and meant:
        yield (
            f"training.loss={', '.join(meant)}: the answers are whole numbers and count as "
            f"{len(names)} classes, each with a probability; if they are quantities, {AS_VALUES}, "
            "and data.task=classes says that they aren't"
        )


def _check_takes(plan: Plan, inputs: Sequence[str]) -> None:
    """Checks that no model of ours is to take several inputs.

    Raises:
        BadInput: one is.
    """
    models = (arm.settings.model for arm in plan.arms)
    if inputs and (ours := [model.name for model in models if not is_own(model.builder)]):
        raise BadInput(
            f"model: {ours[0]} takes one array, and the data has {len(inputs)} inputs: "
            f"{', '.join(inputs)}; use model=custom with a builder of your own"
        )


def _loaded(plan: Plan) -> tuple[Plan, Dataset]:
    """The plan and its data: whole numbers are values where what was chosen is for these only."""
    dataset = load(plan.config.data)
    why = plan.only_for_values()
    if dataset.task is not CLASSES or not why or not are_whole_numbers(dataset.class_names):
        return plan, dataset
    plan = plan.of_values()
    told = (
        f"the target is predicted as a number (data.task=values), because {why} is for numbers; "
        "if it is meant as a class, leave that out"
    )
    return replace(plan, warnings=(*plan.warnings, told)), load(plan.config.data)


def _split(plan: Plan, dataset: Dataset) -> SplitData:
    settings, folds = plan.config.data, plan.search_folds
    if folds:
        return first_fold(dataset, settings, folds, plan.objective)
    return split_rows(dataset, settings)


@contextmanager
def _placed(plan: Plan) -> Iterator[None]:
    """Says of bad input where the value of its key stands, but of a path, which it names itself."""

    def placed(problem: str) -> str:
        key, _, text = problem.partition(": ")
        return f"{problem}{plan.place(key, text)}" if KEY.fullmatch(key) else problem

    try:
        yield
    except BadInput as error:
        raise BadInput(*map(placed, error.problems)) from error


def worker_count(setting: int | str) -> int:
    """auto is one per core that this process may use."""
    return cores() if setting == "auto" else int(setting)
