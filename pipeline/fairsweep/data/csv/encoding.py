"""Text that isn't in the encoding that is said, or in UTF-8 where none is.

In: a path. Out: `BadInput` with the first byte that shows it, and how its line reads in the
likeliest encoding.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from fairsweep.config.form import setting_name
from fairsweep.data.csv.lines import HEAD
from fairsweep.errors import BadInput

WESTERN = ("utf-8", "cp1252", "latin-1")
FIRST_OF_TWO = b"\xc3"  # in UTF-8
BESIDE = 20  # letters on either side of one that can't be read


def check_encoding(key: str, path: Path, encoding: str) -> None:
    """Checks that a file is in the encoding that is said.

    Raises:
        BadInput: it isn't, or it is UTF-8, of which single bytes would make other letters.
    """
    setting = setting_name(key, "encoding")
    if (error := undecoded(path, encoding)) is not None:
        raise BadInput(
            f"{setting}: {path} isn't in {encoding}: {_byte(error)}{_as_read(key, error, encoding)}"
        )
    beyond_ascii = undecoded(path, "ascii")
    if beyond_ascii is None or undecoded(path, "utf-8") is not None:
        return
    with suppress(UnicodeDecodeError):  # by one byte alone others can't be read
        FIRST_OF_TWO.decode(encoding)
        raise BadInput(
            f"{setting}: {path} is UTF-8: {_byte(beyond_ascii)}"
            f"{_as_read(key, beyond_ascii, encoding)}, or leave it out"
        )


def not_utf8(key: str, path: Path) -> BadInput:
    """The error for a file in another encoding: the first byte that shows it, and how its line
    reads in the likeliest one."""
    error = undecoded(path, "utf-8")
    assert error is not None
    return BadInput(f"{key}: {path} isn't UTF-8: {_byte(error)}{_as_read(key, error, 'utf-8')}")


def _byte(error: UnicodeDecodeError) -> str:
    """The first byte that can't be read, and its line."""
    line = error.object.count(b"\n", 0, error.start) + 1
    return f"line {line} has the byte 0x{error.object[error.start]:02x}"


def _as_read(key: str, error: UnicodeDecodeError, tried: str) -> str:
    """How the line of a byte reads in an encoding of the West, and the setting."""
    before = error.object.rfind(b"\n", 0, error.start) + 1
    line = error.object[before:].splitlines()[0]
    for encoding in WESTERN:
        with suppress(UnicodeDecodeError):
            if encoding != tried:
                error.object.decode(encoding)
                start = max(0, error.start - before - BESIDE)
                read = line.decode(encoding)[start : start + 2 * BESIDE]
                return f", in {encoding} {read!r}; {setting_name(key, 'encoding')}={encoding}"
    return f"; say what it is in: {setting_name(key, 'encoding')}=…"


def undecoded(path: Path, encoding: str) -> UnicodeDecodeError | None:
    """Why a file isn't text in an encoding; `start` and `object` are those of the whole file."""
    try:
        with path.open(encoding=encoding, newline="") as file:
            while file.read(HEAD):
                pass
    except UnicodeDecodeError:
        try:  # in pieces, places are those of a piece
            path.read_bytes().decode(encoding)
        except UnicodeDecodeError as error:
            return error
    return None
