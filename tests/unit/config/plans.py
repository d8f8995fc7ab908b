"""Plans of command lines, each composed once."""

from __future__ import annotations

import functools

from fairsweep.config.compose.commands import compose_sweep
from fairsweep.config.plan import Plan


@functools.cache
def plan(*overrides: str) -> Plan:
    return compose_sweep(overrides)
