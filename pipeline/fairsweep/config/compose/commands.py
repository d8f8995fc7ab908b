"""What each command composes: overrides and conf/ in, checked settings out, or `BadInput` with all
problems. For a sweep and for a training the settings are a `Plan`.

Nothing is written here and TensorFlow isn't imported, so bad input is told within a second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import TypeVar

from fairsweep.config.callbacks import need_validation
from fairsweep.config.checks.sweep import arm_problems, name_problems, sweep_problems
from fairsweep.config.checks.values import Problem
from fairsweep.config.command_schema import DoctorConfig, PredictConfig, ReportConfig, UiConfig
from fairsweep.config.compose.hydra import Composed, Composer, composer
from fairsweep.config.compose.overrides import check_overrides
from fairsweep.config.compose.places import Places
from fairsweep.config.compose.quoted import unquote, unquote_arm
from fairsweep.config.plan import Arm, Plan
from fairsweep.config.schema import Config, ObjectiveSettings
from fairsweep.config.space import GROUPS as SEARCHABLE
from fairsweep.config.space import ArmSettings
from fairsweep.errors import BadInput
from fairsweep.invocation import command_line
from fairsweep.keras_file import read_keras_file
from fairsweep.metrics import direction_of, known
from fairsweep.tasks import AUTO, CLASSES

AXES = ("optimizer", "model", "training")
# What a single training has no use for; with search.folds it is the one on the first fold.
IGNORED = ("arms", "search", "pruner", "confirm", "publish", "sweep")
FOLDS = "search.folds"
WORKERS = "executor.workers"
# What an arm's own training doesn't depend on: left out of the command that trains it again, as is
# FOLDS, which whoever reads the sweep adds. Several threads may sum in another order than one.
SWEEP_ONLY = (*IGNORED, "executor", "tracking", "terminal", "hydra")
THREADS = "executor.threads"

Named = TypeVar("Named", ReportConfig, DoctorConfig)


def compose_sweep(overrides: Sequence[str], config_dir: str | None = None) -> Plan:
    """The plan of a sweep: one arm for each option of `arms`.

    Args:
        overrides: Hydra overrides, as on the command line.
        config_dir: a folder of the user's own with more options for the groups.

    Raises:
        BadInput: something doesn't compose or fails a check.
    """
    check_overrides(overrides)
    with composer(config_dir) as hydra:
        shared = hydra.compose("config", overrides, Config)
        group, options = _arms(shared)
        arms = [_arm(hydra, shared, group, option, overrides) for option in options]
    found = list(_search_only(shared, [arm for arm, _ in arms]))
    arms = [(_found_in(arm, config_dir), places) for arm, places in arms]
    plan = checked(shared, group, arms, found, list(_unused_choice(shared, group, options)))
    return replace(plan, warnings=(*plan.warnings, *_published_of_folds(plan)))


def narrowed(overrides: Sequence[str], config_dir: str | None = None) -> list[str]:
    """The overrides of a sweep with its arms, as its config is printed: `optimizer=adam` leaves one
    of those in conf/config.yaml.

    Raises:
        BadInput: something doesn't compose.
    """
    check_overrides(overrides)
    with composer(config_dir) as hydra:
        group, options = _arms(hydra.compose("config", overrides, Config))
    others = [f"arms.{axis}=null" for axis in AXES if axis != group]
    return [*overrides, f"arms.{group}=[{','.join(options)}]", *others]


def compose_training(overrides: Sequence[str], config_dir: str | None = None) -> Plan:
    """The plan of a single training: one arm, named after its optimizer.

    Raises:
        BadInput: something doesn't compose or fails a check.
    """
    check_overrides(overrides)
    with composer(config_dir) as hydra:
        shared = hydra.compose("config", overrides, Config)
    settings = _arm_settings(shared.settings)
    for group in SEARCHABLE:
        space = getattr(settings, group).space
        for name in settings.known(group):
            space.pop(name, None)  # nothing is searched, so no value has to lie in a space
    arm = Arm(shared.choices["optimizer"], settings, shared.choices, _own(overrides))
    arms = [(_found_in(arm, config_dir), shared.places)]
    return checked(shared, "optimizer", arms, warnings=list(_ignored(overrides)))


def compose_report(overrides: Sequence[str], config_dir: str | None = None) -> ReportConfig:
    """The settings of a report.

    Raises:
        BadInput: something doesn't compose or fails a check.
    """
    return _compose_named("report", overrides, config_dir, ReportConfig)


def compose_doctor(overrides: Sequence[str], config_dir: str | None = None) -> DoctorConfig:
    """Which sweep to examine.

    Raises:
        BadInput: something doesn't compose or fails a check.
    """
    return _compose_named("doctor", overrides, config_dir, DoctorConfig)


def compose_ui(overrides: Sequence[str], config_dir: str | None = None) -> UiConfig:
    """Which store to show, and on which port.

    Raises:
        BadInput: something doesn't compose.
    """
    with composer(config_dir) as hydra:
        return hydra.compose("ui", overrides, UiConfig).settings


def compose_predict(overrides: Sequence[str], config_dir: str | None = None) -> PredictConfig:
    """What to predict, from what and into what.

    Raises:
        BadInput: something doesn't compose.
    """
    with composer(config_dir) as hydra:
        try:
            return hydra.compose("predict", overrides, PredictConfig).settings
        except BadInput as error:  # its keys are given without "predict."
            raise BadInput(*(p.replace("predict.", "") for p in error.problems)) from error


def _compose_named(
    command: str, overrides: Sequence[str], config_dir: str | None, schema: type[Named]
) -> Named:
    with composer(config_dir) as hydra:
        found: Composed[Named] = hydra.compose(command, overrides, schema)
    name = found.settings.sweep.name
    if problems := [_told(problem, found.places) for problem in name_problems(name)]:
        raise BadInput(*problems)
    return found.settings


def _arms(shared: Composed[Config]) -> tuple[str, list[str]]:
    """The group that arms differ in, and its options.

    The command line goes before an experiment, an experiment before conf/config.yaml. Each says it
    by `arms`, or by the choice of one option, which is a sweep of that one arm: `optimizer=adam`
    on the command line, `override /optimizer: adam` in a file. In a file with both, `arms` are
    for sweeps, and the choice is for a single training.
    """
    config, places = shared.settings, shared.places
    names = {name for override in places.overrides for name in _names(override)}
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


def _names(override: str) -> Iterator[str]:
    """What an override gives: its key, and those inside of a dictionary for `arms`."""
    key, _, value = override.lstrip("+").partition("=")
    yield key
    if key == "arms" and value.startswith("{"):
        yield from (f"arms.{axis}" for axis in AXES if re.search(rf"[{{,]\s*{axis}\s*:", value))


def _unused_choice(shared: Composed[Config], axis: str, options: Sequence[str]) -> Iterator[str]:
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
    own = [o for o in overrides if not o.startswith(f"{group}=")]
    words = [f"{group}={option}", *own]
    if words == list(overrides):  # composed already; each arm has settings of its own
        found = replace(shared, settings=deepcopy(shared.settings))
    else:
        try:
            found = hydra.compose("config", words, Config)
        except BadInput as error:
            raise BadInput(*(f"arm {option}: {problem}" for problem in error.problems)) from error
    settings = _arm_settings(found.settings)
    return Arm(option, settings, found.choices, (f"{group}={option}", *_own(own))), found.places


def _arm_settings(config: Config) -> ArmSettings:
    return ArmSettings(config.data, config.model, config.optimizer, config.training)


def _search_only(shared: Composed[Config], arms: Sequence[Arm]) -> Iterator[str]:
    """Applies `search.only`: leaves the named parameters in the spaces of the arms, and those that
    don't exist, which the checks tell of. Yields what is wrong with the names."""
    names = shared.settings.search.only
    if names is None:
        return
    place = shared.places.of("search.only")
    if not names:
        yield (
            f"search.only: need at least one name, got []{place}; for example "
            "optimizer.learning_rate; null searches every parameter with a space"
        )
    there = dict.fromkeys(name for arm in arms for name in arm.searched)
    if unknown := [name for name in names if name not in there]:
        yield (
            f"search.only: no arm has a space for {', '.join(unknown)}{place}; there are: "
            f"{', '.join(there)}"
        )
    for arm in arms:
        for group in SEARCHABLE:
            for name in arm.settings.known(group):
                if f"{group}.{name}" not in names:
                    getattr(arm.settings, group).space.pop(name, None)


def _found_in(arm: Arm, config_dir: str | None) -> Arm:
    """The arm, with the user's own config folder, which composing it again needs."""
    if config_dir is None:
        return arm
    return replace(arm, overrides=(*arm.overrides, f"--config-dir={config_dir}"))


def _own(overrides: Sequence[str]) -> tuple[str, ...]:
    """The overrides that a single training depends on."""
    return tuple(o for o in overrides if _key(o) == THREADS or _section(o) not in SWEEP_ONLY)


def _ignored(overrides: Sequence[str]) -> Iterator[str]:
    """Warns of overrides that a single training has no use for."""
    for override in overrides:
        key, section = _key(override), _section(override)
        if section == "arms":
            axis = [*_names(override)][-1].partition(".")[2] or AXES[0]
            yield (
                f"{override}: a single training ignores arms; choose one option by {axis}=…, or "
                f"compare several with {command_line('sweep')}"
            )
        elif key == WORKERS or (section in IGNORED and key != FOLDS):
            ignored = WORKERS if key == WORKERS else section
            yield (
                f"{override}: a single training ignores {ignored}; leave it out, or search with "
                f"{command_line('sweep')}"
            )


def _key(override: str) -> str:
    return override.lstrip("+~").partition("=")[0]


def _section(override: str) -> str:
    return re.split(r"[./]", _key(override))[0]


def checked(
    shared: Composed[Config],
    group: str,
    arms: Sequence[tuple[Arm, Places]],
    found: Sequence[str] = (),
    warnings: Sequence[str] = (),
) -> Plan:
    """The plan, if no check fails.

    Args:
        shared: what the arms share.
        group: what they differ in.
        arms: each with the places of its values.
        found: problems that are known already.
        warnings: those that are.

    Raises:
        BadInput: with all problems, each once.
    """
    config = shared.settings
    given = config.objective
    config = replace(config, objective=_with_directions(given))
    arms = [(_with_loss(arm), places) for arm, places in arms]
    warnings = [
        *warnings,
        *unquote("search.params", config.search.params),
        *unquote("pruner.params", config.pruner.params),
        *(warning for arm, _ in arms for warning in unquote_arm(arm.settings)),
    ]
    of_arms, lengths = list[str](), list[int]()
    for arm, places in arms:
        rate = arm.settings.optimizer.params.get("learning_rate")
        if isinstance(rate, int) and not isinstance(rate, bool):
            arm.settings.optimizer.params["learning_rate"] = float(rate)  # Keras refuses an int
        own = [_told(problem, places) for problem in arm_problems(arm.settings)]
        if arm.settings.model.builder == "transfer" and not own:
            params = arm.settings.model.params
            params["sha256"] = read_keras_file(params["path"]).sha256
        of_arms += own
        lengths.append(arm.settings.training.epochs if own else arm.settings.longest)
    shared_by_arms = sweep_problems(config, max(lengths), [arm.settings for arm, _ in arms])
    problems = [*found, *(_told(problem, shared.places) for problem in shared_by_arms), *of_arms]
    if problems:
        raise BadInput(*dict.fromkeys(problems))
    told = tuple(dict.fromkeys(warnings))
    return Plan(
        config, group, tuple(arm for arm, _ in arms), told, shared.places.of, given.metric == AUTO
    )


def _with_directions(given: ObjectiveSettings) -> ObjectiveSettings:
    """The objective with the usual metric, and with the directions that are known."""
    metric, direction = known(given.metric, given.direction)
    second = given.second_direction
    if given.second is not None:
        second = direction_of(given.second, second)
    return replace(given, metric=metric, direction=direction, second_direction=second)


def _with_loss(arm: Arm) -> Arm:
    """The arm with the loss of classes, until the data say otherwise, where it has none."""
    training = arm.settings.training
    if training.loss != AUTO:
        return arm
    chosen = replace(training, loss=CLASSES.usual(None).loss)
    return replace(arm, settings=replace(arm.settings, training=chosen), auto=True)


def _published_of_folds(plan: Plan) -> Iterator[str]:
    """Has the best confirmation published where a training on all rows can't be had; tells it."""
    names = dict.fromkeys(n for arm in plan.arms for n in need_validation(arm.settings.training))
    if names and plan.config.publish.fit == "all":
        plan.config.publish.fit = "fold"
        yield (
            "training.callbacks: a training on all rows has no validation rows, which "
            f"{', '.join(names)} may watch, so the best confirmation is published, as by "
            "publish.fit=fold"
        )


def _told(problem: Problem, places: Places) -> str:
    """The problem with its place. One about a default outside its space has two: the value stands
    in one, the space in another."""
    key, text = problem
    where = places.of(key)
    value = key.replace(".space.", "." if key.startswith("training.") else ".params.", 1)
    if text.startswith("the default ") and (other := places.of(value)) not in ("", where):
        where = f"{other.removesuffix(')')}; {where.removeprefix(' (')}" if where else other
    return f"{key}: {text}{where}"
