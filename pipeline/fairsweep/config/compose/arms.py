"""The arms of a sweep: the group that they differ in, its options, and each of them composed.

In: overrides and conf/. Out: an `Arm` for each option with the places of its values, or `BadInput`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

from fairsweep.config.compose.grammar import key_of
from fairsweep.config.compose.hydra import Composed, Composer
from fairsweep.config.compose.overrides import first_arm
from fairsweep.config.compose.places import Places
from fairsweep.config.plan import Arm
from fairsweep.config.schema import Config
from fairsweep.config.space import GROUPS as SEARCHABLE
from fairsweep.config.space import ArmSettings
from fairsweep.errors import BadInput

AXES = ("optimizer", "model", "training")
# What a single training has no use for; with search.folds it is the one on the first fold.
IGNORED = ("arms", "search", "pruner", "confirm", "publish", "sweep")
# What an arm's own training doesn't depend on: left out of the command that trains it again, as are
# its spaces, and search.folds, which whoever reads the sweep adds. Several threads may sum in
# another order than one.
SWEEP_ONLY = (*IGNORED, "executor", "tracking", "terminal", "hydra")
THREADS = "executor.threads"
SPACE = re.compile(rf"({'|'.join(SEARCHABLE)})\.space(\..*)?")
INSIDE = re.compile(rf"[+~]*({'|'.join(AXES)})(\.|=\{{)")
"""An override of something inside of a group that arms may differ in."""


@dataclass(frozen=True)
class ComposedArms:
    """What a sweep compares: what its arms share, the group that they differ in, its options, and
    an arm for each of them with the places of its values; see `Plan.stand_in`."""

    shared: Composed[Config]
    group: str
    options: Sequence[str]
    arms: Sequence[tuple[Arm, Places]]
    stand_in: Sequence[str] = ()


def compose_arms(hydra: Composer, overrides: Sequence[str]) -> ComposedArms:
    """The arms of a sweep.

    Raises:
        BadInput: one of them doesn't compose.
    """
    shared, stand_in = shared_by_arms(hydra, overrides)
    group, options = arms_of(shared)
    arms, refused = list[tuple[Arm, Places]](), dict[str, Sequence[str]]()
    for option in options:
        try:
            arms.append(_arm(hydra, shared, group, option, overrides))
        except BadInput as error:
            refused[option] = error.problems
    if refused:
        raise BadInput(*_refused(group, options, refused, hydra.folder))
    return ComposedArms(shared, group, options, arms, stand_in)


def shared_by_arms(hydra: Composer, overrides: Sequence[str]) -> tuple[Composed[Config], list[str]]:
    """What all arms of a sweep share, and the choice of the option that stands for them in it, if
    that isn't the default one: the first of those that the command line names, or of those that a
    file names and that have what the default one doesn't.

    Raises:
        BadInput: it doesn't compose.
    """
    chosen = first_arm(overrides)
    try:
        return hydra.compose("config", overrides, Config, chosen), chosen
    except BadInput as error:
        chosen = _first_of_a_file(hydra, overrides, error)
    return hydra.compose("config", overrides, Config, chosen), chosen


def _first_of_a_file(hydra: Composer, overrides: Sequence[str], error: BadInput) -> list[str]:
    """The choice of the first arm, where overrides that don't compose with the default option do
    with each of those that a file names.

    Raises:
        BadInput: they don't, with what to say of it.
    """
    others = [override for override in overrides if not INSIDE.match(override)]
    try:
        group, options = arms_of(hydra.compose("config", others, Config))
    except BadInput:
        raise error from None
    if len(others) == len(overrides) or not all(p.startswith(f"{group}.") for p in error.problems):
        raise error
    refused = dict[str, Sequence[str]]()
    for option in options:
        words = [f"{group}={option}", *_without_choice(overrides, group)]
        try:
            hydra.compose("config", words, Config)
        except BadInput as own:
            refused[option] = own.problems
    if len(refused) == len(options):
        raise error
    if refused:
        raise BadInput(*_refused(group, options, refused, hydra.folder)) from error
    return [f"{group}={options[0]}"]


def _refused(
    group: str, options: Sequence[str], refused: Mapping[str, Sequence[str]], folder: Path | None
) -> list[str]:
    """The problems of those arms that don't compose; what others have can be given to these."""
    there = [option for option in options if option not in refused]
    return [
        f"arm {option}: {problem}"
        + (for_arms(group, options, there, folder) if problem.startswith(f"{group}.") else "")
        for option, problems in refused.items()
        for problem in problems
    ]


def for_arms(group: str, options: Sequence[str], there: Sequence[str], folder: Path | None) -> str:
    """The remedy where only some arms have what all are given; empty where none has it."""
    if not there:
        return ""
    return (
        f"; of these arms only {' and '.join(there)} {'has' if len(there) == 1 else 'have'} it: "
        f"give it {in_a_file(group, options, there[0], folder)}"
    )


def in_a_file(group: str, options: Sequence[str], arm: str, folder: Path | None) -> str:
    """How to give an arm what no other one has."""
    own = f"my_{arm}"
    arms = ",".join(own if option == arm else option for option in options)
    return (
        f"in a file, {folder or 'myconf'}/{group}/{own}.yaml, that begins with defaults: [{arm}, "
        f"_self_], and use arms.{group}=[{arms}] --config-dir={folder or 'myconf'}"
    )


def _without_choice(overrides: Sequence[str], group: str) -> list[str]:
    return [o for o in overrides if not o.startswith(f"{group}=") or o.startswith(f"{group}={{")]


def arms_of(shared: Composed[Config]) -> tuple[str, list[str]]:
    """The group that arms differ in, and its options.

    The command line goes before an experiment, an experiment before conf/config.yaml. Each says it
    by `arms`, or by the choice of one option, which is a sweep of that one arm: `optimizer=adam`
    on the command line, `override /optimizer: adam` in a file. In a file with both, `arms` are
    for sweeps, and the choice is for a single training.
    """
    config, places = shared.settings, shared.places
    names = {name for override in places.overrides for name in names_in(override)}
    order = {file.name: i for i, file in enumerate(places.composed.files)} | {"config": -1}
    said = {axis: order.get(places.file_of(f"arms.{axis}") or "config", -1) for axis in AXES}
    there = [axis for axis in AXES if getattr(config.arms, axis) is not None]
    axes = (
        [axis for axis in there if f"arms.{axis}" in names]
        or [axis for axis in there if said[axis] >= 0]
        or there
    )
    if len(axes) != 1:
        given = ", ".join(f"arms.{axis}" for axis in axes) or "none"
        raise BadInput(
            f"arms: arms differ in exactly one group, got {given}; give one of "
            f"{', '.join(f'arms.{axis}=[…]' for axis in AXES)}"
        )
    axis = axes[0]
    choice = re.compile(rf"{axis}=[\w./-]+")
    chosen = next((o for o in reversed(places.overrides) if choice.fullmatch(o)), None)
    if chosen is not None:
        if f"arms.{axis}" in names:
            raise BadInput(
                f"{chosen}: arms.{axis} already says which arms to compare; leave one out"
            )
        return axis, [shared.choices[axis]]
    chooser = dict(places.composed.chosen).get(axis)
    if f"arms.{axis}" not in names and chooser is not None and order[chooser] > said[axis]:
        return axis, [shared.choices[axis]]
    options: list[str] = getattr(config.arms, axis)
    if not options:
        raise BadInput(
            f"arms.{axis}: need at least one arm, got []; for example arms.{axis}=[adam]"
        )
    twice = sorted({option for option in options if options.count(option) > 1})
    if twice:
        raise BadInput(
            f"arms.{axis}: each arm may be given once, got {', '.join(twice)} more than once"
            f"{places.of(f'arms.{axis}')}; to repeat trainings, set confirm.repeats"
        )
    return axis, options


def names_in(override: str) -> Iterator[str]:
    """What an override gives: its key, and those inside of a dictionary for `arms`."""
    key, _, value = override.lstrip("+").partition("=")
    yield key
    if key == "arms" and value.startswith("{"):
        yield from (f"arms.{axis}" for axis in AXES if re.search(rf"[{{,]\s*{axis}\s*:", value))


def unused_choice(shared: Composed[Config], axis: str, options: Sequence[str]) -> Iterator[str]:
    """Warns of an option that a file chooses for single trainings, beside the arms of sweeps: one
    may have been meant for the other."""
    places, option = shared.places, shared.choices[axis]
    key = f"arms.{axis}"
    if places.on_command_line(key) or places.on_command_line(axis) or options == [option]:
        return
    if (file := dict(places.composed.chosen).get(axis)) and file == places.file_of(key):
        yield (
            f"{places.shown(file)}: override /{axis}: {option} is for single trainings, this sweep "
            f"has {key}: [{', '.join(options)}]; leave out {key} to sweep {option} alone"
        )


def _arm(
    hydra: Composer, shared: Composed[Config], group: str, option: str, overrides: Sequence[str]
) -> tuple[Arm, Places]:
    own = _without_choice(overrides, group)
    if shared.choices[group] == option:  # composed already; each arm has settings of its own
        found = replace(shared, settings=deepcopy(shared.settings))
    else:
        found = hydra.compose("config", [f"{group}={option}", *own], Config)
    settings = settings_of(found.settings)
    words = (f"{group}={option}", *own_overrides(own))
    return Arm(option, settings, found.choices, words), found.places


def settings_of(config: Config) -> ArmSettings:
    return ArmSettings(config.data, config.model, config.optimizer, config.training)


def own_overrides(overrides: Sequence[str]) -> tuple[str, ...]:
    """The overrides that a single training depends on."""
    return tuple(
        override
        for override in overrides
        if key_of(override) == THREADS
        or not (section_of(override) in SWEEP_ONLY or SPACE.fullmatch(key_of(override)))
    )


def section_of(override: str) -> str:
    return re.split(r"[./]", key_of(override))[0]
