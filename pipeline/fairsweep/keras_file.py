"""A model in Keras's own format, a `.keras` file: what it is made of, read without Keras.

In: a path. Out: its config and its SHA-256, or `BadInput`. Layers that hold code, or need a class
of somebody's own, are refused: what is left are plain values.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairsweep.errors import BadInput

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
LARGEST_CONFIG = 64 * 2**20
MODULES = re.compile(
    r"keras(\.(layers|models|initializers|regularizers|constraints|activations|dtype_policies)"
    r"|\.src\.models\.(functional|sequential)|\.src\.ops\.\w+)?"
)
VALUES = frozenset({"__keras_tensor__", "__slice__", "__ellipsis__", "__tensor__", "__numpy__"})
"""What Keras writes for values that JSON doesn't have."""
WITH_CODE = frozenset(
    {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "FlaxWrapper"}
)
WITH_FILES = frozenset({"StringLookup", "IntegerLookup", "TextVectorization"})


@dataclass(frozen=True)
class KerasFile:
    """A file that was read: `config` is what Keras makes the model of, without its weights."""

    path: Path
    config: Mapping[str, Any]
    sha256: str


def read_keras_file(given: str) -> KerasFile:
    """A model's file.

    Raises:
        BadInput: there is none, or it isn't one that can be used; the key is for the caller to add.
    """
    path = Path(given)
    if not path.is_file():
        raise BadInput(
            f"there is no file {path.absolute()}; relative paths start at the working directory"
        )
    about = path.stat()
    return _read(path, about.st_mtime_ns, about.st_size)


def foreign_parts(config: Any) -> Iterator[str]:
    """What of a model's config isn't made of Keras's own layers alone, and why not."""
    if isinstance(config, list):
        for value in config:
            yield from foreign_parts(value)
    if not isinstance(config, Mapping):
        return
    if "class_name" in config:
        name, module = str(config["class_name"]), config.get("module")
        if name in WITH_CODE:
            yield f"has a {name} layer, which holds code; replace it by layers of Keras"
        elif name in WITH_FILES:
            yield f"has a {name} layer, which reads files; leave it out of the base"
        elif name not in VALUES and not MODULES.fullmatch(str(module)):
            own = f"{module}.{name}" if module else name
            yield f"has {own}, which isn't Keras's own; use model=custom for a model with it"
    for value in config.values():
        yield from foreign_parts(value)


@functools.lru_cache(maxsize=8)
def _read(path: Path, _changed: int, _size: int) -> KerasFile:
    """The file as it is at a time; so it is read once."""
    try:
        with zipfile.ZipFile(path) as archive:
            if not {CONFIG, WEIGHTS} <= set(archive.namelist()):
                raise BadInput(f"{path} has no {CONFIG} and {WEIGHTS}; write it with model.save")
            if archive.getinfo(CONFIG).file_size > LARGEST_CONFIG:
                raise BadInput(f"{path} describes its model with more than 64 MiB")
            config = json.loads(archive.read(CONFIG))
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise BadInput(
            f"{path} isn't a .keras file, or is damaged ({error}); write it with "
            f'model.save("{path.stem}.keras")'
        ) from error
    config.pop("compile_config", None)  # its optimizer and loss aren't used
    if problems := list(dict.fromkeys(foreign_parts(config))):
        raise BadInput(*(f"{path} {problem}" for problem in problems))
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return KerasFile(path, config, digest)
