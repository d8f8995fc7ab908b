"""An override as Hydra's grammar reads it, and a value as it is written there."""

from __future__ import annotations

from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException


def key_of(override: str) -> str:
    """The key of an override, as it is written."""
    return override.lstrip("+~").partition("=")[0]


def read(override: str) -> tuple[str, Any]:
    """The key of an override, and its value; None where Hydra can't read it, which composing
    tells."""
    try:
        found = OverridesParser.create().parse_override(override)
    except HydraException:
        return key_of(override), None
    return found.key_or_group, found.value()


def written(value: Any) -> str:
    """A value of an override as text."""
    return str(Override._get_value_element_as_str(value))
