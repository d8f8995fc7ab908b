"""conf/optimizer against the installed Keras: every optimizer is there, with every parameter.

The file that is named after its class is compared with Keras; any other is a variant, which only
has to be whole and searchable.
"""

import inspect
import math
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from omegaconf import OmegaConf

FOLDER = Path(__file__).parents[2] / "conf" / "optimizer"

WRAPPERS = {"Optimizer", "LossScaleOptimizer", "MultiOptimizer", "OptimizerMap"}

# Values that belong to the run or to the model, not to the optimizer's config.
NOT_CONFIGURED = {"self", "name", "kwargs"}

# Where a config leaves Keras's default, and why. Each has a comment in its file too.
DELIBERATE: dict[tuple[str, str], tuple[Any, str]] = {
    ("Adadelta", "learning_rate"): (1.0, "the paper's form; at 0.001 it hardly moves"),
    ("Adafactor", "learning_rate"): (0.01, "the paper's value"),
    ("Adafactor", "epsilon_1"): (1e-16, "1e-30 underflows and gives NaN on inputs that are 0"),
    ("Adafactor", "relative_step"): (False, "the rate is ours to search; no effect yet, see below"),
    ("Adagrad", "learning_rate"): (0.01, "steps only shrink, so 0.001 is too slow"),
    ("Ftrl", "learning_rate"): (0.01, "its step sizes are Adagrad's"),
    ("Muon", "exclude_layers"): (["probabilities"], "Keras advises Adam for the output layer"),
    ("Ftrl", "initial_accumulator_value"): (1e-6, "0.1 wipes out the random initial weights"),
}


def load(path: Path) -> dict[str, Any]:
    """A config, with what it takes from the files in its defaults; it comes last of these, or where
    `_self_` stands."""
    own = OmegaConf.to_container(OmegaConf.load(path), resolve=True)
    assert isinstance(own, dict)
    names = own.pop("defaults", [])
    order = names if "_self_" in names else [*names, "_self_"]
    parts = [own if name == "_self_" else load(path.with_stem(name)) for name in order]
    merged = OmegaConf.to_container(OmegaConf.merge(*parts))
    assert isinstance(merged, dict)
    return {str(key): value for key, value in merged.items()}


def is_of_its_class(stem: str, config: dict[str, Any]) -> bool:
    """Whether a file is the one of its class; else it is a variant."""
    return stem.replace("_", "") == config["name"].lower()


ALL = {path.stem: load(path) for path in sorted(FOLDER.glob("*.yaml"))}
CONFIGS = {stem: config for stem, config in ALL.items() if is_of_its_class(stem, config)}
each_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
each_variant_too = pytest.mark.parametrize("config", ALL.values(), ids=ALL.keys())


def keyword_defaults(name: str) -> dict[str, Any]:
    """The keywords of an optimizer's constructor that a config sets, with Keras's defaults."""
    signature = inspect.signature(getattr(keras.optimizers, name).__init__)
    return {
        key: parameter.default
        for key, parameter in signature.parameters.items()
        if key not in NOT_CONFIGURED
    }


def test_every_optimizer_of_keras_has_one_config() -> None:
    exported = {name for name, _ in inspect.getmembers(keras.optimizers, inspect.isclass)}
    names = [config["name"] for config in CONFIGS.values()]
    assert sorted(names) == sorted(exported - WRAPPERS)


def test_another_file_of_a_class_is_a_variant(tmp_path: Path) -> None:
    """In full, or of what is other."""
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    copy = (tmp_path / "adam.yaml").read_text().replace("beta_1: 0.9\n", "beta_1: 0.8\n")
    (tmp_path / "adam_slow.yaml").write_text(copy)
    (tmp_path / "adam_fast.yaml").write_text("defaults: [adam]\nparams: {learning_rate: 0.01}\n")
    adam, slow, fast = (
        load(tmp_path / f"{stem}.yaml") for stem in ("adam", "adam_slow", "adam_fast")
    )
    assert slow == {**adam, "params": {**adam["params"], "beta_1": 0.8}}
    assert fast == {**adam, "params": {**adam["params"], "learning_rate": 0.01}}
    assert is_of_its_class("adam", adam)
    assert not is_of_its_class("adam_slow", slow)
    assert not is_of_its_class("adam_fast", fast)


@each_variant_too
def test_sections_are_name_params_and_space(config: dict[str, Any]) -> None:
    assert sorted(config) == ["name", "params", "space"]


@each_variant_too
def test_params_are_all_keywords_of_the_constructor(config: dict[str, Any]) -> None:
    assert set(config["params"]) == set(keyword_defaults(config["name"]))


@each_config
def test_values_are_keras_defaults_unless_deliberate(config: dict[str, Any]) -> None:
    name = config["name"]
    different = {
        (name, key): config["params"][key]
        for key, default in keyword_defaults(name).items()
        if config["params"][key] != default
    }
    assert different == {key: value for key, (value, _) in DELIBERATE.items() if key[0] == name}


@each_variant_too
def test_numbers_have_the_type_keras_needs(config: dict[str, Any]) -> None:
    # Keras refuses an int as a learning rate. Muon's adam_lr_ratio is an int in Keras by accident.
    assert isinstance(config["params"]["learning_rate"], float)
    for key, default in keyword_defaults(config["name"]).items():
        if isinstance(default, float):
            assert isinstance(config["params"][key], float), key
        assert not isinstance(config["params"][key], str), key


@each_config
def test_a_training_step_leaves_everything_finite(config: dict[str, Any]) -> None:
    """One step on data where a gradient is exactly zero: an input always 0, a unit always off."""
    x = np.array([[0, 1, 2], [0, 2, 1], [0, 3, 1], [0, 1, 3]], dtype="float32")
    y = np.array([0, 1, 1, 0], dtype="int32")
    model = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(4, activation="relu"),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    hidden = model.layers[0]
    kernel = np.random.default_rng(0).uniform(0.1, 0.5, size=(3, 4)).astype("float32")
    kernel[:, 0] *= -1
    hidden.set_weights([kernel, np.zeros(4, dtype="float32")])
    optimizer = getattr(keras.optimizers, config["name"])(**config["params"])
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", run_eagerly=True)
    before = [weight.copy() for weight in model.get_weights()]

    model.train_on_batch(x, y)
    after = model.get_weights()

    assert math.isfinite(model.test_on_batch(x, y))
    assert all(np.isfinite(weight).all() for weight in after)
    assert any((old != new).any() for old, new in zip(before, after, strict=True))


@each_config
def test_space_is_small_and_within_params(config: dict[str, Any]) -> None:
    assert set(config["space"]) <= set(config["params"])
    assert "learning_rate" in config["space"]
    assert 2 <= len(config["space"]) <= 4


@each_variant_too
def test_every_spec_is_lawful_and_holds_the_default(config: dict[str, Any]) -> None:
    for key, spec in config["space"].items():
        default = config["params"][key]
        if "choices" in spec:
            assert set(spec) == {"choices"}, key
            assert len(set(spec["choices"])) == len(spec["choices"]) >= 2, key
            assert default in spec["choices"], key
        else:
            assert set(spec) <= {"low", "high", "log"}, key
            assert type(spec["low"]) is type(spec["high"]) is type(default), key
            assert spec["low"] < spec["high"], key
            assert spec["low"] <= default <= spec["high"], key
            assert not spec.get("log") or spec["low"] > 0, key


@each_config
def test_learning_rate_ranges_are_equally_wide(config: dict[str, Any]) -> None:
    """Four decades each: a narrower range would be a head start in a search of equal budget."""
    spec = config["space"]["learning_rate"]
    assert spec["log"]
    assert math.log10(spec["high"] / spec["low"]) == pytest.approx(4)


@pytest.mark.parametrize("stem", ["adam", "adamax", "adamw", "lamb", "nadam"])
def test_pairs_of_betas_keep_adam_convergent(stem: str) -> None:
    """beta_1 < sqrt(beta_2) for every pair (Zhang et al. 2022, arXiv 2208.09632)."""
    space = CONFIGS[stem]["space"]
    assert max(space["beta_1"]["choices"]) < math.sqrt(min(space["beta_2"]["choices"]))


def weights_after_ten_steps(name: str, **changes: Any) -> Any:
    """A weight of 1 pulled towards 5, with the config of that optimizer and some changes to it."""
    stem = next(stem for stem, config in CONFIGS.items() if config["name"] == name)
    optimizer = getattr(keras.optimizers, name)(**{**CONFIGS[stem]["params"], **changes})
    weight = keras.Variable(np.ones((2, 2), dtype="float32"))
    optimizer.build([weight])
    for _ in range(10):
        optimizer.apply([2 * (weight - 5.0)], [weight])
    return weight.numpy()


@pytest.mark.parametrize(
    ("name", "parameter", "one", "other"),
    [
        # The old momentum is read after it was overwritten, and beta_1 cancels out. If this fails,
        # Keras has mended it: beta_1 belongs into the space then.
        ("ScheduleFreeAdamW", "beta_1", 0.5, 0.95),
        # The cap of relative_step is applied in any case. If this fails, Keras has mended it: the
        # comment in adafactor.yaml is out of date then.
        ("Adafactor", "relative_step", False, True),
    ],
    ids=["schedule-free-beta_1", "adafactor-relative_step"],
)
def test_parameters_without_effect_in_this_keras(
    name: str, parameter: str, one: Any, other: Any
) -> None:
    np.testing.assert_allclose(
        weights_after_ten_steps(name, learning_rate=1.0, **{parameter: one}),
        weights_after_ten_steps(name, learning_rate=1.0, **{parameter: other}),
        rtol=1e-4,
    )
