"""Doubles for tests of sweeps, which users may import too: no TensorFlow, no process, no waiting.

`ScriptedExecutor` stands for workers. A script says what each training does: its epochs, and how it
ends. Everything else is real: studies, pruning, confirmation, MLflow, the report.

Example:
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from fairsweep.commands.sweep import prepare
    >>> from fairsweep.stages.sweep import run_sweep
    >>> from fairsweep.testing import died, learning, scripted, tiny_data
    >>>
    >>> def script(spec):
    ...     '''The first attempt at each trial dies after an epoch.'''
    ...     for epoch, metrics in enumerate(learning(spec), 1):
    ...         if spec.key.attempt == 1 and epoch == 2:
    ...             yield died()
    ...         yield metrics
    >>>
    >>> with TemporaryDirectory() as folder:
    ...     job = prepare(
    ...         [
    ...             *("arms.optimizer=[sgd,adam]", "search.trials=2", "training.epochs=3"),
    ...             *("confirm.folds=2", "confirm.repeats=1", "terminal=quiet"),
    ...             f"tracking.root={folder}/mlruns",
    ...             *tiny_data(Path(folder)),
    ...         ],
    ...         None,
    ...     )
    ...     run_sweep(job, Path(folder), scripted(script))
    No winner: ...
    report: ...
    0
"""

from fairsweep.testing.data import tiny_data
from fairsweep.testing.executor import ScriptedExecutor, scripted
from fairsweep.testing.scripts import Script, Step, died, failed, learning, passing, stalled

__all__ = [
    "Script",
    "ScriptedExecutor",
    "Step",
    "died",
    "failed",
    "learning",
    "passing",
    "scripted",
    "stalled",
    "tiny_data",
]
