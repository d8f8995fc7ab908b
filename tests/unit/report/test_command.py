"""The command to train a run again, read by a real shell, a real make and its shell."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from pipeline.report.command import train_command

# What `make test` says to the makes below it isn't said to this one.
OUTSIDE = {
    name: value
    for name, value in os.environ.items()
    if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
}
MAKEFILE = (
    f"train:\n\t@{sys.executable} -c 'import json, sys; print(json.dumps(sys.argv[1:]))' $(ARGS)\n"
)


def test_plain_overrides_read_as_a_person_would_type_them():
    assert (
        train_command(["optimizer=adam", "training.batch_size=32"])
        == 'make train ARGS="optimizer=adam training.batch_size=32"'
    )
    assert train_command([]) == "make train"


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize(
    "overrides",
    [
        ["optimizer=adam", "optimizer.params.learning_rate=1e-05"],
        ["model.params.hidden_units=[64,32]"],
        ["data.path=/data/my rows.csv", "name='quoted'"],
        ['note="double"', "back\\slash=1", "tick=`id`"],
        ["price=$HOME", "cost=$$", "make=$(shell id)", "other=${PATH}"],
        ["wow=yes!", "hash=#1", "amp=a&b", "semi=a;b", "glob=*"],
        ["mixed='it''s' \"$x\" `y` \\z !"],
        ["ümlaut=größe"],
    ],
    ids=lambda overrides: overrides[0],
)
def test_overrides_arrive_as_they_were(tmp_path, overrides):
    (tmp_path / "Makefile").write_text(MAKEFILE)
    ran = subprocess.run(
        ["sh", "-c", train_command(overrides)],
        cwd=tmp_path, env=OUTSIDE, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(ran.stdout) == overrides


def test_a_line_break_goes_past_make():
    command = train_command(["a=1\n2"])
    assert command.startswith("python -m pipeline.train ")
    ran = subprocess.run(
        ["sh", "-c", command.replace("python -m pipeline.train", "printf %s")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout == "a=1\n2"
