"""Reads a journal for a diagnosis, which changes nothing; tells a study what the store holds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend
from optuna.trial import FrozenTrial, TrialState

from fairsweep.errors import StorageError
from fairsweep.records import TrialResult
from fairsweep.search.journal import open_storage, read_journal
from fairsweep.search.study import STATES, as_told

State = Literal["running", "waiting", "complete", "pruned", "fail"]


@dataclass(frozen=True)
class InspectedTrial:
    """A trial of a study. `told` is what the study was told of its end, nothing before that;
    `judged` has the objective of each judged epoch; `values` stands for what was drawn."""

    number: int
    state: State
    outcome: str
    epochs: int
    value: float | None
    judged: Mapping[int, float]
    values: str

    @property
    def finished(self) -> bool:
        return self.state not in ("running", "waiting")

    @property
    def state_fits(self) -> bool:
        """Whether Optuna's state is the one that goes with the outcome."""
        wanted = STATES.get(self.outcome)
        return wanted is not None and wanted.name.lower() == self.state


@dataclass(frozen=True)
class InspectedStudies:
    """The studies of a sweep, by arm; `left_over` bytes at the journal's end belong to no record,
    or to a trial that was never drawn whole."""

    arms: Mapping[str, Sequence[InspectedTrial]]
    left_over: int


class _Still(BaseJournalBackend):  # type: ignore[misc]
    """Records that stay as they are."""

    def __init__(self, records: Sequence[dict[str, Any]]) -> None:
        self._records = records

    def read_logs(self, log_number_from: int) -> Iterable[dict[str, Any]]:
        return self._records[log_number_from:]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        raise StorageError(f"a journal that is only read gets no {logs}")


def inspect_journal(path: Path) -> InspectedStudies:
    """The studies of a journal; none where there is no file.

    Raises:
        StorageError: the journal can't be read.
    """
    optuna.logging.disable_default_handler()
    try:
        content = read_journal(path)
        storage = JournalStorage(_Still(content.records))
        studies = storage.get_all_studies()
        arms = {
            study.study_name: [
                _trial(t) for t in storage.get_all_trials(study._study_id, deepcopy=False)
            ]
            for study in studies
        }
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise StorageError(f"{path} is damaged ({error})") from error
    return InspectedStudies(arms, content.unfinished)


def _trial(stored: FrozenTrial) -> InspectedTrial:
    told = stored.user_attrs.get("result", {})
    single = stored.state == TrialState.COMPLETE and stored.values
    return InspectedTrial(
        stored.number,
        stored.state.name.lower(),
        told.get("outcome", "") if stored.state.is_finished() else "",
        int(told.get("epochs", 0)),
        stored.values[0] if single else None,
        dict(stored.intermediate_values),
        repr(sorted(stored.params.items())),
    )


def mend_tail(path: Path) -> None:
    """Takes off what a crash left unfinished at the end of a journal, as the next start would."""
    open_storage(path)


def tell_stored(path: Path, arm: str, ended: Iterable[TrialResult]) -> None:
    """Tells an arm's study of trainings that ended and that it was never told of."""
    study = optuna.load_study(study_name=arm, storage=open_storage(path))
    for result in ended:
        trial = optuna.trial.Trial(study, study.trials[result.key.trial]._trial_id)
        trial.set_user_attr("result", as_told(result))
        state = STATES[result.outcome]
        value = result.best_value if state == TrialState.COMPLETE else None
        study.tell(trial, values=value, state=state)


def same(one: float | None, other: float | None) -> bool:
    """Whether two values are the same to the bit; any NaN is the same as another."""
    if one is None or other is None:
        return one is other
    return (math.isnan(one) and math.isnan(other)) or (
        one == other and math.copysign(1, one) == math.copysign(1, other)
    )
