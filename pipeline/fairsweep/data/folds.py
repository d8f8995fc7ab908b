"""The folds of a search, and how an arm's best configurations are confirmed on the data there is.

In: settings and data. Out: the first of the folds and a `Confirmation`, or `BadInput` where the
settings don't fit the rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from fairsweep.config.schema import Confirm, Data
from fairsweep.data.dataset import VALIDATION, Dataset, Rows
from fairsweep.data.split import SplitData, cut, split_rows
from fairsweep.errors import BadInput
from fairsweep.folds import ALL_ROWS, SEARCH_CUT, asked_by, search_fold
from fairsweep.metrics import measured_on_validation
from fairsweep.records import Confirmation, Objective

FOLDS = 5
"""How many parts the rows are cut into where nothing else is asked for."""


def first_fold(dataset: Dataset, settings: Data, folds: int, objective: Objective) -> SplitData:
    """The data as a search on folds has them, split into the first one and the rest.

    Args:
        dataset: all rows.
        settings: of the data.
        folds: how many every trial is trained on.
        objective: what trials are judged by.

    Raises:
        BadInput: so many folds can't be cut.
    """
    if reason := _no_turns(dataset, objective):
        raise BadInput(f"search.folds: {reason}; use search.folds=null")
    rows = split_rows(dataset, settings, ALL_ROWS).train
    if problem := _problem(folds, (SEARCH_CUT,), rows, dataset, settings):
        raise problem
    return split_rows(dataset, settings, search_fold(folds, 0))


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
        raise BadInput(f"confirm.folds: {reason}; use confirm.folds=null, which confirms on seeds")
    counts = range(FOLDS, 1, -1) if settings.folds is None else (settings.folds,)
    for count in counts:
        wanted = Confirmation(count, _turns(settings.repeats, searches), settings.top, searches)
        rows = np.union1d(split.train, split.validation)
        problem = _problem(count, range(wanted.repeats), rows, split.dataset, data)
        if problem is None:
            return wanted
        if settings.folds is not None:
            raise problem
    return on_seeds


def _turns(count: int, searches: int) -> int:
    """So many repeats, or a few more: the same number for each search."""
    return math.ceil(count / searches) * searches


def _no_folds(split: SplitData, objective: Objective) -> str:
    """Why rows can't take turns in judging confirmations; empty where they can."""
    if reason := _no_turns(split.dataset, objective):
        return reason
    return "" if len(split.validation) else "there are no validation rows (data.validation=0)"


def _no_turns(dataset: Dataset, objective: Objective) -> str:
    """Why no rows can take turns in judging; empty where they can."""
    if not measured_on_validation(objective.metric):
        return (
            f"{objective.metric} is measured on training rows, so no row can be judged by it; "
            f"objective.metric=val_{objective.metric} can"
        )
    parts = dataset.parts
    if parts is not None and (parts == VALIDATION).any():
        return "the data gives its validation rows, and a split that is given stays as it is"
    return ""


def _problem(
    folds: int, repeats: Sequence[int], rows: Rows, dataset: Dataset, settings: Data
) -> BadInput | None:
    """Why rows can't be cut into so many folds in the way of each repeat; None where they can."""
    try:
        _check_counts(folds, dataset, rows, asked_by(repeats[0]))
        for repeat in repeats:
            cut(rows, dataset, settings.seed, folds, repeat)
    except BadInput as error:
        return error
    return None


def _check_counts(folds: int, dataset: Dataset, rows: Rows, key: str) -> None:
    if dataset.groups is not None:
        groups = len(np.unique(dataset.groups[rows]))
        if groups < folds:
            raise BadInput(
                f"{key}: {folds} folds need as many groups, and the rows that aren't for testing "
                f"have {groups}; {_fewer(groups, key)}"
            )
        return
    kind, least = _rarest(dataset, rows)
    if least < folds:
        raise BadInput(
            f"{key}: {folds} folds need as many rows {kind}, and there are {least} that aren't for "
            f"testing; {_fewer(least, key)}"
        )


def _rarest(dataset: Dataset, rows: Rows) -> tuple[str, int]:
    there = {kind: count for kind, count in dataset.counts(rows).items() if count}
    kind = min(there, key=lambda name: there[name])
    return kind, there[kind]


def _fewer(most: int, key: str) -> str:
    return f"use {key}={most if most > 1 else 0}"
