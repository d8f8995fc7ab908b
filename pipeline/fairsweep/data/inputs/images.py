"""Images to predict: one, or all those below a folder.

In: a path and the shape of a row. Out: the name of each image and its pixels as the model takes
them, or `BadInput` with the problems of all files.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fairsweep.data.dataset import Features
from fairsweep.data.images.files import (
    ENDINGS,
    UNREAD,
    examine,
    files_below,
    read_pixels,
    refuse,
)
from fairsweep.data.inputs.rows import InputSpec
from fairsweep.data.memory import check_room
from fairsweep.data.paths import find
from fairsweep.errors import BadInput


def are_images(path: Path) -> bool:
    """Whether a path names images: a folder, or a file with the suffix of an image."""
    return path.is_dir() or path.suffix.lower() in {*ENDINGS, *UNREAD}


def read_images(path: Path, takes: InputSpec) -> tuple[Sequence[str], Features]:
    """Names, relative to the folder, in their order; pixels (rows, height, width, channels) from 0
    to 255, scaled to the size that the model takes.

    Args:
        path: an image or a folder.
        takes: what the model takes.

    Raises:
        BadInput: the model takes no images, or a file isn't one.
    """
    find("input", str(path))
    if takes.columns or len(takes.shape) != 3 or takes.shape[-1] not in (1, 3):
        kind = "a table" if takes.columns else f"rows of {' × '.join(map(str, takes.shape))}"
        raise BadInput(
            f"input: the model takes {kind}, but {path} has images; give a .csv, a .parquet or an "
            ".npz"
        )
    folder = path if path.is_dir() else path.parent
    paths = [path]
    if path.is_dir():  # a CSV may say what they show
        paths = [one for one in files_below(path) if one.suffix.lower() != ".csv"]
    root = folder.resolve() if path.is_dir() else path.resolve().parent
    if not paths:
        raise BadInput(f"input: {path} has no images ({', '.join(sorted(ENDINGS))})")
    size = 4 * len(paths) * math.prod(takes.shape)
    check_room(f"input: {path}", size, "predict fewer images at a time")
    pixels: Features = np.empty((len(paths), *takes.shape), np.float32)
    problems = []
    for one, into in zip(paths, pixels, strict=True):
        found = examine(one, root)
        if problem := found if isinstance(found, str) else read_pixels(found, into):
            problems.append(f"input: {one} {problem}")
    refuse(problems)
    return [one.relative_to(folder).as_posix() for one in paths], pixels
