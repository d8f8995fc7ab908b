"""Arrays from an .npz: x and y, or a pair of them for each part of the split, with or without the
weights of rows.

In: a path. Out: a `Dataset`, or `BadInput`. What an array declares is checked before it is read.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fairsweep.config.schema import Data
from fairsweep.data.arrays import from_arrays
from fairsweep.data.dataset import TEST, TRAIN, VALIDATION, Dataset, Origin
from fairsweep.data.memory import check_room
from fairsweep.data.memory.room import joined
from fairsweep.data.paths import find_file
from fairsweep.data.weights import WEIGHT, shape_problems
from fairsweep.errors import BadInput
from fairsweep.machine import available_bytes

MOST_BYTES = 20 * 2**30
MOST_PACKED = 100  # times its size in the archive; a bomb is a thousand times as large
WORTH_A_LOOK = 100 * 2**20
WRITE = "numpy.savez(path, x=x, y=y)"
SPLIT = {TRAIN: "train", VALIDATION: "val", TEST: "test"}
HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
ZIP = b"PK\x03\x04"
LOCAL_HEADER = 30  # bytes of a file's header in a zip, without its name and what follows that


def load_npz(settings: Data) -> Dataset:
    """The data set of an archive.

    Raises:
        BadInput: it is damaged, declares too much, or doesn't have rows with a class or labels
            each.
    """
    path = find_file("data.path", settings.path)
    return read_archive(path, settings, "data.path")


def read_archive(path: Path, settings: Data, key: str) -> Dataset:
    """The data set of an existing file; `key` names it in messages."""
    arrays = read_arrays(path, key)
    place, notes = f"{key}: {path}", _unread(path, arrays)
    parts = [part for part, name in SPLIT.items() if f"x_{name}" in arrays]
    if "x" in arrays:
        x, y, weights = arrays["x"], arrays["y"], arrays.get(WEIGHT)
        return from_arrays(
            *(x, y, place, settings.missing),
            weights=weights,
            notes=notes,
            asked=settings.task,
            padding=settings.padding,
        )
    x = [arrays[f"x_{SPLIT[part]}"] for part in parts]
    y = [arrays[f"y_{SPLIT[part]}"] for part in parts]
    if problems := list(_unlike(place, dict(zip(parts, x, strict=True)), y)):
        raise BadInput(*problems)
    lengths = [len(part) for part in x]
    rows = np.repeat(np.array(parts, np.int8), lengths)
    origin = Origin([f"x_{SPLIT[part]}" for part in parts], np.cumsum(lengths))
    if any(isinstance(part, np.memmap) for part in x):
        whole: npt.NDArray[Any] = joined(place, x, np.ones(len(rows), bool))
    else:
        whole = np.concatenate(x)
    weights = [arrays.get(f"{WEIGHT}_{SPLIT[part]}") for part in parts]
    weighed, told = _of_parts(place, {SPLIT[p]: w for p, w in zip(parts, weights, strict=True)}, x)
    return from_arrays(
        *(whole, np.concatenate(y), place, settings.missing, rows, origin),
        weights=weighed,
        notes=(*told, *notes),
        asked=settings.task,
        padding=settings.padding,
    )


def read_arrays(path: Path, key: str, wanted: frozenset[str] | None = None) -> dict[str, Any]:
    """The arrays x and y of an archive, or a pair for each part, and the weights of their rows if
    there are any; or those `wanted`. One of 32-bit floats that doesn't fit in memory stays in the
    file, unless the file is compressed.

    Raises:
        BadInput: they are missing, damaged, or hold Python objects.
    """
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            cut = file.read(len(ZIP)) == ZIP
        what = "is damaged (it is cut short)" if cut else "isn't an .npz file"
        raise BadInput(f"{key}: {path} {what}; write it with {WRITE}")
    try:
        with zipfile.ZipFile(path) as archive:
            there = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            chosen = _chosen(key, path, set(there)) if wanted is None else wanted & set(there)
            declared = {name: _declared(key, path, archive, there[name]) for name in chosen}
            _check_size(key, path, archive.infolist())
        _check_room(key, path, declared)
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {
                name: _in_place(path, there[name], about) if about.stays else stored[name]
                for name, about in declared.items()
            }
    except BadInput:
        raise
    except Exception as error:  # those of zipfile, zlib and numpy are of a dozen kinds
        raise BadInput(
            f"{key}: {path} is damaged ({error}); write it again with {WRITE}"
        ) from error


@dataclass(frozen=True)
class _Declared:
    """The header of an array; `start` is the offset of its values in its file in the archive."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    start: int
    stays: bool


def _chosen(key: str, path: Path, there: set[str]) -> set[str]:
    """The names to read: x and y, or those of given parts, and the weights of rows."""
    of_parts = {f"{WEIGHT}_{name}" for name in SPLIT.values()}
    if {"x", "y"} <= there:
        if other := sorted(of_parts & there):
            raise BadInput(f"{key}: {path} has x and y, so need {WEIGHT}, got {', '.join(other)}")
        return {"x", "y", *({WEIGHT} & there)}
    pairs = {
        part: {f"x_{name}", f"y_{name}"} & there
        for part, name in SPLIT.items()
        if {f"x_{name}", f"y_{name}"} & there
    }
    if TRAIN not in pairs or any(len(pair) < 2 for pair in pairs.values()):
        raise BadInput(
            f"{key}: {path} needs arrays x and y, or pairs x_train, y_train, x_val, y_val, x_test, "
            f"y_test, but has {', '.join(sorted(there))}"
        )
    own = {f"{WEIGHT}_{SPLIT[part]}" for part in pairs}
    if other := sorted(({WEIGHT, *of_parts} - own) & there):
        raise BadInput(
            f"{key}: {path} has rows for {', '.join(SPLIT[part] for part in pairs)}, so need "
            f"{' or '.join(sorted(own))}, got {', '.join(other)}"
        )
    return set().union(*pairs.values(), own & there)


def _unread(path: Path, arrays: Mapping[str, Any]) -> tuple[str, ...]:
    """A note of what else an archive has."""
    with zipfile.ZipFile(path) as archive:
        there = [name.removesuffix(".npy") for name in archive.namelist()]
    if not (other := [name for name in there if name not in arrays]):
        return ()
    read = "weights of rows are read from sample_weight"
    return (f"not read from {path.name}: {', '.join(sorted(other))}; {read}",)


def _of_parts(
    place: str, weights: Mapping[str, npt.NDArray[Any] | None], x: Sequence[npt.NDArray[Any]]
) -> tuple[npt.NDArray[Any] | None, tuple[str, ...]]:
    """The weights of the rows of all parts, and a note where some parts have none: 1 a row."""
    lacking = [part for part, own in weights.items() if own is None]
    if len(lacking) == len(weights):
        return None, ()
    found, problems = [], []
    for (part, own), features in zip(weights.items(), x, strict=True):
        array = np.ones(len(features)) if own is None else own
        problems += [
            f"{place}: {p}" for p in shape_problems(array, f"{WEIGHT}_{part}", len(features))
        ]
        found.append(array.reshape(-1))
    if problems:
        raise BadInput(*problems)
    note = f"without {', '.join(f'{WEIGHT}_{part}' for part in lacking)}: these rows weigh 1 each"
    return np.concatenate(found), (note,) if lacking else ()


def _declared(key: str, path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Declared:
    with archive.open(info) as file:
        version = np.lib.format.read_magic(file)
        if version not in HEADERS:
            raise ValueError(f"{info.filename} is of version {version}")
        shape, by_columns, dtype = HEADERS[version](file)
        start = file.tell()
    if dtype.hasobject:
        raise BadInput(
            f"{key}: {path} needs plain arrays, but {info.filename} contains Python objects, which "
            f"are never loaded; write it with {WRITE}, without object arrays. Sequences of "
            "different lengths go into one array (rows, steps, features): fill up the shorter ones "
            "with NaN, and set data.padding=nan"
        )
    size = math.prod(shape) * dtype.itemsize
    if start + size != info.file_size:
        raise ValueError(f"{info.filename} declares {size} bytes and has {info.file_size - start}")
    plain = info.compress_type == zipfile.ZIP_STORED and not by_columns and len(shape) > 1
    fits = 2 * size < available_bytes()
    return _Declared(shape, dtype, start, plain and dtype == np.float32 and not fits)


def _check_size(key: str, path: Path, files: list[zipfile.ZipInfo]) -> None:
    packed = sum(info.compress_size for info in files)
    size = sum(info.file_size for info in files if info.compress_type != zipfile.ZIP_STORED)
    if size > MOST_BYTES or size > max(WORTH_A_LOOK, MOST_PACKED * packed):
        raise BadInput(
            f"{key}: {path} unpacks to {size / 2**30:.1f} GiB from {packed / 2**20:.1f} MiB, more "
            f"than is safe (20 GiB, or {MOST_PACKED} times); write it uncompressed: {WRITE}"
        )


def _check_room(key: str, path: Path, arrays: Mapping[str, _Declared]) -> None:
    """Counts each array, and its copy as 32-bit floats if it has another type."""
    check_room(
        f"{key}: {path}",
        sum(
            math.prod(about.shape) * (about.dtype.itemsize + 4 * (about.dtype != np.float32))
            for about in arrays.values()
            if not about.stays
        ),
        "write x as float32 with numpy.savez, and it stays in its file",
    )


def _in_place(path: Path, info: zipfile.ZipInfo, about: _Declared) -> npt.NDArray[Any]:
    """An array as a view of the file."""
    with path.open("rb") as file:
        file.seek(info.header_offset)
        header = file.read(LOCAL_HEADER)
    name, extra = (int.from_bytes(header[i : i + 2], "little") for i in (26, 28))
    start = info.header_offset + LOCAL_HEADER + name + extra + about.start
    return np.memmap(path, about.dtype, "r", start, about.shape)


def _unlike(
    place: str, x: Mapping[int, npt.NDArray[Any]], y: list[npt.NDArray[Any]]
) -> Iterator[str]:
    """How the arrays of the parts don't match."""
    shapes = {f"x_{SPLIT[part]}": f"{array.dtype} {array.shape}" for part, array in x.items()}
    if len({array.shape[1:] for array in x.values()}) > 1:
        shown = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        yield f"{place}: rows must have the same shape in every part, got {shown}"
    (first, *_), own = x, y[0].shape[1:]
    for (part, features), labels in zip(x.items(), y, strict=True):
        if 0 in (features.ndim, labels.ndim) or len(features) != len(labels):
            yield (
                f"{place}: x_{SPLIT[part]} of shape {features.shape} and y_{SPLIT[part]} of shape "
                f"{labels.shape} must have the same rows"
            )
        elif labels.shape[1:] != own:
            yield (
                f"{place}: y must have one class a row in every part, or the same labels, got "
                f"y_{SPLIT[first]} {y[0].shape}, y_{SPLIT[part]} {labels.shape}"
            )
