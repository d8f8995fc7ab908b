"""`python -m fairsweep.training.keras_data <name> <file>`: a data set of Keras's as plain arrays.

Keras's own loader fetches what its cache doesn't have, and reads it. Some of its files are stored
Python objects, which nobody else here reads.
"""

from __future__ import annotations

import sys
from pathlib import Path

import keras
import numpy as np

from fairsweep.files import replaced


def main(name: str, file: Path) -> None:
    """Writes x_train, y_train, x_test and y_test, whole or not at all."""
    (x_train, y_train), (x_test, y_test) = getattr(keras.datasets, name).load_data()
    if not file.exists():
        with replaced(file) as draft, draft.open("wb") as target:
            np.savez(
                target,
                x_train=x_train,
                y_train=np.ravel(y_train),
                x_test=x_test,
                y_test=np.ravel(y_test),
            )


if __name__ == "__main__":
    try:
        main(sys.argv[1], Path(sys.argv[2]))
    except Exception as error:
        sys.exit(f"{type(error).__name__}: {error}")
