"""What overrides may look like, beyond Hydra's own grammar."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from fairsweep.config.compose.user_files import CALLS, GROUPS, RESOLVER
from fairsweep.errors import BadInput

OPEN, CLOSED = "{[(", "}])"
PART_OF_A_SPEC = re.compile(r"\w+:[^/]")
NO_NAME = re.compile(r"[^A-Za-z_{\['\"]|(null|true|false|nan|inf)?$", re.IGNORECASE)


def check_grammar(overrides: Sequence[str]) -> None:
    """Finds what Hydra lets pass, or answers with an exception of its own making.

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
                f"{override}: an optimizer has the parameters that stand in its file in "
                f"conf/optimizer; write it without the + if {key} is one of them"
            )
        elif override.startswith("+") and re.match(r"(optimizer|model|training)\.space\.", key):
            problems.append(
                f"{override}: a parameter is added to a search space in a file; copy the one in "
                f"conf/{key.partition('.')[0]} under another name"
            )
        elif any(key.startswith(f"{null}.") for null in nulls):
            problems.append(
                f"{override}: it stands inside of a key that is set to null; give a whole spec, "
                f"with low and high or choices, or leave the null out"
            )
        elif RESOLVER.search(override):
            problems.append(
                f"{override}: it would read what isn't in the config, such as the environment, and "
                "what is read is stored and shown; write the value"
            )
        elif call := CALLS.intersection(key.split(".")):
            problems.append(
                f"{override}: {call.pop()} would make a call of a config; configs are data, and a "
                "model of your own is given by model.builder"
            )
        elif key in GROUPS and NO_NAME.match(value) and (key, value) != ("experiment", "null"):
            problems.append(f"{override}: need the name of an option, a file in conf/{key}")
        elif key in GROUPS and value.startswith("["):
            problems.append(
                f"{override}: a group has one option; to put several side by side, "
                f"arms.{key}={value}"
            )
        elif key in GROUPS and re.search(r"[./]", value) and not value.startswith("{"):
            problems.append(f"{override}: need the name of an option, a file in conf/{key}")
    if problems:
        raise BadInput(*problems)


def _taken_apart(overrides: Sequence[str]) -> Iterator[str]:
    """What a shell makes of braces and spaces that stand without quotes."""
    for key, group in itertools.groupby(overrides, lambda o: o.partition("=")[0]):
        values = [override.partition("=")[2] for override in group]
        if len(values) > 1 and all(map(PART_OF_A_SPEC.match, values)):
            whole = ", ".join(value.replace(":", ": ", 1) for value in values)
            yield (
                f"{key}={values[0]} {key}={values[1]}: the shell took braces apart; put quotes "
                f"around the whole: '{key}={{{whole}}}'"
            )
    rest = iter(overrides)
    for override in rest:
        whole = override
        while _depth(whole) > 0 and (piece := next(rest, None)) is not None:
            whole += f" {piece}"
        if whole != override:
            yield (
                f"{override}: the shell took it apart where it has spaces; put quotes around the "
                f"whole: '{whole}'"
            )


def _depth(text: str) -> int:
    """How many brackets are open at the end of a text."""
    return sum(text.count(mark) for mark in OPEN) - sum(text.count(mark) for mark in CLOSED)
