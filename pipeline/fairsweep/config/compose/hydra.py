"""Hydra at work: overrides and files in, typed settings out, or `BadInput` that explains."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from fairsweep.config.command_schema import DoctorConfig, PredictConfig, ReportConfig, UiConfig
from fairsweep.config.compose.defaults import chosen_problems
from fairsweep.config.compose.explain import COMPOSE_ERRORS, explain
from fairsweep.config.compose.files import Files
from fairsweep.config.compose.overrides import for_hydra
from fairsweep.config.compose.places import ComposedFiles, ConfigFile, Places
from fairsweep.config.compose.user_files import check_files
from fairsweep.config.options import CONF, GROUPS
from fairsweep.config.schema import Arms, Config
from fairsweep.errors import BadInput

SEARCH_PATH = "hydra.searchpath"
# Of Hydra's settings those that differ from run to run, and of a job's those that don't.
OF_A_RUN = ("overrides", "runtime", "searchpath", "job")
OF_A_JOB = ("chdir", "env_set", "env_copy")

T = TypeVar("T", Config, ReportConfig, PredictConfig, DoctorConfig, UiConfig)


@functools.cache
def register_schema() -> None:
    """Makes the schema known to Hydra under the names that conf/ uses."""
    store = ConfigStore.instance()
    store.store(name="schema", node=Config)
    store.store(name="report_schema", node=ReportConfig)
    store.store(name="predict_schema", node=PredictConfig)
    store.store(name="doctor_schema", node=DoctorConfig)
    store.store(name="ui_schema", node=UiConfig)


@dataclass(frozen=True)
class Composed(Generic[T]):
    """Typed settings, the option chosen in each group, and where their values stand."""

    settings: T
    choices: Mapping[str, str]
    places: Places


class Composer:
    """Hydra while it is initialized, for any number of configs."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def found_by(self, overrides: Sequence[str]) -> list[str]:
        """The overrides as Hydra takes them, with one by which it finds the user's own files."""
        own = [] if self.folder is None else [f"{SEARCH_PATH}=[file://{self.folder.resolve()}]"]
        return [*for_hydra(overrides), *own]

    def places(self, overrides: Sequence[str], chosen: Sequence[str] = ()) -> Places:
        """The places of the overrides; `chosen` are options that follow from them.

        Raises:
            BadInput: Hydra can't compose a file of the user's own that they choose.
        """
        places = Places(overrides, folder=self.folder)
        whole = replace(places, overrides=[*chosen, *overrides])
        if problems := list(chosen_problems(whole)):
            raise BadInput(*problems)
        return places

    def compose(
        self, name: str, overrides: Sequence[str], schema: type[T], chosen: Sequence[str] = ()
    ) -> Composed[T]:
        """The composed settings.

        Args:
            name: the file of conf/.
            overrides: as on the command line.
            schema: the type of the whole.
            chosen: options that follow from the overrides.

        Raises:
            BadInput: they don't compose, or not into the schema.
        """
        places = self.places(overrides, chosen)
        found_by = self.found_by([*chosen, *overrides])
        try:
            found = compose(name, overrides=found_by, return_hydra_config=True)
            choices = {str(k): str(v) for k, v in found.hydra.runtime.choices.items()}
            if self.folder is not None:
                _check_hydras_own(name, found.hydra)
                _check_names(choices, places)
            places = replace(places, find=_finder(name, found_by))
            if lists := [group for group in GROUPS if group in found and group not in choices]:
                raise BadInput(*(_several(group, places) for group in lists))
            with open_dict(found):
                del found["hydra"]
            missing = sorted(OmegaConf.missing_keys(found))
            if missing:
                raise BadInput(*(f"{key}: must be given; for example {key}=…" for key in missing))
            if extra := list(_extra_keys(found)):
                raise BadInput(*extra)
            typed = OmegaConf.to_object(found)
        except COMPOSE_ERRORS as error:
            raise BadInput(*explain(error, places, _defaults(name, found_by))) from error
        assert isinstance(typed, schema)
        return Composed(typed, choices, places)


@contextmanager
def composer(config_dir: str | None) -> Iterator[Composer]:
    """Hydra, which also finds the user's own files in `config_dir`.

    Raises:
        BadInput: these files aren't plain data, or one that is chosen isn't YAML.
    """
    register_schema()
    folder = None if config_dir is None else Path(config_dir)
    broken = () if folder is None else check_files(folder)
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        loader = _loader()
        loader.repository = Files(loader.config_search_path)
        try:
            yield Composer(folder)
        except yaml.YAMLError as error:
            raise BadInput(*broken) from error


def check_composes(name: str, overrides: Sequence[str], config_dir: str | None) -> None:
    """Checks what is only printed. A value that is still missing is no problem.

    Args:
        name: the file of conf/.
        overrides: as on the command line.
        config_dir: a folder of the user's own with more options for the groups.

    Raises:
        BadInput: they don't compose.
    """
    with composer(config_dir) as hydra:
        places, found_by = hydra.places(overrides), hydra.found_by(overrides)
        try:
            compose(name, found_by)
        except COMPOSE_ERRORS as error:
            raise BadInput(*explain(error, places, _defaults(name, found_by))) from error


def _loader() -> Any:
    """What composes configs while Hydra is initialized."""
    hydra = GlobalHydra.instance().hydra
    assert hydra is not None
    return hydra.config_loader


def _finder(name: str, overrides: Sequence[str]) -> Callable[[], ComposedFiles]:
    """Finds the files that Hydra composed, and which of them chose an option for another group."""
    loader = _loader()

    def find() -> ComposedFiles:
        found = loader.compute_defaults_list(name, list(overrides), RunMode.RUN)
        files = tuple(
            ConfigFile(default.config_path, default.package or "")
            for default in found.defaults
            if default.config_path and not default.config_path.startswith("hydra/")
        )
        chosen = tuple(
            (group, meta.containing_config_path)
            for group, meta in found.overrides.override_metadata.items()
            if not meta.external_override and meta.containing_config_path != name
        )
        return ComposedFiles(files, chosen)

    return find


def _defaults(name: str, overrides: Sequence[str]) -> Callable[[], DictConfig | None]:
    """Composes the defaults of the chosen options; None if these are what doesn't compose."""

    def known() -> DictConfig | None:
        choice = re.compile(rf"({'|'.join(GROUPS)})=[\w-]+|{SEARCH_PATH}=.*")
        try:
            found: DictConfig = compose(name, [o for o in overrides if choice.fullmatch(o)])
        except COMPOSE_ERRORS:
            return None
        return found

    return known


def _check_hydras_own(name: str, given: DictConfig) -> None:
    """Hydra's own settings can run code and write anywhere, so no user's file changes them."""
    ours, theirs = _hydras_own(name), _plain(given)
    changed = [key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)]
    if changed:
        raise BadInput(
            *(
                f"hydra.{key}: a config can't change Hydra's own settings; leave it out"
                for key in changed
            )
        )


@functools.cache
def _hydras_own(name: str) -> Mapping[str, Any]:
    """Hydra's settings as conf/ leaves them."""
    return _plain(compose(name, return_hydra_config=True).hydra)


def _check_names(choices: Mapping[str, str], places: Places) -> None:
    """Of two files with the same name Hydra takes ours without a word."""
    names = [f"{group}/{option}" for group, option in choices.items()]
    problems = [
        f"{places.shown(name)}: Fairsweep has an option of this name, which would be used instead; "
        f"rename yours, for example to my_{Path(name).name}.yaml"
        for name in names
        if (own := places.own_file(name)) is not None
        and (CONF / f"{name}.yaml").is_file()
        and own.read_bytes() != (CONF / f"{name}.yaml").read_bytes()
    ]
    if problems:
        raise BadInput(*problems)


def _several(group: str, places: Places) -> str:
    """What to say of a list of options, which Hydra would merge."""
    file = dict(places.composed.chosen).get(group)
    where = f" ({places.shown(file)})" if file else ""
    aside = f"; arms.{group}=[…] says what to compare" if hasattr(Arms, group) else ""
    return f"{group}: need one option, got a list{aside}{where}"


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
