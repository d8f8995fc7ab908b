"""Reads the studies of a sweep out of its journal, which is left as it is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend
from optuna.trial import FrozenTrial, TrialState

from fairsweep.errors import StorageError
from fairsweep.records import SearchKey
from fairsweep.search.journal import read_journal
from fairsweep.search.study import STATES, STORE, search_of

State = Literal["running", "waiting", "complete", "pruned", "fail"]


@dataclass(frozen=True)
class StoredTrial:
    """A trial of a study: the `outcome` and `epochs` that the study was told, empty and 0 before
    it ended; `judged` has the objective of each judged epoch, `second` the second one's value."""

    number: int
    state: State
    outcome: str
    epochs: int
    value: float | None = None
    judged: Mapping[int, float] = field(default_factory=dict)
    second: float | None = None

    @property
    def finished(self) -> bool:
        return self.state not in ("running", "waiting")

    @property
    def state_fits(self) -> bool:
        """Whether Optuna's state is the one that goes with the outcome."""
        wanted = STATES.get(self.outcome)
        return wanted is not None and wanted.name.lower() == self.state


@dataclass(frozen=True)
class StoredStudies:
    """The studies of a sweep, by search; `unfinished` bytes at the journal's end belong to no whole
    record or trial. `store` is where their runs are, empty where an older version didn't say."""

    searches: Mapping[SearchKey, Sequence[StoredTrial]] = field(default_factory=dict)
    unfinished: int = 0
    store: str = ""


class _ReadOnly(BaseJournalBackend):  # type: ignore[misc]
    """Records that stay as they are."""

    def __init__(self, records: Sequence[dict[str, Any]]) -> None:
        self._records = records

    def read_logs(self, log_number_from: int) -> Iterable[dict[str, Any]]:
        return self._records[log_number_from:]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        raise StorageError(f"a journal that is only read takes no {logs}")


def read_studies(path: Path) -> StoredStudies:
    """The studies of a journal; none where there is no file.

    Raises:
        StorageError: the journal is damaged, or can't be read.
    """
    optuna.logging.disable_default_handler()
    try:
        content = read_journal(path)
        storage = JournalStorage(_ReadOnly(content.records))
        studies = storage.get_all_studies()
        searches = {
            search_of(study.study_name): [
                _trial(t) for t in storage.get_all_trials(study._study_id, deepcopy=False)
            ]
            for study in studies
        }
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise StorageError(f"{path} is damaged ({error})") from error
    stores = [study.user_attrs[STORE] for study in studies if STORE in study.user_attrs]
    return StoredStudies(searches, content.unfinished, stores[0] if stores else "")


def _trial(stored: FrozenTrial) -> StoredTrial:
    result = stored.user_attrs.get("result", {})
    single = stored.state == TrialState.COMPLETE and stored.values
    return StoredTrial(
        stored.number,
        stored.state.name.lower(),
        result.get("outcome", "") if stored.state.is_finished() else "",
        int(result.get("epochs", 0)),
        stored.values[0] if single else None,
        dict(stored.intermediate_values),
        result.get("second"),
    )


def same(one: float | None, other: float | None) -> bool:
    """Whether two values are the same to the bit; any NaN is the same as another."""
    if one is None or other is None:
        return one is other
    return (math.isnan(one) and math.isnan(other)) or (
        one == other and math.copysign(1, one) == math.copysign(1, other)
    )
