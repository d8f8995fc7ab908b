"""The models that `model.builder` names, other than those of the user's own.

In: the shape of a row as the model gets it, the last layer, and `model.params`. Out: a Keras model
without its preprocessing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import keras

from fairsweep.training.models.convolution import cnn
from fairsweep.training.models.dense import mlp
from fairsweep.training.models.recurrent import rnn
from fairsweep.training.models.text import text
from fairsweep.training.models.transfer import transfer

Builder = Callable[..., keras.Model]

BUILDERS: Mapping[str, Builder] = {
    "mlp": mlp,
    "cnn": cnn,
    "rnn": rnn,
    "text": text,
    "transfer": transfer,
}
TAKES_IDS = frozenset({"text"})
"""Those that are told which features are ids of words, as `ids`."""
