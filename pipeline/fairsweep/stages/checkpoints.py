"""Where the trials of a sweep leave checkpoints, and which of them go.

Workers write and read them (fairsweep.training.checkpoint); here they are folders.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import cast

from fairsweep.records import SearchKey, Stage, TrialKey
from fairsweep.search.study import ArmStudy

NAME = re.compile(
    r"(?P<arm>.+)-(?P<stage>search|confirm|refit)(?P<search>\d*)-(?P<trial>\d+)"
    r"-(?P<repeat>\d+)(-(?P<fold>\d+))?"
)


def may_go_on(
    folder: str, unfinished: Mapping[SearchKey, Collection[int]], ended: Collection[TrialKey]
) -> bool:
    """Whether the training that a folder of checkpoints is named after may go on from there.

    Args:
        folder: its name.
        unfinished: the trials of each search that have no outcome yet.
        ended: trainings that are stored whole, as first attempts; confirmations that aren't among
            them may be asked for again.
    """
    found = NAME.fullmatch(folder)
    if found is None:
        return False
    stage = cast(Stage, found["stage"])
    fold = None if found["fold"] is None else int(found["fold"])
    trial, repeat, search = (int(found[name] or 0) for name in ("trial", "repeat", "search"))
    key = TrialKey(found["arm"], stage, trial, repeat, fold=fold, search=search)
    if key in ended or key.of not in unfinished:
        return False
    return stage != "search" or key.trial in unfinished[key.of]


class CheckpointFolders:
    """A folder for each training, which is made when there is something for it.

    Args:
        root: holds these folders and nothing else.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def folder(self, key: TrialKey) -> Path:
        """The same for every attempt at a training."""
        return self._root / key.files

    def exist(self, key: TrialKey) -> bool:
        """Whether there is one to go on from."""
        folder = self.folder(key)
        return folder.is_dir() and any(path.suffix == ".npz" for path in folder.iterdir())

    def drop(self, key: TrialKey) -> None:
        """Takes those of a training away."""
        folder = self.folder(key)
        if folder.is_dir():
            shutil.rmtree(folder)

    def tidy(self, studies: Mapping[SearchKey, ArmStudy], ended: Collection[TrialKey]) -> None:
        """Takes away what belongs to no training that may still go on.

        Args:
            studies: by search; their unfinished trials go on.
            ended: trainings that are stored whole, as first attempts; other confirmations may be
                asked for again.
        """
        unfinished = {search: study.unfinished for search, study in studies.items()}
        for folder in self._root.iterdir() if self._root.is_dir() else ():
            if not may_go_on(folder.name, unfinished, ended):
                shutil.rmtree(folder)

    def close(self) -> None:
        """Takes everything away: nothing is left to train."""
        if self._root.is_dir():
            shutil.rmtree(self._root)
