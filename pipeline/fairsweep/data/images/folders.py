"""Images: a folder with a subfolder of image files for each class, or with one for each part of
the split that has such subfolders; or any folder of images, with a CSV that says what they show.

In: a path. Out: a `Dataset` of (rows, height, width, channels), or `BadInput` with the problems of
all files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fairsweep.config.schema import Data
from fairsweep.data.dataset import PART_WORDS, TRAIN, Dataset, Features, Origin
from fairsweep.data.images.files import (
    ENDINGS,
    SHOWN,
    ImageFile,
    examine,
    files_below,
    is_hidden,
    read_pixels,
    refuse,
    told,
)
from fairsweep.data.images.labels import find_labels, load_labels
from fairsweep.data.memory.room import room_for
from fairsweep.data.paths import find_folder
from fairsweep.errors import BadInput
from fairsweep.invocation import typed
from fairsweep.plural import plural

LESS = "make images smaller with data.size=[height,width]"


@dataclass(frozen=True)
class _Folder:
    """A folder of images of one class, and their part of the split, if folders give it."""

    path: Path
    part: int | None = None


def load_images(settings: Data) -> Dataset:
    """The data set of a folder, its files sorted by path, or in the order of the CSV.

    Raises:
        BadInput: there are no classes, a file isn't an image, or images differ in size.
    """
    root = find_folder("data.path", settings.path)
    if (table := find_labels(settings, root)) is not None:
        files, answers = load_labels(settings, root, table)
    else:
        files, answers = _classes(root)
    height, width = _size(settings, files)
    channels, notes = _channels(settings, files)
    shape = (height, width, channels)
    pixels: Features = np.empty((1, *shape), np.float32)
    with room_for(f"data.path: {root}", len(files), shape, LESS) as room:
        broken = []
        for file in files:
            if problem := read_pixels(file, pixels[0]):
                broken.append((file.path, problem))
            room.put(pixels)
        refuse(told("data.path", broken))
        x = room.array()
    names = [file.path.relative_to(root).as_posix() for file in files]
    if moving := [name for name, file in zip(names, files, strict=True) if file.frames]:
        count = plural(len(moving), "image")
        notes = (*notes, f"only the first frame is read of {count}, such as {moving[0]}")
    origin = Origin(names, np.arange(1, len(names) + 1))
    return replace(answers, x=x, notes=(*answers.notes, *notes), origin=origin)


def _classes(root: Path) -> tuple[Sequence[ImageFile], Dataset]:
    """The images in the folder of each class, and a data set that has no features yet.

    Raises:
        BadInput: there are no classes, or a file isn't an image.
    """
    folders = list(_folders(root))
    classes = sorted({folder.path.name for folder in folders})
    if len(classes) < 2:
        raise BadInput(
            f"data.path: {root} needs one folder of images per class, at least two, but has "
            f"{', '.join(classes) or 'none'}; or a CSV of their names and classes: "
            f"{_tables_in(root)}"
        )
    found, problems = _look(root, folders)
    refuse(problems)
    files = [file for _, file in found]
    numbers = {name: number for number, name in enumerate(classes)}
    y = np.array([numbers[folder.path.name] for folder, _ in found], np.int64)
    given = [folder.part for folder, _ in found if folder.part is not None]
    parts = np.array(given, np.int8) if given else None
    return files, Dataset(np.empty((len(y), 0), np.float32), y, tuple(classes), parts=parts)


def _tables_in(root: Path) -> str:
    """The setting that names a CSV file, for each that may be meant."""
    names = [str(path) for path in sorted(root.glob("*.csv")) if not is_hidden(path.name)]
    return " or ".join(typed("data.labels", name) for name in names[:SHOWN] or ["labels.csv"])


def _folders(root: Path) -> Iterator[_Folder]:
    """The folder of each class; or of each part and class, where the root has folders train,
    validation and test, or some of them, and these have folders."""
    inside = list(_in(root))
    parts = [PART_WORDS.get(folder.name.lower()) for folder in inside]
    by_part = TRAIN in parts and len(parts) > 1 and None not in parts
    if not by_part or not any(any(_in(folder)) for folder in inside):
        yield from map(_Folder, inside)
        return
    for folder, part in zip(inside, parts, strict=True):
        if stray := next((p for p in folder.iterdir() if p.suffix.lower() in ENDINGS), None):
            raise BadInput(
                f"data.path: {folder} is a part of the split, but {stray.name} is in it without a "
                "class; put its images into one folder per class, or remove the folder"
            )
        for class_folder in _in(folder):
            yield _Folder(class_folder, part)


def _in(folder: Path) -> Iterable[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir() and not is_hidden(p.name))


def _look(
    root: Path, folders: Sequence[_Folder]
) -> tuple[list[tuple[_Folder, ImageFile]], list[str]]:
    """Every image with its folder, and the problems of other files."""
    files: list[tuple[_Folder, ImageFile]] = []
    odd: list[tuple[Path, str]] = []
    problems: list[str] = []
    inside = root.resolve()
    for folder in folders:
        before = len(files) + len(odd)
        for path in files_below(folder.path):
            found = examine(path, inside)
            if isinstance(found, str):
                odd.append((path, found))
            else:
                files.append((folder, found))
        place = f"data.path: {folder.path}"
        if not folder.path.resolve().is_relative_to(inside):
            problems.append(f"{place} leads out of {root}; copy its images into it")
        elif len(files) + len(odd) == before:
            problems.append(f"{place} has no images; remove the folder, or add images")
    return files, [*told("data.path", odd), *problems]


def _size(settings: Data, files: Sequence[ImageFile]) -> tuple[int, int]:
    """Height and width of all images."""
    if settings.size is not None:
        height, width = settings.size
        return height, width
    sizes = Counter(file.size for file in files)
    if len(sizes) > 1:
        (usual, _), *_ = sizes.most_common(1)
        other = next(file for file in files if file.size != usual)
        raise BadInput(
            f"data.path: images must have the same size, but {other.path} has "
            f"{other.size[0]} × {other.size[1]} pixels, most have {usual[0]} × {usual[1]}; "
            f"data.size=[{usual[1]},{usual[0]}] scales all to that height and width"
        )
    ((width, height),) = sizes
    return height, width


def _channels(settings: Data, files: Sequence[ImageFile]) -> tuple[int, tuple[str, ...]]:
    """1 channel for grey images or 3 for colour, and notes for the user."""
    grey = sum(file.grey for file in files)
    channels = settings.channels or (1 if grey == len(files) else 3)
    if settings.channels is None and 0 < grey < len(files):
        note = f"grey images were read as colour (channels=3): {grey} of {len(files)}"
        return channels, (note,)
    return channels, ()
