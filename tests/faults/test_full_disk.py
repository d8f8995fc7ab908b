"""What a full disk does: the sweep ends, says so, and goes on where it was once there is room."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fairsweep.errors import is_full, unwritable
from fairsweep.files import TrialFolders
from fairsweep.log import LogFile
from fairsweep.records import DISK_FULL
from tests.integration.training_room import compose

REPOSITORY = Path(__file__).resolve().parents[2]
NAMESPACE = ["unshare", "--user", "--mount", "--map-root-user"]


def has_namespaces() -> bool:
    asked = [*NAMESPACE, "true"]
    return bool(shutil.which("unshare")) and not subprocess.run(asked, check=False).returncode


@pytest.mark.long(20)
def test_a_sweep_ends_on_a_full_disk_and_goes_on_once_there_is_room(tmp_path: Path) -> None:
    if not has_namespaces():
        pytest.skip("this system lets nobody mount a disk of their own")
    disk = tmp_path / "disk"
    disk.mkdir()
    folders = [str(disk), str(tmp_path / "said")]
    driver = [sys.executable, "-m", "tests.faults.full_disk", *folders]
    done = subprocess.run(
        [*NAMESPACE, *driver], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    for moment in ("full", "still full"):
        assert told[moment]["code"] == 5, told[moment]
        assert "free some space" in told[moment]["err"]
        assert "Traceback" not in told[moment]["out"] + told[moment]["err"]
    # What a process leaves behind as it ends may free a megabyte.
    assert re.search(r"the disk is full \(\d MB free\)", told["full"]["err"])
    assert re.search(r"has \d MB free, but a sweep needs 32 MB", told["still full"]["err"])
    assert told["continued"]["code"] == 0, told["continued"]


def test_weights_that_find_no_room_interrupt_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It didn't fail: with room for them it is as good as any other."""
    from fairsweep.training.trial import train_trial

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    spec, data = compose("experiment=worked_example", "training.epochs=1")
    spec, folders = replace(spec, weights="own"), TrialFolders(tmp_path, tmp_path)
    result = train_trial(spec, data, lambda _: None, lambda _: True, folders=folders)
    assert (result.outcome, result.cause, result.traceback) == ("interrupted", DISK_FULL, "")
    assert result.error.startswith(
        f"writing to {folders.weights_of('own')} failed: the disk is full ("
    )


def test_a_log_that_finds_no_room_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    log = LogFile("/dev/full")
    log.emit(logging.makeLogRecord({"msg": "lost"}))
    assert capsys.readouterr().err == ""
    log.emit(logging.makeLogRecord({"msg": "%d", "args": ("a mistake of the caller",)}))
    assert "a mistake of the caller" in capsys.readouterr().err
    with contextlib.suppress(OSError):
        log.close()


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(28, "No space left on device"), True),
        (OSError(122, "Disk quota exceeded"), True),
        (RuntimeError("(sqlite3.OperationalError) database or disk is full"), True),
        (OSError(13, "Permission denied"), False),
        (RuntimeError("database is locked"), False),
    ],
    ids=str,
)
def test_what_says_that_the_disk_is_full(error: Exception, full: bool) -> None:
    assert is_full(error) == full
    told = str(unwritable(Path("/tmp/none/file"), error))
    assert told.startswith("writing to /tmp/none/file failed: ")
    assert ("free some space" in told) == full
