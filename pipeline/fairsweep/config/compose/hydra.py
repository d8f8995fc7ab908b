"""Hydra at work: overrides and files in, typed settings out, or `BadInput` that explains."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import yaml
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf, open_dict

from fairsweep.config.compose.explain import COMPOSE_ERRORS, explain, option_file, own_file
from fairsweep.config.compose.user_files import GROUPS, check_files
from fairsweep.config.schema import Config, DoctorConfig, PredictConfig, ReportConfig, UiConfig
from fairsweep.errors import BadInput

PACKAGE = Path(__file__).resolve().parents[2]
# An installed package has its conf/ inside, a checkout has it beside the source root.
CONF = next(p for p in (PACKAGE / "conf", PACKAGE.parents[1] / "conf") if p.is_dir())
SEARCH_PATH = "hydra.searchpath"
# Of Hydra's settings those that differ from run to run, and of a job's those that don't.
OF_A_RUN = ("overrides", "runtime", "searchpath", "job")
OF_A_JOB = ("chdir", "env_set", "env_copy")

T = TypeVar("T", Config, ReportConfig, PredictConfig, DoctorConfig, UiConfig)


def register_schema() -> None:
    """Makes the schema known to Hydra under the names that conf/ uses."""
    store = ConfigStore.instance()
    store.store(name="schema", node=Config)
    store.store(name="report_schema", node=ReportConfig)
    store.store(name="predict_schema", node=PredictConfig)
    store.store(name="doctor_schema", node=DoctorConfig)
    store.store(name="ui_schema", node=UiConfig)


@contextmanager
def hydra_for(config_dir: str | None) -> Iterator[list[str]]:
    """Hydra, for `composed` within; gives the overrides that have it find the user's own files.

    Raises:
        BadInput: these files aren't plain data, or one that is chosen is no YAML.
    """
    register_schema()
    extra: list[str] = []
    broken: Sequence[str] = ()
    if config_dir is not None:
        broken = check_files(Path(config_dir))
        extra = [f"{SEARCH_PATH}=[file://{Path(config_dir).resolve()}]"]
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        try:
            yield extra
        except yaml.YAMLError as error:
            raise BadInput(*broken) from error


def composed(name: str, overrides: Sequence[str], schema: type[T]) -> tuple[T, dict[str, str]]:
    """The composed settings, and the option chosen in each group.

    Raises:
        BadInput: they don't compose, or not into the schema.
    """
    try:
        found = compose(name, overrides=list(overrides), return_hydra_config=True)
        choices = dict(found.hydra.runtime.choices)
        if any(override.startswith(SEARCH_PATH) for override in overrides):
            _check_hydras_own(name, found.hydra)
            _check_names(choices, overrides)
        with open_dict(found):
            del found["hydra"]
        missing = sorted(OmegaConf.missing_keys(found))
        if missing:
            raise BadInput(*(f"{key}: must be given; for example {key}=…" for key in missing))
        if extra := list(_extra_keys(found)):
            raise BadInput(*extra)
        typed = OmegaConf.to_object(found)
    except COMPOSE_ERRORS as error:
        raise BadInput(*explain(error, overrides, _known(name, overrides))) from error
    assert isinstance(typed, schema)
    return typed, {str(group): str(option) for group, option in choices.items()}


def _known(name: str, overrides: Sequence[str]) -> DictConfig | None:
    """The defaults of the chosen options; None where these are what doesn't compose."""
    choice = re.compile(rf"({'|'.join(GROUPS)})=[\w-]+|{SEARCH_PATH}=.*")
    try:
        known: DictConfig = compose(name, [o for o in overrides if choice.fullmatch(o)])
    except COMPOSE_ERRORS:
        return None
    return known


def _check_hydras_own(name: str, given: DictConfig) -> None:
    """Hydra's own settings can run code, and write anywhere; the user's files leave them alone."""
    ours, theirs = _plain(compose(name, return_hydra_config=True).hydra), _plain(given)
    changed = [key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)]
    if changed:
        raise BadInput(
            *(
                f"hydra.{key}: Hydra's own settings aren't for a config of yours; leave it out"
                for key in changed
            )
        )


def _check_names(choices: Mapping[str, str], overrides: Sequence[str]) -> None:
    """Of two files of one name Hydra takes that of conf/, without a word."""
    names = [f"{group}/{option}" for group, option in choices.items()]
    problems = [
        f"{option_file(name, overrides)}: it has the name of conf/{name}.yaml, which goes before "
        f"it; give it another, for example my_{Path(name).name}.yaml"
        for name in names
        if (own := own_file(name, overrides)) is not None
        and (CONF / f"{name}.yaml").is_file()
        and own.read_bytes() != (CONF / f"{name}.yaml").read_bytes()
    ]
    if problems:
        raise BadInput(*problems)


def _plain(hydras_own: DictConfig) -> dict[str, Any]:
    """Hydra's settings but for those that differ from run to run."""
    found: Any = OmegaConf.to_container(hydras_own, resolve=False)
    job = {f"job.{key}": found["job"][key] for key in OF_A_JOB}
    return {key: value for key, value in found.items() if key not in OF_A_RUN} | job


def _extra_keys(node: DictConfig, prefix: str = "") -> Iterator[str]:
    """Keys that `+key=` added where the schema has none; Hydra lets them pass."""
    schema = OmegaConf.get_type(node)
    fields = getattr(schema, "__dataclass_fields__", None)
    for name in node:
        key = f"{prefix}{name!s}"
        if fields is not None and name not in fields:
            yield f"{key}: there is no such key; there are: {', '.join(fields)}"
        elif isinstance(child := node._get_node(name), DictConfig) and not child._is_none():
            yield from _extra_keys(child, f"{key}.")
