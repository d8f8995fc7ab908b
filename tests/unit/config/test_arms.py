"""Arms: what stands side by side, and how each of them is composed again on its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fairsweep.config.compose.arms import SWEEP_ONLY, arms_of
from fairsweep.config.compose.commands import compose_sweep, compose_training
from fairsweep.config.compose.hydra import composer
from fairsweep.config.schema import Config, Spec
from fairsweep.config.space import ArmSettings
from fairsweep.errors import BadInput

from .plans import plan


def names(*overrides: str) -> list[str]:
    return [arm.name for arm in plan(*overrides).arms]


def test_default_arms_are_four_optimizers() -> None:
    assert plan().group == "optimizer"
    assert [(arm.name, arm.settings.optimizer.name) for arm in plan().arms] == [
        ("sgd", "SGD"),
        ("rmsprop", "RMSprop"),
        ("adam", "Adam"),
        ("adamw", "AdamW"),
    ]


def test_arms_differ_in_their_group_only() -> None:
    first, *others = plan().arms
    for arm in others:
        assert arm.settings.data == first.settings.data
        assert arm.settings.model == first.settings.model
        assert arm.settings.training == first.settings.training
        assert {**arm.choices, "optimizer": ""} == {**first.choices, "optimizer": ""}


def test_every_arm_searches_its_own_space() -> None:
    spaces = {arm.name: set(arm.settings.optimizer.space) for arm in plan().arms}
    assert "momentum" in spaces["sgd"] and "momentum" not in spaces["adam"]
    assert "beta_1" in spaces["adam"] and "beta_1" not in spaces["sgd"]


def test_only_the_named_parameters_are_searched_where_an_arm_has_them() -> None:
    only = plan("search.only=[optimizer.momentum,optimizer.learning_rate]")
    assert {arm.name: arm.searched for arm in only.arms} == {
        "sgd": ["optimizer.learning_rate", "optimizer.momentum"],
        "rmsprop": ["optimizer.learning_rate", "optimizer.momentum"],
        "adam": ["optimizer.learning_rate"],
        "adamw": ["optimizer.learning_rate"],
    }
    for narrowed, whole in zip(only.arms, plan().arms, strict=True):
        assert narrowed.settings.optimizer.params == whole.settings.optimizer.params
        assert narrowed.settings.model.params == whole.settings.model.params


def test_a_twin_is_the_same_optimizer_under_another_name() -> None:
    adam, twin = plan("arms.optimizer=[adam,adam_twin]").arms
    assert adam.settings == twin.settings


def test_one_optimizer_is_a_sweep_of_one_arm() -> None:
    assert names("optimizer=sgd") == ["sgd"]
    assert names("optimizer=sgd", "optimizer=adam") == ["adam"]  # Hydra's rule: the last one


@pytest.mark.parametrize("said", ["arms.model=[mlp,cnn]", "arms={model:[mlp,cnn]}"])
def test_arms_stand_beside_an_option_that_they_share(said: str) -> None:
    found = plan(said, "optimizer=sgd")
    assert [(arm.name, arm.settings.optimizer.name) for arm in found.arms] == [
        ("mlp", "SGD"),
        ("cnn", "SGD"),
    ]


def test_arms_of_another_group() -> None:
    models = plan("arms.model=[mlp,cnn]")
    assert models.group == "model"
    assert [(arm.name, arm.settings.model.builder) for arm in models.arms] == [
        ("mlp", "mlp"),
        ("cnn", "cnn"),
    ]
    assert {arm.settings.optimizer.name for arm in models.arms} == {"Adam"}


def test_arms_of_models_under_a_chosen_optimizer() -> None:
    models = plan("arms.model=[mlp,cnn]", "optimizer=sgd")
    assert [arm.name for arm in models.arms] == ["mlp", "cnn"]
    assert {arm.settings.optimizer.name for arm in models.arms} == {"SGD"}


def test_a_file_of_the_users_own_adds_a_parameter_to_the_space(tmp_path: Path) -> None:
    """OmegaConf adds no spec from the command line, so this is how."""
    (tmp_path / "optimizer").mkdir()
    (tmp_path / "optimizer" / "mine.yaml").write_text(
        "defaults: [adam, _self_]\nspace: {epsilon: {low: 1e-8, high: 1e-6, log: true}}\n"
    )
    (arm,) = compose_sweep(["optimizer=mine"], str(tmp_path)).arms
    assert (arm.name, arm.settings.optimizer.name) == ("mine", "Adam")
    assert {"optimizer.epsilon", "optimizer.beta_1"} <= set(arm.searched)


def test_a_parameter_can_be_taken_out_of_the_space() -> None:
    for taken in ("optimizer.space.beta_1=null", "~optimizer.space.beta_1"):
        searched = plan("optimizer=adam", taken).arms[0].searched
        assert "optimizer.beta_1" not in searched
        assert "optimizer.beta_2" in searched


def test_an_override_reaches_every_arm() -> None:
    overrides = ("training.epochs=7", "optimizer.params.learning_rate=0.005")
    arms = plan("arms.optimizer=[sgd,adam]", *overrides).arms
    assert {arm.settings.training.epochs for arm in arms} == {7}
    assert {arm.settings.optimizer.params["learning_rate"] for arm in arms} == {0.005}


def test_the_command_line_replaces_the_arms_of_an_experiment() -> None:
    assert names("experiment=smoke") == ["sgd", "adam"]
    assert names("experiment=smoke", "optimizer=lion") == ["lion"]
    assert names("experiment=smoke", "arms.optimizer=[lion,adam]") == ["lion", "adam"]
    assert names("experiment=smoke", "arms.model=[mlp,cnn]") == ["mlp", "cnn"]


def test_an_arm_has_its_own_optimizer_under_an_experiment_that_names_one() -> None:
    arms = plan("experiment=worked_example", "arms.optimizer=[sgd,adam]").arms
    assert [arm.settings.optimizer.name for arm in arms] == ["SGD", "Adam"]
    assert {arm.settings.optimizer.params["learning_rate"] for arm in arms} == {0.0001}


# A user's experiment, and its arms.
CHOOSES = "defaults: [override /optimizer: lion]\n"
EXPERIMENTS = {
    "an-option": (CHOOSES, ["lion"]),
    "the-default-option": ("defaults: [override /optimizer: adam]\n", ["adam"]),
    "another-group": ("defaults: [override /model: cnn]\n", ["sgd", "rmsprop", "adam", "adamw"]),
    "arms": ("arms: {optimizer: [sgd, lion]}\n", ["sgd", "lion"]),
    "arms-for-sweeps-and-an-option-for-a-training": (
        CHOOSES + "arms: {optimizer: [sgd, lion]}\n",
        ["sgd", "lion"],
    ),
    "arms-of-another-group": ("arms: {model: [mlp, cnn]}\n", ["mlp", "cnn"]),
    "an-option-and-arms-of-another-group": (
        CHOOSES + "arms: {model: [mlp, cnn]}\n",
        ["mlp", "cnn"],
    ),
    "an-option-on-top-of-another-experiment": (
        "defaults: [smoke, override /optimizer: lion, _self_]\n",
        ["lion"],
    ),
    "an-option-and-arms-on-top-of-another-experiments": (  # the last file decides
        "defaults: [smoke, override /optimizer: lion, _self_]\narms: {optimizer: [lion, sgd]}\n",
        ["lion", "sgd"],
    ),
}


@pytest.mark.parametrize(("content", "arms"), EXPERIMENTS.values(), ids=EXPERIMENTS)
def test_a_users_experiment_means_what_it_says(
    content: str, arms: list[str], tmp_path: Path
) -> None:
    """As on the command line, an option of the group that arms differ in is a sweep of it."""
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text(f"# @package _global_\n{content}")
    plan = compose_sweep(["experiment=mine"], str(tmp_path))
    assert [arm.name for arm in plan.arms] == arms
    for arm in plan.arms:
        assert arm.choices[plan.group] == arm.name
    with composer(str(tmp_path)) as hydra:
        again = hydra.compose("config", ["experiment=mine", "arms.optimizer=[adam]"], Config)
    assert arms_of(again) == ("optimizer", ["adam"])


@pytest.mark.parametrize(
    ("content", "overrides", "warned"),
    [
        (CHOOSES + "arms: {optimizer: [sgd, lion]}\n", [], True),
        (CHOOSES + "arms: {optimizer: [lion]}\n", [], False),
        (CHOOSES + "arms: {model: [mlp, cnn]}\n", [], False),
        (CHOOSES + "arms: {optimizer: [sgd, lion]}\n", ["arms.optimizer=[sgd,adam]"], False),
        (CHOOSES + "arms: {optimizer: [sgd, lion]}\n", ["optimizer=sgd"], False),
        ("defaults: [worked_example, _self_]\narms: {optimizer: [sgd, lion]}\n", [], False),
    ],
    ids=["both", "the-same", "another-group", "arms-given", "option-given", "of-two-files"],
)
def test_an_option_that_a_sweep_drops_is_told(
    content: str, overrides: list[str], warned: bool, tmp_path: Path
) -> None:
    (tmp_path / "experiment").mkdir()
    file = tmp_path / "experiment" / "mine.yaml"
    file.write_text(f"# @package _global_\n{content}")
    warnings = compose_sweep(["experiment=mine", *overrides], str(tmp_path)).warnings
    told = (
        f"{file}: override /optimizer: lion is for single trainings, this sweep has "
        "arms.optimizer: [sgd, lion]; leave out arms.optimizer to sweep lion alone"
    )
    assert warnings == ((told,) if warned else ())


def test_the_worked_example_has_both_and_warns_of_nothing() -> None:
    assert plan("experiment=worked_example").warnings == ()


def test_a_users_experiment_that_chooses_several_options_is_told_to_name_arms(
    tmp_path: Path,
) -> None:
    (tmp_path / "experiment").mkdir()
    file = tmp_path / "experiment" / "mine.yaml"
    file.write_text("# @package _global_\ndefaults: [override /optimizer: [adam, sgd]]\n")
    with pytest.raises(BadInput) as caught:
        compose_sweep(["experiment=mine"], str(tmp_path))
    for part in ("optimizer: need one option", "arms.optimizer=[…]", "experiment/mine.yaml"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    "overrides",
    [
        ["optimizer=adam", "arms.optimizer=[sgd]"],
        ["optimizer=adam", "arms={optimizer:[sgd,adam]}"],
        ["model=mlp", "arms.model=[mlp,cnn]"],
        ["arms.model=[mlp,cnn]", "arms.optimizer=[sgd,adam]"],
    ],
    ids=["option-and-arms", "option-and-a-dictionary", "model-and-arms", "two-groups"],
)
def test_contradictions_are_refused(overrides: list[str]) -> None:
    with pytest.raises(BadInput, match="arms"):
        compose_sweep(overrides)


AGAIN = {
    "default": [],
    "overrides": [
        "optimizer=sgd",
        "training.epochs=3",
        "model.params.hidden_units=[32]",
        "search.trials=3",
    ],
    "one-arm": ["optimizer=lion", "optimizer.params.weight_decay=0.1", "sweep.name=x"],
    "models": ["arms.model=[mlp,cnn]", "optimizer=sgd", "training.batch_size=64"],
    "spaces": ["arms.optimizer=[adam,nadam]", "optimizer.space.beta_1.choices=[0.9,0.99]"],
    "fixed": ["optimizer=adam", "~optimizer.space.beta_1", "model.space.hidden_units=null"],
    "objective": ["optimizer=adam", "objective.metric=val_loss", "objective.direction=minimize"],
    "smoke": ["experiment=smoke", "executor.workers=1", "terminal=quiet"],
    "worked-example": ["experiment=worked_example"],
    "worked-example-arms": ["experiment=worked_example", "arms.optimizer=[sgd,adam]"],
    "whole-rate": [
        "optimizer=adam",
        "optimizer.params.learning_rate=1",
        "optimizer.space.learning_rate=null",
    ],
    "dictionary": ["optimizer=adam", "training={epochs: 5, batch_size: 16}"],
}


def without_spaces(settings: ArmSettings) -> ArmSettings:
    """What of an arm a single training takes over: it searches nothing."""
    return replace(
        settings,
        model=replace(settings.model, space={}),
        optimizer=replace(settings.optimizer, space={}),
        training=replace(settings.training, space={}),
    )


@pytest.mark.parametrize("overrides", AGAIN.values(), ids=AGAIN.keys())
def test_overrides_of_an_arm_compose_it_again(overrides: list[str]) -> None:
    whole = plan(*overrides)
    for arm in whole.arms:
        again = compose_training(arm.overrides)
        assert again.arms[0].settings == without_spaces(arm.settings)
        assert again.objective == whole.objective


def test_overrides_of_an_arm_leave_out_what_only_a_sweep_has() -> None:
    arm = plan("experiment=smoke", "search.trials=5", "sweep.name=x", "terminal=quiet").arms[0]
    sections = {override.partition("=")[0].partition(".")[0] for override in arm.overrides}
    assert sections & set(SWEEP_ONLY) == set()
    assert arm.overrides[0] == "optimizer=sgd"


def test_what_publishes_is_left_out_and_threads_are_not() -> None:
    """Sums over several threads may differ in the last bit."""
    given = ["optimizer=sgd", "publish.fit=fold", "executor.workers=2", "executor.threads=2"]
    (arm,) = plan(*given, "search.folds=2", "search.repeats=2", "training.metrics=[f1]").arms
    assert arm.overrides == ("optimizer=sgd", "executor.threads=2", "training.metrics=[f1]")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("search.trials=3", "ignores search; leave it out, or search with fairsweep sweep"),
        ("search=random", "ignores search; leave it out"),
        ("confirm.seeds=3", "ignores confirm; leave it out"),
        ("publish.fit=fold", "ignores publish; leave it out"),
        ("sweep.name=mine", "ignores sweep; leave it out"),
        ("executor.workers=2", "ignores executor.workers; leave it out"),
        ("arms={model:[mlp,cnn]}", "ignores arms; choose one option by model=…, or compare "),
        (
            "arms.optimizer=[sgd,adam]",
            "ignores arms; choose one option by optimizer=…, or compare several with "
            "fairsweep sweep",
        ),
    ],
)
def test_a_training_warns_of_what_it_ignores(override: str, said: str) -> None:
    (warning,) = compose_training(["optimizer=adam", override]).warnings
    assert warning.startswith(f"{override}: a single training {said}")


@pytest.mark.parametrize(
    "overrides",
    [
        ["experiment=smoke"],
        ["search.folds=3", "optimizer=adam"],
        ["tracking.root=x", "terminal=plain", "executor.threads=2", "training.epochs=3"],
    ],
    ids=" ".join,
)
def test_a_training_says_nothing_of_what_it_uses_or_an_experiment_has(
    overrides: list[str],
) -> None:
    assert compose_training(overrides).warnings == ()


def test_a_training_is_one_arm_named_after_its_optimizer() -> None:
    training = compose_training(["optimizer=sgd", "model.params.hidden_units=[64,32]"])
    (arm,) = training.arms
    assert (training.group, arm.name, arm.settings.optimizer.name) == ("optimizer", "sgd", "SGD")
    assert arm.choices["model"] == "mlp"


def test_a_training_may_have_values_that_no_space_holds() -> None:
    """Nothing is searched, so the values of a trial, or any others, are as good as the defaults."""
    (arm,) = compose_training(["training.batch_size=33", "model.params.hidden_units=[500]"]).arms
    assert arm.searched == []
    assert arm.settings.training.batch_size == 33
    with pytest.raises(BadInput, match="must lie in its own space"):
        compose_sweep(["optimizer=adam", "training.batch_size=33"])


SPEC = "{choices: null, low: 0.0, high: 0.9, when: {nesterov: true}}"


@pytest.mark.parametrize("arms", ["arms.optimizer=[sgd]", "arms={optimizer: [sgd]}"])
@pytest.mark.parametrize(
    "override",
    [
        "optimizer.params.momentum=0.5",
        f"optimizer.space={{momentum: {SPEC}}}",
        f"optimizer={{params: {{momentum: 0.5}}, space: {{momentum: {SPEC}}}}}",
    ],
)
def test_what_is_set_of_arms_is_checked_against_these_arms(arms: str, override: str) -> None:
    """And not against the default optimizer, which has no momentum."""
    (arm,) = plan(arms, override).arms
    assert arm.name == "sgd"
    if "params" in override:
        assert arm.settings.optimizer.params["momentum"] == 0.5
    if "space" in override:
        assert arm.settings.optimizer.space["momentum"] == Spec(
            low=0.0, high=0.9, when={"nesterov": True}
        )
    assert arm.settings.optimizer.space.keys() >= {"learning_rate", "nesterov"}


def refused(*overrides: str) -> list[str]:
    with pytest.raises(BadInput) as caught:
        compose_sweep(overrides)
    return list(caught.value.problems)


@pytest.mark.parametrize(
    ("arms", "override", "said"),
    [
        (["sgd", "adam"], "params.momentum=0.5", "arm adam: optimizer.params.momentum: there is"),
        (["adam", "sgd"], "params.momentum=0.5", "arm adam: optimizer.params.momentum: there is"),
        (["sgd", "adam"], "space.momentum={low: 0.0, high: 0.9}", "Adam has no such parameter"),
        (["adam", "sgd"], "space={momentum: {low: 0.0, high: 0.9}}", "Adam has no such parameter"),
    ],
)
def test_what_one_arm_alone_has_is_told_with_the_remedy(
    arms: list[str], override: str, said: str
) -> None:
    problems = refused(f"arms.optimizer=[{','.join(arms)}]", f"optimizer.{override}")
    problem = next(told for told in problems if said in told)
    order = ",".join(arms).replace("sgd", "my_sgd")
    assert "; of these arms only sgd has it: give it in a file, " in problem
    assert "myconf/optimizer/my_sgd.yaml, that begins with defaults: [sgd, _self_]" in problem
    assert f"arms.optimizer=[{order}] --config-dir=myconf" in problem


def test_what_a_file_gives_all_arms_and_one_alone_has_is_told(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text(
        "# @package _global_\narms: {optimizer: [sgd, adam]}\n"
        "optimizer: {params: {momentum: 0.5}}\n"
    )
    with pytest.raises(BadInput, match=r"Adam has no such parameter; .* only sgd has it: give it "):
        compose_sweep(["experiment=mine"], str(tmp_path))


def test_what_one_model_alone_needs_is_told_with_the_remedy() -> None:
    remedy = "in a file, myconf/model/my_transfer.yaml, that begins with defaults: [transfer, "
    (missing,) = refused("arms.model=[cnn,transfer]")
    assert f"for this arm alone give it {remedy}" in missing
    (elsewhere,) = refused("arms.model=[cnn,transfer]", "model.params.path=base.keras")
    assert elsewhere.startswith("arm cnn: model.params.path: there is no such key")
    assert f"only transfer has it: give it {remedy}" in elsewhere


def test_what_no_arm_has_is_told_once() -> None:
    (problem,) = refused("arms.optimizer=[sgd,adam]", "optimizer.params.learn=0.5")
    assert problem.startswith("optimizer.params.learn: there is no such key; did you mean ")


def test_a_training_ignores_arms_also_as_a_choice() -> None:
    (arm,) = compose_training(["arms.optimizer=[sgd,rmsprop]"]).arms
    assert arm.name == "adam"


def test_spaces_are_left_out_of_the_overrides_of_an_arm() -> None:
    (arm,) = plan(
        "optimizer=sgd", f"optimizer.space={{momentum: {SPEC}}}", "training.epochs=3"
    ).arms
    assert arm.overrides == ("optimizer=sgd", "training.epochs=3")


WHOLE_SPACES = {
    "model": ("{dropout: {low: 0.0, high: 0.5}, hidden_units: null}", {"dropout", "batch_size"}),
    "model-lists": (
        "{hidden_units: {choices: [[64, 32], [64]], layers: null, units: null}, "
        "activation: {choices: [relu, gelu], when: {dropout: 0.0}}}",
        {"hidden_units", "activation", "batch_size"},
    ),
    "training": ("{epochs: {choices: [10, 20]}}", {"hidden_units", "epochs", "batch_size"}),
}


@pytest.mark.parametrize(("group", "space"), WHOLE_SPACES.items(), ids=WHOLE_SPACES)
def test_a_whole_space_is_given_as_one_mapping(group: str, space: tuple[str, set[str]]) -> None:
    """As one override for each of its parameters."""
    group = group.partition("-")[0]
    text, names = space
    only = [f"optimizer.space.{name}=null" for name in ("learning_rate", "beta_1", "beta_2")]
    extra = ["training.epochs=10"] if group == "training" else []
    for override in (f"{group}.space={text}", f"{group}={{space: {text}}}"):
        (arm,) = plan("optimizer=adam", *only, *extra, override).arms
        assert {name.partition(".")[2] for name in arm.searched} == names
