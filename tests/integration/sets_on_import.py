"""A model in a module that changes a setting of Keras when it is imported."""

from __future__ import annotations

import keras

from tests.integration.lessons import mended

__all__ = ["mended"]

keras.config.set_epsilon(1e-3)
