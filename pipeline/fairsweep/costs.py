"""What a model costs: numbers that `objective.second` weighs against a metric. Less is better."""

from __future__ import annotations

from collections.abc import Mapping

PARAMETERS, BYTES, SECONDS = "parameters", "bytes", "seconds"

COSTS: Mapping[str, str] = {
    PARAMETERS: "parameters",
    BYTES: "bytes of weights",
    SECONDS: "seconds a row",
}
"""Each by its name in the config, with what it counts."""

SECOND = "second_"
"""What the name begins with under which a run has its value of the second objective."""

BATCH = 32
"""The rows of which seconds are measured at once: as many as Keras's `predict` takes."""
