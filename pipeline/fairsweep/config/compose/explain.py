"""From Hydra's and OmegaConf's exceptions to messages that name rule, value, place and remedy."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException, ValidationError

from fairsweep.config.compose.broken_files import slips
from fairsweep.config.schema import Config
from fairsweep.errors import without_password

IN_A_FILE = re.compile(
    r"In '(?P<file>[^']+)': \w+ raised while composing config:\n(?P<what>.*)\n"
    r"\s+full_key: (?P<key>.*)"
)
OWN_FOLDER = re.compile(r"hydra\.searchpath=\[file://(.*)\]")
KINDS = {"Integer": "a whole number", "Float": "a number", "Boolean": "true or false"}


def explain(error: Exception, overrides: Sequence[str], known: DictConfig | None) -> Sequence[str]:
    """What to say of a config that doesn't compose.

    Args:
        error: what Hydra or OmegaConf raised.
        overrides: the command line, to say where a value stands.
        known: the composed defaults, to find the nearest name; None while they don't compose.
    """
    if (within := IN_A_FILE.match(str(error))) is None:
        return [_explained(error, overrides, known)]
    own, file = own_file(within["file"], overrides), option_file(within["file"], overrides)
    group = within["file"].partition("/")[0]
    found = [f"{file}:{slip}" for slip in slips(own, group)] if own else []
    if not found and re.match(r"Key '.*' (is )?not in", within["what"]):
        known = known or OmegaConf.structured(Config)
        found = [f"{_unknown_key(within['key'], (), known)} (in {file})"]
    return found or [f"{within['key'] or group}: {within['what']} (in {file})"]


def _explained(error: Exception, overrides: Sequence[str], known: DictConfig | None) -> str:
    if isinstance(error, MissingConfigException):
        return _missing_option(error)
    deeper = isinstance(error.__cause__, OmegaConfBaseException | AttributeError)
    cause = error.__cause__ if deeper and error.__cause__ is not None else error
    first_line = str(cause).splitlines()[0] if str(cause) else type(cause).__name__
    key = getattr(cause, "full_key", None) or ""
    if re.match(r"Key '.*' (is )?not in", first_line):
        return _unknown_key(key, overrides, known)
    if switch := re.match(r"Value '(.*)' is not a valid bool", first_line):
        return f"{key}: need true or false, got {switch[1]!r}{place(key, overrides)}"
    merged = "Cannot merge" in first_line or isinstance(cause, AttributeError | ValidationError)
    if ".space." in key and merged:
        return (
            f"{key}: need a spec, such as {{low: 0.001, high: 0.1, log: true}} with low and high "
            f"or {{choices: [16, 32]}}{place(key, overrides)}"
        )
    if wrong_type := re.match(
        r"Value '(.*)' of type .* could not be converted to (\w+)", first_line
    ):
        value, kind = wrong_type.groups()
        return f"{key}: need {KINDS.get(kind, kind)}, got {value!r}{place(key, overrides)}"
    if "is not Optional" in first_line:
        return f"{key}: needs a value, got null{place(key, overrides)}"
    if "is not a ListConfig" in first_line:
        return f"{key}: need a list, for example {key}=[…]{place(key, overrides)}"
    if "nterpolation" in first_line:
        return f"{key}: {_stands_for(first_line)}; write the value{place(key, overrides)}"
    if key:
        return f"{key}: {first_line}{place(key, overrides)}"
    if str(error).startswith("Ambiguous value"):
        override = str(error).splitlines()[0].partition("'")[2].rstrip("'")
        name, _, values = override.partition("=")
        aside = f"; to put options side by side, arms.{name}=[{values}]" if "." not in name else ""
        return f"{override}: this is one value or a list? Write {name}=[{values}] for a list{aside}"
    if isinstance(error, OverrideParseException):
        return (
            f"{error.override}: need key=value; outside of quotes a value may hold A-Z a-z 0-9 and "
            f". _ - / : % @ only, for example sweep.name=first-try"
        )
    return " ".join(str(error).split("\nSee https")[0].split())


def _stands_for(first_line: str) -> str:
    """What is wrong of a ${…}."""
    if unknown := re.match(r"Interpolation key '(.*)' not found", first_line):
        return f"${{{unknown[1]}}} stands for a key that there isn't"
    if first_line.startswith("Recursive"):
        return "it stands for itself, by ${…}"
    return first_line


def option_file(name: str, overrides: Sequence[str]) -> str:
    """The file of an option, `group/option`: in the user's own folder, or else in conf/."""
    own = own_file(name, overrides)
    if own is None:
        return f"conf/{name}.yaml"
    return str(own.relative_to(Path.cwd()) if own.is_relative_to(Path.cwd()) else own)


def own_file(name: str, overrides: Sequence[str]) -> Path | None:
    """The file of an option in the user's own folder, if it is there."""
    folder = next((found[1] for o in overrides if (found := OWN_FOLDER.fullmatch(o))), None)
    path = Path(folder or "", f"{name}.yaml")
    return path if folder is not None and path.is_file() else None


def place(key: str, overrides: Sequence[str], file: str = "") -> str:
    """Where the value of `key` stands: the override that gave it, or else the file."""
    for override in reversed(overrides):
        name, _, value = override.lstrip("+~").partition("=")
        inside = key.startswith(f"{name}.") and value.startswith("{")
        if name and (key == name or name.startswith(f"{key}.") or inside):
            return f" (command line: {without_password(override)})"
    return f" ({file})" if file else ""


def _missing_option(error: MissingConfigException) -> str:
    group, _, option = str(error.missing_cfg_file or "").rpartition("/")
    options = list(error.options or ())
    if not group:
        return f"{option}: there is no such config"
    close = difflib.get_close_matches(option, options, 1)
    hint = f"did you mean {group}={close[0]}? " if close else ""
    return (
        f"{group}={option}: there is no conf/{group}/{option}.yaml; {hint}"
        f"Options: {', '.join(options)}"
    )


def _unknown_key(key: str, overrides: Sequence[str], known: DictConfig | None) -> str:
    keys = [] if known is None else list(_paths(OmegaConf.to_container(known, resolve=False)))
    depth = key.count(".")
    siblings = [
        k for k in keys if k.count(".") == depth and k.rpartition(".")[0] == key.rpartition(".")[0]
    ]
    close = difflib.get_close_matches(key, siblings, 1) or difflib.get_close_matches(key, keys, 1)
    hint = f"did you mean {close[0]}? " if close else ""
    leaves = ", ".join(k.rpartition(".")[2] for k in siblings)
    parent = key.rpartition(".")[0] or "the top level"
    options = f"Keys of {parent}: {leaves}" if leaves else "See --cfg job for every key"
    return f"{key}: there is no such key; {hint}{options}{place(key, overrides)}"


def _paths(value: Any, prefix: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            path = f"{prefix}.{name}" if prefix else str(name)
            yield path
            yield from _paths(inner, path)


# OmegaConf raises plain ones too: AttributeError where a key is set inside of null.
COMPOSE_ERRORS = (HydraException, OmegaConfBaseException, ValueError, AttributeError)
