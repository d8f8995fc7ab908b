"""`python -m pipeline.report`: the report of a stored sweep, without TensorFlow.

Exit codes: 0 done · 2 no such sweep · 5 the store can't be read.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.config.composing import compose_report
from pipeline.config.entry import command
from pipeline.config.schema import ReportConfig
from pipeline.errors import DONE


def rebuild(config: ReportConfig, logs: Path) -> int:
    from pipeline.stages.outcome import make_report, show_report
    from pipeline.terminal import Terminal
    from pipeline.tracking.read import read_sweep
    from pipeline.tracking.store import find_store

    store = find_store(config.tracking)
    sweep = read_sweep(store, config.sweep.name)
    terminal = Terminal(config.terminal, sweep.name, sweep.objective, {}, 0)
    report, folder = make_report(store, sweep, logs)
    show_report(report, folder, store, sweep, terminal)
    return DONE


if __name__ == "__main__":
    command("report", compose_report, rebuild, "report")
