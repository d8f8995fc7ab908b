"""`fairsweep sweep`: search every arm, confirm each arm's best, report.

Exit codes: 0 done · 1 done, but a trial failed by an error · 2 bad input, nothing written ·
3 another process runs this sweep · 4 data, model or space changed · 5 storage · 130 interrupted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from fairsweep.config.compose.commands import compose_sweep
from fairsweep.config.compose.entry import command
from fairsweep.config.plan import Plan
from fairsweep.data.memory.room import check_workers
from fairsweep.data.split import SplitData, contents, describe, fingerprint, load_split
from fairsweep.data.warnings import data_warnings
from fairsweep.tracking.store import Store, open_store

if TYPE_CHECKING:
    from fairsweep.search.study import ArmStudy
    from fairsweep.terminal import Terminal


@dataclass(frozen=True)
class Job:
    """A checked plan, and the data it is about."""

    plan: Plan
    data: SplitData
    store: Store


def prepare(overrides: Sequence[str], config_dir: str | None) -> Job:
    plan = compose_sweep(overrides, config_dir)
    job = open_job(plan, worker_count(plan.config.executor.workers))
    if not job.store.journal(job.plan.name).exists():
        from fairsweep.doctor.runs import check_begins

        check_begins(job.store, job.plan.name)
    return job


def open_job(plan: Plan, workers: int) -> Job:
    """Loads the plan's data, checks that its models take them and that so many workers can load
    them, and opens its store."""
    data = load_split(plan.config.data)
    check_workers(data.dataset.x, workers)
    dataset = data.dataset
    labels = len(dataset.class_names) if dataset.multi_label else 0
    plan.check_rows(dataset.x.shape, len(data.validation), labels)
    return Job(plan, data, open_store(plan.config.tracking))


def sweep(job: Job, logs: Path) -> int:
    from fairsweep.stages.champion import publish_champion
    from fairsweep.stages.checkpoints import CheckpointFolders
    from fairsweep.stages.confirm import ConfirmStage, confirmations
    from fairsweep.stages.continuing import open_studies, settle
    from fairsweep.stages.dispatch import Dispatcher
    from fairsweep.stages.outcome import exit_code, make_report, show_report
    from fairsweep.stages.preflight import tried_workers
    from fairsweep.stages.run import run_stages
    from fairsweep.stages.search import SearchStage
    from fairsweep.stages.stopping import Stopping
    from fairsweep.tracking.read import Stored, read_sweep, stored
    from fairsweep.tracking.store import scratch_folder, sweep_lock
    from fairsweep.tracking.store.outage import answering
    from fairsweep.tracking.write import Tracker, caught_up
    from fairsweep.tracking.write.frame import own_code

    plan, settings, store = job.plan, job.plan.config, job.store
    data_sha256, facts = fingerprint(job.data), describe(job.data, settings.data)
    spool = store.spool(plan.name)
    workers, say = worker_count(settings.executor.workers), terminal_of(plan, {}).say
    with ExitStack() as ready:
        executor = None
        if not store.journal(plan.name).exists():  # it begins: nothing is written if it can't be
            executor = ready.enter_context(tried_workers(workers, plan, store.root, logs, say))
        with (
            answering(store),
            sweep_lock(store, plan.name),
            caught_up(store, plan, facts, data_sha256, spool),
            scratch_folder(store, plan.name) as files,
        ):
            studies = open_studies(plan, store.journal(plan.name), data_sha256, contents(job.data))
            kept = Stored({}, closed=False)
            if any(study.begun for study in studies.values()):
                kept = stored(store, plan.experiment, plan.name, plan.objective)
                settle(studies, kept.ended)
            checkpoints = CheckpointFolders(store.journal(plan.name).with_suffix(".checkpoints"))
            checkpoints.tidy(studies, kept.ended)
            terminal = terminal_of(plan, studies)
            to_train = any(study.is_open for study in studies.values()) or bool(
                confirmations(plan, studies, kept.ended)
            )
            if to_train or not kept.closed:
                count = workers if to_train else 0
                if executor is None:
                    executor = ready.enter_context(
                        tried_workers(count, plan, store.root, logs, terminal.say)
                    )
                for line in greeting(job, count, kept.code not in ("", own_code(plan))):
                    terminal.say(line)
                with (
                    Stopping(terminal.say) as stopping,
                    ready.pop_all(),
                    Tracker(store, plan, facts, data_sha256, spool, terminal.away) as tracker,
                    terminal,
                ):
                    tracker.open()
                    dispatcher = Dispatcher(executor, tracker, terminal, checkpoints)
                    search = SearchStage(plan, studies, dispatcher, tracker)
                    confirmation = ConfirmStage(plan, studies, search, kept.ended, files)
                    run_stages({"search": search, "confirm": confirmation}, dispatcher, stopping)
                    tracker.close(dispatcher.utilisation)
            checkpoints.close()  # also where a kill came right before it
            swept, place = read_sweep(store, plan.name), files / "champion"
            record = replace(
                swept,
                champion=publish_champion(store, swept, plan, studies, place, job.data.dataset),
            )
            report, folder = make_report(store, record, logs)
    show_report(report, folder, store, record, terminal)
    return exit_code(record)


def terminal_of(plan: Plan, studies: Mapping[str, ArmStudy]) -> Terminal:
    """The terminal, which knows what an earlier process finished."""
    from fairsweep.terminal import Terminal

    budget = {name: study.limit for name, study in studies.items()}
    confirm = plan.config.confirm
    confirming = confirm.seeds * confirm.top * len(plan.arms)
    terminal = Terminal(plan.config.terminal, plan.name, plan.objective, budget, confirming)
    for name, study in studies.items():
        tally = study.tally()
        terminal.seen(name, tally.outcomes, tally.best_value)
    return terminal


def greeting(job: Job, workers: int, code_changed: bool) -> Iterator[str]:
    """What is said before a sweep trains."""
    from fairsweep.search.warnings import search_warnings

    arms = " · ".join(arm.name for arm in job.plan.arms)
    count = "1 worker" if workers == 1 else f"{workers} workers"
    store = job.store
    where = f"{store.ui_command}, at {store.ui}" if store.ui_command else store.ui
    yield f"sweep {job.plan.name}: {arms}, {count}; live: {where}"
    sizes = [arm.settings.training.batch_size for arm in job.plan.arms]
    told = (*job.plan.notes, *search_warnings(job.plan), *data_warnings(job.data, max(sizes)))
    for remark in told:
        yield f"warning: {remark}"
    if code_changed:
        yield (
            "warning: the code has changed since the trainings that this sweep has; if it trains "
            "otherwise now, begin another with sweep.name=…"
        )


def worker_count(setting: int | str) -> int:
    """auto is one per core that this process may use."""
    if setting == "auto":
        return (
            len(os.sched_getaffinity(0))
            if hasattr(os, "sched_getaffinity")
            else os.cpu_count() or 1
        )
    return int(setting)


def main() -> NoReturn:
    command("sweep", prepare, sweep)
