"""The model registry: a sweep's best model as a version of the sweep's name, alias `champion`.

The model is a folder that MLflow serves: weights and a description of the model, the code that
builds it, its signature and an example.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
import traceback
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlparse

import numpy as np
import numpy.typing as npt

from fairsweep.data.dataset import Column
from fairsweep.data.inputs.rows import ANY_WORD, InputSpec
from fairsweep.data.sequences import NAN
from fairsweep.data.several import Input
from fairsweep.errors import BadInput, StorageError, is_users, without_password
from fairsweep.invocation import command_line
from fairsweep.records import Champion, RunRecord, SweepRecord
from fairsweep.tracking import names
from fairsweep.tracking.published import EARLIER, LOADER, damage_in_model
from fairsweep.tracking.store import Store, import_mlflow, no_store

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.models import ModelSignature

ALIAS = "champion"
PACKAGES = ("keras", "tensorflow", "mlflow", "numpy", "omegaconf", "pandas", "psutil", "pyarrow")
"""What a published model imports; `mlflow models serve` makes an environment of them."""
PUT_BACK = "put it back from a copy of the store, or give another model"


def champion(client: MlflowClient, name: str) -> Champion | None:
    """The champion of a sweep; None while there is none."""
    models = client.search_registered_models(f"name = '{name}'")
    if not models or ALIAS not in models[0].aliases:
        return None
    return _champion(client.get_model_version(name, models[0].aliases[ALIAS]))


def is_damaged(store: Store, model: Champion) -> bool:
    """Whether files of a champion are missing or damaged, where they are files of this machine."""
    uri = urlparse(store.client().get_model_version_download_uri(model.name, model.version))
    return uri.scheme == "file" and damage_in_model(Path(unquote(uri.path))) != ""


def register(
    store: Store,
    sweep: SweepRecord,
    run: RunRecord,
    model: Path,
    tags: Mapping[str, str],
    example: Mapping[str, npt.NDArray[Any]] | npt.NDArray[np.float32] | pd.DataFrame,
    takes: InputSpec,
    classes: Sequence[str],
    answer: Mapping[str, str],
    code: Sequence[Path],
) -> Champion:
    """Registers a model as the sweep's champion.

    Args:
        store: where to.
        sweep: whose name it gets.
        run: the training that its weights are of.
        model: the folder that `fairsweep.data.recipe` filled; what MLflow needs is made beside it.
        tags: of the version; among them `confirmed_mean` and `data_sha256`.
        example: a few rows, of a table with the names of its columns, of several inputs by name.
        takes: what rows must be.
        classes: names of the classes, or labels.
        answer: the columns of what it says, and the type of each by MLflow's name.
        code: packages that build the model.
    """
    from mlflow import pyfunc
    from mlflow.models import Model

    client = store.client()
    _look_in(store)
    logged = client.create_logged_model(
        sweep.experiment_id, ALIAS, run.run_id, {"sweep": sweep.name, **tags}
    )
    folder = model.parent / "mlflow"
    pyfunc.save_model(
        folder,
        loader_module=LOADER,
        data_path=str(model),
        code_paths=[str(path) for path in code],
        signature=signature(takes, answer),
        input_example=example,
        pip_requirements=_requirements(),
        metadata={
            "classes": list(classes),
            "answer": next(iter(answer), ""),
            "words": [column.name for column in takes.columns if column.has_words],
            "texts": [column.name for column in takes.columns if column.length],
            "missing": takes.missing,
            "missing_words": takes.missing_words,
            "padding": takes.padding,
            "dates": [column.name for column in takes.columns if column.date],
            "sweep": sweep.name,
            "run_id": run.run_id,
        },
        mlflow_model=Model(run_id=run.run_id, model_id=logged.model_id),
    )
    client.log_model_artifacts(logged.model_id, str(folder))
    client.finalize_logged_model(logged.model_id, "READY")
    _make_room(client, sweep.name)
    version = client.create_model_version(
        sweep.name,
        f"models:/{logged.model_id}",
        run.run_id,
        tags=dict(tags),
        model_id=logged.model_id,
    )
    client.set_registered_model_alias(sweep.name, ALIAS, version.version)
    return _champion(version)


def load() -> None:
    """Loads what `register` needs, and has MLflow find out what is installed: it compares the
    requirements of each model with that, and looks once."""
    import_mlflow()
    import mlflow.pyfunc  # noqa: F401 (`from mlflow import pyfunc` loads it when it is used)
    from mlflow.utils.requirements_utils import warn_dependency_requirement_mismatches

    warn_dependency_requirement_mismatches(_requirements())


def _requirements() -> list[str]:
    return [f"{name}=={importlib.metadata.version(name)}" for name in PACKAGES]


def _champion(version: ModelVersion) -> Champion:
    mean, data = float(version.tags["confirmed_mean"]), version.tags["data_sha256"]
    asked = json.loads(version.tags["asked"]) if "asked" in version.tags else Champion.asked
    return Champion(
        version.name, str(version.version), str(version.run_id), mean, data, tuple(asked)
    )


def signature(takes: InputSpec, answer: Mapping[str, str]) -> ModelSignature:
    """Rows in; the columns of the answer out, each with its type.

    A column's type is any: for numbers MLflow would refuse whole ones, and for words those of a
    category, as pandas reads both from the very file that was trained on.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec
    from mlflow.types.schema import AnyType

    rows = [
        ColSpec(AnyType(), column.name, required=not (column.length or takes.missing))
        for column in takes.columns
    ] or [TensorSpec(np.dtype(np.float32), (-1, *takes.shape))]
    if takes.inputs:
        rows = [TensorSpec(np.dtype(i.dtype), (-1, *i.shape), i.name) for i in takes.inputs]
    outputs = [ColSpec(kind, name) for name, kind in answer.items()]
    return ModelSignature(Schema(rows), Schema(outputs) if outputs else None)


def _is_folder(given: str) -> bool:
    """Whether a folder is meant: a sweep may be called like one, of its pictures say."""
    return Path(given).is_dir() and ("/" in given or (Path(given) / "MLmodel").is_file())


def find_model(store: Store, given: str | None) -> str:
    """The address of a model: the champion of the sweep of this name (None: of the newest one that
    has any), or the address itself if one is given.

    Raises:
        BadInput: there is none; the message lists the champions there are.
    """
    if given is not None and (":/" in given or _is_folder(given)):
        return given
    if store.local and not store.database.exists():
        raise no_store(store)
    client = store.client()
    models = [m for m in names.every(client.search_registered_models) if ALIAS in m.aliases]
    newest = sorted(models, key=lambda model: model.last_updated_timestamp, reverse=True)
    chosen = [model for model in newest if given in (None, model.name)]
    if not models:
        raise BadInput(f"model: no sweep has a champion yet; {command_line('sweep')} makes one")
    if not chosen:
        there_are = ", ".join(model.name for model in newest)
        raise BadInput(f"model: no sweep {given!r} has a champion; there are: {there_are}")
    return f"models:/{chosen[0].name}@{ALIAS}"


def taken_by(store: Store, uri: str) -> InputSpec:
    """The input of a model.

    Raises:
        BadInput: there is no such model, or it isn't one that a sweep has published.
        StorageError: the file that describes it is gone.
    """
    from mlflow.exceptions import MlflowException
    from mlflow.models import get_model_info

    _look_in(store)
    try:
        found = get_model_info(uri)
    except (MlflowException, OSError) as error:
        if uri.startswith("models:/") and (isinstance(error, OSError) or "MLmodel" in str(error)):
            raise StorageError(
                f"model: {shown(uri)} can't be read: its file MLmodel is missing; {PUT_BACK}"
            ) from error
        raise BadInput(
            f"model: {shown(uri)} can't be read: {without_password(str(error))}; give another model"
        ) from error
    if found.flavors.get("python_function", {}).get("loader_module") not in (LOADER, EARLIER):
        raise BadInput(f"model: {shown(uri)} isn't a model that a sweep has published")
    about = found.metadata or {}
    words, texts = about.get("words", ()), about.get("texts", ())
    missing, padding = about.get("missing", False), about.get("padding")
    takes = takes_of(found.signature, words, texts, missing, padding)
    dates = about.get("dates", ())
    columns = (replace(c, date=c.name) if c.name in dates else c for c in takes.columns)
    return replace(takes, columns=tuple(columns), missing_words=about.get("missing_words"))


def takes_of(
    signature: ModelSignature,
    words: Collection[str] = (),
    texts: Collection[str] = (),
    missing: bool = False,
    padding: str | None = None,
) -> InputSpec:
    """The input of a model with this signature; the columns in `words` take any word, those of them
    in `texts` any text, and arrays with `missing` may have gaps; `padding` fills up sequences."""
    inputs = signature.inputs
    if inputs.is_tensor_spec() and inputs.has_input_names():
        own = [Input(i.name, tuple(i.shape[1:]), str(i.type)) for i in inputs.inputs]
        return InputSpec((), inputs=tuple(own))
    if inputs.is_tensor_spec():
        shape = tuple(inputs.inputs[0].shape[1:])
        # Earlier models don't say what fills up sequences; NaN is the only one that may be missing.
        own_padding = padding or (NAN if missing and len(shape) == 2 else None)
        return InputSpec(shape, missing=missing, padding=own_padding)
    columns = [
        Column(c.name, ANY_WORD if c.name in words else (), int(c.name in texts))
        for c in inputs.inputs
    ]
    # Words were never required by earlier models, and texts aren't by any.
    gaps = all(not c.required for c in inputs.inputs if c.name not in texts)
    return InputSpec((len(columns),), tuple(columns), gaps)


def load_model(store: Store, uri: str) -> Any:
    """A published model, ready to predict.

    Raises:
        BadInput: the package of its builder isn't trusted, or doesn't build it any more.
        StorageError: a file of the model, or one that its builder reads, is missing or damaged.
    """
    from mlflow import pyfunc

    _look_in(store)
    what = f"model: {shown(uri)} can't be loaded:"
    try:
        return pyfunc.load_model(uri)
    except StorageError as error:
        raise StorageError(f"{what} {error}; {PUT_BACK}") from error
    except Exception as error:  # whatever a user's own builder raises
        if missing := _missing(error):
            raise StorageError(f"{what} {missing}") from error
        if isinstance(error, BadInput):
            raise BadInput(*(f"{what} {problem}" for problem in error.problems)) from error
        lines = str(error).splitlines() or [""]
        raise StorageError(
            f"{what} {_place(error)}{type(error).__name__}: {lines[0].rstrip('. ')}; put back what "
            "it needs, or give another model"
        ) from error


def shown(uri: str) -> str:
    """A model's address as it may be shown; the @ of one in the registry names an alias."""
    return uri if uri.startswith("models:/") else without_password(uri)


def _missing(error: BaseException) -> str:
    """Which code isn't there that a model is built by, and what to do; empty if that isn't it."""
    lost = error.__cause__ if isinstance(error, BadInput) else error
    if not isinstance(lost, ModuleNotFoundError) or lost.name is None:
        return ""
    package, _, module = lost.name.rpartition(".")
    if folders := list(getattr(sys.modules.get(package), "__path__", ())):
        return f"{Path(folders[0]) / module}.py is missing; {PUT_BACK}"
    if isinstance(error, BadInput):  # not what the builder imports, but what it is in
        return f"its code has no package {lost.name} any more; {PUT_BACK}"
    return f"{_place(error)}there is no package {lost.name}; install it, or put it on PYTHONPATH"


def _place(error: BaseException) -> str:
    """Where in the user's own code an exception came from."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f"{Path(f.filename).name}:{f.lineno}: " for f in frames if is_users(f.filename)]
    return own[-1] if own else ""


def _look_in(store: Store) -> None:
    """Sets the store for the whole process: MLflow looks models up in that one."""
    import mlflow

    store.client()
    mlflow.set_tracking_uri(store.uri)


def _make_room(client: MlflowClient, name: str) -> None:
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
