"""Whose code may run: packages that the user names in the environment, outside of any config."""

from __future__ import annotations

import os

VARIABLE = "PIPELINE_TRUSTED_PACKAGES"


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
