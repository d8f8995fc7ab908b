"""What makes a fork of the installed TensorFlow safe, and its import short."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

# What the fork server has done when it forks.
IMPORTED = """
import json, sys
from pathlib import Path
from fairsweep.training.extras import EXTRAS, without_extras
with without_extras():
    import fairsweep.training.model_check, fairsweep.training.programs, fairsweep.training.trial
from tensorflow.python.eager import context
threads = len([*Path("/proc/self/task").iterdir()])
begun = context._context is not None and context._context._initialized
print(json.dumps([threads, begun, [name for name in EXTRAS if name in sys.modules]]))
"""


@pytest.mark.long(5)
@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux alone")
def test_imports_leave_one_thread_and_nothing_of_tensorflow_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    command = [sys.executable, "-c", IMPORTED]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [1, False, []]
