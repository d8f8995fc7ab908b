"""The benchmark's table: of each work the ratios of all contestants' times to ours, and the time to
quality. Ratios are those of one round, of which the median, the least and the greatest are told."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

from tests.benchmarks.contest import CONTESTANTS, OURS, Figure
from tests.benchmarks.work import Work

HEAD = (
    "| | time to ours | least to greatest | seconds | seconds a trial | to the first epoch "
    "| from the last epoch to the end | largest process |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)
QUALITY = (
    "| | time to ours | seconds to quality | least to greatest | its best |\n"
    "| --- | ---: | ---: | ---: | ---: |"
)


def table(work: Work, figures: Mapping[str, Sequence[Figure]]) -> str:
    """A line for each contestant. Of one that was stopped, time and ratio are lower bounds, and
    its time per trial that of what it did."""
    rounds = len(figures[OURS])
    lines = [f"{work.title}, {rounds} round{'s' * (rounds != 1)}", "", HEAD]
    return "\n".join([*lines, *(_line(work, name, figures) for name in figures)])


def _line(work: Work, name: str, figures: Mapping[str, Sequence[Figure]]) -> str:
    contestant, own = CONTESTANTS[name], figures[name]
    ratios = [f.seconds / o.seconds for f, o in zip(own, figures[OURS], strict=True)]
    seconds, share = (
        statistics.median(values) for values in ([f.seconds for f in own], [f.share for f in own])
    )
    title, more = contestant.title, ""
    if share < 1:
        more, title = "> ", f"{title}, stopped after {share:.0%} of the trials"
    each = ""
    if contestant.does != "nothing":
        each = f"{seconds / (share * work.trainings) if share else math.inf:.3f}"
    return (
        f"| {title} | {more}{statistics.median(ratios):.2f} | {min(ratios):.2f} to "
        f"{max(ratios):.2f} | {more}{seconds:.1f} | {each} | {_median([f.first for f in own])} "
        f"| {_median([f.after for f in own])} "
        f"| {statistics.median(f.mebibytes for f in own):.0f} MiB |"
    )


def _median(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{statistics.median(known):.1f}" if known else ""


def quality_table(
    work: Work,
    accuracy: float,
    reached: Mapping[str, Sequence[float | None]],
    best: Mapping[str, float],
) -> str:
    """Seconds until each tool's best configuration was good enough; those of a round in which it
    never was count as infinite.

    Args:
        work: whose trials.
        accuracy: of the best known configuration.
        reached: by contestant, the seconds of each round.
        best: by contestant, how good its last answer was; the median of all rounds.
    """
    lines = [f"{work.title}; the best known configuration has {accuracy:.2%}", "", QUALITY]
    seconds = {
        name: [math.inf if own is None else own for own in rounds]
        for name, rounds in reached.items()
    }
    for name, own in seconds.items():
        pairs = zip(own, seconds[OURS], strict=True)
        ratios = [mine / ours for mine, ours in pairs if math.isfinite(ours)]
        ratio = f"{statistics.median(ratios):.2f}" if ratios else ""
        cells = [ratio, f"{statistics.median(own):.1f}", f"{min(own):.1f} to {max(own):.1f}"]
        shown = " | ".join(cells).replace("inf", "never")
        lines.append(f"| {CONTESTANTS[name].title} | {shown} | {best[name]:.2%} |")
    return "\n".join(lines)
