"""Texts: how they become words, which words have an id, and what is told about them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from fairsweep.config.compose.commands import compose_sweep
from fairsweep.config.schema import Data
from fairsweep.data.dataset import PADDING, Column, Dataset
from fairsweep.data.inputs.encoding import decode, encode
from fairsweep.data.recipe import known_words
from fairsweep.data.scaling import Ids, measure
from fairsweep.data.shown import LONGEST_TEXT, shown
from fairsweep.data.sources import load
from fairsweep.data.split import load_split
from fairsweep.data.text import words_of
from fairsweep.data.warnings import data_warnings
from fairsweep.errors import BadInput

REVIEWS = """\
stars,review,city,liked
5,"Great, GREAT film!",Rome,yes
1,a dull film,Oslo,no
4,,Rome,yes
2,It's a bore... a bore,Bonn,no
"""
WORDS = ("a", "bore", "dull", "film", "great", "its")


def settings(folder: Path, rows: str = REVIEWS, **more: Any) -> Data:
    (folder / "rows.csv").write_text(rows)
    own = {"name": "t", "source": "csv", "path": str(folder / "rows.csv"), "target": "liked"}
    return Data(**{**own, "text": ["review"], **more})


def table(folder: Path, rows: str = REVIEWS, **more: Any) -> Dataset:
    return load(settings(folder, rows, **more))


def test_words_of_texts() -> None:
    texts = ["  Well-made,\tÉTÉ 2,5 \n", "", None, "?!", "x  y"]
    expected = [["wellmade", "été", "25"], None, None, None, ["x", "y"]]
    assert words_of(pa.array(texts)).to_pylist() == expected
    assert words_of(pa.array(texts).dictionary_encode()).to_pylist() == expected


def test_texts_stand_behind_other_columns_and_are_as_long_as_the_longest(tmp_path: Path) -> None:
    data = table(tmp_path)
    assert data.columns == (
        Column("stars"),
        Column("city", ("Bonn", "Oslo", "Rome")),
        Column("review", WORDS, 5),
    )
    assert data.x.tolist() == [
        [5, 2, 4, 4, 3, PADDING, PADDING],
        [1, 1, 0, 2, 3, PADDING, PADDING],
        [4, 2, *[PADDING] * 5],
        [2, 0, 5, 0, 1, 0, 1],
    ]
    assert data.notes == ("column 'review': 1 row without any word",)


def test_a_text_that_is_too_long_is_cut_and_told(tmp_path: Path) -> None:
    data = table(tmp_path, text_length=3)
    assert data.columns[2] == Column("review", WORDS, 3)
    assert data.x[3].tolist() == [2, 0, 5, 0, 1]
    assert "column 'review': of 1 text only the first 3 words are read; data.text_length" in str(
        data.notes
    )


def test_a_row_that_is_left_out_leaves_no_words(tmp_path: Path) -> None:
    data = table(tmp_path, REVIEWS.replace("1,a dull", ",a dull"), missing="drop")
    assert data.columns[2].vocabulary == ("a", "bore", "film", "great", "its")
    assert len(data.x) == 3


def test_ids_are_those_of_training_rows_the_most_frequent_first(tmp_path: Path) -> None:
    data = table(tmp_path)
    # great great film · a dull film
    scaling = measure(settings(tmp_path), data.x[:2], data.columns)
    film, great = WORDS.index("film"), WORDS.index("great")
    assert scaling.ids == (Ids(2, 5, (film, great, 0, 2), 6, 8),)
    assert scaling.shape((7,)) == (1 + 2 + 5,)
    assert scaling.numbers == (0,)
    few = measure(settings(tmp_path, max_tokens=4), data.x[:2], data.columns)
    assert few.ids == (Ids(2, 5, (film, great), 6, 4),)


def test_columns_of_words_as_ids(tmp_path: Path) -> None:
    data = table(tmp_path, words="ids")
    scaling = measure(settings(tmp_path, words="ids"), data.x[:2], data.columns)
    assert scaling.words == ()
    assert scaling.ids[0] == Ids(1, 1, (1, 2), 3, 5)


def test_a_published_model_knows_no_word_of_other_rows(tmp_path: Path) -> None:
    data = table(tmp_path)
    scaling = measure(settings(tmp_path), data.x[:2], data.columns)
    known, columns = known_words(scaling, data.columns)
    assert columns[2] == Column("review", ("film", "great", "a", "dull"), 5)
    assert known.ids == (Ids(2, 5, (0, 1, 2, 3), 4, 8),)
    assert columns[1] == data.columns[1]


def test_rows_and_tables_with_texts_are_two_forms_of_the_same(tmp_path: Path) -> None:
    data = table(tmp_path)
    np.testing.assert_array_equal(encode(decode(data.x, data.columns), data.columns), data.x)
    asked = pd.DataFrame(
        {"review": ["Great nonsense!", None], "stars": [1, 2], "city": ["Rome"] * 2}
    )
    nan, out = np.nan, PADDING
    np.testing.assert_array_equal(
        encode(asked, data.columns), [[1, 2, 4, nan, out, out, out], [2, 2, *[out] * 5]]
    )


def test_a_hard_row_shows_its_words(tmp_path: Path) -> None:
    look = shown(table(tmp_path), [0])
    assert look.columns == ("stars", "city", "review")
    assert look.rows[0].values == ("5", "Rome", "great great film")


def test_a_hard_row_shows_more_of_a_text_than_of_a_word(tmp_path: Path) -> None:
    (tmp_path / "long.csv").write_text(f"review,liked\n{'dull ' * 30},no\n{'great ' * 60},yes\n")
    data = load(Data("n", "csv", str(tmp_path / "long.csv"), target="liked", text=["review"]))
    (whole,), (cut,) = (row.values for row in shown(data, [0, 1]).rows.values())
    assert whole == ("dull " * 30).strip()
    assert cut == ("great " * 60)[: LONGEST_TEXT - 1] + "…"


TEXT = " ".join(f"word{i}" for i in range(5))
REFUSED = {
    "no such column": ({"text": ["reviw"]}, "no column 'reviw'; did you mean review?"),
    "no words": (
        {"text": ["empty"]},
        "column 'empty' has no words; leave it out: data.drop=[empty]",
    ),
    "not named": (
        {"text": None},
        "or, to learn from the words of its texts: data.text=[review] model=text",
    ),
}


@pytest.mark.parametrize(("more", "told"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(tmp_path: Path, more: dict[str, Any], told: str) -> None:
    rows = "".join(f"{TEXT} {i},!,{'yn'[i % 2]}\n" for i in range(20))
    with pytest.raises(BadInput) as caught:
        table(tmp_path, f"review,empty,liked\n{rows}", **more)
    assert told in str(caught.value)


def test_a_column_that_looks_like_texts_is_told(tmp_path: Path) -> None:
    drawn = random.Random(0)
    rows = "".join(f"{TEXT} {drawn.randrange(15)},{'yn'[i % 2]}\n" for i in range(40))
    data = load_split(settings(tmp_path, f"review,liked\n{rows}", text=None))
    assert any("data.text=[review] model=text" in line for line in data_warnings(data))


CSV = ("data=csv", "data.path=rows.csv", "data.target=liked", "optimizer=adam")
BAD = {
    "no text": (("model=text",), "model: text needs columns of texts; name them: data.text"),
    "another model": (("data.text=[a]",), "data.text: makes ids of words, which model=mlp takes"),
    "ids": (("data.words=ids",), "data.words: makes ids of words, which model=mlp takes"),
    "words": (("data.words=id",), "data.words: need one of one_hot, ids; got 'id'"),
    "twice": (("data.text=[a,a]", "model=text"), "data.text: column 'a' is listed twice"),
    "target": (("data.text=[liked]", "model=text"), "column 'liked' is also in data.target"),
    "none": (("data.text=[]", "model=mlp"), "data.text: need the names of columns, got none"),
    "length": (("data.text_length=5",), "data.text_length: applies to data.text only"),
    "tokens": (
        ("data.text=[a]", "model=text", "data.max_tokens=2"),
        "data.max_tokens: need a whole number from 3, got 2",
    ),
    "pooling": (
        ("data.text=[a]", "model=text", "model.params.pooling=max"),
        "model.params.pooling: need one of mean, convolution; got 'max'",
    ),
    "filters": (
        ("data.text=[a]", "model=text", "model.params.filters=[8]"),
        "model.params.filters: need a whole number from 1, got [8]",
    ),
}


@pytest.mark.parametrize(("overrides", "told"), BAD.values(), ids=BAD)
def test_a_value_that_is_refused(overrides: tuple[str, ...], told: str) -> None:
    with pytest.raises(BadInput) as caught:
        compose_sweep([*CSV, *overrides])
    (problem,) = caught.value.problems
    assert told in problem


def test_columns_of_words_can_be_embedded_without_texts() -> None:
    assert compose_sweep([*CSV, "data.words=ids", "model=text"]).arms
