"""A worker's memory stays as it is, however many trials it serves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from fairsweep.executor.local import LocalExecutor
from fairsweep.files import TrialFolders
from fairsweep.records import TrialKey, TrialResult, WorkerReady
from tests.integration.training_room import FEW_ROWS, compose

WIDTHS = [[8], [64], [256], [16, 128], [32, 32], [128, 16, 64], [8, 8, 8]]


@pytest.mark.long(15)
def test_250_trials_grow_a_worker_by_less_than_a_tenth(tmp_path: Path) -> None:
    spec, _ = compose(
        *("training.space.batch_size=null", "model.space.hidden_units=null"),
        *(*FEW_ROWS, "training.epochs=2", "executor.workers=1"),
    )
    sizes = []
    folders = TrialFolders(tmp_path, tmp_path)
    with LocalExecutor(1, 1, tmp_path, folders) as executor:
        worker = executor._workers[0]
        while not executor.idle:
            assert [*executor.events(60)] == [WorkerReady()]
        for trial in range(250):
            model = replace(
                spec.model, params={**spec.model.params, "hidden_units": WIDTHS[trial % 7]}
            )
            key = TrialKey("adam", "search", trial)
            executor.submit(replace(spec, key=key, model=model, seed=trial))
            ended: list[TrialResult] = []
            while not ended:
                ended = [e for e in executor.events(60) if isinstance(e, TrialResult)]
            assert ended[0].outcome == "complete", ended[0].error
            sizes.append(psutil.Process(worker.process.pid).memory_info().rss)
    assert executor._workers == [worker]
    assert max(sizes[50:]) < 1.1 * max(sizes[:50])
