"""A sweep goes on with the data that it was begun with; otherwise it says what changed of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fairsweep.config.schema import Data
from fairsweep.data.split import SplitData, contents, fingerprint, load_split
from fairsweep.errors import SweepChanged
from fairsweep.stages.continuing import open_studies
from tests.unit.config.plans import plan

ROWS = [f"{i % 9},{'red' if i % 3 else 'blue'},{i % 2}" for i in range(60)]


def data_of(folder: Path, rows: list[str], header: str = "a,b,label") -> SplitData:
    (folder / "rows.csv").write_text("\n".join([header, *rows, ""]))
    return load_split(Data("csv", "csv", str(folder / "rows.csv"), target="label"))


def begin(folder: Path, data: SplitData, told: bool = True, searches: int = 1) -> None:
    """Begins the sweep, or goes on with it."""
    source = ("data=csv", "data.path=rows.csv", "data.target=label")
    own = plan("optimizer=sgd", *source, f"search.repeats={searches}")
    open_studies(own, folder / "journal", fingerprint(data), contents(data) if told else None)


CHANGED = {
    "more-rows": ([*ROWS, *ROWS[:10]], "a,b,label", r"rows\.train: 36 → 42"),
    "a-value": (["8.5,red,0", *ROWS[1:]], "a,b,label", r"checksums\.features: "),
    "a-word": (["0,green,0", *ROWS[1:]], "a,b,label", r"columns\.b: '2 words .* → '3 words "),
    "a-name": (ROWS, "a,c,label", r"columns\.c: None → '2 words "),
    "a-class": (
        [*ROWS[:-4], *["1,red,2"] * 4, *ROWS[-4:]],
        "a,b,label",
        r"classes: \['0', '1'\] → ",
    ),
}


@pytest.mark.parametrize("case", CHANGED)
def test_what_changed_is_told(case: str, tmp_path: Path) -> None:
    rows, header, told = CHANGED[case]
    begin(tmp_path, data_of(tmp_path, ROWS))
    before = (tmp_path / "journal").read_bytes()
    with pytest.raises(SweepChanged, match=told):
        begin(tmp_path, data_of(tmp_path, rows, header))
    assert (tmp_path / "journal").read_bytes() == before


@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 1), (2, 3)])
def test_a_sweep_keeps_its_number_of_searches(before: int, after: int, tmp_path: Path) -> None:
    """Several searches draw otherwise than one, and their confirmations take other turns."""
    data = data_of(tmp_path, ROWS)
    begin(tmp_path, data, searches=before)
    journal = (tmp_path / "journal").read_bytes()
    with pytest.raises(SweepChanged, match=rf"\n  search\.repeats: {before} → {after}\n"):
        begin(tmp_path, data, searches=after)
    assert (tmp_path / "journal").read_bytes() == journal
    begin(tmp_path, data, searches=before)


def test_the_same_data_in_another_file_is_the_same(tmp_path: Path) -> None:
    one = data_of(tmp_path, ROWS)
    begin(tmp_path, one)
    quoted = [row.replace("red", '"red"') for row in ROWS]
    two = data_of(tmp_path, quoted)
    begin(tmp_path, two)
    np.testing.assert_array_equal(one.dataset.x, two.dataset.x)


def test_a_sweep_that_knows_only_the_fingerprint_goes_on(tmp_path: Path) -> None:
    """As earlier versions stored it; another fingerprint is refused all the same."""
    data = data_of(tmp_path, ROWS)
    begin(tmp_path, data, told=False)
    begin(tmp_path, data)
    with pytest.raises(SweepChanged, match="data_sha256") as caught:
        begin(tmp_path, data_of(tmp_path, ROWS[1:]))
    assert "data_contents" not in str(caught.value)


def test_a_loader_that_gives_other_rows_each_time_is_told_how_to_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRSWEEP_TRUSTED_PACKAGES", "mine")

    def go_on(data: SplitData, *more: str) -> None:
        own = plan("optimizer=sgd", "data=python", "data.loader=mine:load", *more)
        open_studies(own, tmp_path / "journal", fingerprint(data), contents(data))

    data, shuffled = data_of(tmp_path, ROWS), data_of(tmp_path, ROWS[::-1])
    go_on(data)
    with pytest.raises(SweepChanged, match=r"mine:load gives other rows each time.* \.shuffle\(\)"):
        go_on(shuffled)
    with pytest.raises(SweepChanged) as caught:
        go_on(shuffled, "training.epochs=7")
    assert "shuffle" not in str(caught.value)
