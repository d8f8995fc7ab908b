"""Checks of overrides as they are written, before Hydra sees them.

In: the words of a command line. Out: nothing, or `BadInput` with every problem. Hydra would let
these pass, or say something that doesn't help.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from fairsweep.config.compose.grammar import read, written
from fairsweep.config.compose.places import file_stem
from fairsweep.config.compose.slips import at_home, slip
from fairsweep.config.compose.user_files import CALLS, RESOLVER
from fairsweep.config.options import GROUPS, options_of
from fairsweep.config.space import GROUPS as SEARCHABLE
from fairsweep.errors import BadInput
from fairsweep.plural import times

OPEN, CLOSED = "{[(", "}])"
PART_OF_A_SPEC = re.compile(r"\w+:[^/]")
SPEC = re.compile(
    rf"\+{{0,2}}(?P<space>({'|'.join(SEARCHABLE)})\.space)\.(?P<path>[\w.]+)=(?P<value>.*)",
    re.DOTALL,
)
FORMS = ({"low", "high"}, {"choices"}, {"layers", "units"})
"""The keys that each form of a spec needs."""
NO_LOG = re.compile(r"\blog\s*:\s*null\b")
WHOLE_SPACE = re.compile(rf"\+{{0,2}}({'|'.join(SEARCHABLE)})\.space=\{{")
WITH_SPACE = re.compile(rf"({'|'.join(SEARCHABLE)})=\{{.*\bspace\b", re.DOTALL)
ARMS = re.compile(r"\+{0,2}arms[.=]")
NO_NAME = re.compile(r"[^A-Za-z_{\['\"]|(null|true|false|nan|inf)?$", re.IGNORECASE)


def check_overrides(overrides: Sequence[str]) -> None:
    """Checks a whole command line.

    Raises:
        BadInput: an override can't be meant as it is written.
    """
    if problems := list(_taken_apart(overrides)):
        raise BadInput(*problems)
    nulls = [o.partition("=")[0] for o in overrides if o.endswith("=null")]
    for override in overrides:
        key, _, value = override.lstrip("+~").partition("=")
        if override.startswith("+") and key.startswith("optimizer.params."):
            problems.append(
                f"{override}: an optimizer has the params that its file lists, and no other; write "
                f"it without the + if {key} is one of them"
            )
        elif any(key.startswith(f"{null}.") for null in nulls):
            problems.append(
                f"{override}: the key around it is set to null; give a whole spec, with low and "
                f"high or choices, or leave the null out"
            )
        elif RESOLVER.search(override):
            problems.append(
                f"{override}: it would read something outside the config, such as the environment, "
                "which would then be stored and shown; write the value"
            )
        elif call := CALLS.intersection(key.split(".")):
            problems.append(
                f"{override}: {call.pop()} would call code from a config; configs are data, and "
                "model.builder names a model of your own"
            )
        elif meant := slip(key, value):
            problems.append(f"{override}: {meant}")
        elif key in GROUPS and NO_NAME.match(value) and (key, value) != ("experiment", "null"):
            problems.append(f"{override}: need the name of an option{_such_as(key)}")
        elif key in GROUPS and value.startswith("["):
            problems.append(
                f"{override}: a group takes one option; to compare several, arms.{key}={value}"
            )
        elif key in GROUPS and re.search(r"[./]", value) and not value.startswith("{"):
            meant = file_stem(value)
            remedy = _such_as(key) if meant == value else f"; did you mean {key}={meant}?"
            problems.append(f"{override}: need the name of an option{remedy}")
    if problems:
        raise BadInput(*problems)


def overruled(overrides: Sequence[str]) -> Iterator[str]:
    """What is to be told of keys that are given more than once, with other values: Hydra takes the
    last, and lists aren't put together."""
    given: dict[str, list[str]] = {}
    for override in overrides:
        key, equals, _ = override.lstrip("+").partition("=")
        if equals:
            given.setdefault(key, []).append(override)
    for key, own in given.items():
        if any(override != own[-1] for override in own):
            yield f"{key} is given {times(len(own))}, and only the last counts: {own[-1]}"


def for_hydra(overrides: Sequence[str]) -> list[str]:
    """The overrides as Hydra takes them: every parameter can join a search space, whether a file
    gives it a spec or not, as part of the whole space, and every keyword `data.params`. The checks
    tell of one that doesn't exist. And `~/` is the home folder."""
    own = (word for override in overrides for word in _in_space(override))
    return [at_home(_keyword(word)) for word in own]


def _keyword(override: str) -> str:
    """One of a loader's keywords, which no file lists."""
    return f"++{override}" if override.startswith("data.params.") else override


def _in_space(override: str) -> list[str]:
    """An override with what it has of a search space made to join that."""
    if WHOLE_SPACE.match(override):
        return [override if override.startswith("+") else f"++{override}"]
    if WITH_SPACE.match(override):
        return _apart(override)
    found = SPEC.fullmatch(override)
    if found is None:
        return [override]
    parts, value = found["path"].split("."), found["value"]
    if not value or (len(parts) == 1 and value != "null" and not value.startswith("{")):
        return [override]  # no spec, which Hydra says of the key as it is written
    if len(parts) > 1 and parts[-1] == "choices" and value.startswith("["):
        value = f"{{{parts.pop()}:{value}}}"
    if parts[-1] == "log" and value == "null":
        value = "false"
    if len(parts) == 1:
        value = _alone(value)
    for part in reversed(parts):
        value = f"{{{part}:{value}}}"
    return [f"++{found['space']}={value}"]


def _alone(spec: str) -> str:
    """A spec as it is written, in place of one of another form that a file gives the parameter; and
    `log: null` is no log scale."""
    given = read(f"spec={spec}")[1]
    if not isinstance(given, dict):
        return spec
    whole = [keys for keys in FORMS if keys <= given.keys()]
    others = {key for keys in FORMS if keys not in whole for key in keys}
    if len(whole) == 1 and not others & given.keys():
        nulls = ",".join(f"{key}:null" for key in sorted(others))
        spec = f"{spec.rstrip().removesuffix('}')},{nulls}}}"
    return NO_LOG.sub("log:false", spec)


def _apart(override: str) -> list[str]:
    """A group's settings, and the search space that is among them."""
    key, values = read(override)
    if not (isinstance(values, dict) and isinstance(values.get("space"), dict)):
        return [override]
    rest = {name: value for name, value in values.items() if name != "space"}
    space = f"++{key}.space={written(values['space'])}"
    return [f"{key}={written(rest)}", space] if rest else [space]


def first_arm(overrides: Sequence[str]) -> list[str]:
    """The choice of the first arm, where the command line names arms and makes no choice: with it
    is composed what arms share, so that what is set inside of their group need not be of the
    default option."""
    chosen = {own.partition("=")[0] for own in overrides if "={" not in own}
    for override in filter(ARMS.match, overrides):
        key, value = read(override)
        named = value if key == "arms" else {key.removeprefix("arms."): value}
        for axis, options in named.items() if isinstance(named, dict) else ():
            if axis in SEARCHABLE and axis not in chosen and isinstance(options, list) and options:
                return [f"{axis}={options[0]}"]
    return []


def _taken_apart(overrides: Sequence[str]) -> Iterator[str]:
    """What a shell makes of braces and spaces without quotes."""
    for key, group in itertools.groupby(overrides, lambda o: o.partition("=")[0]):
        values = [override.partition("=")[2] for override in group]
        if len(values) > 1 and all(map(PART_OF_A_SPEC.match, values)):
            whole = ", ".join(value.replace(":", ": ", 1) for value in values)
            yield (
                f"{key}={values[0]} {key}={values[1]}: the shell expanded the braces; put quotes "
                f"around the whole: '{key}={{{whole}}}'"
            )
    rest = iter(overrides)
    for override in rest:
        whole = override
        while _depth(whole) > 0 and (piece := next(rest, None)) is not None:
            whole += f" {piece}"
        if whole != override:
            yield (
                f"{override}: the shell split it at its spaces; put quotes around the whole: "
                f"'{whole}'"
            )


def _such_as(group: str) -> str:
    return f", such as {group}={options_of(group)[0]}; --help lists them"


def _depth(text: str) -> int:
    """How many brackets are open at the end of a text."""
    return sum(text.count(mark) for mark in OPEN) - sum(text.count(mark) for mark in CLOSED)
