"""The text of a CSV file, one value after a delimiter and one row in a line.

In: a path and the form of the file. Out: its bytes or text, in which runs of blanks are one tab and
lines of comments are empty, so that every line keeps its number. Any encoding becomes UTF-8.
"""

from __future__ import annotations

import codecs
import functools
import io
import re
from pathlib import Path
from typing import TextIO

import pyarrow as pa

from fairsweep.config.form import BLANK, Form

MARK_OF_ORDER = b"\xef\xbb\xbf"
HEAD = 2 * 2**20
"""Bytes in which the first lines are looked for."""


def source(path: Path, form: Form, most: int | None = None) -> pa.NativeFile:
    """A file for pyarrow, in UTF-8; with `most`, its lines within so many bytes at its start, or
    all."""
    if form.plain:
        return pa.OSFile(str(path))
    return pa.BufferReader(pa.py_buffer(_plain(_start(path, form, most), form)))


def text(path: Path, form: Form, most: int | None = None) -> TextIO:
    """The same as text.

    Raises:
        UnicodeDecodeError: when it is read, or now: it isn't UTF-8.
    """
    if form.plain:
        return path.open(encoding="utf-8-sig", newline="")
    return io.StringIO(_plain(_start(path, form, most), form).decode(), newline="")


def _start(path: Path, form: Form, most: int | None) -> bytes:
    """The file, or its first lines, in UTF-8."""
    with path.open("rb") as file:
        found = file.read() if most is None else file.read(most)
    cut = len(found) == most
    if form.encoding:
        decoder = codecs.getincrementaldecoder(form.encoding)()
        found = decoder.decode(found, final=not cut).removeprefix("\ufeff").encode()
    return found[: found.rfind(b"\n") + 1] if cut else found


def _plain(written: bytes, form: Form) -> bytes:
    if form.delimiter != BLANK and not form.comment:
        return written
    pattern = _pattern(form)
    return pattern.sub(_replaced, written.removeprefix(MARK_OF_ORDER))


def _replaced(found: re.Match[bytes]) -> bytes:
    """A value in quotes stays as it is."""
    if found["quoted"] is not None:
        return found[0]
    return b"\t" if found.lastgroup == "between" else b""


@functools.cache
def _pattern(form: Form) -> re.Pattern[bytes]:
    delimiter = b" \t" if form.delimiter == BLANK else re.escape(form.delimiter.encode())
    parts = [b'(?P<quoted>(?<![^%b\n\r])"(?:[^"]|"")*")' % delimiter]
    if form.comment:
        blank = b" " if form.delimiter == "\t" else b"[ \t]"
        mark = re.escape(form.comment.encode())
        parts.append(b"(?P<comment>((?m:^)[ \t]*|%b+)%b[^\r\n]*)" % (blank, mark))
    if form.delimiter == BLANK:
        parts.append(b"(?P<edge>(?m:^)[ \t]+|[ \t]+(?=[\r\n]|\\Z))")
        parts.append(b"(?P<between>[ \t]+)")
    return re.compile(b"|".join(parts))
