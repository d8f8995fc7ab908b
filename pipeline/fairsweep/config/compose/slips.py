"""Everyday slips of a command line, and what was meant: names that other tools use, and values in a
form that Hydra reads as something else.

In: an override, or a key and its value. Out: the remedy, or nothing.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import is_dataclass
from pathlib import Path, PurePath
from typing import get_type_hints

from fairsweep.config.checks.data import SOURCES
from fairsweep.config.options import GROUPS
from fairsweep.config.schema import Config
from fairsweep.invocation import typed

NAMES = {
    "epochs": "training.epochs",
    "hidden": "model.params.hidden_units",
    "layers": "model.params.hidden_units",
    "lr": "optimizer.params.learning_rate",
    "max_epochs": "training.epochs",
    "n_epochs": "training.epochs",
    "n_jobs": "executor.workers",
    "n_trials": "search.trials",
    "name": "sweep.name",
    "num_workers": "executor.workers",
    "optimizer_name": "optimizer.name",
    "random_state": "training.seed",
    "seed": "training.seed",
    "timeout": "search.minutes",
    "units": "model.params.hidden_units",
}
"""What other tools call our keys, and names of ours that several sections have."""
HOME = re.compile(r"(?P<key>[^=]*)=~/(?P<rest>.*)", re.DOTALL)
COMMA = re.compile(r"(-?\d+),(\d+)")
NUMBERS = re.compile(r"\[?\s*(-?[\d.]+(e-?\d+)?\s*(,\s*|(?=\]?$))){2,}\]?", re.IGNORECASE)
ITEM = re.compile(r""" *'[^']*' *| *"[^"]*" *|[^,]+""")
KEY = re.compile(r"[+~]*[\w./@:-]+")
"""What Hydra may take for a key; quotes don't help any other."""
SEARCHED = re.compile(r"(optimizer)\.params\.(\w+)|(training)\.(batch_size|epochs)")
OWN_PARAMS = ("model.params", "training.loss_params")
"""Where a part of the user's own has parameters that no file lists."""


def at_home(override: str) -> str:
    """The override, in which a path from `~/` is one from the home folder, as a shell reads it
    where it stands alone."""
    found = HOME.fullmatch(override)
    return override if found is None else f"{found['key']}={Path.home() / found['rest']}"


def slip(key: str, value: str) -> str | None:
    """What is wrong with a value as it is written, and what to write instead; None if nothing is.

    Args:
        key: of the override.
        value: as it stands behind the `=`.
    """
    if value == "None" and key not in GROUPS:
        return f"None is a word here; write {key}=null"
    whole = SEARCHED.fullmatch(key)
    if (number := COMMA.fullmatch(value)) and not _takes_list(key):
        point = f"write {key}={number[1]}.{number[2]}, with a point"
        return point if whole or _is_number(key) else f"{point}, or {key}=[{value}] for a list"
    if whole and NUMBERS.fullmatch(value):
        space = f"{whole[1] or whole[3]}.space.{whole[2] or whole[4]}"
        values = value.strip("[]")
        return f"one value is needed; to search several, '{space}={{choices: [{values}]}}'"
    source = {PurePath(own.example).suffix: name for name, own in SOURCES.items()}
    ending = PurePath(value).suffix.lower()
    if key == "data" and ending and (option := source.get(ending)):
        target = " data.target=…" if "target" in SOURCES[option].reads else ""
        return f"a file needs its kind and its path: data={option} data.path={value}{target}"
    return None


def _kind(key: str) -> str:
    """The type that the schema has for a key, as text; empty where it has none."""
    group, _, name = key.partition(".")
    inner = get_type_hints(Config).get(group)
    return str(get_type_hints(inner).get(name, "")) if is_dataclass(inner) else ""


def _takes_list(key: str) -> bool:
    return "List" in _kind(key)


def takes_words(key: str) -> bool:
    """Whether a key's value is a word or several, such as names of columns."""
    return re.search(r"\b(str|Any)\b", _kind(key)) is not None


def with_quotes(override: str) -> str | None:
    """An override that Hydra can't read, as it is to be typed: with quotes around each name that
    needs them; None where quotes don't help."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    key, is_one, value = override.partition("=")
    if not (is_one and KEY.fullmatch(key)) or _is_number(key) or key == "sweep.name":
        return None
    if value.startswith("{"):
        return None
    name = value.strip("'\"")
    names = [name] if _takes_list(key) else name
    if value.startswith("[") and value.endswith("]"):
        names = [item.strip(" '\"") for item in ITEM.findall(value[1:-1])]
    remedy = typed(key, names)
    try:
        OverridesParser.create().parse_override(*shlex.split(remedy))
    except HydraException:  # the key isn't one
        return None
    return remedy


def _is_number(key: str) -> bool:
    return re.search(r"\b(int|float)\b", _kind(key)) is not None


def number_meant(kind: str, got: str) -> str:
    """The remedy where `got` isn't read as a number of a kind, the schema's name of it."""
    if share := re.fullmatch(r"(\d+(\.\d+)?) ?%", got):
        return f"; write {float(share[1]) / 100:g}"
    if kind == "Integer" and (whole := re.fullmatch(r"(-?\d+)\.0+", got)):
        return f"; write {whole[1]}"
    return ""


def word_meant(key: str) -> str:
    """The remedy where a key was given a list instead of one word."""
    if key == "objective.metric":
        return "; one metric selects, and training.metrics=[…] are measured beside it"
    return ""
