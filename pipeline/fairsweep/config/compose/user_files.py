"""The user's own config files, read as text before Hydra sees them: they are data, of bounded size.

In: a folder. Out: nothing, or `BadInput` with every problem and its line. Hydra would copy what an
alias stands for, let a key stand twice, and make calls of some of its own keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from fairsweep.errors import BadInput

GROUPS = (
    *("data", "model", "optimizer", "training", "search", "pruner", "executor", "tracking"),
    "experiment",
)
MOST_FILES = 1000
MOST_BYTES = 1_000_000
MOST_ALIASES = 100
MOST_NODES = 100_000  # aliases written out
MOST_LEVELS = 50
CALLS = {"_target_", "_partial_", "_args_", "_recursive_", "_convert_"}
IN_GROUPS = tuple(f"/{group}" for group in GROUPS)
HYDRAS_OWN = re.compile(r"(override\s+)?/?hydra([./@]|$)")
SWITCH = re.compile(r"yes|no|on|off", re.IGNORECASE)
RESOLVER = re.compile(r"\$\{\s*[\w.]+\s*:")
PLAIN_TAGS = {
    *("tag:yaml.org,2002:str", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"),
    *("tag:yaml.org,2002:bool", "tag:yaml.org,2002:null", "tag:yaml.org,2002:map"),
    *("tag:yaml.org,2002:seq", "!"),
}


class NoYaml(Exception):
    """A file whose text YAML doesn't take, told with its line."""


def check_files(folder: Path) -> Sequence[str]:
    """Reads every YAML file that Hydra may find in a folder: in it, or in one named as a group.

    Returns:
        What is wrong of files that are no YAML. No harm comes from these, which Hydra can't read
        either, and only who chooses one has to know.

    Raises:
        BadInput: one isn't plain data of a size that a config has.
    """
    places = [folder.glob("*"), *((folder / group).rglob("*") for group in (*GROUPS, "hydra"))]
    found = (path for place in places for path in place)
    paths = sorted(path for path in found if path.suffix in (".yaml", ".yml"))
    if len(paths) > MOST_FILES:
        raise BadInput(
            f"--config-dir: {folder} has {len(paths)} YAML files, {MOST_FILES} is the most; give "
            "the folder that holds your options alone"
        )
    problems = [
        f"{path}: its name is that of a schema of the project's; give it another"
        for path in paths
        if path.parent == folder and path.stem.endswith("schema")
    ]
    broken = []
    for path in paths:
        try:
            problems += file_problems(path)
        except NoYaml as error:
            broken.append(str(error))
    if problems:
        raise BadInput(*problems)
    return broken


def file_problems(path: Path) -> list[str]:
    """What is wrong of a file; each problem begins with the file and the line.

    Raises:
        NoYaml: its text can't be read as such.
    """
    if not path.is_file():
        return [f"{path}: need a file of text"]
    if path.stat().st_size > MOST_BYTES:
        return [f"{path}: has {path.stat().st_size} bytes, {MOST_BYTES} is the most for a config"]
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return [f"{path}: need UTF-8, got byte {error.start} that isn't; save it as UTF-8"]
    if not any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines()):
        return [f"{path}: is empty; give it keys, or take it away"]
    try:
        problems = list(_problems(text)) or list(_elsewhere(yaml.compose(text, yaml.SafeLoader)))
    except yaml.YAMLError as error:
        raise NoYaml(f"{path}:{_where(error, text)}") from error
    return [f"{path}:{problem}" for problem in problems]


def _elsewhere(config: yaml.Node | None) -> Iterator[str]:
    """Defaults that lead to files that nobody has read."""
    entries = [
        entry
        for key, value in (config.value if isinstance(config, yaml.MappingNode) else ())
        if key.value == "defaults" and isinstance(value, yaml.SequenceNode)
        for entry in value.value
    ]
    for entry in entries:
        inside = isinstance(entry, yaml.MappingNode) and entry.value
        named = str(entry.value[0][0].value if inside else entry.value)
        where = re.sub(r"^((override|optional)\s+)*", "", named)
        if ".." in where or (where.startswith("/") and not where.startswith(IN_GROUPS)):
            line = 1 if entry.start_mark is None else entry.start_mark.line + 1
            yield f"{line}: defaults: {named} isn't in a group; there are: {', '.join(GROUPS)}"


def _where(error: yaml.YAMLError, text: str) -> str:
    """The line of a syntax error, shown with a caret."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        found = re.search(r"position (\d+)", str(error))
        line = text.count("\n", 0, int(found[1])) + 1 if found else 1
        return f"{line}: a character that YAML doesn't allow; save it as plain text"
    shown = text.splitlines()[mark.line] if mark.line < len(text.splitlines()) else ""
    remedy = "; indent with spaces" if "\t" in shown else ""
    what = getattr(error, "problem", None) or "no YAML"
    return f"{mark.line + 1}: {what}{remedy}\n  {shown}\n  {' ' * mark.column}^"


@dataclass
class _Open:
    """A list or a mapping while it is read: its keys so far, and whether one comes next."""

    mapping: bool
    anchor: str | None
    nodes: int = 1
    keys: set[str] = field(default_factory=set)
    at_key: bool = True


def _problems(text: str) -> Iterator[str]:
    """Follows the parser's events, without making anything of them."""
    sizes: dict[str, int] = {}
    stack: list[_Open] = []
    aliases, total = 0, 0
    for event in yaml.parse(text, yaml.SafeLoader):
        line = 1 if event.start_mark is None else event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            aliases += 1
            if event.anchor not in sizes:
                yield f"{line}: *{event.anchor} stands inside of what it stands for; write it out"
                return
            total += _took(stack, sizes[event.anchor], None)
        elif isinstance(event, yaml.ScalarEvent):
            yield from _scalar(event, stack, line)
            if event.anchor:
                sizes[event.anchor] = 1
            total += _took(stack, 1, event.value)
        elif isinstance(event, yaml.CollectionStartEvent):
            yield from _tag(event.tag, line)
            stack.append(_Open(isinstance(event, yaml.MappingStartEvent), event.anchor))
            if len(stack) > MOST_LEVELS:
                yield f"{line}: is nested deeper than {MOST_LEVELS} levels; make it flatter"
                return
        elif isinstance(event, yaml.CollectionEndEvent):
            closed = stack.pop()
            if closed.anchor:
                sizes[closed.anchor] = closed.nodes
            total += 1
            _took(stack, closed.nodes, None)
        if aliases > MOST_ALIASES or total > MOST_NODES:
            yield (
                f"{line}: aliases stand for more than a config holds ({MOST_ALIASES} aliases and "
                f"{MOST_NODES} values are the most); write out what is needed"
            )
            return


def _took(stack: list[_Open], nodes: int, key: str | None) -> int:
    """Counts a node in the list or mapping that it stands in; gives its size."""
    if stack:
        inside = stack[-1]
        inside.nodes += nodes
        if inside.mapping:
            if inside.at_key and key is not None:
                inside.keys.add(key)
            inside.at_key = not inside.at_key
    return nodes


def _scalar(event: yaml.ScalarEvent, stack: list[_Open], line: int) -> Iterator[str]:
    yield from _tag(event.tag, line)
    if stack and stack[-1].mapping and stack[-1].at_key:
        if event.value in stack[-1].keys:
            yield f"{line}: {event.value} stands twice; leave one of them out"
        if event.value in CALLS:
            yield (
                f"{line}: {event.value} would make a call of a config; configs are data, and a "
                "model of your own is given by model.builder"
            )
        if HYDRAS_OWN.match(event.value):
            yield f"{line}: {event.value}: Hydra's own settings aren't for a config; leave it out"
    elif event.style is None and SWITCH.fullmatch(event.value):
        yield (
            f"{line}: {event.value} is true or false in YAML; write '{event.value}' for the word, "
            "true or false for a switch"
        )
    if RESOLVER.search(event.value):
        yield (
            f"{line}: {event.value!r} would read what isn't in the config, such as the "
            "environment; write the value, or give it on the command line"
        )


def _tag(tag: str | None, line: int) -> Iterator[str]:
    if tag is not None and tag not in PLAIN_TAGS:
        yield f"{line}: {tag} isn't plain data; write the value itself"
