"""Whose code may run: packages that the user names in the environment, outside of any config."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from fairsweep.config.callbacks import KEY as CALLBACKS
from fairsweep.config.callbacks import own_names
from fairsweep.config.schema import Model, Optimizer, Training
from fairsweep.own import is_own

OURS = Path(__file__).resolve().parents[1]
VARIABLE = "FAIRSWEEP_TRUSTED_PACKAGES"
BUILDER = "model.builder"
METRICS = "training.metrics"


class Settings(Protocol):
    """What decides a training."""

    @property
    def model(self) -> Model: ...

    @property
    def optimizer(self) -> Optimizer: ...

    @property
    def training(self) -> Training: ...


def own_parts(settings: Settings) -> Iterator[tuple[str, str]]:
    """What a training has of the user's own code: the key that names it, and the name."""
    named = {
        BUILDER: settings.model.builder,
        "optimizer.name": settings.optimizer.name,
        "training.loss": settings.training.loss,
    }
    yield from ((key, name) for key, name in named.items() if is_own(name))
    yield from ((METRICS, name) for name in settings.training.metrics or () if is_own(name))
    yield from ((CALLBACKS, name) for name in own_names(settings.training))


def has_parts(settings: Settings) -> bool:
    """Whether it has some beside the function that builds its model, and metrics: code that may
    keep something from one step to the next, or draw random numbers."""
    return any(key not in (BUILDER, METRICS) for key, _ in own_parts(settings))


def package_of(name: str) -> str:
    """`mypackage` of `mypackage.models:build`."""
    return name.partition(":")[0].partition(".")[0]


def is_trusted(name: str) -> bool:
    """Whether code of the named package may run."""
    return package_of(name) in os.environ.get(VARIABLE, "").replace(",", " ").split()


def distrust(name: str) -> str:
    """Why the code is not run, and what makes it run."""
    package = package_of(name)
    return (
        f"{name!r} would run code of package {package!r}, which is not trusted; "
        f"set {VARIABLE}={package} in the environment if it is yours"
    )


def code_of(name: str) -> Sequence[Path]:
    """The packages that build a model, as folders or files: ours, and one of the user's."""
    return [OURS, *(places_of(package_of(name)) if is_own(name) else ())]


def places_of(package: str) -> Sequence[Path]:
    """A package as folders or files; nothing where it isn't there."""
    if (spec := importlib.util.find_spec(package)) is None:
        return []
    found = map(Path, spec.submodule_search_locations or [str(spec.origin)])
    # A package without an __init__.py is found as often as its folder is on the path.
    return [*dict.fromkeys(path.resolve() for path in found)]
