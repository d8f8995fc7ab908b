"""Files and folders that the user names: whether they exist, and are of a kind that can be read.

In: a key and its value. Out: a path, or `BadInput` that says what is there instead.
"""

from __future__ import annotations

import re
from pathlib import Path

from fairsweep.config.guess import nearest
from fairsweep.errors import BadInput, without_password

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")
SYSTEM = tuple(Path(name) for name in ("/proc", "/sys", "/dev"))
OBJECTS = {".pkl", ".joblib", ".h5", ".hdf5", ".keras", ".pt", ".pth"}
LONGEST_START = 8
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
TO_PREDICT = {
    **dict.fromkeys(UTF_16, "use encoding=utf-16"),
    b"PAR1": "let its name end in .parquet",
    b"\x93NUMPY": "write an .npz: numpy.savez(path, x=x)",
    b"PK\x03\x04": "let the name of an .npz end so, or save a sheet as CSV",
}
"""What to do about a file that begins so, to have it predicted."""
# The first bytes of a file, its kind, and what to do about it.
STARTS = {
    b"PAR1": ("a Parquet file", "use data=parquet"),
    b"PK\x03\x04": ("a zip archive", "use data=npz for an .npz, or save a sheet as CSV"),
    b"\x1f\x8b": ("compressed", "unpack it first"),
    b"\x89HDF": ("an HDF5 file", "save its arrays with numpy.savez(path, x=x, y=y)"),
    b"\x80\x02": ("a file of Python objects", "which are never loaded; save plain values"),
    b"\x80\x03": ("a file of Python objects", "which are never loaded; save plain values"),
    b"\x80\x04": ("a file of Python objects", "which are never loaded; save plain values"),
    b"\x80\x05": ("a file of Python objects", "which are never loaded; save plain values"),
    b"\x93NUMPY": ("an array of numpy.save", "write an .npz: numpy.savez(path, x=x, y=y)"),
    **dict.fromkeys(UTF_16, ("text in UTF-16", "use data.encoding=utf-16")),
}


def find_file(key: str, given: str | None) -> Path:
    """The path of a regular file.

    Raises:
        BadInput: it is an address, doesn't exist, or isn't a regular file.
    """
    path = find(key, given)
    if path.is_dir():
        inside = sorted(p.name for p in path.iterdir() if p.is_file())[:3]
        has = f"; it contains {', '.join(inside)}" if inside else ""
        raise BadInput(f"{key}: need a file, but {path} is a folder{has}")
    if not path.is_file() or any(path.resolve().is_relative_to(place) for place in SYSTEM):
        raise BadInput(
            f"{key}: {path} is a pipe, a device or a system file; copy its content to a regular "
            "file first"
        )
    if path.suffix.lower() in OBJECTS:
        raise BadInput(
            f"{key}: {path} may contain Python objects, which are never loaded; save plain "
            "values with numpy.savez(path, x=x, y=y) or as CSV"
        )
    return path


def find_folder(key: str, given: str | None) -> Path:
    """The path of a folder.

    Raises:
        BadInput: it is an address, doesn't exist, or is a file.
    """
    path = find(key, given)
    if not path.is_dir():
        raise BadInput(f"{key}: need a folder with one subfolder per class, but {path} is a file")
    return path


def check_start(key: str, path: Path, encoding: str = "") -> None:
    """Checks that a file looks like text in UTF-8, or in another encoding that was named.

    Raises:
        BadInput: it is empty, or begins like a file of another kind.
    """
    with path.open("rb") as file:
        start = file.read(LONGEST_START)
    if not start:
        raise BadInput(f"{key}: {path} is empty")
    for known, (kind, remedy) in STARTS.items():
        if start.startswith(known) and not (encoding and known in UTF_16):
            not_text = "" if known in UTF_16 else ", not text"
            way = TO_PREDICT.get(known, remedy) if key == "input" else remedy
            raise BadInput(f"{key}: {path} is {kind}{not_text}; {way}")
    if encoding:
        return
    for place, name in enumerate(("utf-16-be", "utf-16-le")):
        if set(start[place::2]) == {0}:
            setting = "encoding" if key == "input" else "data.encoding"
            raise BadInput(f"{key}: {path} may be text in UTF-16; use {setting}={name}")
    if b"\0" in start:
        raise BadInput(f"{key}: {path} isn't text; save it as CSV in UTF-8")


def find(key: str, given: str | None) -> Path:
    """The path of a file or folder.

    Raises:
        BadInput: it is an address, or doesn't exist.
    """
    if URL.match(given or ""):
        raise BadInput(
            f"{key}: need a path on this machine, got the URL "
            f"{without_password(given or '')}; nothing is downloaded: copy the file here first"
        )
    path = Path(given or "").expanduser()
    if given and path.exists():
        return path
    beside = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else ()
    close = nearest(path.name, sorted(beside))
    hint = f" (did you mean {path.parent / close}?)" if close else ""
    raise BadInput(
        f"{key}: there is no file {path.absolute()}{hint}; relative paths "
        "start at the working directory"
    )
