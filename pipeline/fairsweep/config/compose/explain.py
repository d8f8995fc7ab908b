"""What Hydra's and OmegaConf's exceptions mean.

In: an exception. Out: messages that name the rule, the value, the place and the remedy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, get_type_hints

from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException, ValidationError

from fairsweep.config.compose.places import ComposedFiles, ConfigFile, Places, no_option
from fairsweep.config.compose.slips import (
    NAMES,
    OWN_PARAMS,
    number_meant,
    takes_words,
    with_quotes,
    word_meant,
)
from fairsweep.config.compose.user_files import SPEC, option_problems
from fairsweep.config.guess import nearest
from fairsweep.config.schema import Config
from fairsweep.config.space import GROUPS as SEARCHABLE
from fairsweep.invocation import typed

IN_A_FILE = re.compile(
    r"In '(?P<file>[^']+)': (?P<kind>\w+) raised while composing config:\n(?P<what>.*)\n"
    r"\s+full_key: (?P<key>.*)"
)
KINDS = {"Integer": "a whole number", "Float": "a number", "Boolean": "true or false"}
NO_SWITCH = re.compile(
    r"Value '(.*)' is not a valid bool|Incompatible value 'None' for field of type 'bool'"
)
NO_SECTION = re.compile(
    r"not a subclass of (?P<kind>\w+)|Cannot assign \w+ to Dict|Cannot merge DictConfig with"
)
WHEN = re.compile(rf"(({'|'.join(SEARCHABLE)})\.space)\.when\b")
CONDITION = "{momentum: {low: 0.0, high: 0.9, when: {nesterov: true}}}"
# OmegaConf raises plain ones too: AttributeError where a key is set inside of null.
COMPOSE_ERRORS = (HydraException, OmegaConfBaseException, ValueError, AttributeError)

Known = Callable[[], DictConfig | None]
"""Composes the defaults, for their names; gives None if these don't compose."""


def explain(error: Exception, places: Places, known: Known) -> Sequence[str]:
    """What to say of a config that doesn't compose.

    Args:
        error: what Hydra or OmegaConf raised.
        places: the overrides and the user's folder, to say where a value stands.
        known: composes the defaults, to find the nearest name.
    """
    if (within := IN_A_FILE.match(str(error))) is None:
        return [_explained(error, places, known)]
    name, key = within["file"], within["key"]
    group = name.partition("/")[0]
    own = places.own_file(name)
    found = option_problems(own, group) if own else ()
    if problems := [f"{places.shown(name)}:{line}: {problem}" for line, problem in found]:
        return problems
    file = ComposedFiles((_file(name, key),))
    inside = Places(find=lambda: file, folder=places.folder)

    def place(key: str) -> str:
        return inside.of(key) or f" ({places.shown(name)})"

    def known_here() -> DictConfig:
        return known() or OmegaConf.structured(Config)

    merged = within["kind"] in ("ValidationError", "AttributeError")
    return [_of_key(key or group, within["what"], merged, place, known_here)]


def _file(name: str, key: str) -> ConfigFile:
    """A file that failed to compose, with the package that its keys have been given."""
    group = name.partition("/")[0]
    return ConfigFile(name, group if group != "experiment" and key.startswith(group) else "")


def _explained(error: Exception, places: Places, known: Known) -> str:
    if isinstance(error, MissingConfigException):
        return _missing_option(error, places)
    deeper = isinstance(error.__cause__, OmegaConfBaseException | AttributeError)
    cause = error.__cause__ if deeper and error.__cause__ is not None else error
    first_line = str(cause).splitlines()[0] if str(cause) else type(cause).__name__
    if key := getattr(cause, "full_key", None) or "":
        merged = isinstance(cause, AttributeError | ValidationError)
        return _of_key(key, first_line, merged, places.on_command_line, known)
    if str(error).startswith("Ambiguous value"):
        override = str(error).splitlines()[0].partition("'")[2].rstrip("'")
        name, _, values = override.partition("=")
        aside = f"; to compare options, arms.{name}=[{values}]" if "." not in name else ""
        if takes_words(name):
            aside = f", or {typed(name, values)} for one name"
        return f"{override}: one value or a list? Write {name}=[{values}] for a list{aside}"
    if isinstance(error, OverrideParseException):
        return _unread(error.override)
    return " ".join(str(error).split("\nSee https")[0].split())


def _unread(override: str) -> str:
    """What to say of an override that Hydra can't read."""
    override = override.lstrip("+") if "data.params." in override else override
    plain = "may hold A-Z a-z 0-9 and . _ - / : % @ only"
    if remedy := with_quotes(override):
        return f"{override}: without quotes a value {plain}; write {remedy}"
    key, is_one, value = override.partition("=")
    if is_one and value.startswith("{"):
        return (
            f"{override}: need {{name: value, …}}; on a command line a name in it {plain}, and "
            f"takes no quotes: set {key} in a config file of your own"
        )
    return (
        f"{override}: need key=value; without quotes a value {plain}, for example "
        "sweep.name=first-try"
    )


def _of_key(key: str, what: str, merged: bool, place: Callable[[str], str], known: Known) -> str:
    """The message about one key.

    Args:
        key: the full key.
        what: the first line that OmegaConf says.
        merged: whether the value doesn't fit the schema.
        place: says where a key stands.
        known: composes the defaults.
    """
    if key.startswith("training.class_weight."):
        return (
            f"{key}: training.class_weight is given already, and names no such class; give all "
            f"classes at once, or add this one with +{key}=…{place(key)}"
        )
    if space := WHEN.match(key):
        return (
            f"{key}: `when` stands in the spec of the parameter that it is for, "
            f"{space[1]}.<parameter>.when, such as {CONDITION}{place(key)}"
        )
    if re.match(r"Key '.*' (is )?not in", what):
        return f"{_unknown_key(key, known())}{place(key)}"
    if switch := NO_SWITCH.match(what):
        got = "null" if switch[1] is None else repr(switch[1])
        return f"{key}: need true or false, got {got}{place(key)}"
    section = NO_SECTION.search(what)
    if (".space." in key and (merged or section)) or (section and section["kind"] == "Spec"):
        return f"{key}: need a spec, such as {SPEC}{place(key)}"
    if section:
        key, keys = _section(key, section["kind"])
        given = _given(place(key))
        such = f"; did you mean {key}.{keys[0]}={given}?" if keys and given else ""
        own = f": {', '.join(keys)}" if keys else ""
        return f"{key}: need keys and their values{own}{such}{place(key)}"
    if kind := re.match(r"Value '(.*)' of type .* could not be converted to (\w+)", what):
        meant = number_meant(kind[2], kind[1])
        return f"{key}: need {KINDS.get(kind[2], kind[2])}, got {kind[1]!r}{meant}{place(key)}"
    if word := re.match(r"Cannot convert '(\w+)' to string: '(.*)'$", what):
        if word[1] == "list":
            return f"{key}: need one word, got the list {word[2]}{word_meant(key)}{place(key)}"
        return f"{key}: need a word, got {word[2]!r}{place(key)}"
    if "is not Optional" in what:
        return f"{key}: needs a value, got null{place(key)}"
    if "is not a ListConfig" in what:
        return f"{key}: need a list, for example {key}=[{_given(place(key)) or '…'}]{place(key)}"
    if "nterpolation" in what:
        return f"{key}: {_interpolation(what)}; write the value{place(key)}"
    return f"{key}: {what}{place(key)}"


def _given(place: str) -> str:
    """The plain value at a place, if that is on the command line; else nothing."""
    found = re.fullmatch(r" \(command line: [\w.]+=([\w.-]+)\)", place)
    return found[1] if found else ""


def _section(key: str, kind: str) -> tuple[str, Sequence[str]]:
    """The key of the schema's class `kind`, and its keys; of a value in a file OmegaConf tells the
    class, but only the group that the file is of."""
    for place, inner in _sections(Config):
        if inner.__name__ == kind:
            return place, [field.name for field in fields(inner)]
    return key, ()


def _sections(of: type, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The keys of the schema that hold others, and their classes."""
    for name, inner in get_type_hints(of).items():
        if isinstance(inner, type) and is_dataclass(inner):
            yield f"{prefix}{name}", inner
            yield from _sections(inner, f"{prefix}{name}.")


def _interpolation(what: str) -> str:
    """What is wrong with a ${…}."""
    if unknown := re.match(r"Interpolation key '(.*)' not found", what):
        return f"${{{unknown[1]}}} refers to a key that doesn't exist"
    if what.startswith("Recursive"):
        return "its ${…} refers to itself"
    return what


def _missing_option(error: MissingConfigException, places: Places) -> str:
    group, _, option = str(error.missing_cfg_file or "").rpartition("/")
    if not group:
        return f"{option}: there is no such config"
    return no_option(group, option, places.folder)


def _unknown_key(key: str, known: DictConfig | None) -> str:
    keys = [] if known is None else list(_paths(OmegaConf.to_container(known, resolve=False)))
    parent, _, name = key.rpartition(".")
    siblings = [k.rpartition(".")[2] for k in keys if k.rpartition(".")[0] == parent]
    close = nearest(name, siblings)
    usual = NAMES.get(name)
    other = usual if usual in keys and usual != key else _elsewhere(key, keys)
    meant = f"{parent}.{close}".lstrip(".") if close else other
    hint = f"did you mean {meant}? " if meant else ""
    options = (
        f"{'Keys' if hint else 'keys'} of {parent or 'the top level'}: {', '.join(siblings)}"
        if siblings
        else "--cfg job shows every key"
    )
    own = f"; a parameter of a part of your own is +{key}=…" if parent in OWN_PARAMS else ""
    return f"{key}: there is no such key; {hint}{options}{own}"


def _elsewhere(key: str, keys: Sequence[str]) -> str | None:
    """The key of this name in another section, the same group's if it has one. A search space has
    the names of what it tunes, which are meant; and a name that many sections have says nothing."""
    name, root = key.rpartition(".")[2], key.partition(".")[0]
    found = [k for k in keys if k.endswith(f".{name}") and ".space." not in k]
    within = [k for k in found if k.startswith(f"{root}.")]
    return within[0] if within else found[0] if len(found) == 1 else None


def _paths(value: Any, prefix: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            path = f"{prefix}.{name}" if prefix else str(name)
            yield path
            yield from _paths(inner, path)
