"""Image files: which there are in a folder, what each says of itself, and its pixels.

In: paths. Out: files that can be read, their pixels, and what is wrong with others.
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

FORMATS = ("PNG", "JPEG", "BMP", "GIF")
ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".gif"}
OF_THE_SYSTEM = {"thumbs.db", "desktop.ini"}
MOST_PIXELS = 50_000_000  # of one image
GREY_OF_16_BITS = {"I;16", "I"}
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
"""How an image is turned to stand upright, by the orientation that its camera wrote down (EXIF)."""
ON_ITS_SIDE = {5, 6, 7, 8}
SHOWN = 5


@dataclass(frozen=True)
class ImageFile:
    """A file as it was looked at: its size (width, height) once it is turned upright, how that is
    done, grey or not."""

    path: Path
    size: tuple[int, int]
    turn: Image.Transpose | None
    grey: bool


def is_hidden(name: str) -> bool:
    """Whether a file or folder is one that systems put there for themselves."""
    return name.startswith(".") or name.lower() in OF_THE_SYSTEM


def files_below(folder: Path) -> Iterator[Path]:
    """The files of a folder and of those in it, in the order of their names; hidden ones aside."""
    for path in sorted(folder.rglob("*")):
        if not path.is_dir() and not any(map(is_hidden, path.relative_to(folder).parts)):
            goes_on()
            yield path


def examine(path: Path, root: Path) -> ImageFile | str:
    """What an image below a (resolved) root says of itself, its pixels not read yet; or why it is
    none."""
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
            (width, height), grey = image.size, image.mode in GREY
            orientation = _orientation(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return f"has too many pixels (at most {MOST_PIXELS} are read); make it smaller"
    except UnidentifiedImageError:
        return f"is damaged, or no {', '.join(FORMATS)} whatever its name says; take it away"
    except (OSError, ValueError, SyntaxError) as error:
        return f"is damaged ({error}); take it away"
    if width * height > MOST_PIXELS:
        return f"has {width} × {height} pixels (at most {MOST_PIXELS} are read); make it smaller"
    size = (height, width) if orientation in ON_ITS_SIDE else (width, height)
    return ImageFile(path, size, TURNS.get(orientation), grey)


def read_pixels(file: ImageFile, into: npt.NDArray[np.float32]) -> str | None:
    """Puts the pixels (height, width, channels) in, upright and scaled, 0 to 255; or says what is
    wrong."""
    height, width, channels = into.shape
    try:
        with file.path.open("rb") as source, Image.open(source, formats=FORMATS) as image:
            pixels: Image.Image = image
            if image.mode in GREY_OF_16_BITS:
                pixels = Image.fromarray(np.asarray(image, np.float32) / TO_8_BITS)
            else:
                pixels = image.convert("L" if channels == 1 else "RGB")
            if file.turn is not None:
                pixels = pixels.transpose(file.turn)
            if pixels.size != (width, height):
                pixels = pixels.resize((width, height), Image.Resampling.BILINEAR)
            into[:] = np.asarray(pixels, np.float32).reshape(height, width, -1)
    except (OSError, ValueError, SyntaxError) as error:
        return f"is damaged ({error}); take it away"
    return None


def refuse(problems: Sequence[str]) -> None:
    """Raises what is wrong, the first few of many.

    Raises:
        BadInput: there is something.
    """
    if problems:
        key = problems[0].partition(":")[0]
        more = [f"{key}: … and {len(problems) - SHOWN} more"] * (len(problems) > SHOWN)
        raise BadInput(*problems[:SHOWN], *more)


def _orientation(image: Image.Image) -> int:
    """From 1, upright, to 8; nothing is decoded for it, as a PNG would be by its own method."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return int(Image.Image.getexif(image).get(ExifTags.Base.Orientation, 1))
    except Exception:  # notes of a camera that can't be read, in as many ways; the image can
        return 1
