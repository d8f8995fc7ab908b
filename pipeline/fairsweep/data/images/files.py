"""Image files: finding them in a folder, reading their headers, reading their pixels.

In: paths. Out: files that can be read, their pixels, and the problems of others.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, UnidentifiedImageError

from fairsweep.data.memory.heartbeat import goes_on
from fairsweep.errors import BadInput
from fairsweep.plural import plural

FORMATS = (
    *("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM"),
    *("AVIF", "JPEG2000", "ICO", "PCX", "DIB", "DDS", "PSD", "QOI", "SGI"),
)
"""What Pillow reads by itself, and knows by its first bytes. EPS and WMF would run other programs;
the rest are files of science or of old programs."""
BY_NAME = {".tga": "TGA"}  # nothing in its first bytes says so
ENDINGS = {
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".webp", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".pnm"),
    *(".avif", ".jp2", ".j2k", ".ico", ".pcx", ".dib", ".dds", ".psd", ".qoi", ".sgi"),
    *BY_NAME,
}
UNREAD = {
    **dict.fromkeys((".svg", ".eps", ".pdf"), "a drawing, which has no pixels"),
    **dict.fromkeys((".heic", ".heif"), "an image of a kind (HEIF) that isn't read"),
    **dict.fromkeys((".exr", ".hdr", ".icns", ".wmf", ".emf"), "a kind not read"),
    **dict.fromkeys((".dng", ".cr2", ".nef", ".arw", ".dcm"), "raw data of a camera or scanner"),
}
"""Files of images that aren't read, by their ending: what they are."""
OF_THE_SYSTEM = {"thumbs.db", "desktop.ini"}
MOST_PIXELS = 50_000_000  # of one image
GREY_OF_16_BITS = {"I;16", "I;16B", "I;16L", "I;16N", "I"}
LARGEST = 65535
GREY = {"1", "L", "LA", *GREY_OF_16_BITS}
TO_8_BITS = 257  # 65535 becomes 255
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How an image is turned upright, by the orientation that its camera wrote (EXIF)."""
ON_ITS_SIDE = {5, 6, 7, 8}
SMALLER = "save it with 8 or 16 bits"
SHOWN = 5


@dataclass(frozen=True)
class ImageFile:
    """A file whose header was read: its size (width, height) once turned upright, how to turn it,
    whether it is grey, and whether it has more frames than the first, which is the one that is
    read."""

    path: Path
    size: tuple[int, int]
    turn: Image.Transpose | None
    grey: bool
    frames: bool = False


def is_hidden(name: str) -> bool:
    """Whether a file or folder is hidden or was left by the operating system."""
    return name.startswith(".") or name.lower() in OF_THE_SYSTEM


def files_below(folder: Path) -> Iterator[Path]:
    """All files below a folder, sorted by path, without hidden ones."""
    for path in sorted(folder.rglob("*")):
        if not path.is_dir() and not any(map(is_hidden, path.relative_to(folder).parts)):
            goes_on()
            yield path


def examine(path: Path, root: Path) -> ImageFile | str:
    """The image at a path below a (resolved) root, from its header alone; or why it isn't one."""
    if not path.resolve().is_relative_to(root):
        return f"is a link that leads out of {root}; copy the image"
    if not path.is_file():
        return "isn't a file"
    if (kind := UNREAD.get(path.suffix.lower())) is not None:
        return f"is {kind}; save it as PNG or JPEG"
    if path.suffix.lower() not in ENDINGS:
        return f"isn't an image ({', '.join(sorted(ENDINGS))}); remove it"
    if path.stat().st_size == 0:
        return "is empty; remove it"
    try:
        with (
            warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning),
            path.open("rb") as file,
            Image.open(file, formats=_formats(path)) as image,
        ):
            (width, height), grey = image.size, image.mode in GREY
            orientation = _orientation(image)
            mode, frames = image.mode, bool(getattr(image, "is_animated", False))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return f"has too many pixels (at most {MOST_PIXELS} are read); make it smaller"
    except UnidentifiedImageError:
        return f"is damaged, or isn't {', '.join(_formats(path))} despite its name; remove it"
    except (OSError, ValueError, SyntaxError) as error:
        return f"is damaged ({error}); remove it"
    if width * height > MOST_PIXELS:
        return f"has {width} × {height} pixels (at most {MOST_PIXELS} are read); make it smaller"
    if mode == "F":
        return f"has fractions for pixels; {SMALLER}"
    size = (height, width) if orientation in ON_ITS_SIDE else (width, height)
    return ImageFile(path, size, TURNS.get(orientation), grey, frames)


def read_pixels(file: ImageFile, into: npt.NDArray[np.float32]) -> str | None:
    """Fills an array (height, width, channels) with the pixels, upright, scaled, 0 to 255; returns
    the problem if they can't be read."""
    height, width, channels = into.shape
    try:
        with (
            file.path.open("rb") as source,
            Image.open(source, formats=_formats(file.path)) as image,
        ):
            pixels: Image.Image = image
            if image.mode in GREY_OF_16_BITS:
                values = np.asarray(image, np.float32)
                if values.min() < 0 or values.max() > LARGEST:
                    return f"has pixels from {values.min():.0f} to {values.max():.0f}; " + SMALLER
                pixels = Image.fromarray(values / TO_8_BITS)
            else:
                pixels = image.convert("L" if channels == 1 else "RGB")
            if file.turn is not None:
                pixels = pixels.transpose(file.turn)
            if pixels.size != (width, height):
                pixels = pixels.resize((width, height), Image.Resampling.BILINEAR)
            into[:] = np.asarray(pixels, np.float32).reshape(height, width, -1)
    except (OSError, ValueError, SyntaxError) as error:
        return f"is damaged ({error}); remove it"
    return None


def told(key: str, found: Sequence[tuple[Path, str]]) -> list[str]:
    """A line for each thing that is wrong with files, with the first one that has it, and how many
    others do."""
    paths: dict[str, list[Path]] = {}
    for path, problem in found:
        paths.setdefault(problem, []).append(path)
    return [
        f"{key}: {first} {problem}"
        + (f" (and {plural(len(others), 'more file')})" if others else "")
        for problem, (first, *others) in paths.items()
    ]


def refuse(problems: Sequence[str]) -> None:
    """Raises the first few problems.

    Raises:
        BadInput: there are problems.
    """
    if problems:
        key = problems[0].partition(":")[0]
        more = [f"{key}: … and {len(problems) - SHOWN} more"] * (len(problems) > SHOWN)
        raise BadInput(*problems[:SHOWN], *more)


def _formats(path: Path) -> tuple[str, ...]:
    """What a file of this name may be."""
    named = BY_NAME.get(path.suffix.lower())
    return FORMATS if named is None else (*FORMATS, named)


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, from 1 (upright) to 8, without decoding pixels, as a PNG's own method
    would. Pillow turns a TIFF by itself."""
    if image.format == "TIFF":
        return 1
    try:
        with warnings.catch_warnings(action="ignore"):
            return int(Image.Image.getexif(image).get(ExifTags.Base.Orientation, 1))
    except Exception:  # EXIF can be broken in many ways; the image itself is still readable
        return 1
