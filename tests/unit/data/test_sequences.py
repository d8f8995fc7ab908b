"""Sequences of different lengths in one array: what is measured of them, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fairsweep.config.compose.commands import compose_sweep
from fairsweep.config.schema import Data
from fairsweep.data.dataset import Dataset
from fairsweep.data.inputs.rows import InputSpec, read_rows, row_warnings
from fairsweep.data.scaling import measure
from fairsweep.data.sources import load
from fairsweep.errors import BadInput

NAN = np.nan
X = np.array(
    [
        [[1, 10], [3, 10], [NAN, NAN]],
        [[5, 40], [NAN, NAN], [NAN, NAN]],
        [[2, 0], [0, 0], [1, 5]],
        [[1, 1], [1, 1], [1, 1]],
    ],
    np.float32,
)
Y = np.array([0, 1, 0, 1])


def settings(folder: Path, x: Any = X, **more: Any) -> Data:
    np.savez(folder / "rows.npz", x=x, y=Y)
    return Data("t", "npz", str(folder / "rows.npz"), **{"padding": "nan", **more})


def sequences(folder: Path, x: Any = X, **more: Any) -> Dataset:
    return load(settings(folder, x, **more))


@pytest.mark.parametrize("padding", ["nan", "-1"])
def test_mean_and_variance_are_those_of_real_steps(tmp_path: Path, padding: str) -> None:
    """Of the first two rows: 1, 3, 5 and 10, 10, 40."""
    own = settings(
        tmp_path, np.nan_to_num(X, nan=float(padding)), padding=padding, standardize=True
    )
    data = load(own)
    scaling = measure(own, data.x[:2], data.columns)
    np.testing.assert_allclose(scaling.mean, [3, 20])
    np.testing.assert_allclose(scaling.variance, [8 / 3, 200])
    assert scaling.padding == padding
    assert scaling.shape((3, 2)) == (3, 2)
    assert scaling.takes_gaps is (padding == "nan")


def changed(*place: int, value: float = NAN) -> np.ndarray:
    x = X.copy()
    x[place] = value
    return x


REFUSED = {
    "part of a step": (
        changed(2, 1, 0),
        "nan",
        "x has NaN or infinite values in 1 row in steps that aren't padding, first in row 3",
    ),
    "infinite": (changed(3, 0, 1, value=np.inf), "nan", "in 1 row in steps that aren't padding"),
    "a gap": (X, "0", "in 2 rows in steps that aren't padding, first in row 1"),
    "no step": (changed(2), "nan", "x has 1 row of padding alone, first row 3; remove it"),
    "a table": (X[:, 0], "nan", "is for sequences, x of shape (rows, steps, features), got (4, 2)"),
}


@pytest.mark.parametrize(("x", "padding", "told"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(tmp_path: Path, x: np.ndarray, padding: str, told: str) -> None:
    with pytest.raises(BadInput) as caught:
        sequences(tmp_path, x, padding=padding)
    (problem,) = caught.value.problems
    assert told in problem


def test_sequences_of_different_lengths_are_told_how_to_be_written(tmp_path: Path) -> None:
    ragged = np.empty(4, object)
    ragged[:] = [np.zeros((n, 2)) for n in (1, 2, 3, 4)]
    with pytest.raises(
        BadInput, match=r"into one array \(rows, steps, features\).*data.padding=nan"
    ):
        sequences(tmp_path, ragged)


def test_rows_to_predict_may_be_padded(tmp_path: Path) -> None:
    np.savez(tmp_path / "rows.npz", x=X)
    read = read_rows(tmp_path / "rows.npz", InputSpec((3, 2), missing=True))
    np.testing.assert_array_equal(read, X)
    with pytest.raises(BadInput, match="row 1 has a value that is missing"):
        read_rows(tmp_path / "rows.npz", InputSpec((3, 2)))


def asked(folder: Path, x: np.ndarray, steps: int, padding: str | None) -> np.ndarray:
    np.savez(folder / "rows.npz", x=x)
    takes = InputSpec((steps, 2), missing=padding == "nan", padding=padding)
    return np.asarray(read_rows(folder / "rows.npz", takes))


@pytest.mark.parametrize("padding", ["nan", "-1"])
def test_rows_to_predict_may_have_another_length(tmp_path: Path, padding: str) -> None:
    """Shorter ones are filled up, and what is padding in all rows is left out."""
    x = np.nan_to_num(X, nan=float(padding))
    padded = asked(tmp_path, x, 5, padding)
    np.testing.assert_array_equal(padded[:, :3], x)
    np.testing.assert_array_equal(padded[:, 3:], np.full((4, 2, 2), np.float32(padding)))
    np.testing.assert_array_equal(asked(tmp_path, padded, 3, padding), x)
    whole = asked(tmp_path, x[3:].astype(int), 4, padding)
    np.testing.assert_array_equal(whole[0, :, 0], np.array([1, 1, 1, padding], np.float32))


SIX = np.ones((4, 6, 2), np.float32)
NOT_ASKED = {
    "longer": (
        SIX,
        3,
        "nan",
        r"sequences of 6 steps, and the model takes 3; cut them.*x\[:, -3:\]",
    ),
    "longer, without padding": (
        SIX,
        3,
        None,
        r"cut them, such as x\[:, -3:\] for the last 3 steps",
    ),
    "shorter, without padding": (SIX, 9, None, "6 steps, .* takes 9; give as many, or train with"),
    "padding alone": (changed(1), 3, "nan", "x has 1 row of padding alone, first row 2; remove it"),
    "padding alone, of zeros": (changed(1, value=0)[1:], 3, "0", "of padding alone, first row 1"),
    "part of a step": (changed(2, 1, 0), 3, "nan", "in steps that aren't padding, first in row 3"),
    "axes": (np.ones((4, 2, 3)), 3, "nan", "rows of 2 × 3, .* takes 3 × 2; put its axes in"),
}


@pytest.mark.parametrize(("x", "steps", "padding", "told"), NOT_ASKED.values(), ids=NOT_ASKED)
def test_rows_that_are_not_predicted(
    tmp_path: Path, x: np.ndarray, steps: int, padding: str | None, told: str
) -> None:
    with pytest.raises(BadInput, match=told):
        asked(tmp_path, x, steps, padding)


def test_padding_between_other_steps_is_told(tmp_path: Path) -> None:
    (note,) = sequences(tmp_path, changed(3, 1)).notes
    assert note.startswith("1 row of x has a step between others that is nan in every feature")
    assert "first row 4: it counts as padding" in note
    (zeros,) = sequences(tmp_path, np.nan_to_num(X), padding="0").notes
    assert "1 row of x has a step between others that is 0 in every feature, first row 3" in zeros
    assert "pad with a value that no step has" in zeros
    before = X.copy()
    before[0] = X[0, [2, 0, 1]]  # filled up at its beginning
    assert not sequences(tmp_path, before).notes
    takes = InputSpec((3, 2), missing=True, padding="nan")
    assert list(row_warnings(changed(3, 1), takes)) == [note]
    assert not list(row_warnings(X, takes))


NPZ = ("data=npz", "data.path=rows.npz", "optimizer=adam", "model=rnn")
BAD = {
    "a word": (("data.padding=zero",), "data.padding: need nan or a number, got 'zero'"),
    "filled": (("data.padding=nan", "data.missing=fill"), "data.missing: isn't for sequences"),
    "cell": (("model.params.cell=LSTM",), "model.params.cell: need one of lstm, gru; got 'LSTM'"),
    "no layer": (("model.params.units=[]",), "model.params.units: need at least one layer"),
    "switch": (("model.params.bidirectional=2",), "bidirectional: need true or false, got 2"),
}


@pytest.mark.parametrize(("overrides", "told"), BAD.values(), ids=BAD)
def test_a_value_that_is_refused(overrides: tuple[str, ...], told: str) -> None:
    with pytest.raises(BadInput) as caught:
        compose_sweep([*NPZ, *overrides])
    (problem,) = caught.value.problems
    assert told in problem


def test_a_value_is_taken_as_it_is_written() -> None:
    for written in ("nan", "-1", "0.5"):
        assert compose_sweep([*NPZ, f"data.padding={written}"]).config.data.padding == written


@pytest.mark.parametrize("missing", [None, "fill"])
def test_steps_of_nan_have_their_remedy_told(tmp_path: Path, missing: str | None) -> None:
    with pytest.raises(BadInput, match=r"data\.padding=nan model=rnn, with data\.missing=null"):
        sequences(tmp_path, padding=None, missing=missing)
    with pytest.raises(BadInput) as caught:
        sequences(tmp_path, changed(3, 2, 0)[2:], padding=None, missing=missing)
    assert "data.padding" not in str(caught.value)
