"""What a person sees while trainings run: a live view in a terminal, lines elsewhere.

In: the events of a sweep. Out: nothing but what is printed. Owner of rich.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Literal

from rich.cells import cell_len
from rich.console import Console as RichConsole
from rich.console import Group
from rich.live import Live
from rich.segment import SegmentLines
from rich.table import Table
from rich.text import Text

from fairsweep.errors import Interrupted
from fairsweep.invocation import command_line
from fairsweep.metrics import PLAIN, digits_of
from fairsweep.plural import plural
from fairsweep.records import EpochMetrics, Objective, SearchKey, TrialKey, TrialResult, WorkerLost
from fairsweep.report.text.numbers import number

Mode = Literal["live", "plain", "quiet"]


LARGE = 1000
"""Numbers from here on have marks between thousands, and fewer decimals."""
GAP = 2
"""Spaces between two columns of a table."""


class Console(RichConsole):
    """A console whose reader may go away, as `head` does: that is an interruption."""

    def on_broken_pipe(self) -> None:
        """rich's own sends what is still to come nowhere, and would end the process with 1.

        Raises:
            Interrupted: always.
        """
        try:
            super().on_broken_pipe()
        except SystemExit as ending:
            raise Interrupted(
                "interrupted: nobody reads the output any more; the same command continues"
            ) from ending


def mode_of(setting: str, console: Console) -> Mode:
    """auto is live in a terminal and plain lines elsewhere."""
    if setting == "auto":
        return "live" if console.is_terminal else "plain"
    return setting  # type: ignore[return-value]


class Terminal:
    """Shows a sweep's progress; a context manager, for a live view must be ended.

    Args:
        setting: auto, live, plain or quiet.
        name: the sweep's name.
        objective: what "best" means.
        budget: trials of each arm, with what an earlier process already finished of each outcome.
        confirmations: trainings of the confirmation, all arms together.
        folds: how many a trial of the search is trained on; 0 for none.
    """

    def __init__(
        self,
        setting: str,
        name: str,
        objective: Objective,
        budget: Mapping[str, int],
        confirmations: int,
        folds: int = 0,
    ) -> None:
        self.console = Console(highlight=False)
        self._mode = mode_of(setting, self.console)
        self._name = name
        self._objective = objective
        self._budget = dict(budget)
        self._outcomes: dict[str, Counter[str]] = {arm: Counter() for arm in budget}
        self._running: dict[TrialKey, int] = {}
        self._best: dict[str, float] = {}
        self._confirmed = 0
        self._confirmations = confirmations
        self._folds = folds
        self._first_epoch: float | None = None
        self._ended_here = 0
        self._away = 0
        self._live = Live(
            get_renderable=self._view, console=self.console, refresh_per_second=4, transient=True
        )

    def __enter__(self) -> Terminal:
        if self._mode == "live":
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._mode == "live":
            self._live.stop()

    def say(self, text: str, *, prose: bool = False) -> None:
        """One line, in every mode but quiet; see `result` for `prose`."""
        if self._mode != "quiet":
            self.result(text, prose=prose)

    def result(self, text: str, *, prose: bool = False) -> None:
        """One line of the result, in every mode. In a terminal `prose` is broken between words;
        what somebody may copy is left whole."""
        whole = not (prose and self.console.is_terminal)
        self.console.print(text, markup=False, soft_wrap=whole)

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]], keep: int = 2) -> None:
        """A table of the report, in every mode but quiet. A header takes two lines at most. Where
        the terminal has no room for them, the last columns are left out, which is told.

        Args:
            header: a name for each column.
            rows: as many cells each.
            keep: how many columns stay however narrow the terminal is.
        """
        if self._mode == "quiet":
            return
        names = [fold(name) for name in header]
        widths = [
            max(cell_len(text) for text in (*name.split("\n"), *(row[i] for row in rows)))
            for i, name in enumerate(names)
        ]
        while len(widths) > keep and sum(widths) + GAP * (len(widths) - 1) > self.console.width:
            widths.pop()
        table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="dim")
        for i in range(len(widths)):
            side: Literal["left", "right"] = "left" if i == 0 else "right"
            table.add_column(Text(names[i]), justify=side, no_wrap=True, vertical="bottom")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row[: len(widths)]))
        wide = self.console.options.update(width=sum(widths) + GAP * (len(widths) - 1))
        lines = self.console.render_lines(table, wide, pad=False)
        self.console.print(SegmentLines(lines, new_lines=True), crop=False)
        if left_out := header[len(widths) :]:
            missing = ", ".join(name.replace("/ ", "/") for name in left_out)
            self.say(f"no room here for {missing}; the report has all columns", prose=True)

    def seen(self, arm: str, outcomes: Mapping[str, int], best: float | None) -> None:
        """What an earlier process finished of an arm."""
        self._outcomes[arm].update(outcomes)
        if best is not None and self._objective.better(best, self._best.get(arm, math.nan)):
            self._best[arm] = best

    def began(self, key: TrialKey) -> None:
        self._running[key] = 0

    def epoch(self, metrics: EpochMetrics) -> None:
        self._running[metrics.key] = metrics.epoch
        if self._first_epoch is None:
            self._first_epoch = time.monotonic()

    def lost(self, event: WorkerLost, goes_on: bool = False) -> None:
        if event.key is not None:
            self._running.pop(event.key, None)
            lost = f"attempt {event.key.attempt} is lost"
            then = "it continues from its checkpoint" if goes_on else lost
            self.say(f"{event.key}: {event.why}; {then}; log: {event.log}")

    def began_anew(self, result: TrialResult) -> None:
        self._running.pop(result.key, None)
        self.say(f"{result.key}: its checkpoint can't be used, so it starts again: {result.error}")

    def stopped(self, search: SearchKey, why: str, left_out: int) -> None:
        self.say(f"{search}: stopped: {why}")
        self._budget[search.arm] -= left_out

    def settled(self, arm: str, trials: int, confirmations: int, stored: int) -> None:
        """A search of an arm has ended.

        Args:
            arm: its name.
            trials: how many of its budget don't come any more.
            confirmations: how many of those that were planned it has no configuration for.
            stored: how many of the others an earlier process has stored.
        """
        self._budget[arm] -= trials
        self._confirmations -= confirmations
        self._confirmed += stored

    def published(self, stored: bool) -> None:
        """There is no training for publication to come: it is stored, or there is none."""
        if stored:
            self._confirmed += 1
        else:
            self._confirmations -= 1

    def away(self, waiting: int) -> None:
        """While MLflow doesn't answer: how many writes wait for it; 0 when it is back."""
        if self._mode != "live" and bool(waiting) != bool(self._away):
            self.say(_away(waiting))
        self._away = waiting

    def ended(self, result: TrialResult) -> None:
        self._running.pop(result.key, None)
        if result.key.whole is not None:  # one fold of a trial, which ends with the last of them
            return
        self._ended_here += 1
        if result.key.stage == "search":
            self._outcomes[result.key.arm][result.outcome] += 1
            self._see_best(result)
        else:
            self._confirmed += 1
        if self._mode == "plain" or result.outcome == "failed":
            self.say(self._line(result))

    def _see_best(self, result: TrialResult) -> None:
        arm, value = result.key.arm, result.best_value
        if result.outcome != "complete" or value is None:
            return
        if self._objective.better(value, self._best.get(arm, math.nan)):
            self._best[arm] = value

    def _line(self, result: TrialResult) -> str:
        done, total = self._done(), self._total()
        count = f"[{done}/{total}{self._left()}]"
        if result.outcome == "failed":
            return f"{count} {result.key} failed: {result.error}"
        took = f"{plural(result.epochs, 'epoch')} in {result.seconds:.1f} s"
        if result.key.stage == "refit":
            return f"{count} {result.key} {result.outcome}: {took}"
        metric = self._objective.metric
        if result.best_value is None:
            return f"{count} {result.key} {result.outcome}: no {metric}, {took}"
        value, where = _written(result.best_value, metric), f"at epoch {result.best_epoch}"
        if self._folds and result.key.stage == "search":
            where = "on average over its folds"
        return f"{count} {result.key} {result.outcome}: {metric} {value} {where}, {took}"

    def _done(self) -> int:
        return sum(c.total() for c in self._outcomes.values()) + self._confirmed

    def _total(self) -> int:
        return sum(self._budget.values()) + self._confirmations

    def _left(self) -> str:
        if not self._ended_here or self._first_epoch is None:
            return ""
        seconds = (time.monotonic() - self._first_epoch) / self._ended_here
        left = round(seconds * max(0, self._total() - self._done()))
        return f", {left // 60}:{left % 60:02} left"

    def _view(self) -> Group:
        title = Text.assemble((self._name, "bold"), f"  best {self._objective.metric} per arm")
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("arm")
        for name in ("done", "running", "pruned", "diverged", "failed", "best"):
            table.add_column(name, justify="right")
        leader = self._leader()
        for arm, trials in self._budget.items():
            outcomes = self._outcomes[arm]
            best = self._best.get(arm)
            table.add_row(
                arm,
                f"{outcomes.total()}/{trials}",
                str(sum(key.arm == arm for key in self._running)),
                *(str(outcomes[name]) for name in ("pruned", "diverged", "failed")),
                "" if best is None else _written(best, self._objective.metric),
                style="bold" if arm == leader else None,
            )
        return Group(title, table, Text(self._foot(), style="dim"))

    def _leader(self) -> str | None:
        arms = list(self._best)
        index = self._objective.best([self._best[arm] for arm in arms])
        return None if index is None else arms[index]

    def _foot(self) -> str:
        if not self._ended_here and not any(self._running.values()):
            return "importing TensorFlow (a few seconds)"
        stage = (
            "confirming" if self._confirmed or self._done() >= sum(self._budget.values()) else ""
        )
        confirm = f"{stage} {self._confirmed}/{self._confirmations}  " if stage else ""
        count = f"{self._done()}/{self._total()} trainings{self._left()}"
        away = f"\n{_away(self._away)}" if self._away else ""
        return f"{confirm}{count}   {command_line('ui')}: every epoch{away}"


def fold(name: str) -> str:
    """A column's name in two lines at most, as narrow as that allows: it is broken at a space or
    after a slash."""
    breaks = [i + 1 for i, letter in enumerate(name) if letter in " /"]
    halves = [(name[:i].rstrip(), name[i:].lstrip()) for i in breaks]
    first, second = min(halves, key=lambda two: max(map(cell_len, two)), default=(name, ""))
    return f"{first}\n{second}" if second else first


def _written(value: float, metric: str) -> str:
    """A metric's value: four decimals, or as the report has it where it says how it is written, or
    where it is large."""
    plain = digits_of(metric) == PLAIN and abs(value) < LARGE
    plain = plain or not math.isfinite(value)
    return f"{value:.4f}" if plain else number(value, of=metric)


def _away(waiting: int) -> str:
    """What is said while MLflow doesn't answer, and when it does again (0)."""
    if not waiting:
        return "MLflow answers again; everything that waited is stored"
    kept = plural(waiting, "write")
    return f"MLflow doesn't answer; training goes on, and {kept} can wait on disk"


class EpochLines:
    """Shows one training, a line an epoch; quiet shows its result alone."""

    def __init__(self, setting: str, metric: str, epochs: int) -> None:
        self.console = Console(highlight=False)
        self._quiet = setting == "quiet"
        self._metric = metric
        self._epochs = epochs
        self._away = False

    def began(self, key: TrialKey) -> None:
        """There is one training only."""

    def epoch(self, metrics: EpochMetrics) -> None:
        values = [f"{name} {_written(value, name)}" for name, value in metrics.values.items()]
        count = f"{metrics.epoch:>{len(str(self._epochs))}}/{self._epochs}"
        self.say(f"epoch {count}  {'  '.join(values)}")

    def lost(self, event: WorkerLost, goes_on: bool) -> None:  # noqa: ARG002 - it never does
        self.say(f"{event.why}; log: {event.log}")

    def began_anew(self, result: TrialResult) -> None:
        """Never: a single training has no checkpoints."""

    def stopped(self, search: SearchKey, why: str, left_out: int) -> None:
        """Never: a single training has no arm."""

    def away(self, waiting: int) -> None:
        if bool(waiting) != self._away:
            self._away = bool(waiting)
            self.say(_away(waiting))

    def ended(self, result: TrialResult) -> None:
        if result.outcome == "failed":
            text = f"failed: {result.error}"
        else:
            text = f"{result.outcome} after {result.seconds:.1f} s"
            if result.best_value is not None:
                best = _written(result.best_value, self._metric)
                text += f": best {self._metric} {best} at epoch {result.best_epoch}"
            if not self._quiet:
                text += f"; every run: {command_line('ui')}"
        self.console.print(text, markup=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """One line, unless it is quiet."""
        if not self._quiet:
            self.console.print(text, markup=False, soft_wrap=True)
