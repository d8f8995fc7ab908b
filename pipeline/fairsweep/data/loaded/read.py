"""Reads what a loader returned, from the folder that its process wrote.

In: a folder. Out: arrays: in memory if they fit there twice, else where they are in their file.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fairsweep.data.loaded import Stored
from fairsweep.machine import available_bytes


def array_in(folder: Path, stored: Stored) -> npt.NDArray[Any]:
    """An array of a folder."""
    path, dtype, shape = folder / stored.file, np.dtype(stored.dtype), tuple(stored.shape)
    size = math.prod(shape) * dtype.itemsize
    if size and 2 * size >= available_bytes():
        return np.memmap(path, dtype, "r", shape=shape)
    return np.fromfile(path, dtype).reshape(shape)
