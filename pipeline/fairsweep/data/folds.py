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
from fairsweep.data.split import (
    SplitData,
    can_be_drawn,
    cut,
    if_numbers,
    kind_in_one_part,
    split_rows,
)
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
    repeats = _turns(settings.repeats, searches)
    rows = np.union1d(split.train, split.validation)
    if settings.folds is not None:
        if problem := _problem(settings.folds, range(repeats), rows, split.dataset, data):
            raise problem
        return Confirmation(settings.folds, repeats, settings.top, searches)
    for count in range(min(FOLDS, _most(split.dataset, rows)[0]), 1, -1):
        # Sweeps that are stored may rest on what couldn't be drawn, so nothing is dealt unasked.
        if all(can_be_drawn(rows, split.dataset, data.seed, count, r) for r in range(repeats)):
            return Confirmation(count, repeats, settings.top, searches)
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
    """Why rows can't be cut into so many folds in the way of each repeat, and the largest number
    that they can be cut into; None where they can."""

    def fault(count: int) -> str:
        try:
            for repeat in repeats:
                cut(rows, dataset, settings.seed, count, repeat)
        except BadInput as error:
            return str(error)
        return ""

    key = asked_by(repeats[0])
    most, needed = _most(dataset, rows)
    if most < folds:
        reason = f"{key}: {folds} folds need {needed}"
    elif reason := fault(folds):
        most = folds - 1
    else:
        return None
    if dataset.groups is not None:
        # One group in each fold always works, unless a kind of answers has a single group.
        alone = kind_in_one_part(_groups(dataset, rows), dataset)
        while not alone and most > 1 and fault(most):
            most -= 1
        most = 0 if alone else most
    remedy = f"use {key}={most if most > 1 else 0}"
    return BadInput(f"{reason}; {remedy}{if_numbers(dataset, settings)}")


def _most(dataset: Dataset, rows: Rows) -> tuple[int, str]:
    """The largest number of folds that have rows of their own, and what more of them would need."""
    if dataset.groups is not None:
        groups = len(_groups(dataset, rows))
        return groups, f"as many groups, and the rows that aren't for testing have {groups}"
    there = {kind: count for kind, count in dataset.counts(rows).items() if count}
    kind = min(there, key=lambda name: there[name])
    least = there[kind]
    return least, f"as many rows {kind}, and there are {least} that aren't for testing"


def _groups(dataset: Dataset, rows: Rows) -> list[Rows]:
    """The rows of each group."""
    assert dataset.groups is not None
    own = dataset.groups[rows]
    order = np.argsort(own, kind="stable")
    return np.split(rows[order], np.flatnonzero(np.diff(own[order])) + 1)
