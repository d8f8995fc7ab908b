"""A trained model's value of the second objective: what it costs, or another metric of its epoch.

In: a training that has ended. Out: a number. Seconds differ from one time to the next, so they are
measured once, and stored with the training's run.
"""

from __future__ import annotations

import functools
import math
import time

import keras
import numpy as np
import tensorflow as tf

from fairsweep.costs import BATCH, BYTES, COSTS, PARAMETERS
from fairsweep.data.dataset import Inputs
from fairsweep.data.several import each
from fairsweep.data.split import SplitData
from fairsweep.training.history import History

WARMING, CALLS, LONGEST = 3, 50, 1.0
"""How often the model is asked before time is taken, how often at most after that, and for how many
seconds in all."""


def second_value(history: History, data: SplitData) -> float | None:
    """None where no second objective is asked for, the training isn't complete, or its metric
    isn't a number."""
    second, model = history.spec.objective.second, history.model
    if second is None or history.outcome != "complete" or model is None:
        return None
    if second.metric not in COSTS:
        values = history.metrics[(history.best_epoch or 1) - 1].values
        value = values.get(second.metric, math.nan)
        return value if math.isfinite(value) else None
    if second.metric in (PARAMETERS, BYTES):
        weights = [weight.numpy() for weight in model.weights]
        return float(sum(w.size if second.metric == PARAMETERS else w.nbytes for w in weights))
    return seconds_a_row(model, data.dataset.x[data.train[:BATCH]])


def seconds_a_row(model: keras.Model, rows: Inputs) -> float:
    """The least time that a model takes to answer these rows as one batch, for each of them. What
    else the machine does makes a call take longer, never less long."""
    ask = functools.partial(model, training=False)
    answer = ask if model.run_eagerly else tf.function(ask, autograph=False)
    batch = each(rows, tf.constant)
    for _ in range(WARMING):
        answer(batch)
    taken: list[float] = []
    while len(taken) < CALLS and sum(taken) < LONGEST:
        started = time.perf_counter()
        tf.nest.map_structure(np.asarray, answer(batch))
        taken.append(time.perf_counter() - started)
    return min(taken) / len(rows)
