"""Whether a stored sweep is the one that is asked for, and how much of it is left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fairsweep.config.plan import Plan, differences, store_name
from fairsweep.errors import StorageError, SweepChanged
from fairsweep.records import SearchKey, TrialKey, TrialResult
from fairsweep.search.journal import open_storage
from fairsweep.search.study import ArmStudy, identities
from fairsweep.tracking.store import Store

CONTENTS = "data_contents"


def open_studies(
    plan: Plan, journal: Path, data_sha256: str, contents: Mapping[str, object] | None = None
) -> dict[SearchKey, ArmStudy]:
    """The studies of a sweep, all first searches before any second one; new ones are marked with
    what their results depend on.

    Args:
        plan: the sweep.
        journal: the file that its studies are in.
        data_sha256: fingerprint of data and split.
        contents: what the fingerprint is of, to say what changed.

    Raises:
        SweepChanged: something that decides results differs from a stored study; the message
            shows what, and nothing is written.
    """
    storage = open_storage(journal)
    stored = identities(storage)
    changed: dict[str, dict[str, None]] = {}
    wanted = {
        arm.name: {
            **arm.identity(),
            **plan.shared(),
            "data_sha256": data_sha256,
            **({} if contents is None else {CONTENTS: contents}),
        }
        for arm in plan.arms
    }
    for key, identity in stored.items():
        if key.arm in wanted:
            for line in differences(*_compared(identity, wanted[key.arm])):
                changed.setdefault(line, {})[key.arm] = None
    if changed:
        lines = "\n".join(
            f"  {line}" if len(arms) == len(wanted) else f"  {line} ({', '.join(arms)})"
            for line, arms in changed.items()
        )
        raise SweepChanged(
            f"sweep {plan.name} was begun with other settings, and results would not be "
            f"comparable:\n{lines}\nUndo the change, or start another sweep with sweep.name=…"
            f"{_of_loader(plan, changed)}"
        )
    studies = [
        ArmStudy(storage, plan, arm, wanted[arm.name], number)
        for number in range(plan.config.search.repeats)
        for arm in plan.arms
    ]
    return {study.key: study for study in studies}


def _of_loader(plan: Plan, changed: Iterable[str]) -> str:
    """What to do where nothing but the rows of a loader of the user's own has changed."""
    loader = plan.arms[0].settings.data.loader
    if loader is None or not all(line.startswith(("data_sha256", CONTENTS)) for line in changed):
        return ""
    return (
        f"\nIf nobody has changed the data, {loader} gives other rows each time, or in another "
        "order: take out .shuffle() (training shuffles rows by itself), and seed what is random"
    )


def _compared(
    stored: Mapping[str, Any], wanted: Mapping[str, Any]
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Both, without what says how data differ where they don't, or where one doesn't say it; what
    says nothing of its searches has one."""
    stored, wanted = _with_searches(stored), _with_searches(wanted)
    same = stored.get("data_sha256") == wanted["data_sha256"]
    if not same and CONTENTS in stored and CONTENTS in wanted:
        return stored, wanted
    return (
        {key: value for key, value in stored.items() if key != CONTENTS},
        {key: value for key, value in wanted.items() if key != CONTENTS},
    )


def _with_searches(identity: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**identity, "search": {"repeats": 1, **identity.get("search", {})}}


def settle(
    studies: Mapping[SearchKey, ArmStudy], ended: Mapping[TrialKey, TrialResult], store: Store
) -> None:
    """Tells the studies of what is stored and was never told: a crash may come between the two.

    Args:
        studies: by search.
        ended: the trainings of the sweep that the store holds whole.
        store: where they are looked for.

    Raises:
        StorageError: the studies have finished trials, and their runs are in another store, or
            gone.
    """
    finished = any(study.tally().finished for study in studies.values())
    noted = next((study.store for study in studies.values() if study.store), store.name)
    if finished and not ended:
        raise StorageError(f"the sweep {without_runs(noted, store)}")
    for search, study in studies.items():
        study.settle(
            {
                key.trial: result
                for key, result in ended.items()
                if (key.of, key.stage, key.fold) == (search, "search", None)
            }
        )


def without_runs(noted: str, store: Store) -> str:
    """What to tell of a sweep with finished trials that has no run in a store; its studies noted
    that store, or another one, or, in older versions, none (empty)."""
    if noted not in ("", store.name):
        return runs_elsewhere(noted, store)
    what = "mlflow.db" if store.local else "them"
    return (
        f"has finished trials, but none of their runs is in {store.uri}; restore {what} from a "
        "backup, or start another sweep with sweep.name=…"
    )


def runs_elsewhere(noted: str, store: Store) -> str:
    """What to tell of a sweep that has no run in a store, where its studies noted another one."""
    local = noted == store_name(None)
    override = "tracking=local" if local else f"tracking=server tracking.uri={noted}"
    place = "the local store" if local else noted
    return f"has its runs in {place}, and none in {store.uri}; use {override}"
