"""Images: a folder with a folder of image files for each class.

In: a path. Out: a `Dataset` of (rows, height, width, channels), or `BadInput` with all that is
wrong of the files.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from pipeline.config.schema import Data
from pipeline.data.dataset import Dataset, Features
from pipeline.data.paths import find_folder
from pipeline.data.progress import goes_on
from pipeline.data.room import room_for
from pipeline.errors import BadInput

FORMATS = ("PNG", "JPEG", "BMP", "GIF")
ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".gif"}
MOST_PIXELS = 50_000_000  # of one image
GREY = {"1", "L", "LA", "I", "I;16", "F"}
SHOWN = 5
LESS = "make images smaller with data.size=[height,width]"


@dataclass(frozen=True)
class _File:
    """An image file as it was looked at: its class, its size (width, height), grey or not."""

    path: Path
    label: int
    size: tuple[int, int]
    grey: bool


def load_images(settings: Data) -> Dataset:
    """The data set of a folder, files in the order of their names.

    Raises:
        BadInput: there are no classes, a file is no image, or images are of different sizes.
    """
    root = find_folder("data.path", settings.path)
    classes = sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    if len(classes) < 2:
        raise BadInput(
            f"data.path: {root} needs a folder of images for each class, two at least, and has "
            f"{', '.join(p.name for p in classes) or 'none'}"
        )
    files, problems = _look(root, classes)
    if problems:
        more = [f"data.path: … and {len(problems) - SHOWN} more"] * (len(problems) > SHOWN)
        raise BadInput(*problems[:SHOWN], *more)
    height, width = _size(settings, files)
    channels, notes = _channels(settings, files)
    shape = (height, width, channels)
    pixels: Features = np.empty((1, *shape), np.float32)
    with room_for(f"data.path: {root}", len(files), shape, LESS) as room:
        broken = []
        for file in files:
            if problem := _read(file, pixels[0]):
                broken.append(problem)
            room.put(pixels)
        if broken:
            more = [f"data.path: … and {len(broken) - SHOWN} more"] * (len(broken) > SHOWN)
            raise BadInput(*broken[:SHOWN], *more)
        x = room.array()
    labels = np.array([file.label for file in files], np.int64)
    return Dataset(x, labels, tuple(folder.name for folder in classes), notes=notes)


def _look(root: Path, classes: Sequence[Path]) -> tuple[list[_File], list[str]]:
    """Every image, its pixels not read yet, and what is wrong with others."""
    files: list[_File] = []
    problems: list[str] = []
    inside = root.resolve()
    for label, folder in enumerate(classes):
        before = len(files) + len(problems)
        for path in sorted(folder.rglob("*")):
            hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
            if hidden or path.is_dir():
                continue
            goes_on()
            found = _examine(path, label, inside)
            if isinstance(found, str):
                problems.append(f"data.path: {path} {found}")
            else:
                files.append(found)
        if not folder.resolve().is_relative_to(inside):
            problems.append(f"data.path: {folder} leads out of {root}; copy its images into it")
        elif len(files) + len(problems) == before:
            problems.append(f"data.path: {folder} has no images; take the folder away, or fill it")
    return files, problems


def _examine(path: Path, label: int, root: Path) -> _File | str:
    """What an image says of itself, or why it is none."""
    if not path.resolve().is_relative_to(root):
        return f"is a link that leads out of {root}; copy the image"
    if not path.is_file():
        return "is no file"
    if path.suffix.lower() not in ENDINGS:
        return f"is no image ({', '.join(sorted(ENDINGS))}); take it away"
    if path.stat().st_size == 0:
        return "is empty; take it away"
    try:
        with (
            warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning),
            path.open("rb") as file,
            Image.open(file, formats=FORMATS) as image,
        ):
            size, grey = image.size, image.mode in GREY
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return f"has too many pixels (at most {MOST_PIXELS} are read); make it smaller"
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        return f"is damaged ({error}); take it away"
    if size[0] * size[1] > MOST_PIXELS:
        return f"has {size[0]} × {size[1]} pixels (at most {MOST_PIXELS} are read); make it smaller"
    return _File(path, label, size, grey)


def _size(settings: Data, files: Sequence[_File]) -> tuple[int, int]:
    """Height and width of all images."""
    if settings.size is not None:
        height, width = settings.size
        return height, width
    sizes = Counter(file.size for file in files)
    if len(sizes) > 1:
        (usual, _), *_ = sizes.most_common(1)
        other = next(file for file in files if file.size != usual)
        raise BadInput(
            f"data.path: images must be of one size, and {other.path} has "
            f"{other.size[0]} × {other.size[1]} pixels, most have {usual[0]} × {usual[1]}; "
            f"data.size=[{usual[1]},{usual[0]}] scales all of them to that height and width"
        )
    ((width, height),) = sizes
    return height, width


def _channels(settings: Data, files: Sequence[_File]) -> tuple[int, tuple[str, ...]]:
    """1 for grey images or 3 for coloured ones, and what the user should know."""
    grey = sum(file.grey for file in files)
    channels = settings.channels or (1 if grey == len(files) else 3)
    if settings.channels is None and 0 < grey < len(files):
        note = f"{grey} of {len(files)} images are grey, and are read as coloured ones (channels=3)"
        return channels, (note,)
    return channels, ()


def _read(file: _File, into: npt.NDArray[np.float32]) -> str | None:
    """Puts the pixels (height, width, channels) in, 0 to 255; what was wrong, if anything."""
    height, width, channels = into.shape
    try:
        with file.path.open("rb") as source, Image.open(source, formats=FORMATS) as image:
            pixels = image.convert("L" if channels == 1 else "RGB")
            if pixels.size != (width, height):
                pixels = pixels.resize((width, height), Image.Resampling.BILINEAR)
            into[:] = np.asarray(pixels, np.float32).reshape(into.shape)
    except (OSError, ValueError, SyntaxError) as error:
        return f"data.path: {file.path} is damaged ({error}); take it away"
    return None
