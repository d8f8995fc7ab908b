"""Keras's own data sets, from its cache on this machine; Keras downloads what isn't there.

In: a name. Out: a `Dataset`. Keras runs in a process of its own, which writes plain arrays to the
cache; these are read like any other archive.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from fairsweep.config.schema import Data
from fairsweep.data.dataset import Dataset
from fairsweep.data.sources.npz import read_archive
from fairsweep.errors import BadInput

FETCH = "fairsweep.training.keras_data"
NAMES = {
    "fashion_mnist": "T-shirt,trouser,pullover,dress,coat,sandal,shirt,sneaker,bag,ankle boot",
    "cifar10": "airplane,automobile,bird,cat,deer,dog,frog,horse,ship,truck",
}


def load_keras(settings: Data) -> Dataset:
    """Images (rows, height, width, channels); their own test rows stay test rows.

    Raises:
        BadInput: they aren't in the cache and can't be downloaded.
    """
    name = settings.dataset or ""
    path = cache() / ("mnist.npz" if name == "mnist" else f"{name}-arrays.npz")
    if not path.exists():
        _fetch(name, path)
    found = read_archive(path, settings, "data.dataset")
    x = found.x if found.x.ndim == 4 else found.x[..., None]
    names = tuple(NAMES[name].split(",")) if name in NAMES else found.class_names
    return Dataset(x, found.y, names, parts=found.parts, origin=found.origin)


def cache() -> Path:
    """The folder in which Keras keeps data."""
    home = os.environ.get("KERAS_HOME") or Path("~/.keras").expanduser()
    return Path(home) / "datasets"


def _fetch(name: str, path: Path) -> None:
    """Has Keras load a data set, which needs the network the first time."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", FETCH, name, str(path)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    if done.returncode != 0:
        why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise BadInput(
            f"data.dataset: {name} isn't in Keras's cache ({path.parent}), and Keras couldn't "
            f"download it: {why}; run the same command with a network, or copy the cache of "
            "another machine there"
        )
