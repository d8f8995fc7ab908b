"""A sweep as it is stored: its runs, its studies and its champion, and what follows from them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fairsweep.config.plan import objective_of
from fairsweep.config.space import longest
from fairsweep.config.stored_space import restored
from fairsweep.configurations import best_configurations, configuration
from fairsweep.doctor.runs import StoredModel, StoredRun
from fairsweep.doctor.studies import StoredTrial
from fairsweep.records import Confirmation, Objective, SearchKey, TrialKey
from fairsweep.tracking import names
from fairsweep.tracking.read import confirmation_in


@dataclass(frozen=True)
class StoredSweep:
    """A sweep: `about` is what its run says of it (empty while there is none), `studies` has the
    trials of each search."""

    name: str
    about: Mapping[str, Any]
    runs: Sequence[StoredRun]
    studies: Mapping[SearchKey, Sequence[StoredTrial]]
    champion: StoredModel | None = None

    @cached_property
    def objective(self) -> Objective:
        return objective_of(self.about["objective"])

    def longest(self, run: StoredRun) -> int:
        """The epochs of the longest training that the arm of a run can have."""
        spaces = (
            own.tags.get(names.SPACE_TAG, "[]")
            for own in self.runs
            if own.stage == "arm" and own.tags.get("arm") == run.key.arm
        )
        space = restored(json.loads(next(spaces, "[]")))
        return longest(space, int(run.params.get("training.epochs", 0)))

    @cached_property
    def trainings(self) -> Sequence[StoredRun]:
        return [run for run in self.runs if run.stage in ("search", "confirm", "refit")]

    @cached_property
    def attempts(self) -> Mapping[TrialKey, Sequence[StoredRun]]:
        """The runs of each training (named as its first attempt) that weren't interrupted."""
        found: defaultdict[TrialKey, list[StoredRun]] = defaultdict(list)
        for run in self.trainings:
            if run.outcome != "interrupted":
                found[run.key.first].append(run)
        return dict(found)

    @cached_property
    def ended(self) -> frozenset[TrialKey]:
        """The trainings that are stored whole."""
        return frozenset(
            key for key, runs in self.attempts.items() if any(run.has_ended for run in runs)
        )

    @cached_property
    def closed(self) -> bool:
        """Whether it is stored as complete."""
        return any(
            run.stage == "sweep" and names.is_closed(run.status, run.tags) for run in self.runs
        )

    @cached_property
    def unfinished(self) -> Mapping[SearchKey, frozenset[int]]:
        """The trials of each search that were begun and have no outcome."""
        return {
            search: frozenset(trial.number for trial in trials if not trial.finished)
            for search, trials in self.studies.items()
        }

    @property
    def lost_runs(self) -> bool:
        """Whether its studies have finished trials, and there is no run at all."""
        trials = (trial for trials in self.studies.values() for trial in trials)
        return not self.runs and any(trial.finished for trial in trials)

    def knows_outcome(self, run: StoredRun) -> bool:
        """Whether the study knows how the run's trial ended: there will be no other attempt."""
        if run.stage != "search":
            return False
        trials = self.studies.get(run.key.of, ())
        return run.key.trial < len(trials) and trials[run.key.trial].finished

    @property
    def searches(self) -> list[SearchKey]:
        """Those that the sweep was asked for."""
        numbers = range(self.confirmation.searches)
        return [SearchKey(arm, n) for arm in self.about.get("arms", ()) for n in numbers]

    def missing_confirmations(self) -> list[TrialKey]:
        """The trainings that confirm the best configurations of each search and have no run."""
        missing, wanted = [], self.confirmation
        for search in self.searches:
            trials = self.studies.get(search, ())
            values = {trial.number: trial.value for trial in trials if trial.value is not None}
            seconds = {trial.number: trial.second for trial in trials}

            def same(number: int, of: SearchKey = search) -> Hashable:
                key = TrialKey(of.arm, "search", number, search=of.number)
                runs = self.attempts.get(key, ())
                return configuration(runs[0].params) if runs else number

            best = best_configurations(values, same, self.objective, wanted.top, seconds)
            for trial in best:
                missing += [key for key in wanted.keys(search, trial) if key not in self.attempts]
        return missing

    @property
    def is_confirmed(self) -> bool:
        """Whether every search found something and all of its confirmations ended well, so that a
        model is published."""
        confirming = {k: runs for k, runs in self.attempts.items() if k.stage == "confirm"}
        return (
            {key.of for key in confirming} == set(self.searches)
            and not self.missing_confirmations()
            and all(run.outcome == "complete" for runs in confirming.values() for run in runs)
        )

    @property
    def search_folds(self) -> int:
        """How many folds each trial of the search is trained on; 0 for none."""
        return int(self.about.get(names.SEARCH_FOLDS, 0))

    def is_of_folds(self, key: TrialKey) -> bool:
        """Whether it is a trial whose trainings, on folds, have runs of their own."""
        return self.search_folds > 0 and key.stage == "search" and key.fold is None

    @property
    def confirmation(self) -> Confirmation:
        return confirmation_in(self.about)

    def place(self, run: StoredRun) -> str:
        """How a problem of a run names it."""
        name = self.name if run.name == self.name else f"{self.name} {run.name}"
        return f"{name} (run {run.run_id})"
