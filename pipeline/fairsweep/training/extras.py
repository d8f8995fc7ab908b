"""Imports of TensorFlow and Keras without libraries that they use only where they find them.

Matplotlib, pandas and scikit-learn are half of what `import tensorflow` takes, and scikit-learn's
threads would be all that a process has besides its own. No training needs them: Keras has its
galleries, its scikit-learn wrappers and data frames as input for them. A model's code may import
each of them as usual.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

EXTRAS = ("matplotlib", "pandas", "sklearn")


@contextmanager
def without_extras() -> Iterator[None]:
    """Within it these can't be imported, unless they are there already: Keras then does what it
    does on a machine that hasn't them."""
    hidden = [name for name in EXTRAS if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # as Python documents it
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
