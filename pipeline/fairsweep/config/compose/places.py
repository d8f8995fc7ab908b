"""Where a value stands: an override of the command line, or a line of a config file.

In: the composed files in Hydra's order, and the overrides. Out: `(command line: …)` or
`(file:line)`, to be put behind a message. Finding the files takes Hydra as long as half of
composing, so it is left until someone asks for them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath

import yaml

from fairsweep.config.compose.grammar import read
from fairsweep.config.compose.user_files import line_of
from fairsweep.config.guess import nearest
from fairsweep.config.options import CONF, options_of
from fairsweep.errors import without_password

WHOSE = "Fairsweep's "
"""Said of conf/ where it came with the installed package."""

NAMED = re.compile(r"\b\w+(?:\.\w+)+\b")
"""What may be a key in the text of a problem."""


@dataclass(frozen=True)
class ConfigFile:
    """A file that was composed: its `name` (`optimizer/adam`), and the `package` that its keys
    belong to, which is empty for whole configs such as experiments."""

    name: str
    package: str


@dataclass(frozen=True)
class ComposedFiles:
    """The files of a config in their order, of which later ones win. `chosen` is the file that
    chose a group's option by `override /group: option`."""

    files: Sequence[ConfigFile] = ()
    chosen: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Places:
    """What a config was composed of: the files that `find` finds, then `overrides`. `folder` is the
    user's own."""

    overrides: Sequence[str] = ()
    find: Callable[[], ComposedFiles] = ComposedFiles
    folder: Path | None = None

    @cached_property
    def composed(self) -> ComposedFiles:
        return self.find()

    def of(self, key: str) -> str:
        """Where the value of `key` stands, or what of it is nearest; empty if nobody gave it."""
        if given := self.on_command_line(key):
            return given
        file = self.in_files(key)
        return f" ({file})" if file else ""

    def of_problem(self, key: str, text: str) -> str:
        """Where the values stand that a problem is about.

        Beside that of its key these are the default that lies outside of a space, and, where a file
        gave the key its value, those of the command line that the text names: it is these that
        don't go with the file.
        """
        where, others = self.of(key), list[str]()
        if text.startswith("the default "):
            in_training = key.startswith("training.")
            others = [self.of(key.replace(".space.", "." if in_training else ".params.", 1))]
        elif not self.on_command_line(key):
            others = [self.on_command_line(other) for other in NAMED.findall(text)]
        found = dict.fromkeys(filter(None, [*others, where]))
        inside = "; ".join(place.removeprefix(" (").removesuffix(")") for place in found)
        return f" ({inside})" if inside else ""

    def on_command_line(self, key: str) -> str:
        """The override that gave `key`, the last one if several did."""
        for override in reversed(self.overrides):
            name, _, value = override.lstrip("+~").partition("=")
            inside = key.startswith(f"{name}.") and value.startswith("{")
            if name and (
                key == name
                or name.startswith(f"{key}.")
                or (inside and _gives(override, key.removeprefix(f"{name}.")))
            ):
                return f" (command line: {without_password(override)})"
        return ""

    def file_of(self, key: str) -> str | None:
        """The name of the last file that gives exactly this key."""
        found = (f.name for f in reversed(self.composed.files) if self._line(f, key) is not None)
        return next(found, None)

    def in_files(self, key: str) -> str:
        """`file:line` of `key`, or of the nearest section above it that a file has."""
        while key:
            for file in reversed(self.composed.files):
                line = self._line(file, key)
                if line is not None:
                    return f"{self.shown(file.name)}{f':{line}' if line else ''}"
            key = key.rpartition(".")[0]
        return ""

    def own_file(self, name: str) -> Path | None:
        """The user's own file of an option, if there is one."""
        path = None if self.folder is None else self.folder / f"{name}.yaml"
        return path if path is not None and path.is_file() else None

    def shown(self, name: str) -> str:
        """The file of an option as messages name it: the user's own, or one of conf/, which isn't
        theirs unless they work in a clone."""
        own = self.own_file(name)
        if own is None:
            return f"{'' if Path.cwd() == CONF.parent else WHOSE}conf/{name}.yaml"
        return str(own.relative_to(Path.cwd()) if own.is_relative_to(Path.cwd()) else own)

    def _line(self, file: ConfigFile, key: str) -> int | None:
        """The line of a key in a file; 0 for the file as a whole, None if it isn't there."""
        if key == file.package:
            return 0
        inside = key.removeprefix(f"{file.package}.") if file.package else key
        path = self.own_file(file.name) or CONF / f"{file.name}.yaml"
        if (file.package and inside == key) or not path.is_file():
            return None
        node, line = yaml.compose(path.read_bytes().decode("utf-8-sig"), yaml.SafeLoader), None
        for part in inside.split("."):
            pairs = node.value if isinstance(node, yaml.MappingNode) else ()
            found = next(((k, v) for k, v in pairs if str(k.value) == part), None)
            if found is None:
                return None
            line, node = line_of(found[0]), found[1]
        return line


def _gives(override: str, key: str) -> bool:
    """Whether keys and values in braces have anything of a key in them."""
    _, value = read(override)
    for part in key.split("."):
        if not isinstance(value, dict):
            return True  # a value, of which the key is a part
        names = {str(name): own for name, own in value.items()}
        if part not in names:
            return False
        value = names[part]
    return True


def file_stem(option: str) -> str:
    """The option of a file that is named instead."""
    return PurePath(option).stem if option.endswith((".yaml", ".yml")) else option


def no_option(group: str, option: str, folder: Path | None) -> str:
    """That a group has no such option, and where one of the user's own belongs."""
    options = options_of(group, folder)
    if folder and (wrong := folder / group / f"{option}.yml").is_file():
        return f"{group}={option}: its file ends in .yaml; rename {wrong} to {option}.yaml"
    named, option = option, file_stem(option)
    close = option if option in options else nearest(option, options)
    there_are = f"did you mean {group}={close}? Options" if close else "options"
    own = f"a file {folder or 'myconf'}/{group}/{option}.yaml"
    how = "" if folder else ", found by --config-dir=myconf"
    return (
        f"{group}={named}: there is no such option; {there_are}: {', '.join(options)}; "
        f"one of your own is {own}{how}"
    )
