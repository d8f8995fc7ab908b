"""Composing: overrides and conf/ in, a checked `Plan` out, or `BadInput` with every problem.

Nothing is written here and TensorFlow is not imported, so a mistake costs a second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from fairsweep.config.checks.space import Problem
from fairsweep.config.checks.sweep import arm_problems, name_problems, sweep_problems
from fairsweep.config.compose.explain import option_file, place
from fairsweep.config.compose.grammar import check_grammar
from fairsweep.config.compose.hydra import composed, hydra_for
from fairsweep.config.compose.quoted import unquote, unquote_arm
from fairsweep.config.plan import Arm, Plan
from fairsweep.config.schema import Config, DoctorConfig, PredictConfig, ReportConfig, UiConfig
from fairsweep.config.space import GROUPS as SEARCHABLE
from fairsweep.config.space import ArmSettings
from fairsweep.errors import BadInput

AXES = ("optimizer", "model", "training")
# What an arm's own training doesn't depend on: left out of the command that trains it again.
SWEEP_ONLY = (
    "tracking",
    "arms",
    "search",
    "pruner",
    "confirm",
    "executor",
    "sweep",
    "terminal",
    "hydra",
)

Named = TypeVar("Named", ReportConfig, DoctorConfig)


def compose_sweep(overrides: Sequence[str], config_dir: str | None = None) -> Plan:
    """The plan of a sweep: one arm for each option of `arms`.

    Args:
        overrides: Hydra overrides, as on the command line.
        config_dir: a folder of the user's own with more options for the groups.

    Raises:
        BadInput: something doesn't compose or breaks a law.
    """
    check_grammar(overrides)
    with hydra_for(config_dir) as extra:
        shared, _ = composed("config", [*overrides, *extra], Config)
        group, options = _arms(shared, overrides)
        arms = [_arm(group, option, overrides, extra) for option in options]
    found = list(_search_only(shared.search.only, arms, overrides))
    arms = [_found_in(arm, config_dir) for arm in arms]
    return _checked(shared, group, arms, [*overrides, *extra], found)


def compose_training(overrides: Sequence[str], config_dir: str | None = None) -> Plan:
    """The plan of a single training: one arm, named after its optimizer.

    Raises:
        BadInput: something doesn't compose or breaks a law.
    """
    check_grammar(overrides)
    with hydra_for(config_dir) as extra:
        shared, choices = composed("config", [*overrides, *extra], Config)
    settings = ArmSettings(shared.data, shared.model, shared.optimizer, shared.training)
    for group in SEARCHABLE:
        space = getattr(settings, group).space
        for name in settings.known(group):
            space.pop(name, None)  # nothing is searched, so no value has to lie in a space
    arm = Arm(choices["optimizer"], settings, choices, _own(overrides))
    return _checked(shared, "optimizer", [_found_in(arm, config_dir)], [*overrides, *extra])


def compose_report(overrides: Sequence[str], config_dir: str | None = None) -> ReportConfig:
    """The settings of a report.

    Raises:
        BadInput: something doesn't compose or breaks a law.
    """
    return _compose_named("report", overrides, config_dir, ReportConfig)


def compose_doctor(overrides: Sequence[str], config_dir: str | None = None) -> DoctorConfig:
    """Which sweep to examine.

    Raises:
        BadInput: something doesn't compose or breaks a law.
    """
    return _compose_named("doctor", overrides, config_dir, DoctorConfig)


def compose_ui(overrides: Sequence[str], config_dir: str | None = None) -> UiConfig:
    """Which store to show, and on which port.

    Raises:
        BadInput: something doesn't compose.
    """
    with hydra_for(config_dir) as extra:
        config, _ = composed("ui", [*overrides, *extra], UiConfig)
    return config


def compose_predict(overrides: Sequence[str], config_dir: str | None = None) -> PredictConfig:
    """What to predict, and where from and to.

    Raises:
        BadInput: something doesn't compose.
    """
    with hydra_for(config_dir) as extra:
        try:
            config, _ = composed("predict", [*overrides, *extra], PredictConfig)
        except BadInput as error:  # its keys are given without "predict."
            raise BadInput(*(p.replace("predict.", "") for p in error.problems)) from error
    return config


def _compose_named(
    command: str, overrides: Sequence[str], config_dir: str | None, schema: type[Named]
) -> Named:
    paths: list[str]
    with hydra_for(config_dir) as paths:
        config, _ = composed(command, [*overrides, *paths], schema)
    problems = [_tell(problem, overrides) for problem in name_problems(config.sweep.name)]
    if problems:
        raise BadInput(*problems)
    return config


def _arms(config: Config, overrides: Sequence[str]) -> tuple[str, list[str]]:
    """The group that arms differ in, and its options. What stands on the command line rules:
    `optimizer=adam` is a sweep of that arm, `arms.model=[…]` replaces the arms of conf/."""
    names = {override.partition("=")[0].lstrip("+") for override in overrides}
    axes = [axis for axis in AXES if f"arms.{axis}" in names] or [
        axis for axis in AXES if getattr(config.arms, axis) is not None
    ]
    axes = [axis for axis in axes if getattr(config.arms, axis) is not None]
    if len(axes) != 1:
        given = ", ".join(f"arms.{axis}" for axis in axes) or "none"
        raise BadInput(
            f"arms: arms differ in exactly one group, got {given}; give one of "
            f"{', '.join(f'arms.{axis}=[…]' for axis in AXES)}"
        )
    axis = axes[0]
    choice = re.compile(rf"{axis}=[\w./-]+")
    chosen = next((o for o in reversed(overrides) if choice.fullmatch(o)), None)
    if chosen is not None:
        if f"arms.{axis}" in names:
            raise BadInput(
                f"{chosen}: arms.{axis} already says what stands side by side; leave one out"
            )
        return axis, [chosen.partition("=")[2]]
    options: list[str] = getattr(config.arms, axis)
    if not options:
        raise BadInput(
            f"arms.{axis}: need at least one arm, got []; for example arms.{axis}=[adam]"
        )
    twice = sorted({option for option in options if options.count(option) > 1})
    if twice:
        raise BadInput(
            f"arms.{axis}: every arm may stand once, got {', '.join(twice)} more than once"
            f"{place(f'arms.{axis}', overrides)}; seeds are repeated by confirm.seeds"
        )
    return axis, options


def _arm(group: str, option: str, overrides: Sequence[str], extra: Sequence[str]) -> Arm:
    own = [o for o in overrides if not o.startswith(f"{group}=")]
    try:
        config, choices = composed("config", [f"{group}={option}", *own, *extra], Config)
    except BadInput as error:
        raise BadInput(*(f"arm {option}: {problem}" for problem in error.problems)) from error
    settings = ArmSettings(config.data, config.model, config.optimizer, config.training)
    return Arm(option, settings, choices, (f"{group}={option}", *_own(own)))


def _search_only(
    names: Sequence[str] | None, arms: Sequence[Arm], overrides: Sequence[str]
) -> Iterator[str]:
    """Leaves the named parameters in the spaces of the arms, and no others but those that the laws
    tell of; yields what is wrong of the names."""
    if names is None:
        return
    if not names:
        yield (
            f"search.only: need at least one name, got []{place('search.only', overrides)}; "
            "optimizer.learning_rate, for example; null searches all that have a space"
        )
    there = dict.fromkeys(name for arm in arms for name in arm.searched)
    if unknown := [name for name in names if name not in there]:
        yield (
            f"search.only: no arm has a space for {', '.join(unknown)}"
            f"{place('search.only', overrides)}; there are: {', '.join(there)}"
        )
    for arm in arms:
        for group in SEARCHABLE:
            for name in arm.settings.known(group):
                if f"{group}.{name}" not in names:
                    getattr(arm.settings, group).space.pop(name, None)


def _found_in(arm: Arm, config_dir: str | None) -> Arm:
    """The arm, knowing that it needs the user's own config folder to be composed again."""
    if config_dir is None:
        return arm
    return replace(arm, overrides=(*arm.overrides, f"--config-dir={config_dir}"))


def _own(overrides: Sequence[str]) -> tuple[str, ...]:
    """The overrides that a single training depends on."""
    return tuple(o for o in overrides if re.split(r"[.=/]", o.lstrip("+~"))[0] not in SWEEP_ONLY)


def _checked(
    shared: Config,
    group: str,
    arms: list[Arm],
    overrides: Sequence[str],
    found: Sequence[str] = (),
) -> Plan:
    """The plan, unless there are problems, `found` before or here."""
    notes = [
        *unquote("search.params", shared.search.params),
        *unquote("pruner.params", shared.pruner.params),
        *(note for arm in arms for note in unquote_arm(arm.settings)),
    ]
    longest = max(arm.settings.training.epochs for arm in arms)
    problems = [*found, *(_tell(p, overrides) for p in sweep_problems(shared, longest))]
    for arm in arms:
        rate = arm.settings.optimizer.params.get("learning_rate")
        if isinstance(rate, int) and not isinstance(rate, bool):
            arm.settings.optimizer.params["learning_rate"] = float(rate)  # Keras refuses an int
        for key, text in arm_problems(arm.settings):
            choice = arm.choices.get(key.partition(".")[0])
            problems.append(_tell((key, text), overrides, choice))
    if problems:
        raise BadInput(*dict.fromkeys(problems))
    return Plan(shared, group, tuple(arms), tuple(dict.fromkeys(notes)))


def _tell(problem: Problem, overrides: Sequence[str], option: str | None = None) -> str:
    key, text = problem
    group = key.partition(".")[0]
    file = option_file(f"{group}/{option}", overrides) if option else ""
    # A space and the default in it can each be what is wrong: the one that was given is shown.
    default = key.replace(".space.", "." if group == "training" else ".params.", 1)
    where = place(key, overrides)
    if not where and default != key and (given := place(default, overrides)):
        where = f"{given.removesuffix(')')}; {file})"
    return f"{key}: {text}{where or place(key, overrides, file)}"
