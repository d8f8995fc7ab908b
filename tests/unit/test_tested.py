"""What is kept of test rows comes back as it was, from its file and from a spool; what is damaged
is told."""

from __future__ import annotations

import json
import math
from dataclasses import asdict

import numpy as np
import pytest

from fairsweep.records import TrialKey, TrialResult
from fairsweep.tested import MOST_ROWS, Confusion, Residuals, Target, Tested, of, read, residuals
from fairsweep.tracking.write.operations import _result

CONFUSION = Confusion(("cat", "dog"), ((8, 2), (0, 5)))
RESIDUALS = residuals(
    ("price", "rent"),
    np.array([[1.0, -20.0], [2.5e-9, 3e12]]),
    np.array([[1.5, -21.0], [2.4e-9, 3.1e12]]),
    (0.1, 0.9),
    np.array([[1.0, -22.0], [2.3e-9, 3.0e12]]),
    np.array([[2.0, -20.0], [2.5e-9, 3.2e12]]),
)
BOTH: tuple[Tested, ...] = (CONFUSION, RESIDUALS, Residuals(0, (Target("y", (), ()),)))


@pytest.mark.parametrize("kept", BOTH, ids=repr)
def test_what_is_written_is_read(kept: Tested) -> None:
    assert read(json.dumps(asdict(kept)).encode()) == kept


@pytest.mark.parametrize("kept", [*BOTH, None], ids=repr)
def test_what_is_spooled_is_carried_out(kept: Tested | None) -> None:
    result = TrialResult(TrialKey("adam", "confirm", 3), "complete", 5, 1.0, tested=kept)
    assert _result(json.loads(json.dumps(asdict(result)))).tested == kept


def test_an_older_spool_is_carried_out() -> None:
    result = TrialResult(TrialKey("adam", "confirm", 3), "complete", 5, 1.0, tested=CONFUSION)
    older = asdict(result)
    older["confusion"] = older.pop("tested")
    assert _result(json.loads(json.dumps(older))).tested == CONFUSION
    assert _result({**older, "confusion": None}).tested is None


def test_a_target_has_its_own_values() -> None:
    price, rent = RESIDUALS.targets
    assert price == Target("price", (1.0, 2.5e-9), (1.5, 2.4e-9), (1.0, 2.3e-9), (2.0, 2.5e-9))
    assert rent.true == (-20.0, 3e12)
    assert CONFUSION.rows == 15
    assert RESIDUALS.rows == 2


def test_of_many_rows_a_part_is_kept_that_is_spread_over_all() -> None:
    rows = 3 * MOST_ROWS + 7
    values = np.arange(rows, dtype=np.float64)[:, np.newaxis]
    kept = residuals(("y",), values, values)
    (own,) = kept.targets
    assert (kept.rows, len(own.true), own.true[0]) == (rows, MOST_ROWS, 0.0)
    assert own.true[-1] > rows - 5
    assert {*np.diff(own.true)} == {3.0, 4.0}
    assert read(json.dumps(asdict(kept)).encode()) == kept


def test_numbers_that_are_none_are_kept() -> None:
    """A model may overflow on a test row."""
    said = residuals(("y",), np.array([[1.0]]), np.array([[math.inf]]))
    assert read(json.dumps(asdict(said)).encode()) == said


@pytest.mark.parametrize(
    "damaged",
    [
        "[]",
        "null",
        "{}",
        '{"classes": ["a", "b"], "counts": [[1, 2]]}',
        '{"classes": ["a", "b"], "counts": [[1, 2], [3]]}',
        '{"classes": ["a"], "counts": 7}',
        '{"rows": 2, "targets": [{"name": "y", "true": [1], "predicted": [1], "low": [], '
        '"high": []}], "band": null}',
        '{"rows": 1, "targets": [{"name": "y", "true": [1], "predicted": [1], "low": [], '
        '"high": []}], "band": [0.1, 0.9]}',
        '{"rows": 1, "targets": [{"name": "y", "true": ["x"], "predicted": [1], "low": [], '
        '"high": []}], "band": null}',
        '{"rows": 1, "targets": [{"name": "y", "true": [1], "low": [], "high": []}], "band": null}',
        '{"rows": 1, "targets": 3, "band": null}',
    ],
)
def test_damage_is_told(damaged: str) -> None:
    with pytest.raises(ValueError, match=r"^(it |its |could not)"):
        of(json.loads(damaged))
