"""How many examples a property is tried on: `make test` takes a seventh of what `make check`
takes (HYPOTHESIS_PROFILE=thorough), the same ones on every machine and in every run.
"""

from __future__ import annotations

import os

from hypothesis import settings

SAME = settings(derandomize=True, database=None, deadline=None)
settings.register_profile("quick", SAME, max_examples=15)
settings.register_profile("thorough", SAME, max_examples=100)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def examples(thorough: int) -> settings:
    """So many examples in the thorough profile, and in proportion in the other."""
    return settings(max_examples=max(1, thorough * settings().max_examples // 100))
