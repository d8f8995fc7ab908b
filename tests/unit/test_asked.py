"""The command that asks a published model: it takes rows like those of the data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fairsweep.config.compose.commands import compose_predict
from fairsweep.config.form import form_of
from fairsweep.config.schema import Data
from fairsweep.data.dataset import Column
from fairsweep.data.recipe import Recipe
from fairsweep.data.scaling import Scaling
from fairsweep.stages.champion import asked

ARRAYS = Recipe("mlp", {}, Scaling(), (2,), ("a", "b"))
TABLE = Recipe("mlp", {}, Scaling(), (1,), ("a", "b"), (Column("x"),))


@pytest.mark.parametrize(
    ("source", "recipe", "told"),
    [
        ("csv", TABLE, "rows.csv"),
        ("parquet", TABLE, "rows.parquet"),
        ("python", TABLE, "rows.csv"),
        ("python", ARRAYS, "rows.npz"),
        ("npz", ARRAYS, "rows.npz"),
        ("digits", ARRAYS, "rows.npz"),
        ("keras_dataset", ARRAYS, "rows.npz"),
        ("images", ARRAYS, "photos"),
    ],
)
def test_rows_are_given_as_the_data_was(source: str, recipe: Recipe, told: str) -> None:
    assert list(asked(Data("own", source), recipe)) == [f"input={told}"]


@pytest.mark.parametrize(
    "own",
    [
        {"delimiter": ";", "decimal": ",", "thousands": "point"},
        {"delimiter": "\t", "comment": "#"},
        {"delimiter": r"\t", "thousands": "'"},
        {"delimiter": "blank", "columns": ["a", "größe", "it's", "b c", "1"]},
        {"columns": "numbered"},
    ],
)
def test_a_csv_is_asked_for_in_the_form_of_the_data(own: dict[str, Any], tmp_path: Path) -> None:
    data = Data("own", "csv", **own)
    words = (*asked(data, TABLE), f"output={tmp_path / 'out.csv'}")
    settings = compose_predict([f"predict.{word}" for word in words], None).predict
    assert settings.input == "rows.csv"
    assert form_of(settings) == form_of(data)


def test_a_csv_of_names_of_images_is_not_asked_for() -> None:
    assert list(asked(Data("own", "images", delimiter=";"), ARRAYS)) == ["input=photos"]
