"""How an arm's best configurations are confirmed on the data there is.

In: the `confirm` settings and the split. Out: a `Confirmation`, or `BadInput` where the settings
don't fit the rows.
"""

from __future__ import annotations

import math

import numpy as np

from fairsweep.config.schema import Confirm, Data
from fairsweep.data.dataset import VALIDATION, Dataset, Rows
from fairsweep.data.split import SplitData, cut
from fairsweep.errors import BadInput
from fairsweep.metrics import measured_on_validation
from fairsweep.records import Confirmation, Objective

FOLDS = 5
"""How many parts the rows are cut into where nothing else is asked for."""


def confirmation(
    settings: Confirm, data: Data, split: SplitData, objective: Objective, searches: int = 1
) -> Confirmation:
    """On folds, where validation rows were held out by share and can be held out in another way;
    on seeds, where the split is given.

    Args:
        settings: `folds` null is `FOLDS`, or as many as the rarest class has rows.
        data: the settings of the data.
        split: the data, split as the search has it.
        objective: what confirmations are judged by.
        searches: how many times each arm is searched.

    Raises:
        BadInput: so many folds can't be cut.
    """
    on_seeds = Confirmation(0, _turns(settings.seeds, searches), settings.top, searches)
    if settings.seeds == 0 or settings.folds == 0:
        return on_seeds
    if reason := _no_folds(split, objective):
        if settings.folds is None:
            return on_seeds
        raise BadInput(f"confirm.folds: {reason}; leave it out, or set confirm.folds=0")
    counts = range(FOLDS, 1, -1) if settings.folds is None else (settings.folds,)
    for count in counts:
        repeats = _turns(settings.repeats, searches)
        wanted = Confirmation(count, repeats, settings.top, searches)
        problem = _problem(wanted, data, split)
        if problem is None:
            return wanted
        if settings.folds is not None:
            raise problem
    return on_seeds


def _turns(count: int, searches: int) -> int:
    """So many repeats, or a few more: the same number for each search."""
    return math.ceil(count / searches) * searches


def _no_folds(split: SplitData, objective: Objective) -> str:
    """Why no rows can take turns in judging; empty where they can."""
    if not measured_on_validation(objective.metric):
        return (
            f"{objective.metric} is measured on training rows, so no row can be judged by it; "
            f"objective.metric=val_{objective.metric} can"
        )
    parts = split.dataset.parts
    if parts is not None and (parts == VALIDATION).any():
        return "the data gives its validation rows, and a split that is given stays as it is"
    if not len(split.validation):
        return "there are no validation rows (data.validation=0)"
    return ""


def _problem(wanted: Confirmation, data: Data, split: SplitData) -> BadInput | None:
    """Why rows can't be cut in every way that a confirmation needs; None where they can."""
    rows = np.union1d(split.train, split.validation)
    try:
        _check_counts(wanted.folds, split.dataset, rows)
        for repeat in range(wanted.repeats):
            cut(rows, split.dataset, data.seed, wanted.folds, repeat)
    except BadInput as error:
        return error
    return None


def _check_counts(folds: int, dataset: Dataset, rows: Rows) -> None:
    if dataset.groups is not None:
        groups = len(np.unique(dataset.groups[rows]))
        if groups < folds:
            raise BadInput(
                f"confirm.folds: {folds} folds need as many groups, and the rows that aren't for "
                f"testing have {groups}; {_fewer(groups)}"
            )
        return
    kind, least = _rarest(dataset, rows)
    if least < folds:
        raise BadInput(
            f"confirm.folds: {folds} folds need as many rows {kind}, and there are {least} that "
            f"aren't for testing; {_fewer(least)}"
        )


def _rarest(dataset: Dataset, rows: Rows) -> tuple[str, int]:
    there = {kind: count for kind, count in dataset.counts(rows).items() if count}
    kind = min(there, key=lambda name: there[name])
    return kind, there[kind]


def _fewer(most: int) -> str:
    return f"use confirm.folds={most}" if most > 1 else "use confirm.folds=0"
