"""The worker process: `python -m pipeline.training.worker <connection> <lifeline>`.

It reads `TrialSpec`s from one inherited socket, writes `EpochMetrics` and `TrialResult`s to it,
and serves until the socket closes. TensorFlow is imported once, before the first trial. When the
sweep process is gone, however it went, the lifeline closes and the worker ends at once.
"""

from __future__ import annotations

import functools
import gc
import os
import sys
import threading
from multiprocessing.connection import Connection

from pipeline.config.schema import Data
from pipeline.data.split import SplitData, load_split
from pipeline.records import TrialSpec, Verdict, WorkerReady


def main() -> None:
    connection, lifeline = Connection(int(sys.argv[1])), int(sys.argv[2])
    threading.Thread(target=_end_with_parent, args=(lifeline,), daemon=True).start()
    from pipeline.training.trial import train_trial  # seconds: after the lifeline is watched

    gc.freeze()  # what TensorFlow holds never goes: collections after a trial needn't look at it
    connection.send(WorkerReady())
    while True:
        try:
            spec = connection.recv()
        except EOFError:
            return
        if isinstance(spec, Verdict):
            continue  # on a trial that ended before it arrived

        def keep(epoch: int, spec: TrialSpec = spec) -> bool:
            while True:
                verdict = connection.recv()
                if (verdict.key, verdict.epoch) == (spec.key, epoch):
                    return bool(verdict.keep)

        result = train_trial(spec, _data(_key(spec.data)), connection.send, keep)
        _forget_model()
        connection.send(result)


@functools.lru_cache(maxsize=2)
def _data(settings: tuple[tuple[str, object], ...]) -> SplitData:
    return load_split(Data(**dict(settings)))  # type: ignore[arg-type]


def _key(settings: Data) -> tuple[tuple[str, object], ...]:
    return tuple(
        (name, tuple(value) if isinstance(value, list) else value)
        for name, value in vars(settings).items()
    )


def _forget_model() -> None:
    """Lets go of the last trial's graph and variables, which refer to each other in cycles."""
    import keras

    keras.backend.clear_session()
    gc.collect()


def _end_with_parent(lifeline: int) -> None:
    os.read(lifeline, 1)
    os._exit(1)


if __name__ == "__main__":
    main()
