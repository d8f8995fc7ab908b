"""A whole sweep: search every arm, confirm each arm's best, publish the best model and the report.

In: a `Job`. Out: an exit code, and all of it in the store. Whatever moment this process ends at,
the same command goes on from there: what is done is found in the store, and not done again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from fairsweep.config.schema import Confirm
from fairsweep.data.split import contents
from fairsweep.data.warnings import data_warnings
from fairsweep.executor import Executor, OpenExecutor, open_executor
from fairsweep.plural import plural
from fairsweep.records import SearchKey, SweepRecord, TrialSpec
from fairsweep.search.study import ArmStudy
from fairsweep.search.warnings import search_warnings
from fairsweep.stages.champion import publish_champion
from fairsweep.stages.checkpoints import CheckpointFolders
from fairsweep.stages.confirm import ConfirmStage, confirmations
from fairsweep.stages.continuing import open_studies, settle
from fairsweep.stages.dispatch import Dispatcher
from fairsweep.stages.draft import Draft, loading_end
from fairsweep.stages.job import Job
from fairsweep.stages.outcome import Published, exit_code, make_report, show_report
from fairsweep.stages.preflight import tried_workers
from fairsweep.stages.refit import STAGE, RefitStage, refits
from fairsweep.stages.rows import show_rows
from fairsweep.stages.run import run_stages
from fairsweep.stages.search import SearchStage
from fairsweep.stages.stopping import Stopping
from fairsweep.terminal import Terminal
from fairsweep.tracking.read import Stored, read_sweep, stored
from fairsweep.tracking.store import scratch_folder, sweep_lock
from fairsweep.tracking.store.head_start import HeadStart
from fairsweep.tracking.store.outage import answering
from fairsweep.tracking.write import Tracker, caught_up
from fairsweep.tracking.write.frame import changed_code


def run_sweep(job: Job, logs: Path, start: OpenExecutor = open_executor) -> int:
    """Runs a sweep to its end, or goes on with one that was begun; on a finished one it changes
    nothing and shows the report.

    Args:
        job: the sweep.
        logs: the folder for what workers print.
        start: starts the workers.

    Returns:
        The exit code: 0, or 1 when some trial failed with an error.
    """
    with opened(job, logs, start) as sweep:
        if sweep.wants_training:
            draft = train(sweep)
        else:
            draft = Draft(None, logs)
            for line in code_warning(sweep):
                sweep.terminal.say(line)
        published = publish(sweep, draft)
    show_report(published, job.store, sweep.terminal)
    return exit_code(published.sweep)


@dataclass(frozen=True)
class Sweep:
    """A sweep that this process alone may touch, and what is left of it to do.

    Args:
        job: the sweep.
        logs: the folder for what workers print.
        start: starts workers.
        studies: by search.
        stored: what earlier processes stored of it.
        checkpoints: of its trainings.
        files: the folder for files on their way into the store.
        terminal: shows its progress.
        tried: the workers that tried its models, where it begins.
        head_start: what has got the store ready meanwhile.
        ready: ends them.
    """

    job: Job
    logs: Path
    start: OpenExecutor
    studies: Mapping[SearchKey, ArmStudy]
    stored: Stored
    checkpoints: CheckpointFolders
    files: Path
    terminal: Terminal
    tried: Executor | None
    head_start: HeadStart | None
    ready: ExitStack

    @cached_property
    def has_trainings(self) -> bool:
        """Whether, as it is opened, some trial or confirmation has still to be trained, or what is
        published."""
        plan, wanted, ended = self.job.plan, self.job.confirmation, self.stored.ended
        if any(study.is_open for study in self.studies.values()):
            return True
        if confirmations(plan, wanted, self.studies, ended):
            return True
        return not self.stored.closed and bool(self.refits(read_sweep(self.job.store, plan.name)))

    def refits(self, record: SweepRecord) -> list[TrialSpec]:
        """What has still to be trained for publication, once nothing else is to come.

        Args:
            record: what is stored of the sweep.
        """
        plan = self.job.plan
        if plan.config.publish.fit != "all":
            return []
        return refits(plan, self.job.confirmation, record, self.studies, self.stored.ended)

    @property
    def wants_training(self) -> bool:
        """Whether anything is left to train, or only the sweep's runs to be closed."""
        return self.has_trainings or not self.stored.closed

    @contextmanager
    def workers(self) -> Iterator[Executor]:
        """The workers that tried the models before the sweep began; where it goes on, new ones, if
        there is something to train."""
        with self.ready.pop_all() as ending:
            count = self.job.workers if self.has_trainings else 0
            beside = _head_start(self.job, self.logs) if count and self.tried is None else None
            yield self.tried or ending.enter_context(
                _workers(self.job, count, self.logs, self.start, self.terminal.say, beside)
            )


@contextmanager
def opened(job: Job, logs: Path, start: OpenExecutor = open_executor) -> Iterator[Sweep]:
    """Takes a sweep's lock, has the store catch up with what was put down for it, and finds out
    what is left to do. Before a sweep begins its models are tried, and nothing of it is written
    where one can't be trained.

    Raises:
        BadInput: a model can't be trained.
        AlreadyRunning: another process has the sweep.
        SweepChanged: it was begun with other settings.
    """
    plan, store = job.plan, job.store
    journal, spool = store.journal(plan.name), store.spool(plan.name)
    with ExitStack() as ready:
        tried = head_start = None
        if not journal.exists():
            say, head_start = terminal_of(job, {}).say, _head_start(job, logs)
            tried = ready.enter_context(_workers(job, job.workers, logs, start, say, head_start))
        with (
            answering(store),
            sweep_lock(store, plan.name),
            caught_up(store, plan, job.facts, spool),
            scratch_folder(store, plan.name) as files,
        ):
            studies = open_studies(plan, journal, job.facts.sha256, contents(job.data))
            kept = Stored({}, closed=False)
            if any(study.begun for study in studies.values()):
                kept = stored(store, plan.experiment, plan.name, plan.objective)
                settle(studies, kept.ended, store)
            checkpoints = CheckpointFolders(job.folders.checkpoints)
            checkpoints.tidy(studies, kept.ended)
            terminal = terminal_of(job, studies)
            yield Sweep(
                *(job, logs, start, studies, kept, checkpoints, files, terminal),
                *(tried, head_start, ready),
            )


def train(sweep: Sweep) -> Draft:
    """Trains what is left of the search and the confirmation, and closes the sweep's runs.

    Returns:
        What of its report was made meanwhile.

    Raises:
        KeyboardInterrupt: it was asked to stop; what had ended is stored.
    """
    job, plan, terminal = sweep.job, sweep.job.plan, sweep.terminal
    with Stopping(terminal.say) as stopping, sweep.workers() as executor:
        for line in greeting(sweep, executor.size):
            terminal.say(line)
        spool = job.store.spool(plan.name)
        with (
            Tracker(job.store, plan, job.facts, spool, terminal.away) as tracker,
            terminal,
        ):
            tracker.open(sweep.head_start)
            dispatcher = Dispatcher(executor, tracker, terminal, sweep.checkpoints)
            search = SearchStage(plan, sweep.studies, dispatcher, tracker, sweep.stored.ended)
            confirm = ConfirmStage(
                *(plan, job.confirmation, sweep.studies, search, sweep.stored.ended),
                *(job.folders, terminal),
            )
            run_stages({"search": search, "confirm": confirm}, dispatcher, stopping)
            search.note_limits()
            tracker.drain()
            record = read_sweep(job.store, plan.name)
            draft, specs = Draft(record, sweep.logs), sweep.refits(record)
            if job.refits and not specs:
                terminal.published(any(key.stage == STAGE for key in sweep.stored.ended))
            refit = RefitStage(specs, job.folders)
            run_stages({"refit": refit}, dispatcher, stopping, draft.parts())
            tracker.close(dispatcher.work)
    return draft


def publish(sweep: Sweep, draft: Draft) -> Published:
    """Registers the best model as the sweep's champion, and stores the report, with what the rows
    look like that it lists."""
    job, plan, store = sweep.job, sweep.job.plan, sweep.job.store
    sweep.checkpoints.close()  # also those that a killed process left at its very end
    record = read_sweep(store, plan.name, draft.record)
    champion = publish_champion(job, record, sweep.studies, sweep.files / "champion")
    rows = show_rows(job, record, sweep.files)
    return make_report(store, replace(record, champion=champion, shown=rows), sweep.logs, draft)


def terminal_of(job: Job, studies: Mapping[SearchKey, ArmStudy]) -> Terminal:
    """The terminal, which knows what earlier processes finished."""
    plan, confirmation = job.plan, job.confirmation
    budget = Counter[str]()
    for search, study in studies.items():
        budget[search.arm] += study.limit
    confirming = confirmation.trainings * confirmation.top * len(plan.arms)
    confirming += int(job.refits)
    shown, folds = plan.config.terminal, plan.search_folds
    terminal = Terminal(shown, plan.name, plan.objective, budget, confirming, folds)
    for search, study in studies.items():
        tally = study.tally()
        terminal.seen(search.arm, tally.outcomes, tally.best_value)
    return terminal


def greeting(sweep: Sweep, workers: int) -> Iterator[str]:
    """What is said before a sweep trains: what it compares and where to watch it, then warnings."""
    job, plan, store = sweep.job, sweep.job.plan, sweep.job.store
    arms = " · ".join(arm.name for arm in plan.arms)
    searches = plan.config.search.repeats
    each = f", {searches} searches each" if searches > 1 else ""
    live = store.ui_command or store.ui
    yield f"sweep {plan.name}: {arms}{each}, {plural(workers, 'worker')}; live: {live}"
    if plan.chosen:
        yield plan.chosen
    asked = plan.config.confirm.repeats if job.confirmation.folds else plan.config.confirm.seeds
    if job.confirmation.repeats != asked:
        key = "confirm.repeats" if job.confirmation.folds else "confirm.seeds"
        yield f"{key}: {asked} raised to {job.confirmation.repeats}, as many for each search"
    largest = max(arm.settings.training.batch_size for arm in plan.arms)
    for warning in (*plan.warnings, *search_warnings(plan), *data_warnings(job.data, largest)):
        yield f"warning: {warning}"
    if job.confirmation.folds and plan.config.confirm.seeds != Confirm.seeds:
        yield (
            f"warning: confirm.seeds={plan.config.confirm.seeds} has no effect, because "
            f"{job.confirmation.folds} folds are used; confirm.repeats says how often, and "
            "confirm.folds=0 trains seeds on one split instead"
        )
    yield from code_warning(sweep)


def code_warning(sweep: Sweep) -> Iterator[str]:
    """What is said of a sweep that was last run with other code, whether it goes on or not."""
    if changed := changed_code(sweep.stored.code, sweep.job.plan):
        yield (
            f"warning: the code of {', '.join(changed)} has changed since this sweep was last run; "
            "if it changes results, start another sweep with sweep.name=…"
        )


def _head_start(job: Job, logs: Path) -> HeadStart:
    """Gets the store ready, and then what the sweep's end needs."""
    return HeadStart(job.store, logs, loading_end(logs))


def _workers(
    job: Job,
    count: int,
    logs: Path,
    start: OpenExecutor,
    say: Callable[[str], None],
    beside: HeadStart | None = None,
) -> AbstractContextManager[Executor]:
    executor = start(job.plan.config.executor, count, logs, job.folders)
    return tried_workers(executor, job.plan, job.store.root, logs, say, beside)
