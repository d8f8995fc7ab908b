"""Random numbers of a model: drawn from its training's seed, whatever seeds its own code sets.

In: a seed, and code that builds a model. Out: initial weights and dropout masks that depend on the
seed; and what in the code makes some of them the same under every seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.backend.common import global_state
from keras.src.initializers.random_initializers import RandomInitializer
from keras.src.random import seed_generator
from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR
from keras.src.utils.naming import reset_uids
from tensorflow.python.eager import context

from fairsweep.records import derive_seed
from fairsweep.training.globals import Globals

JUST_SEEDED = 624  # the position of a Mersenne Twister of which nothing has been drawn
NAMED = 3  # weights or layers that a message names
SAME = "are the same in every training, whatever its seed"


def _tensorflows() -> random.Random | None:
    """TensorFlow's generator of the seeds of its operations: another one whenever it is seeded."""
    generator: random.Random | None = getattr(context.context(), "_rng", None)
    return generator


@dataclass
class Generators:
    """The global generators as a model's code leaves them: the state of each, and whether anything
    has been drawn since it was last seeded. TensorFlow's is there if that code seeds it."""

    left: Mapping[str, tuple[object, bool]] = field(default_factory=dict)
    _tensorflows: random.Random | None = field(default_factory=_tensorflows)

    def note(self) -> None:
        python = random.getstate()
        twister = np.random.get_state(legacy=False)
        state, position = twister["state"], twister["state"]["pos"]
        self.left = {
            "random": (python, python[1][-1] != JUST_SEEDED),
            "numpy": ((state["key"].tobytes(), position), position != JUST_SEEDED),
        }
        own = _tensorflows()
        if own is not None and own is not self._tensorflows:
            state = own.getstate()
            just_seeded = random.Random(context.global_seed()).getstate()
            self.left |= {"TensorFlow": (state, state != just_seeded)}


@contextmanager
def default_seeds(seed: int) -> Iterator[None]:
    """Has Keras draw the seeds of layers that have none of their own from `seed`.

    It draws them from Python's `random`, which code of the user's may seed too; so it gets a
    generator of its own meanwhile.
    """
    usual = seed_generator.python_random
    seed_generator.python_random = random.Random(seed)
    try:
        yield
    finally:
        seed_generator.python_random = usual


@contextmanager
def own_seeds(seed: int) -> Iterator[Generators]:
    """Has the random numbers of a model of the user's own depend on `seed`: those that are drawn
    while it is built in here, and those of its training.

    If its code sets a global seed, only the numbers that it then draws itself from `random`, numpy
    or TensorFlow come from that. What the block gets says so, once it is left.
    """
    random.seed(seed)
    np.random.seed(seed % 2**32)
    # For random numbers that are drawn in the model's own code without a seed.
    generator = keras.random.SeedGenerator(seed)
    global_state.set_global_attribute(GLOBAL_SEED_GENERATOR, generator)
    reset_uids()  # the same layers have the same names in every trial
    generators = Generators()
    with default_seeds(seed):
        yield generators
    generators.note()
    global_state.set_global_attribute(GLOBAL_SEED_GENERATOR, generator)
    later = derive_seed(seed, "training")
    random.seed(later)
    np.random.seed(later)
    if "TensorFlow" in generators.left:
        seed_tensorflow(seed)


def seed_parts(seed: int) -> None:
    """Has what a loss, an optimizer or a callback of the user's own draws depend on `seed`."""
    generator = keras.random.SeedGenerator(derive_seed(seed, "parts"))
    global_state.set_global_attribute(GLOBAL_SEED_GENERATOR, generator)
    random.seed(derive_seed(seed, "training"))
    np.random.seed(derive_seed(seed, "training"))
    seed_tensorflow(seed)


def seed_tensorflow(seed: int) -> None:
    """Has what a model's own code draws from TensorFlow in training depend on `seed`. It empties
    the cache of kernels, some of which are generators that go on where they are; making those that
    are needed again takes 0.15 s, so models without such code do without."""
    tf.random.set_seed(derive_seed(seed, "training"))


@dataclass(frozen=True)
class FixedSeeds:
    """What a model's code makes the same under every seed.

    Attributes:
        weights: paths of weights whose initializer has a seed of its own.
        layers: names of layers whose masks, or the like, come from a seed of their own.
        global_seed: whether it sets a global seed.
        drawn: global generators from which it draws after that.
        all_weights: whether every weight starts with the same values.
    """

    weights: Sequence[str]
    layers: Sequence[str]
    global_seed: bool
    drawn: Sequence[str]
    all_weights: bool

    def problems(self) -> Iterator[str]:
        """What keeps trainings with fresh seeds from being fresh."""
        if self.weights:
            yield (
                f"fixes the seed of initial weights ({_some(self.weights)}), so they {SAME}; "
                "remove the seed from their initializers"
            )
        if self.drawn:
            yield (
                "sets a global seed and then draws random numbers from "
                f"{' and '.join(self.drawn)}, so they {SAME}; remove the call that sets it, such "
                "as keras.utils.set_random_seed"
            )

    def warnings(self) -> Iterator[str]:
        """What doesn't keep them from it, but may not be what was meant."""
        if self.global_seed and not self.drawn:
            yield (
                "sets a global seed, which has no effect, because every training has its own; "
                "remove the call that sets it, such as keras.utils.set_random_seed"
            )
        if self.layers:
            yield (
                f"fixes the seed of layers ({_some(self.layers)}), so their random numbers {SAME}; "
                "remove the seed"
            )
        if self.all_weights and not self.weights and not self.drawn:
            yield (
                f"starts with weights that {SAME}, so all confirmations start from them too; "
                "unless that is meant, as for weights from a file, use random initializers without "
                "a seed, such as glorot_uniform"
            )


def fixed_seeds(
    build: Callable[[], keras.Model], seeds: tuple[int, int], settings: Globals
) -> tuple[keras.Model, FixedSeeds]:
    """Builds a model of the user's own under two seeds, and compares.

    Args:
        build: calls the user's code.
        seeds: two different ones.
        settings: to be put back before each.

    Returns:
        The second model, and what is the same in both.
    """
    first, second = (_built(build, seed, settings) for seed in seeds)
    fixed = {
        name: drawn
        for name, (state, drawn) in second.generators.left.items()
        if name in first.generators.left and first.generators.left[name][0] == state
    }
    random_ones = zip(first.random_weights, second.random_weights, strict=False)
    weights = list(zip(first.model.weights, second.model.weights, strict=False))
    layers = zip(_with_seeds(first.model), _with_seeds(second.model), strict=False)
    return second.model, FixedSeeds(
        weights=[b.path for (a, _), (b, how) in random_ones if _is_fixed(how, b) and _same(a, b)],
        layers=[name for (name, states), (_, others) in layers if states & others],
        global_seed=bool(fixed),
        drawn=[name for name, drawn in fixed.items() if drawn],
        all_weights=bool(weights) and all(_same(a, b) for a, b in weights),
    )


@dataclass(frozen=True)
class _Built:
    model: keras.Model
    generators: Generators
    random_weights: Sequence[tuple[Any, RandomInitializer]]


def _built(build: Callable[[], keras.Model], seed: int, settings: Globals) -> _Built:
    settings.restore()
    with _random_weights() as weights, own_seeds(seed) as generators:
        model = build()
    return _Built(model, generators, weights)


@contextmanager
def _random_weights() -> Iterator[list[tuple[Any, RandomInitializer]]]:
    """The Keras variables that random initializers make meanwhile, in order."""
    noted: list[tuple[Any, RandomInitializer]] = []
    usual = keras.Variable._initialize_with_initializer

    def noting(variable: Any, initializer: Any) -> None:
        usual(variable, initializer)
        if isinstance(initializer, RandomInitializer):
            noted.append((variable, initializer))

    keras.Variable._initialize_with_initializer = noting
    try:
        yield noted
    finally:
        keras.Variable._initialize_with_initializer = usual


def _is_fixed(initializer: RandomInitializer, variable: Any) -> bool:
    """Whether a variable still has what a seed of the initializer's own gave; pretrained weights
    have been loaded over it."""
    if initializer._init_seed is None:
        return False
    if not isinstance(initializer.seed, int):
        return _differs_within(variable)
    given = initializer(variable.shape, dtype=variable.dtype)
    return _differs_within(variable) and bool(np.array_equal(given, variable.value))


def _same(one: Any, other: Any) -> bool:
    return bool(np.array_equal(one.value, other.value))


def _differs_within(variable: Any) -> bool:
    values = np.asarray(variable.value).ravel()
    return len(values) > 1 and bool((values != values[0]).any())


def _with_seeds(model: keras.Model) -> list[tuple[str, set[int]]]:
    """The layers, by name, and the seeds that their code gave them."""
    return [
        (layer.name, {g._initial_seed for g in layer._seed_generators} - {None})
        for layer in model._flatten_layers()
    ]


def _some(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
