"""The folder of a published model, as MLflow serves it: whether its files are there and whole.

In: the folder. Out: what is wrong with it. Who publishes makes another version where something is,
and the doctor tells it.
"""

from __future__ import annotations

from pathlib import Path

from fairsweep.config.trust import package_of
from fairsweep.data.recipe import read_model
from fairsweep.errors import StorageError
from fairsweep.own import is_own

LOADER = "fairsweep.training.serving"
EARLIER = "pipeline.training.serving"
"""The loader of models that were published before the package had its name; they bring its code."""
DATA = Path("data/model")
"""Where in the folder the recipe and the weights are."""
CODE = "code"
DESCRIPTIONS = ("MLmodel", "requirements.txt", "conda.yaml", "python_env.yaml")


def damage_in_model(folder: Path) -> str:
    """What is missing or damaged in the folder of a published model; empty if it is whole."""
    for name in DESCRIPTIONS:
        if not (folder / name).is_file():
            return f"{folder / name} is missing"
    try:
        recipe, _ = read_model(folder / DATA)
    except StorageError as error:
        return str(error)
    return _lost_code(folder / CODE, recipe.builder)


def _lost_code(code: Path, builder: str) -> str:
    """What is missing of the packages that load and build the model."""
    if not code.is_dir():
        return f"{code} is missing"
    loaders = [code / f"{loader.replace('.', '/')}.py" for loader in (LOADER, EARLIER)]
    if not any(loader.is_file() for loader in loaders):
        return f"{loaders[0]} is missing"
    # The user's package is there by the name of its folder, which a link to it may not have.
    if is_own(builder) and len(list(code.iterdir())) < 2:
        return f"{code / package_of(builder)} is missing"
    return ""
