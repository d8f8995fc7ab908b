"""What each command composes: overrides and conf/ in, checked settings out, or `BadInput` with all
problems. For a sweep and for a training the settings are a `Plan`.

Nothing is written here and TensorFlow isn't imported, so bad input is told within a second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from fairsweep.config.callbacks import need_validation
from fairsweep.config.checks.model import params_in_conf
from fairsweep.config.checks.sweep import arm_problems, name_problems, sweep_problems
from fairsweep.config.checks.values import Problem
from fairsweep.config.command_schema import DoctorConfig, PredictConfig, ReportConfig, UiConfig
from fairsweep.config.compose.arms import (
    AXES,
    IGNORED,
    ComposedArms,
    arms_of,
    compose_arms,
    for_arms,
    in_a_file,
    names_in,
    own_overrides,
    section_of,
    settings_of,
    shared_by_arms,
    unused_choice,
)
from fairsweep.config.compose.grammar import key_of
from fairsweep.config.compose.hydra import Composed, composer
from fairsweep.config.compose.overrides import check_overrides
from fairsweep.config.compose.places import Places
from fairsweep.config.compose.quoted import unquote, unquote_arm
from fairsweep.config.plan import Arm, Plan
from fairsweep.config.schema import Config, ObjectiveSettings
from fairsweep.config.space import GROUPS as SEARCHABLE
from fairsweep.config.space import LAYER_RATES
from fairsweep.errors import BadInput
from fairsweep.invocation import command_line
from fairsweep.keras_file import read_keras_file
from fairsweep.metrics import direction_of, known
from fairsweep.tasks import AUTO, CLASSES

FOLDS = "search.folds"
WORKERS = "executor.workers"

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
        found = compose_arms(hydra, overrides)
    problems = list(_search_only(found.shared, [arm for arm, _ in found.arms]))
    found = replace(found, arms=[(_found_in(arm, config_dir), own) for arm, own in found.arms])
    plan = checked(found, problems, list(unused_choice(found.shared, found.group, found.options)))
    return replace(plan, warnings=(*plan.warnings, *_published_of_folds(plan)))


def narrowed(overrides: Sequence[str], config_dir: str | None = None) -> list[str]:
    """The overrides of a sweep with its arms, as its config is printed: `optimizer=adam` leaves one
    of those in conf/config.yaml.

    Raises:
        BadInput: something doesn't compose.
    """
    check_overrides(overrides)
    with composer(config_dir) as hydra:
        shared, chosen = shared_by_arms(hydra, overrides)
        group, options = arms_of(shared)
    others = [f"arms.{axis}=null" for axis in AXES if axis != group]
    named = f"arms.{group}=[{','.join(options)}]"
    return [*chosen, *overrides, named, *others]


def compose_training(overrides: Sequence[str], config_dir: str | None = None) -> Plan:
    """The plan of a single training: one arm, named after its optimizer.

    Raises:
        BadInput: something doesn't compose or fails a check.
    """
    check_overrides(overrides)
    with composer(config_dir) as hydra:
        shared = hydra.compose("config", overrides, Config)
    settings = settings_of(shared.settings)
    for group in SEARCHABLE:
        space = getattr(settings, group).space
        for name in settings.known(group):
            space.pop(name, None)  # nothing is searched, so no value has to lie in a space
    arm = Arm(shared.choices["optimizer"], settings, shared.choices, own_overrides(overrides))
    arms = [(_found_in(arm, config_dir), shared.places)]
    alone = ComposedArms(shared, "optimizer", [arm.name], arms)
    return checked(alone, warnings=list(_ignored(overrides)))


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


def _ignored(overrides: Sequence[str]) -> Iterator[str]:
    """Warns of overrides that a single training has no use for."""
    for override in overrides:
        key, section = key_of(override), section_of(override)
        if section == "arms":
            axis = [*names_in(override)][-1].partition(".")[2] or AXES[0]
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


def checked(
    composed: ComposedArms, found: Sequence[str] = (), warnings: Sequence[str] = ()
) -> Plan:
    """The plan, if no check fails.

    Args:
        composed: the arms.
        found: problems that are known already.
        warnings: those that are.

    Raises:
        BadInput: with all problems, each once.
    """
    shared, group = composed.shared, composed.group
    config = shared.settings
    given = config.objective
    config = replace(config, objective=_with_directions(given))
    arms = [(_with_loss(arm), places) for arm, places in composed.arms]
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
        own = [
            _told((key, f"{text}{_of_one_arm(composed, arm, key)}"), places)
            for key, text in arm_problems(arm.settings)
        ]
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
        config,
        group,
        tuple(arm for arm, _ in arms),
        told,
        shared.places.of_problem,
        given.metric == AUTO,
        stand_in=tuple(composed.stand_in),
    )


def _of_one_arm(composed: ComposedArms, arm: Arm, key: str) -> str:
    """The remedy where a problem is with what not all arms have: a parameter that this arm doesn't
    have, or a value that it alone needs and that isn't given."""
    found = re.fullmatch(rf"{composed.group}\.(params|space)\.(\w+)", key)
    if found is None:
        return ""
    kind, name = found.groups()
    there = [own.name for own, _ in composed.arms if _has(own, composed.group, name)]
    folder = composed.shared.places.folder
    if arm.name not in there:
        return for_arms(composed.group, composed.options, there, folder)
    needed = arm.settings.value(composed.group, name) is None
    if kind == "params" and needed and len(there) < len(composed.arms):
        own = in_a_file(composed.group, composed.options, arm.name, folder)
        return f"; for this arm alone give it {own}"
    return ""


def _has(arm: Arm, group: str, name: str) -> bool:
    """Whether an arm's option has a parameter, which a file may set for all arms."""
    settings = arm.settings
    kinds = {
        "model": ("builder", settings.model.builder),
        "optimizer": ("name", settings.optimizer.name),
    }
    listed: Sequence[str] = ()
    if group in kinds:
        key, kind = kinds[group]
        listed = params_in_conf(group, key).get(kind, ())
    return name in settings.known(group) and (not listed or name in (*listed, LAYER_RATES))


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
    key, text = problem
    return f"{key}: {text}{places.of_problem(key, text)}"
