"""Where the trials of a sweep leave checkpoints, and which of them go.

Workers write and read them (fairsweep.training.checkpoint); here they are folders.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from fairsweep.records import TrialKey
from fairsweep.search.study import ArmStudy

NAME = re.compile(r"(?P<arm>.+)-(?P<stage>search|confirm)-(?P<trial>\d+)-(?P<repeat>\d+)")


class CheckpointFolders:
    """A folder for each training, which is made when there is something for it.

    Args:
        root: holds these folders and nothing else.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def folder(self, key: TrialKey) -> Path:
        """The same for every attempt at a training."""
        return self._root / f"{key.arm}-{key.stage}-{key.trial}-{key.repeat}"

    def exist(self, key: TrialKey) -> bool:
        """Whether there is one to go on from."""
        folder = self.folder(key)
        return folder.is_dir() and any(path.suffix == ".npz" for path in folder.iterdir())

    def drop(self, key: TrialKey) -> None:
        """Takes those of a training away."""
        folder = self.folder(key)
        if folder.is_dir():
            shutil.rmtree(folder)

    def tidy(self, studies: Mapping[str, ArmStudy], ended: Collection[TrialKey]) -> None:
        """Takes away what belongs to no training that may still go on.

        Args:
            studies: by arm; their unfinished trials go on.
            ended: trainings that are stored whole, as first attempts; other confirmations may be
                asked for again.
        """
        for folder in self._root.iterdir() if self._root.is_dir() else ():
            found = NAME.fullmatch(folder.name)
            if found is not None and found["arm"] in studies:
                trial, repeat = int(found["trial"]), int(found["repeat"])
                if found["stage"] == "search":
                    keep = trial in studies[found["arm"]].unfinished
                else:
                    keep = TrialKey(found["arm"], "confirm", trial, repeat) not in ended
                if keep:
                    continue
            shutil.rmtree(folder)

    def close(self) -> None:
        """Takes everything away: nothing is left to train."""
        if self._root.is_dir():
            shutil.rmtree(self._root)
