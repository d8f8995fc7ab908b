"""What is wrong of an option's own file that Hydra can't compose, found in its text.

In: the file, which holds plain data, and its group. Out: each slip with its line and what mends it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

import yaml

from fairsweep.config.checks.rules import hint
from fairsweep.config.schema import Config, Range, Spec

SPEC = "{low: 0.001, high: 0.1, log: true} or {choices: [16, 32]}"
OF_HYDRA = "defaults"


def slips(path: Path, group: str) -> Iterator[str]:
    """Slips of a file in the folder of a group; none of one that says where its keys belong."""
    text = path.read_bytes().decode("utf-8-sig")
    kind = get_type_hints(Config).get(group)
    if not is_dataclass(kind) or text.lstrip().startswith("# @package"):
        return
    for line, problem in _of_file(yaml.compose(text, yaml.SafeLoader), group, kind):
        yield f"{line}: {problem}"


def _of_file(file: yaml.Node | None, group: str, kind: Any) -> Iterator[tuple[int, str]]:
    known = [field.name for field in fields(kind)]
    if not isinstance(file, yaml.MappingNode):
        yield 1, f"need keys and their values: {', '.join(known)}{_no_blank(file)}"
        return
    for key, value in file.value:
        name, line = str(key.value), _line(key)
        if name == group and name not in known:
            yield (
                line,
                f"a file of {group} begins with its own keys ({', '.join(known)}); take {name}: "
                "out, and the blanks in front of what stands below it",
            )
        elif name not in (*known, OF_HYDRA):
            meant = hint(name, known) or f"; there are: {', '.join(known)}"
            yield line, f"{group}.{name}: there is no such key{meant}"
        elif name in ("params", "space") and not isinstance(value, yaml.MappingNode):
            yield (
                _line(value),
                f"{group}.{name}: need names and their values, such as {{units: "
                f"{'64' if name == 'params' else SPEC}}}{_no_blank(value)}",
            )
        elif name == "space":
            for parameter, spec in value.value:
                yield from _of_spec(f"{group}.space.{parameter.value}", spec, Spec)


def _of_spec(key: str, spec: yaml.Node, kind: type[Range]) -> Iterator[tuple[int, str]]:
    """Slips of a spec, or of a range in it."""
    if isinstance(spec, yaml.SequenceNode):
        yield _line(spec), f"{key}: need a spec, got a list; {{choices: […]}} for these alone"
    elif isinstance(spec, yaml.ScalarNode):
        if spec.tag != "tag:yaml.org,2002:null":
            yield (
                _line(spec),
                f"{key}: need a spec, such as {SPEC}, got {spec.value!r}{_no_blank(spec)}",
            )
    else:
        known = [field.name for field in fields(kind)]
        for name, value in spec.value:
            if name.value not in known:
                meant = hint(name.value, known) or f"; there are: {', '.join(known)}"
                yield _line(name), f"{key}.{name.value}: there is no such key{meant}"
            elif name.value in ("layers", "units"):
                yield from _of_spec(f"{key}.{name.value}", value, Range)


def _no_blank(node: yaml.Node | None) -> str:
    """Where `units:8` was read as a word."""
    text = node.value if isinstance(node, yaml.ScalarNode) else ""
    name, colon, value = text.partition(":")
    return f"; a blank is missing after the colon: {name}: {value}" if colon and value else ""


def _line(node: yaml.Node) -> int:
    return 1 if node.start_mark is None else node.start_mark.line + 1
