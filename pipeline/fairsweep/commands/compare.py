"""`fairsweep compare`: a sweep over more optimizers, with more trials, each searched 3 times.

It is `fairsweep sweep experiment=optimizer_comparison`, with the same exit codes.
"""

from __future__ import annotations

from typing import NoReturn

from fairsweep.commands.sweep import prepare, stand_in, sweep
from fairsweep.config.compose.commands import narrowed
from fairsweep.config.compose.entry import command

COMPARISON = "experiment=optimizer_comparison"


def main() -> NoReturn:
    command(
        *("compare", prepare, sweep),
        implied=[COMPARISON],
        as_run=narrowed,
        chosen=stand_in,
    )
