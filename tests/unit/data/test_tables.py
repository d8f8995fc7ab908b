"""Tables: what becomes of columns, which rows go where, and what is measured of which."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from fairsweep.config.schema import Data
from fairsweep.data.dataset import Column, Dataset
from fairsweep.data.scaling import measure, moments
from fairsweep.data.sources import load
from fairsweep.data.split import SplitData, contents, fingerprint, load_split, split_rows
from fairsweep.errors import BadInput
from fairsweep.folds import Fold

PEOPLE = """\
age,member,city,zip,label
30,true,Rome,01234,yes
41,false,Oslo,98000,no
,true,Bonn,01234,yes
25,,Rome,55555,no
60,false,,98000,yes
33,true,Oslo,01234,no
"""
NAN = float("nan")


def settings(folder: Path, text: str = PEOPLE, **more: Any) -> Data:
    (folder / "rows.csv").write_text(text)
    return Data(
        **{
            "name": "t",
            "source": "csv",
            "path": str(folder / "rows.csv"),
            "target": "label",
            **more,
        }
    )


def table(folder: Path, text: str = PEOPLE, **more: Any) -> Dataset:
    return load(settings(folder, text, **more))


def test_numbers_booleans_words_and_what_is_missing(tmp_path: Path) -> None:
    data = table(tmp_path, missing="fill", categorical=["zip"])
    assert data.columns == (
        Column("age"),
        Column("member"),
        Column("city", ("", "Bonn", "Oslo", "Rome")),
        Column("zip", ("01234", "55555", "98000")),
    )
    expected = [
        [30, 1, 3, 0],
        [41, 0, 2, 2],
        [NAN, 1, 1, 0],
        [25, NAN, 3, 1],
        [60, 0, 0, 2],
        [33, 1, 2, 0],
    ]
    np.testing.assert_array_equal(data.x, np.array(expected, np.float32))
    assert data.y.tolist() == [1, 0, 1, 0, 1, 0]
    assert data.class_names == ("no", "yes")


def test_rows_that_miss_a_value_can_be_left_out(tmp_path: Path) -> None:
    data = table(tmp_path, missing="drop", drop=["zip"])
    assert data.x.tolist() == [[30, 1, 1], [41, 0, 0], [33, 1, 0]]
    assert data.columns[2] == Column("city", ("Oslo", "Rome"))
    assert data.y.tolist() == [1, 0, 0]
    assert data.notes == ("left out: 3 rows with missing values",)


@pytest.mark.parametrize("mark", ["", "NA", "NaN", "null", "N/A"])
def test_what_counts_as_missing(tmp_path: Path, mark: str) -> None:
    text = f"a,b,label\n1,x,no\n{mark},y,yes\n3,{mark},no\n"
    data = table(tmp_path, text, missing="fill")
    np.testing.assert_array_equal(data.x[:, 0], [1, NAN, 3])
    assert data.columns[1].vocabulary == ("", "x", "y")


def test_a_parquet_of_the_same_rows_is_the_same_data(tmp_path: Path) -> None:
    csv = settings(tmp_path, missing="fill", categorical=["zip"])
    frame = pd.read_csv(tmp_path / "rows.csv", dtype={"zip": str})
    frame["member"] = frame["member"].astype("boolean")
    frame["city"] = frame["city"].astype("category")
    parquet.write_table(
        pa.Table.from_pandas(frame, preserve_index=False), tmp_path / "rows.parquet"
    )
    other = Data(**{**vars(csv), "source": "parquet", "path": str(tmp_path / "rows.parquet")})
    one, two = load(csv), load(other)
    np.testing.assert_array_equal(one.x, two.x)
    assert (one.columns, one.class_names) == (two.columns, two.class_names)


@pytest.mark.parametrize("name", ["rows.txt", "rows.tsv", "iris.data", "rows"])
def test_a_csv_may_have_any_ending(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(PEOPLE)
    data = table(tmp_path, path=str(tmp_path / name), missing="fill")
    assert data.class_names == ("no", "yes")


def test_an_index_that_pandas_wrote_is_no_feature_but_may_be_named(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2, 3, 4], "label": [0, 1, 0, 1]}, index=[7, 8, 8, 7])
    frame.index.name = "patient"
    frame.to_parquet(tmp_path / "rows.parquet")

    def columns(**named: Any) -> list[str]:
        path = str(tmp_path / "rows.parquet")
        data = load(Data("t", "parquet", path, target="label", **named))
        assert bool(data.notes) == (not named)
        return [column.name for column in data.columns]

    assert columns() == columns(group="patient") == ["a"]
    assert columns(categorical=["patient"]) == ["a", "patient"]


def test_delimiter_and_decimal_comma(tmp_path: Path) -> None:
    text = "a;b;label\n1,5;x;no\n2,25;y;yes\n-3;x;no\n"
    data = table(tmp_path, text, delimiter=";", decimal=",")
    assert data.x[:, 0].tolist() == [1.5, 2.25, -3]
    assert data.columns[1].vocabulary == ("x", "y")


def test_numbers_taken_as_words_are_written_alike_however_they_are_stored(tmp_path: Path) -> None:
    for kind in (pa.int32(), pa.float64(), pa.string()):
        column = pa.array([1, 20, 3, 1] if kind != pa.string() else ["1", "20", "3", "1"], kind)
        rows = pa.table({"code": column, "b": [1, 2, 3, 5], "label": [0, 1, 0, 1]})
        parquet.write_table(rows, tmp_path / "rows.parquet")
        data = load(
            Data(
                *("t", "parquet", str(tmp_path / "rows.parquet")),
                target="label",
                categorical=["code"],
            )
        )
        assert data.columns[0] == Column("code", ("1", "20", "3"))
        assert data.x[:, 0].tolist() == [0, 1, 2, 0]


def many(rows: int, seed: int = 0) -> str:
    """Rows of two features and a class, the group and the part of each."""
    random = np.random.default_rng(seed)
    parts = ["train"] * 6 + ["validation"] * 2 + ["test"] * 2
    return "a,b,group,part,label\n" + "".join(
        f"{random.normal():.6f},{'xyz'[i % 3]},g{i // 5},{parts[i * 7 % 10]},"
        f"{('no', 'yes')[i % 2]}\n"
        for i in range(rows)
    )


class TestSplits:
    """Which rows go where."""

    def test_by_a_column(self, tmp_path: Path) -> None:
        data = load_split(settings(tmp_path, many(40), split="part", drop=["group"]))
        parts = [line.split(",")[3] for line in many(40).splitlines()[1:]]
        for name in ("train", "validation", "test"):
            expected = [i for i, part in enumerate(parts) if part == name]
            assert getattr(data, name).tolist() == expected
        assert [column.name for column in data.dataset.columns] == ["a", "b"]

    def test_a_part_that_the_column_leaves_out_is_held_out_by_share(self, tmp_path: Path) -> None:
        text = many(100).replace(",validation,", ",train,")
        data = load_split(settings(tmp_path, text, split="part", drop=["group"]))
        assert (len(data.train), len(data.validation), len(data.test)) == (64, 16, 20)

    def test_by_another_word_is_refused(self, tmp_path: Path) -> None:
        text = many(40).replace(",validation,", ",later,")
        told = r"must have train, validation, test \(or .*\), got 'later'"
        with pytest.raises(BadInput, match=told):
            load_split(settings(tmp_path, text, split="part", drop=["group"]))

    def test_by_words_that_are_plain(self, tmp_path: Path) -> None:
        text = many(40).replace(",validation,", ",val,").replace(",train,", ", Training ,")
        plain = load_split(settings(tmp_path, many(40), split="part", drop=["group"]))
        data = load_split(settings(tmp_path, text, split="part", drop=["group"]))
        for name in ("train", "validation", "test"):
            np.testing.assert_array_equal(getattr(data, name), getattr(plain, name))
        (note,) = data.dataset.notes
        assert note.endswith("reading ' Training ' as train, 'val' as validation")

    @pytest.mark.parametrize("fold", [None, Fold(5, 1, 2)])
    def test_groups_stay_whole(self, tmp_path: Path, fold: Fold | None) -> None:
        own = settings(tmp_path, many(400), group="group", drop=["part"])
        data = split_rows(load(own), own, fold)
        groups = [
            set((getattr(data, part) // 5).tolist()) for part in ("train", "validation", "test")
        ]
        assert sum(map(len, groups)) == len(set.union(*groups)) == 80
        wanted = 80 if fold is None else 64
        assert abs(len(data.test) - 80) <= 5
        assert abs(len(data.validation) - wanted) <= 5
        for part in (data.validation, data.test):
            assert 0.4 < data.dataset.y[part].mean() < 0.6
        again = split_rows(load(own), own, fold)
        np.testing.assert_array_equal(again.validation, data.validation)

    def test_every_group_is_in_one_fold(self, tmp_path: Path) -> None:
        own = settings(tmp_path, many(400), group="group", drop=["part"])
        dataset = load(own)
        folds = [split_rows(dataset, own, Fold(4, 0, i)).validation for i in range(4)]
        rest = np.setdiff1d(np.arange(400), split_rows(dataset, own).test)
        np.testing.assert_array_equal(np.sort(np.concatenate(folds)), rest)
        groups = [set((rows // 5).tolist()) for rows in folds]
        assert sum(map(len, groups)) == len(set.union(*groups))

    def test_by_files(self, tmp_path: Path) -> None:
        names = {"path": 30, "validation_path": 10, "test_path": 8}
        paths: dict[str, Any] = {}
        for seed, (key, rows) in enumerate(names.items()):
            paths[key] = str(tmp_path / f"{key}.csv")
            Path(paths[key]).write_text(many(rows, seed))
        data = load_split(Data("t", "csv", target="label", drop=["group", "part"], **paths))
        assert data.train.tolist() == list(range(30))
        assert data.validation.tolist() == list(range(30, 40))
        assert data.test.tolist() == list(range(40, 48))

    def test_files_of_other_columns_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / "test.csv").write_text("a,label\n1,no\n2,yes\n")
        with pytest.raises(BadInput, match=r"data\.test_path: has no column 'b'"):
            load_split(
                settings(
                    tmp_path, many(30), drop=["group", "part"], test_path=str(tmp_path / "test.csv")
                )
            )

    def test_arrays_of_each_part(self, tmp_path: Path) -> None:
        x, y = np.arange(60.0).reshape(30, 2), np.arange(30) % 2
        path = tmp_path / "rows.npz"
        parts = {"train": slice(20), "val": slice(20, 26), "test": slice(26, 30)}
        arrays: dict[str, Any] = {f"x_{part}": x[rows] for part, rows in parts.items()}
        arrays |= {f"y_{part}": y[rows] for part, rows in parts.items()}
        np.savez(path, **arrays)
        data = load_split(Data("t", "npz", str(path)))
        np.testing.assert_array_equal(data.dataset.x, x.astype(np.float32))
        assert data.train.tolist() == list(range(20))
        assert data.validation.tolist() == list(range(20, 26))
        assert data.test.tolist() == list(range(26, 30))


class TestMeasured:
    """What is measured, and of which rows."""

    def test_moments_are_those_of_rows_that_are_there(self) -> None:
        x = np.random.default_rng(0).normal(3, 2, (5000, 3)).astype(np.float32)
        x[::7, 1] = np.nan
        mean, variance = moments(x)
        np.testing.assert_allclose(mean, np.nanmean(x.astype(np.float64), axis=0), rtol=1e-12)
        np.testing.assert_allclose(variance, np.nanvar(x.astype(np.float64), axis=0), rtol=1e-10)

    def test_moments_of_blocks_are_those_of_the_whole(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        x = np.random.default_rng(0).normal(1000, 1, (999, 4)).astype(np.float32)
        whole = moments(x)
        monkeypatch.setattr("fairsweep.data.memory.view.PIECE", 40)
        for one, two in zip(moments(x), whole, strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-9)

    @pytest.mark.parametrize("value", [0.0, 0.1, -3.0, 123_456.7, 1e30])
    def test_what_never_varies_is_not_scaled(self, value: float) -> None:
        """Nor is it divided by what rounding leaves of its variance."""
        x = np.full((9999, 2), value, np.float32)
        x[:, 1] += np.arange(9999) % 2 * max(1.0, abs(value) * 2**-20)
        _, (same, varies) = moments(x)
        assert same == 1.0
        assert varies == pytest.approx(np.var(x[:, 1].astype(np.float64)), rel=1e-6)

    def test_words_are_those_of_training_rows(self, tmp_path: Path) -> None:
        data = table(tmp_path, missing="fill", categorical=["zip"])
        rows = np.array([0, 1, 2])  # Rome Oslo Bonn, 01234 98000
        scaling = measure(Data("t", "csv", missing="fill"), data.x[rows], data.columns)
        assert scaling.numbers == (0, 1)
        assert scaling.words == ((2, 1), (2, 2), (2, 3), (3, 0), (3, 2))
        assert scaling.fill == pytest.approx((35.5, 2 / 3))
        assert scaling.shape((4,)) == (7,)

    def test_what_is_missing_in_training_rows_gets_a_feature(self, tmp_path: Path) -> None:
        """Not what is missing elsewhere alone; words have one for it in any case."""
        text = "a,b,w,label\n,1,u,no\n2,1,,yes\n4,2,v,no\n6,,u,yes\n"
        chosen = settings(tmp_path, text, missing="indicate", standardize=True)
        data = load(chosen)
        of_three = measure(chosen, data.x[:3], data.columns)
        assert (of_three.numbers, of_three.gaps) == ((0, 1), (0,))
        assert of_three.fill == pytest.approx((3, 4 / 3))
        assert of_three.shape((3,)) == (2 + 1 + 3,)
        assert measure(chosen, data.x, data.columns).gaps == (0, 1)
        filled = replace(chosen, missing="fill")
        np.testing.assert_array_equal(load(filled).x, data.x)
        assert measure(filled, data.x[:3], data.columns) == replace(of_three, gaps=())

    def test_nothing_depends_on_rows_that_arent_for_training(self, tmp_path: Path) -> None:
        """The same training rows beside quite other ones: the same measurements, bit for bit."""
        measured = []
        for other in ("1e6,word,no", "-3,,yes"):
            train = [
                f"{i * 0.37},{'uv'[i % 2]},train,{'no yes'.split()[i // 2 % 2]}" for i in range(20)
            ]
            rest = [f"{other.rpartition(',')[0]},{part},{label}" for part in ("validation", "test")
                    for label in ("no", "yes")]  # fmt: skip
            text = "\n".join(["a,b,part,label", *train, *rest, ""])
            chosen = settings(tmp_path, text, split="part", missing="fill", standardize=True)
            data = load_split(chosen)
            dataset = data.dataset
            scaling = measure(chosen, dataset.x[data.train], dataset.columns)
            words = {dataset.columns[i].vocabulary[word] for i, word in scaling.words}
            measured.append((scaling.mean, scaling.variance, scaling.fill, words))
        assert measured[0] == measured[1]
        assert measured[0][3] == {"u", "v"}


class TestFingerprint:
    """What it sees of a table, and what is said of a change."""

    def split(self, folder: Path, text: str) -> SplitData:
        return load_split(settings(folder, text, drop=["group", "part"]))

    @pytest.mark.parametrize(
        ("old", "new"),
        [("x,g0", "z,g0"), ("a,b,", "a,c,"), (",x,", ",w,"), ("yes", "yea")],
        ids=["a-word", "a-name", "a-word-everywhere", "a-class"],
    )
    def test_it_sees(self, tmp_path: Path, old: str, new: str) -> None:
        text = many(60)
        assert old in text
        count = 1 if old == "x,g0" else -1
        before, after = (
            self.split(tmp_path, text),
            self.split(tmp_path, text.replace(old, new, count)),
        )
        assert fingerprint(before) != fingerprint(after)
        assert contents(before) != contents(after)

    def test_contents_say_which_part_changed(self, tmp_path: Path) -> None:
        before = contents(self.split(tmp_path, many(60)))
        longer = contents(self.split(tmp_path, many(60) + "0.5,x,g99,train,no\n" * 10))
        assert before["columns"] == longer["columns"]
        assert before["classes"] == longer["classes"] == ["no", "yes"]
        assert before["rows"] == {"train": 36, "validation": 12, "test": 12}
        assert longer["rows"] == {"train": 42, "validation": 14, "test": 14}
