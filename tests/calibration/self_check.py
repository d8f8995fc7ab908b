"""`experiment=self_check` as whole sweeps, with other seeds and data sets: an optimizer against
itself, each name with a search of its own.

In: a data set's name and a seed. Out: the arm that won, if any.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import sklearn.datasets

from fairsweep.config.schema import Tracking
from fairsweep.report.analysis.select import select
from fairsweep.tracking.read import read_sweep
from fairsweep.tracking.store import find_store

REPOSITORY = Path(__file__).resolve().parents[2]
OWN = {
    "wine": sklearn.datasets.load_wine,
    "breast-cancer": sklearn.datasets.load_breast_cancer,
}
DATA = ("digits", *OWN)
SWEEP = "twins"


def winner(data: str, seed: int, folder: Path) -> str:
    """Runs a sweep in an empty folder, which is gone afterwards; says who won, empty for nobody.

    Raises:
        RuntimeError: the sweep failed.
    """
    folder.mkdir(parents=True)
    words = ["experiment=self_check", f"training.seed={seed}", f"data.seed={seed}"]
    words += [f"sweep.name={SWEEP}", "terminal=quiet"]
    if data in OWN:
        rows = OWN[data]()
        np.savez(folder / "rows.npz", x=rows.data, y=rows.target)
        words += ["data=npz", "data.path=rows.npz"]
    done = subprocess.run(
        [sys.executable, "-m", "fairsweep", "sweep", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "pipeline")},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{data}, seed {seed}: {done.stdout}{done.stderr}")
    store = find_store(Tracking("local", str(folder / "mlruns")))
    verdict = select(read_sweep(store, SWEEP)).verdict
    shutil.rmtree(folder)
    return verdict.best or "" if verdict.kind == "winner" else ""
