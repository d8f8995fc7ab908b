"""Whether a stored sweep is the one that is asked for, and how much of it is left."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.config.plan import Plan, differences
from pipeline.errors import SweepChanged
from pipeline.search.study import ArmStudy


def claim(plan: Plan, studies: Mapping[str, ArmStudy], data_sha256: str) -> None:
    """Marks new studies with what their results depend on, and checks it in stored ones.

    Raises:
        SweepChanged: something that decides results differs; the message shows what.
    """
    changed = []
    for study in studies.values():
        identity = {**study.arm.identity(), **plan.shared(), "data_sha256": data_sha256}
        stored = study.identity
        if stored is None:
            study.set_identity(identity)
        else:
            changed += differences(stored, identity)
    if changed:
        lines = "\n".join(f"  {line}" for line in dict.fromkeys(changed))
        raise SweepChanged(
            f"sweep {plan.name} was begun with other settings, and results would not be "
            f"comparable:\n{lines}\nUndo the change, or start another sweep with sweep.name=…"
        )
