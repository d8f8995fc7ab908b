"""What workers did, epoch by epoch, whatever became of it: how much was trained again.

In: a folder of logs, a file for each process, a line for each epoch: training, epoch, nanoseconds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Epoch:
    """An epoch, and how many seconds it took; 0 for the first one of a process, for nobody knows
    when that began."""

    number: int
    seconds: float


@dataclass(frozen=True)
class Repeated:
    """Epochs that were trained; again; and of those how many more than was promised."""

    trained: int
    again: int
    beyond: int


def size(folder: Path) -> int:
    """Grows with every epoch that is trained."""
    return sum(path.stat().st_size for path in folder.iterdir())


def repeated(folder: Path, seconds: float) -> Repeated:
    """Counts epochs that were trained again.

    Promised is that a training that is stopped repeats no more than what it trained in `seconds`,
    and the epoch in which they were over: a checkpoint is due then.
    """
    trained = again = beyond = 0
    for stints in _read(folder).values():
        trained += sum(len(stint) for stint in stints)
        kept: list[Epoch] = []
        for stint in stints:
            lost = [epoch for epoch in kept if epoch.number >= stint[0].number]
            kept = [epoch for epoch in kept if epoch.number < stint[0].number] + list(stint)
            again += len(lost)
            beyond += _beyond(lost, seconds)
    return Repeated(trained, again, beyond)


def _beyond(lost: Sequence[Epoch], seconds: float) -> int:
    """How many of the lost epochs lie further back than was promised."""
    if not lost:
        return 0
    allowed = seconds + max(epoch.seconds for epoch in lost)
    # The time before the first one is that of a checkpoint, or of the start.
    times = [0.0, *(epoch.seconds for epoch in lost[1:])]
    return sum(sum(times[i + 1 :]) > allowed for i in range(len(lost)))


def _read(folder: Path) -> dict[str, list[list[Epoch]]]:
    """The stints of each training, in their order: what one process trained of it in one go."""
    found: defaultdict[str, list[tuple[int, list[Epoch]]]] = defaultdict(list)
    for path in folder.iterdir():
        training, last, begun = "", 0, 0
        for line in path.read_text().splitlines():
            name, number, ended = line.rsplit(" ", 2)
            epoch, time = int(number), int(ended)
            if name != training or epoch != last + 1:
                found[name].append((time, []))
                begun = time
            found[name][-1][1].append(Epoch(epoch, (time - begun) / 1e9))
            training, last, begun = name, epoch, time
    return {
        name: [epochs for _, epochs in sorted(stints, key=lambda stint: stint[0])]
        for name, stints in found.items()
    }
