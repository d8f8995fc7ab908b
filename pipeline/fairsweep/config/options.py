"""Where the options of the groups stand: conf/, which travels with the package."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
# An installed package has its conf/ inside, a checkout has it beside the source root.
CONF = next(p for p in (PACKAGE / "conf", PACKAGE.parents[1] / "conf") if p.is_dir())
GROUPS = (
    *("data", "model", "optimizer", "training", "search", "pruner", "executor", "tracking"),
    "experiment",
)


def options_of(group: str, folder: Path | None = None) -> list[str]:
    """The options of a group: those of conf/, and the user's own in `folder`."""
    folders = [CONF] if folder is None else [CONF, folder]
    return sorted({path.stem for place in folders for path in (place / group).glob("*.yaml")})
