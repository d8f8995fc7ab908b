"""Plans of command lines, each composed once."""

from __future__ import annotations

import functools

from pipeline.config.composing import compose_sweep
from pipeline.config.plan import Plan


@functools.cache
def plan(*overrides: str) -> Plan:
    return compose_sweep(overrides)
