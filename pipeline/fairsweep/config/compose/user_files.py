"""The user's own config files, read before Hydra sees them: a config is data, and runs nothing.

In: a folder, or one of its files. Out: every problem with its file and line. Hydra would let a key
stand twice, read the environment, and make calls of some of its own keys; and of a file that it
can't compose it doesn't say where.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

import yaml

from fairsweep.config.guess import suggested
from fairsweep.config.options import GROUPS
from fairsweep.config.schema import Config, Range, Spec
from fairsweep.errors import BadInput

MOST_VALUES = 100_000  # aliases written out, as OmegaConf does
MOST_LEVELS = 50
CALLS = {"_target_", "_partial_", "_args_", "_recursive_", "_convert_"}
HYDRAS_OWN = re.compile(r"(override\s+)?/?hydra([./@]|$)")
SWITCH = re.compile(r"yes|no|on|off", re.IGNORECASE)
RESOLVER = re.compile(r"\$\{\s*[\w.]+\s*:")
STANDARD = "tag:yaml.org,2002:"
# timestamp, merge and value are what YAML takes plain words for; OmegaConf reads the first as text.
PLAIN = {
    f"{STANDARD}{kind}" for kind in "str int float bool null map seq timestamp merge value".split()
}
SPEC = "{low: 0.001, high: 0.1, log: true} or {choices: [16, 32]}"

Found = tuple[int, str]
"""A line, and what is wrong there."""


class NoYaml(Exception):
    """A file that isn't YAML; the message has the line."""


def check_files(folder: Path) -> Sequence[str]:
    """Checks every YAML file that Hydra may find in a folder: in it, or in one named as a group.

    Returns:
        What is wrong with files that aren't YAML. They do no harm, because Hydra can't read them
        either; only who chooses one has to know.

    Raises:
        BadInput: a file isn't plain data.
    """
    places = [folder.glob("*"), *((folder / group).rglob("*") for group in (*GROUPS, "hydra"))]
    found = (path for place in places for path in place)
    paths = sorted(path for path in found if path.suffix in (".yaml", ".yml"))
    problems = [
        f"{path}: Fairsweep's own schema has this name; give the file another"
        for path in paths
        if path.parent == folder and path.stem.endswith("schema")
    ]
    broken = []
    for path in paths:
        try:
            problems += file_problems(path, folder)
        except NoYaml as error:
            broken.append(str(error))
    if problems:
        raise BadInput(*problems)
    return broken


def file_problems(path: Path, folder: Path) -> list[str]:
    """What keeps a file from being plain data; each problem begins with the file and the line.

    Args:
        path: the file.
        folder: the user's own, which it is in.

    Raises:
        NoYaml: it isn't YAML.
    """
    if not path.is_file():
        return [f"{path}: need a text file"]
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return [f"{path}: need UTF-8, but byte {error.start} isn't; save it as UTF-8"]
    if not any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines()):
        return [f"{path}: the file is empty; give it keys, or delete it"]
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise NoYaml(f"{path}:{_syntax(error, text)}") from error
    except RecursionError:
        return [f"{path}:1: nested deeper than {MOST_LEVELS} levels; make it flatter"]
    problems = list(_not_plain(root)) or list(_not_in_a_group(root, folder))
    return [f"{path}:{line}: {problem}" for line, problem in problems]


def _syntax(error: yaml.YAMLError, text: str) -> str:
    """A syntax error with its line, and a caret below it."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        found = re.search(r"position (\d+)", str(error))
        line = text.count("\n", 0, int(found[1])) + 1 if found else 1
        return f"{line}: a character that YAML doesn't allow; save it as plain text"
    shown = text.splitlines()[mark.line] if mark.line < len(text.splitlines()) else ""
    remedy = "; indent with spaces" if "\t" in shown else ""
    what = getattr(error, "problem", None) or "not YAML"
    return f"{mark.line + 1}: {what}{remedy}\n  {shown}\n  {' ' * mark.column}^"


def _not_plain(root: yaml.Node | None) -> Iterator[Found]:
    """Walks through all nodes, following aliases as OmegaConf copies them."""
    waiting = [] if root is None else [(root, 1)]
    seen = 0
    while waiting:
        node, level = waiting.pop()
        seen += 1
        if level > MOST_LEVELS or seen > MOST_VALUES:
            yield (
                line_of(node),
                f"nested deeper than {MOST_LEVELS} levels; make it flatter"
                if level > MOST_LEVELS
                else f"aliases make more than {MOST_VALUES} values of the file; write them out",
            )
            return
        if node.tag not in PLAIN:
            yield line_of(node), f"{node.tag} isn't plain data; write the value itself"
        if isinstance(node, yaml.ScalarNode):
            yield from _scalar(node)
            continue
        inside: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            yield from _keys(node)
            inside = [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            inside = node.value
        waiting += [(child, level + 1) for child in reversed(inside)]


def _keys(mapping: yaml.MappingNode) -> Iterator[Found]:
    names = [str(key.value) for key, _ in mapping.value]
    for i, (key, _) in enumerate(mapping.value):
        name, line = names[i], line_of(key)
        if name in names[:i]:
            yield line, f"{name} is given twice; leave one out"
        if name in CALLS:
            yield (
                line,
                f"{name} would call code from a config; configs are data, and model.builder names "
                "a model of your own",
            )
        if HYDRAS_OWN.match(name):
            yield line, f"{name}: a config can't change Hydra's own settings; leave it out"
        yield from _resolver(key)


def _scalar(node: yaml.ScalarNode) -> Iterator[Found]:
    if node.style is None and SWITCH.fullmatch(node.value):
        yield (
            line_of(node),
            f"YAML reads {node.value} as true or false; write '{node.value}' for the word, true or "
            "false for a switch",
        )
    yield from _resolver(node)


def _resolver(node: yaml.Node) -> Iterator[Found]:
    if isinstance(node, yaml.ScalarNode) and RESOLVER.search(node.value):
        yield (
            line_of(node),
            f"{node.value!r} would read something outside the config, such as the environment; "
            "write the value, or give it on the command line",
        )


def _not_in_a_group(root: yaml.Node | None, folder: Path) -> Iterator[Found]:
    """Defaults that lead to files that weren't checked. What leads nowhere does no harm, and is
    told to who chooses the file."""
    entries = [
        entry
        for key, value in (root.value if isinstance(root, yaml.MappingNode) else ())
        if key.value == "defaults" and isinstance(value, yaml.SequenceNode)
        for entry in value.value
    ]
    for entry in entries:
        inside = isinstance(entry, yaml.MappingNode) and entry.value
        named = str(entry.value[0][0].value if inside else entry.value)
        where = re.sub(r"^((override|optional)\s+)*", "", named)
        top = where.lstrip("/").partition("/")[0]
        elsewhere = where.startswith("/") and top not in GROUPS and (folder / top).exists()
        if ".." in where or elsewhere:
            yield line_of(entry), f"defaults: {not_in_a_group(named)}"


def not_in_a_group(named: str) -> str:
    """What to say of an entry of the defaults."""
    top = named.rpartition(" ")[2].strip("/").partition("/")[0]
    return f"{named} isn't in a group; {suggested(top, GROUPS)}"


def option_problems(path: Path, group: str) -> Iterator[Found]:
    """What keeps Hydra from composing an option of a group, found in the text of its file.

    A file that begins with a package puts its keys elsewhere, and is left out.
    """
    text = path.read_bytes().decode("utf-8-sig")
    kind = get_type_hints(Config).get(group)
    if not is_dataclass(kind) or text.lstrip().startswith("# @package"):
        return
    known = [field.name for field in fields(kind)]
    root = yaml.compose(text, yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        yield 1, f"need keys and their values: {', '.join(known)}{_no_space(root)}"
        return
    for key, value in root.value:
        name, line = str(key.value), line_of(key)
        if name == group and name not in known:
            yield (
                line,
                f"a file of the group {group} begins with its own keys ({', '.join(known)}); "
                f"remove the line {name}: and unindent what is below it",
            )
        elif name not in (*known, "defaults"):
            yield line, _unknown(f"{group}.{name}", name, known)
        elif name in ("params", "space") and not isinstance(value, yaml.MappingNode):
            example = "64" if name == "params" else SPEC
            yield (
                line_of(value),
                f"{group}.{name}: need names and their values, such as {{units: {example}}}"
                f"{_no_space(value)}",
            )
        elif name == "space":
            for parameter, spec in value.value:
                yield from _spec(f"{group}.space.{parameter.value}", spec, Spec)


def _spec(key: str, spec: yaml.Node, kind: type[Range]) -> Iterator[Found]:
    """Problems of a spec, or of a range in it."""
    if isinstance(spec, yaml.SequenceNode):
        yield line_of(spec), f"{key}: need a spec, got a list; {{choices: […]}} searches its values"
    elif isinstance(spec, yaml.ScalarNode):
        if spec.tag != f"{STANDARD}null":
            got = f"{spec.value!r}{_no_space(spec)}"
            yield line_of(spec), f"{key}: need a spec, such as {SPEC}, got {got}"
    else:
        known = [field.name for field in fields(kind)]
        for name, value in spec.value:
            if name.value not in known:
                yield line_of(name), _unknown(f"{key}.{name.value}", name.value, known)
            elif name.value in ("layers", "units"):
                yield from _spec(f"{key}.{name.value}", value, Range)


def _unknown(key: str, name: str, known: Sequence[str]) -> str:
    return f"{key}: there is no such key; {suggested(name, known)}"


def _no_space(node: yaml.Node | None) -> str:
    """The remedy where `units:8` was read as a word."""
    text: Any = node.value if isinstance(node, yaml.ScalarNode) else ""
    name, colon, value = text.partition(":")
    return f"; put a space after the colon: {name}: {value}" if colon and value else ""


def line_of(node: yaml.Node) -> int:
    """The line where a node begins, from 1."""
    return 1 if node.start_mark is None else node.start_mark.line + 1
