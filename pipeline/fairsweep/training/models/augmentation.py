"""Images that are changed at random in training, so that a model sees more than there are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from keras import layers

FLIPS: Mapping[str, str] = {
    "horizontal": "horizontal",
    "vertical": "vertical",
    "both": "horizontal_and_vertical",
}
"""Keras's names of the ways to flip an image."""


def augmented(
    images: Any, flip: str, rotation: float, zoom: float, translation: float, contrast: float
) -> Any:
    """Images as training sees them, each changed at random; in any other use they stay as they are.

    Args:
        images: (rows, height, width, channels).
        flip: `FLIPS`.
        rotation: by at most this share of a whole turn, to either side.
        zoom: in or out by at most this share of the size.
        translation: by at most this share of the height and of the width.
        contrast: more or less of it, by at most this share.
    """
    outputs = images
    if flip != "none":
        outputs = layers.RandomFlip(FLIPS[flip])(outputs)
    if rotation:
        outputs = layers.RandomRotation(rotation)(outputs)
    if zoom:
        outputs = layers.RandomZoom(zoom)(outputs)
    if translation:
        outputs = layers.RandomTranslation(translation, translation)(outputs)
    if contrast:  # which isn't to cut off values: scaled ones have no range of their own
        outputs = layers.RandomContrast(contrast, value_range=(-math.inf, math.inf))(outputs)
    return outputs
