"""The seeded split of a data set, and the fingerprint of both."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.config.schema import Data
from pipeline.data.sources import Dataset, load
from pipeline.errors import BadInput

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SplitData:
    """A data set and the row numbers of its three parts, each in ascending order."""

    dataset: Dataset
    train: Rows
    validation: Rows
    test: Rows


def load_split(settings: Data) -> SplitData:
    """Loads the data and splits it: every class keeps its share in each part.

    Raises:
        BadInput: the data can't be read, or a part would be left without rows of some class.
    """
    dataset = load(settings)
    rows = np.arange(len(dataset.y))
    random = np.random.default_rng(settings.seed)
    train, test = _hold_out(rows, dataset.y, settings.test, random, "data.test")
    if settings.validation_seed is not None:
        random = np.random.default_rng([settings.seed, settings.validation_seed])
    share = settings.validation / (1 - settings.test)
    train, validation = _hold_out(train, dataset.y, share, random, "data.validation")
    return SplitData(dataset, train, validation, test)


def _hold_out(
    rows: Rows, labels: npt.NDArray[np.int64], share: float, random: np.random.Generator, key: str
) -> tuple[Rows, Rows]:
    """Splits `rows` into (kept, held out), class by class, largest remainders rounded up."""
    held = round(len(rows) * share)
    if share == 0:
        return rows, rows[:0]
    classes, counts = np.unique(labels[rows], return_counts=True)
    exact = counts * (held / len(rows))
    take = np.floor(exact).astype(np.int64)
    for i in np.argsort(take - exact, kind="stable")[: held - int(take.sum())]:
        take[i] += 1
    if (take == 0).any() or (take == counts).any():
        rarest = int(counts.min())
        raise BadInput(
            f"{key}: a share of {share:.3g} leaves some class without rows on one side (the rarest "
            f"class has {rarest}); use another share, or 0 to hold none out"
        )
    parts = [
        random.permutation(rows[labels[rows] == label])[:n]
        for label, n in zip(classes, take, strict=True)
    ]
    out = np.sort(np.concatenate(parts))
    return np.setdiff1d(rows, out), out


def fingerprint(data: SplitData) -> str:
    """SHA-256 over every byte of features, labels and split, with shapes and class names: two
    sweeps with the same one trained and judged on the same rows."""
    digest = hashlib.sha256()
    for array in (data.dataset.x, data.dataset.y, data.train, data.validation, data.test):
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    digest.update("\0".join(data.dataset.class_names).encode())
    return digest.hexdigest()


def describe(data: SplitData, settings: Data) -> dict[str, object]:
    """Facts about the data for the report: what it is, its size, its split, its classes."""
    return {
        "name": settings.name,
        "source": settings.path or settings.source,
        "rows": len(data.dataset.y),
        "features": " × ".join(str(n) for n in data.dataset.x.shape[1:]),
        "training rows": len(data.train),
        "validation rows": len(data.validation),
        "test rows": len(data.test),
        "classes": ", ".join(data.dataset.class_names),
    }
