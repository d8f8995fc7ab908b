"""A search that was stopped, at any point, goes on as if it had not been."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fairsweep.config.plan import Plan
from fairsweep.errors import StorageError
from fairsweep.search.journal import open_storage

from .builders import begin, open_study, plan, search, tell

SAMPLERS = {
    "tpe": ("search=tpe", "search.params.n_startup_trials=2"),
    "random": ("search=random",),
    "qmc": ("search=qmc",),
    "grid": ("search=grid", "search.params.points=2"),
}
TRIALS = 5
each_sampler = pytest.mark.parametrize("sampler", SAMPLERS)

Values = Mapping[str, Any]


def plan_of(sampler: str) -> Plan:
    return plan(*SAMPLERS[sampler], f"search.trials={TRIALS}")


def values_of(folder: Path, of: Plan) -> list[Values]:
    """The values of all trials, once whatever is left of the search has been trained."""
    study = open_study(folder, of)
    for _ in search(study):
        pass
    assert study.tally().outcomes == {"complete": TRIALS}
    found = dict(study.best_trials(TRIALS))
    return [found[number] for number in range(TRIALS)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[bytes, list[Values]]]:
    """The journal and the values of a search that nothing interrupted, by sampler."""
    searches = {}
    for sampler in SAMPLERS:
        folder = tmp_path_factory.mktemp(sampler)
        values = values_of(folder, plan_of(sampler))
        searches[sampler] = (folder / "studies.log").read_bytes(), values
    return searches


Whole = dict[str, tuple[bytes, list[Values]]]


@each_sampler
def test_the_same_seed_gives_the_same_search(sampler: str, whole: Whole, tmp_path: Path) -> None:
    assert values_of(tmp_path, plan_of(sampler)) == whole[sampler][1]


@pytest.mark.parametrize("sampler", ["tpe", "random", "qmc"])
def test_another_seed_gives_another_search(sampler: str, whole: Whole, tmp_path: Path) -> None:
    of = plan(*SAMPLERS[sampler], f"search.trials={TRIALS}", "training.seed=1")
    values = values_of(tmp_path, of)
    assert values[0] == whole[sampler][1][0]
    assert all(
        ours != theirs for ours, theirs in zip(values[1:], whole[sampler][1][1:], strict=True)
    )


def test_samplers_differ(whole: Whole) -> None:
    searches = [values for _, values in whole.values()]
    assert all(
        values[1:] not in [other[1:] for other in searches[i + 1 :]]
        for i, values in enumerate(searches)
    )


@each_sampler
@pytest.mark.parametrize("trial", [0, 1, 3])
def test_an_interrupted_trial_is_taken_up_with_its_values(
    sampler: str, trial: int, whole: Whole, tmp_path: Path
) -> None:
    of = plan_of(sampler)
    study = open_study(tmp_path, of)
    for _ in search(study, trial):
        pass
    begun = begin(study)

    again = open_study(tmp_path, of)
    (candidate,) = again.take_up()
    assert (candidate.trial, candidate.attempt) == (trial, 2)
    assert candidate.values == begun.values == whole[sampler][1][trial]
    assert again.tally().unfinished == 1
    tell(again, candidate)
    assert values_of(tmp_path, of) == whole[sampler][1]


@each_sampler
def test_attempts_are_counted_over_every_restart(sampler: str, tmp_path: Path) -> None:
    begin(open_study(tmp_path, plan_of(sampler)))
    attempts = []
    for _ in range(3):
        study = open_study(tmp_path, plan_of(sampler))
        (candidate,) = study.take_up()
        study.begin(candidate.trial, candidate.attempt)
        attempts.append(candidate.attempt)
    assert attempts == [2, 3, 4]


@each_sampler
def test_a_trial_that_was_drawn_and_never_begun_is_no_attempt(sampler: str, tmp_path: Path) -> None:
    drawn = open_study(tmp_path, plan_of(sampler)).ask()
    (candidate,) = open_study(tmp_path, plan_of(sampler)).take_up()
    assert candidate == drawn
    assert candidate.attempt == 1


def test_all_trials_that_ran_are_taken_up_in_order(tmp_path: Path) -> None:
    of = plan_of("random")
    study = open_study(tmp_path, of)
    candidates = [study.ask() for _ in range(3)]
    tell(study, candidates[1])
    again = open_study(tmp_path, of).take_up()
    assert [(c.trial, c.values) for c in again] == [
        (c.trial, c.values) for c in (candidates[0], candidates[2])
    ]


@each_sampler
@pytest.mark.parametrize("step", range(5))
def test_wherever_the_journal_ends_the_search_is_the_same(
    sampler: str, step: int, whole: Whole, tmp_path: Path
) -> None:
    """The process may die between any two records: also half-way through drawing a trial."""
    content, values = whole[sampler]
    records = content.splitlines(keepends=True)
    differing = []
    for kept in range(step, len(records), 5):
        folder = tmp_path / str(kept)
        folder.mkdir()
        (folder / "studies.log").write_bytes(b"".join(records[:kept]))
        if values_of(folder, plan_of(sampler)) != values:
            differing.append((kept, records[kept - 1] if kept else b""))
    assert differing == []


class TestTornTail:
    """A crash may cut the last record short; what stands before it is whole."""

    @pytest.mark.parametrize("cut", [1, 2, 20, -1])
    def test_it_is_mended_and_the_search_is_the_same(
        self, cut: int, whole: Whole, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        content, values = whole["tpe"]
        records = content.splitlines(keepends=True)
        last = next(i for i, record in enumerate(records) if b'"result"' in record)
        torn = b"".join(records[:last]) + records[last][:cut]
        path = tmp_path / "studies.log"
        path.write_bytes(torn)
        with caplog.at_level(logging.WARNING):
            open_storage(path)
        assert path.read_bytes() == b"".join(records[:last])
        assert str(path) in caplog.text
        assert values_of(tmp_path, plan_of("tpe")) == values

    def test_a_whole_journal_is_left_as_it_is(
        self, whole: Whole, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        path = tmp_path / "studies.log"
        path.write_bytes(whole["random"][0])
        with caplog.at_level(logging.WARNING):
            open_storage(path)
        assert path.read_bytes() == whole["random"][0]
        assert caplog.text == ""

    @pytest.mark.parametrize("content", [b"", b'{"op_code": 0, "wor'])
    def test_a_journal_without_one_whole_record_is_a_new_one(
        self, content: bytes, whole: Whole, tmp_path: Path
    ) -> None:
        (tmp_path / "studies.log").write_bytes(content)
        assert values_of(tmp_path, plan_of("random")) == whole["random"][1]


DAMAGE = {
    "half-a-record": lambda record: record[: len(record) // 2] + b"\n",
    "zeros": lambda record: b"\0" * (len(record) - 1) + b"\n",
    "no-text": lambda record: b"\xff\xfe" + record,
    "another-document": lambda _: b"<html></html>\n",
    "a-number": lambda _: b"5\n",
    "a-record-of-nothing": lambda _: b"{}\n",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
@pytest.mark.parametrize("line", [0, 12, -1], ids=["first", "middle", "last"])
def test_a_damaged_journal_is_told(damage: Any, line: int, whole: Whole, tmp_path: Path) -> None:
    records = whole["tpe"][0].splitlines(keepends=True)
    records[line] = damage(records[line])
    path = tmp_path / "studies.log"
    path.write_bytes(b"".join(records))
    with pytest.raises(StorageError) as caught:
        open_storage(path)
    assert str(path) in str(caught.value)
    assert "sweep.name" in str(caught.value)


def test_a_folder_in_place_of_the_journal_is_told(tmp_path: Path) -> None:
    (tmp_path / "studies.log").mkdir()
    with pytest.raises(StorageError):
        open_storage(tmp_path / "studies.log")
