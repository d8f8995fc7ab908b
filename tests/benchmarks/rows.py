"""The data that no option of `conf/data` brings: from scikit-learn, or drawn with a seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import sklearn.datasets

ROWS, FEATURES = 60_000, 784
IMAGES, SIDE, SCALE = 6_000, 28, 3
SEQUENCES, STEPS, CHANNELS, CLASSES = 6_000, 40, 8, 4
VALIDATION = 0.2


def large(path: Path) -> None:
    """Rows of ten classes, each scattered round a centre of its own."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 10, ROWS)
    centres = random.normal(size=(10, FEATURES)).astype(np.float32)
    scatter = random.normal(size=(ROWS, FEATURES), scale=8).astype(np.float32)
    np.savez(path, x=centres[labels] + scatter, y=labels)


def wine(path: Path) -> None:
    """scikit-learn's wine as a table: 178 rows, 13 numbers, three classes."""
    frame = sklearn.datasets.load_wine(as_frame=True).frame
    frame.to_csv(path, index=False)


def images(path: Path) -> None:
    """Digits of scikit-learn, three times as large, shifted and under noise. An image of
    validation comes from another digit than any of training."""
    random = np.random.default_rng(0)
    pixels, labels = sklearn.datasets.load_digits(return_X_y=True)
    order = random.permutation(len(labels))
    held = round(VALIDATION * len(labels))
    arrays: dict[str, Any] = {}
    for part, own, count in (
        ("val", order[:held], round(VALIDATION * IMAGES)),
        ("train", order[held:], IMAGES - round(VALIDATION * IMAGES)),
    ):
        chosen = random.choice(own, count)
        drawn = pixels[chosen].reshape(-1, 8, 8) / 16
        canvas = random.normal(scale=0.3, size=(count, SIDE, SIDE))
        shifts = random.integers(0, SIDE - 8 * SCALE + 1, size=(count, 2))
        for image, digit, (down, right) in zip(canvas, drawn, shifts, strict=True):
            size = 8 * SCALE
            image[down : down + size, right : right + size] += np.kron(digit, np.ones((SCALE,) * 2))
        arrays[f"x_{part}"] = canvas[..., None].astype(np.float32)
        arrays[f"y_{part}"] = labels[chosen]
    np.savez(path, **arrays)


def sequences(path: Path) -> None:
    """A wave of one of four frequencies in every channel, each with a phase of its own, under
    noise."""
    random = np.random.default_rng(0)
    labels = random.integers(0, CLASSES, SEQUENCES)
    phases = random.uniform(0, 2 * np.pi, (SEQUENCES, 1, CHANNELS))
    time = np.arange(STEPS)[None, :, None] / STEPS
    waves = np.sin(2 * np.pi * (2 + labels[:, None, None]) * time + phases)
    noise = random.normal(size=waves.shape)
    np.savez(path, x=(waves + noise).astype(np.float32), y=labels)
