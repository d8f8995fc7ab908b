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
    told,
)
from fairsweep.data.inputs.rows import InputSpec, are_pictures
from fairsweep.data.memory import check_room
from fairsweep.data.paths import find
from fairsweep.data.tables.parquet import ENDINGS as PARQUET
from fairsweep.errors import BadInput


def are_images(path: Path) -> bool:
    """Whether a path names images: a file with the suffix of an image, or a folder, unless it has
    Parquet files instead."""
    if not path.is_dir():
        return path.suffix.lower() in {*ENDINGS, *UNREAD}
    inside = {one.suffix.lower() for one in path.rglob("*")}
    return inside.isdisjoint(PARQUET) or not inside.isdisjoint(ENDINGS)


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
    if takes.inputs or not are_pictures(takes.shape):
        raise BadInput(f"input: the model takes {_kind(takes)}, got {path}")
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
            problems.append((one, problem))
    refuse(told("input", problems))
    return [one.relative_to(folder).as_posix() for one in paths], pixels


def _kind(takes: InputSpec) -> str:
    """What a model takes that takes no images, and what to give it."""
    if takes.columns:
        return "a table; need a CSV, a Parquet file or a folder of them"
    if takes.inputs:
        return "several inputs; need an .npz with an array for each"
    shape = " × ".join(map(str, takes.shape))
    return f"rows of {shape}; need an .npz, or a CSV or Parquet file with a column for each number"
