"""The worker process: forked by `fork_server`, or `python -m fairsweep.training.worker <connection>
<lifeline> <checkpoints> <weights> [<graphs>]`; the last ones are the folders of its
`TrialFolders`.

It reads `TrialSpec`s from one inherited socket, writes `EpochMetrics` and `TrialResult`s to it,
and serves until the socket closes. A spec of the stage `check` is checked, not trained. TensorFlow
is imported once, before the first trial. When the sweep process ends, in whatever way, the lifeline
closes and the worker ends at once.
"""

from __future__ import annotations

import ctypes
import faulthandler
import functools
import gc
import json
import os
import signal
import sys
import threading
from multiprocessing.connection import Connection
from pathlib import Path

from fairsweep.config.schema import Data
from fairsweep.data.dataset import Dataset
from fairsweep.data.memory.heartbeat import say_to
from fairsweep.data.sources import load
from fairsweep.data.split import SplitData, split_rows
from fairsweep.errors import BadInput
from fairsweep.files import TrialFolders
from fairsweep.folds import Fold
from fairsweep.invocation import find_code_here
from fairsweep.records import EpochMetrics, PruningDecision, TrialResult, TrialSpec, WorkerReady
from fairsweep.training.extras import without_extras
from fairsweep.training.outbox import Outbox

PARENT_DEATH_SIGNAL = 1  # the option of Linux's prctl
TRIALS_BETWEEN_COLLECTIONS = 8
TRIALS_BETWEEN_CLEARINGS = 64


def main() -> None:
    end_with_parent()
    serve(int(sys.argv[1]), int(sys.argv[2]), TrialFolders(*map(Path, sys.argv[3:])))


def end_with_parent() -> None:
    """Has this process killed when the one that started it ends, also while code that lets no
    thread of Python run hangs; on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)


def serve(socket: int, lifeline: int, folders: TrialFolders) -> None:
    """Trains what comes from a socket, until it closes.

    Args:
        socket: to the sweep.
        lifeline: a pipe that closes with the sweep's process.
        folders: for checkpoints, weights and graphs.
    """
    connection = Connection(socket)
    threading.Thread(target=_end_with_sweep, args=(lifeline,), daemon=True).start()
    stopping = threading.Event()
    signal.signal(signal.SIGUSR2, lambda *_: stopping.set())
    # Asked where it is, a worker says so even while no Python code of it runs.
    faulthandler.register(signal.SIGUSR1)
    # Seconds, where this process wasn't forked: after the lifeline is watched.
    with without_extras():
        from fairsweep.training.model_check import check
        from fairsweep.training.programs import forget_kernels
        from fairsweep.training.trial import WorkerCache, train_trial

    find_code_here()
    gc.freeze()  # what TensorFlow holds never goes: no collection needs to look at it
    gc.disable()  # tracing makes cycles by the million, and they go together
    cache, trials = WorkerCache(folders.graphs), 0
    outbox = Outbox(connection)
    outbox.send(WorkerReady())
    say_to(outbox.still_training)
    while True:
        try:
            spec = connection.recv()
        except EOFError:
            return
        if isinstance(spec, PruningDecision):
            continue  # on a trial that ended before it arrived
        try:
            data = _data(_key(spec.data), spec.fold)
        except BadInput as error:  # it changed, or the disk has no room for another process
            outbox.send(TrialResult(spec.key, "failed", epochs=0, seconds=0.0, error=str(error)))
            continue
        if spec.key.stage == "check":
            outbox.send(check(spec, data, cache))
            continue

        def keep(epoch: int, spec: TrialSpec = spec) -> bool:
            while True:
                decision = connection.recv()
                if (decision.key, decision.epoch) == (spec.key, epoch):
                    return bool(decision.keep)

        def emit(metrics: EpochMetrics, spec: TrialSpec = spec) -> None:
            schedule = spec.pruning
            outbox.epoch(metrics, schedule is not None and schedule.judged(metrics.epoch))

        result = train_trial(
            spec, data, emit, keep, cache, outbox.still_training, stopping.is_set, folders
        )
        outbox.send(result)
        trials += 1
        if trials % TRIALS_BETWEEN_COLLECTIONS == 0:
            gc.collect()
        if trials % TRIALS_BETWEEN_CLEARINGS == 0:
            forget_kernels()


@functools.lru_cache(maxsize=2)
def _data(settings: str, fold: Fold | None) -> SplitData:
    """The data, of which other splits may be there: it is loaded once."""
    return split_rows(_dataset(settings), Data(**json.loads(settings)), fold)


@functools.lru_cache(maxsize=1)
def _dataset(settings: str) -> Dataset:
    return load(Data(**json.loads(settings)))


def _key(settings: Data) -> str:
    return json.dumps(vars(settings))


def _end_with_sweep(lifeline: int) -> None:
    os.read(lifeline, 1)
    os._exit(1)


if __name__ == "__main__":
    main()
