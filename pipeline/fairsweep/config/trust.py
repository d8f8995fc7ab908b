"""Whose code may run: packages that the user names in the environment, outside of any config."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path

OURS = Path(__file__).resolve().parents[1]
VARIABLE = "FAIRSWEEP_TRUSTED_PACKAGES"


def package_of(builder: str) -> str:
    """`mypackage` of `mypackage.models:build`."""
    return builder.partition(":")[0].partition(".")[0]


def is_trusted(builder: str) -> bool:
    """Whether code of the builder's package may run."""
    return package_of(builder) in os.environ.get(VARIABLE, "").replace(",", " ").split()


def distrust(builder: str) -> str:
    """Why the builder is not run, and what makes it run."""
    package = package_of(builder)
    return (
        f"{builder!r} would run code of package {package!r}, which is not trusted; "
        f"set {VARIABLE}={package} in the environment if it is yours"
    )


def code_of(builder: str) -> Sequence[Path]:
    """The packages that build a model, as folders or files: ours, and one of the user's."""
    if ":" not in builder:
        return [OURS]
    package = importlib.util.find_spec(package_of(builder))
    assert package is not None
    found = map(Path, package.submodule_search_locations or [str(package.origin)])
    # A package without an __init__.py is found as often as its folder is on the path.
    return [OURS, *dict.fromkeys(path.resolve() for path in found)]
