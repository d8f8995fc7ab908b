"""The first line and the defaults list of the user's own files, where Hydra's words lead nowhere.

In: the places of a command line. Out: every problem with its file and line. Only files that are
chosen are looked at, those that they build upon included: an option of the same group is taken over
by its name, and an experiment chooses options of other groups by `override /group: option`.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path

import yaml

from fairsweep.config.checks.values import hint
from fairsweep.config.compose.places import Places, no_option
from fairsweep.config.compose.user_files import STANDARD, Found, line_of, not_in_a_group
from fairsweep.config.options import CONF, GROUPS, options_of
from fairsweep.config.schema import Config

EXPERIMENT = "experiment"
FIRST_LINE = "# @package _global_"
PACKAGE = re.compile(r"(\s*(#\s*@.*)?\n)*?\s*#\s*@package\s+(?P<name>\w+)")
CHOICE = re.compile(rf"\+*(?P<group>{'|'.join(GROUPS)})=['\"]?(?P<option>[\w.-]+)")
GROUP = re.compile(r"(override\s+)?/?(?P<group>.*)")
LEFT_TO_HYDRA = re.compile(r"optional\s|.*(@|\$\{)")


def chosen_problems(places: Places) -> Iterator[str]:
    """What is wrong with the user's own files that the overrides choose."""
    chosen = filter(None, map(CHOICE.match, places.overrides))
    waiting = [(found["group"], found["option"]) for found in chosen]
    for group, option in waiting:  # which grows
        name = f"{group}/{option}"
        path = places.own_file(name)
        if path is None or (CONF / f"{name}.yaml").is_file():
            continue
        text = path.read_bytes().decode("utf-8")
        root = None
        with contextlib.suppress(yaml.YAMLError):  # told by whoever reads all files
            root = yaml.compose(text, yaml.SafeLoader)
        if not isinstance(root, yaml.MappingNode):
            continue
        problems = list(_package(group, text)) or list(_defaults(group, root, places.folder))
        yield from (f"{places.shown(name)}:{line}: {problem}" for line, problem in problems)
        built_upon = [(group, entry) for entry in _words(root)]
        waiting += [choice for choice in built_upon if choice not in waiting]


def _package(group: str, text: str) -> Iterator[Found]:
    """An experiment says in its first line that its keys are those of the whole config."""
    found = PACKAGE.match(text)
    tops = ("_global_", "hydra", *(field.name for field in fields(Config)))
    if group == EXPERIMENT and (found is None or found["name"] not in tops):
        first = text.splitlines()[0]
        remedy = "save it without a byte order mark" if first[0] == "\ufeff" else "put it first"
        yield 1, f"the first line of an experiment is {FIRST_LINE}, got {first!r}; {remedy}"


def _list(root: yaml.MappingNode) -> yaml.Node | None:
    return next((value for key, value in root.value if key.value == "defaults"), None)


def _words(root: yaml.MappingNode) -> Sequence[str]:
    """The options of its own group that a file builds upon."""
    found = _list(root)
    entries = found.value if isinstance(found, yaml.SequenceNode) else ()
    return [str(e.value) for e in entries if isinstance(e, yaml.ScalarNode)]


def _defaults(group: str, root: yaml.MappingNode, folder: Path | None) -> Iterator[Found]:
    experiment = group == EXPERIMENT
    for key, value in root.value:
        chooses = key.value in GROUPS and isinstance(value, yaml.ScalarNode)
        if experiment and (chooses or key.value.startswith("override ")):
            yield line_of(key), _needed(f"{key.value}: {value.value}", key.value, value.value)
    found = _list(root)
    if found is None:
        return
    if not isinstance(found, yaml.SequenceNode):
        word = found.value if isinstance(found, yaml.ScalarNode) else None
        example = "override /optimizer: adam" if experiment else f"{word or 'option'}, _self_"
        got = "keys and values" if word is None else repr(word)
        yield line_of(found), f"defaults: need a list, such as [{example}], got {got}"
        return
    chosen: list[str] = []
    for entry in found.value:
        if isinstance(entry, yaml.MappingNode) and len(entry.value) == 1:
            ((key, value),) = entry.value
            if problem := _choice(group, key.value, value, chosen, folder):
                yield line_of(entry), f"defaults: {problem}"
        elif not isinstance(entry, yaml.ScalarNode) or entry.tag != f"{STANDARD}str":
            yield line_of(entry), "defaults: an entry is an option's name, or one group: option"
        elif entry.value != "_self_" and (problem := _word(group, entry.value, chosen, folder)):
            yield line_of(entry), f"defaults: {problem}"


def _choice(
    group: str, key: str, value: yaml.Node, chosen: list[str], folder: Path | None
) -> str | None:
    """What is wrong with `key: value` in the defaults. What is right is added to `chosen`."""
    match = GROUP.fullmatch(key)
    assert match is not None
    target, option = match["group"], str(value.value)
    if isinstance(value, yaml.SequenceNode) or LEFT_TO_HYDRA.match(f"{key}: {option}"):
        return None
    if target not in GROUPS:
        return f"{key}: there is no such group{hint(target, GROUPS) or _there(GROUPS)}"
    if target == group:
        return f"need {option} alone, which is of the same group, got {key}: {option}"
    if group != EXPERIMENT:
        return f"{key}: {option} is of another group; an {EXPERIMENT} chooses it"
    if value.tag == f"{STANDARD}null":
        return f"{key}: need the name of an option, got null{_there(options_of(target, folder))}"
    if key != f"override /{target}":
        return _needed(f"{key}: {option}", target, option)
    if target in chosen:
        return f"{key} is given twice; leave one out"
    chosen.append(target)
    if option not in options_of(target, folder):
        return no_option(target, option, folder)
    return None


def _word(group: str, word: str, chosen: Sequence[str], folder: Path | None) -> str | None:
    """What is wrong with an option that a file builds upon."""
    if LEFT_TO_HYDRA.match(word):
        return None
    other, _, option = word.lstrip("/").rpartition("/")
    if word.startswith("/") and other.partition("/")[0] not in GROUPS:
        return not_in_a_group(word)
    if word.startswith("/") and other != group:
        if group == EXPERIMENT:
            return _needed(word, other, option)
        return f"{word} is of another group; an {EXPERIMENT} chooses it"
    if word.startswith("/") and group != EXPERIMENT:
        return f"need {option} alone, which is of the same group, got {word}"
    if chosen:
        return f"need {word} before what begins with override"
    if not other and word not in options_of(group, folder):
        return no_option(group, word, folder)
    return None


def _needed(got: str, group: str, option: str) -> str:
    group = group.removeprefix("override ").lstrip("/")
    return f"an experiment chooses by defaults: [override /{group}: {option}]; got {got}"


def _there(names: Sequence[str]) -> str:
    return f"; there are: {', '.join(names)}"
