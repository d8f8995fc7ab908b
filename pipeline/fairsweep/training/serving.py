"""Serves a published model: what MLflow loads, and what answers its requests.

MLflow calls `_load_pyfunc` with the folder that `fairsweep.data.recipe` filled.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pandas as pd

from fairsweep.config.schema import Model
from fairsweep.data.dataset import Column, Inputs, features_of
from fairsweep.data.inputs.encoding import encode, missing_words
from fairsweep.data.recipe import Recipe, read_model, read_whole
from fairsweep.data.sequences import sequence_problems
from fairsweep.data.several import Several, plain
from fairsweep.tasks import task_named
from fairsweep.training.asked_data import from_file
from fairsweep.training.model import build_model
from fairsweep.training.own import find_own
from fairsweep.training.programs import together

BATCH = 1024


class PublishedModel:
    """A Keras model with the names of its classes, labels or values. `keras_model` is the model
    itself, its preprocessing inside."""

    def __init__(self, keras_model: keras.Model, recipe: Recipe) -> None:
        self.keras_model = keras_model
        self._recipe = recipe

    def predict(self, rows: Any, params: object = None) -> Any:  # noqa: ARG002 - MLflow's
        """The class of each row, or its labels, and a probability for every one; or its values.

        Args:
            rows: numbers (rows, …) of the shape that was trained on, or a table with its columns,
                or several inputs by name.
            params: MLflow passes them; there are none.

        Returns:
            `class`, and for each class `p_<name>`; those of a row add up to 1. Of a model of
            several labels: `labels`, those whose probability is at least 0.5 with a `;` between
            them, and for each label `p_<name>`; each is a probability of its own. Of values: a
            column for each target, and for each quantile `<name>_q<level>`. Of a task of the user's
            own: the array of each output, by its name.

        Raises:
            ValueError: a value is missing, and the model was trained on complete rows, or a
                sequence is padding alone.
        """
        x = self._features(rows)

        def said(start: int) -> Any:
            return self.keras_model(plain(x[start : start + BATCH]), training=False)

        recipe = self._recipe
        given = together([said(start) for start in range(0, max(1, len(x)), BATCH)])
        if recipe.output.compiled:
            return recipe.output.answer(given, recipe.classes)
        outputs = np.asarray(given, np.float64)
        answer = recipe.output.answer(outputs, recipe.classes)
        types = task_named(recipe.task).columns(recipe.classes, recipe.quantiles)
        return pd.DataFrame(
            {
                name: pd.Series(answer[name], dtype=str if kind == "string" else None)
                for name, kind in types.items()
            }
        )

    def _features(self, rows: Any) -> Inputs:
        recipe = self._recipe
        if recipe.inputs:
            return Several(
                {
                    own.name: np.asarray(rows[own.name], own.dtype).reshape(-1, *own.shape)
                    for own in recipe.inputs
                }
            )
        if not (recipe.columns and isinstance(rows, pd.DataFrame)):
            x = np.asarray(rows, np.float32).reshape(-1, *recipe.shape)
            padding = recipe.scaling.padding
            if padding is not None and (problems := list(sequence_problems(x, padding))):
                raise ValueError("; ".join(problems))
            return x
        x = encode(rows, recipe.columns)
        for column, own in () if recipe.fills else features_of(recipe.columns):
            gaps = np.isnan(x[:, own.start]) if not column.has_words else _gaps(rows, column)
            if gaps.any():
                name = column.date or column.name
                raise ValueError(
                    f"row {np.argmax(gaps) + 1} has no {name}, but the model was "
                    "trained on complete rows; data.missing=fill trains one that accepts gaps"
                )
        return x


def _gaps(rows: pd.DataFrame, column: Column) -> npt.NDArray[np.bool_]:
    """Which rows have no word in a column; texts may have none, and parts of dates are missing
    together."""
    if column.length or column.date:
        return np.zeros(len(rows), bool)
    return missing_words(rows[column.name]) if column.name in rows else np.ones(len(rows), bool)


def _load_pyfunc(path: str) -> PublishedModel:
    recipe, weights = read_model(Path(path))
    if whole := read_whole(Path(path)):
        find_own("model.builder", recipe.builder)  # its module may have classes of the model's
        return PublishedModel(from_file(whole), recipe)
    settings = Model("published", recipe.builder, dict(recipe.params))
    rows: Inputs = np.zeros((1, *recipe.shape), np.float32)
    if recipe.inputs:
        rows = Several({own.name: np.zeros((1, *own.shape), own.dtype) for own in recipe.inputs})
    model = build_model(settings, recipe.scaling, rows, recipe.output, 0)
    model.set_weights(weights)
    return PublishedModel(model, recipe)
