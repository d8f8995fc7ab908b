"""A sweep on a disk that gets full while it runs, and is cleared: `python -m tests.faults.full_disk
FOLDER SAID` mounts a small disk of its own at FOLDER, for which it needs a namespace of its own.

Prints, as JSON, how each command ended. What commands print goes to the folder SAID.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.faults.oracle import assert_whole
from tests.integration.forked import ForkedSandbox
from tests.integration.lab import finish, wait_until
from tests.integration.scenarios import SMALL

SWEEP = (
    *(*SMALL, "model=mlp", "arms.optimizer=[sgd,adam]", "search.trials=12", "sweep.name=full"),
    *("training.epochs=20", "terminal=plain"),
)
MEGABYTES = 96


def fill(path: Path) -> None:
    """Leaves no byte on the disk of a file."""
    for size in (2**20, 2**10, 1):
        try:
            with path.open("ab", buffering=0) as file:
                while True:
                    file.write(bytes(size))
        except OSError:
            continue


def main() -> None:
    folder = Path(sys.argv[1])
    options = ("-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs")
    subprocess.run(["mount", *options, str(folder)], check=True)
    sandbox = ForkedSandbox(folder / "box", said=Path(sys.argv[2]))
    ballast = folder / "ballast"
    process = sandbox.start("fairsweep", "sweep", *SWEEP)
    journal = sandbox.journal("full")
    wait_until(
        lambda: journal.exists() and journal.read_text().count('"result"') > 3, "trials", process
    )
    fill(ballast)
    ended = finish(process)
    refused = sandbox.sweep(*SWEEP)
    ballast.unlink()
    continued = sandbox.sweep(*SWEEP)
    told = {"full": vars(ended), "still full": vars(refused), "continued": vars(continued)}
    print(json.dumps(told))
    root = sandbox.work / "mlruns"
    assert_whole(root)
    assert not list(root.rglob("*.tmp"))


if __name__ == "__main__":
    main()
