"""The typed schema of conf/: a key that isn't here, or a value of another type, is refused.

OmegaConf merges YAML and overrides into these classes, so they can't be frozen; after
composing nothing changes them any more. What a type can't express is checked in checks/.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional  # noqa: UP035 - OmegaConf reads these

from omegaconf import MISSING


@dataclass
class Range:
    """Numbers from `low` to `high`, both included. `log`: even on a log scale. `step`: only
    low, low + step, … `powers_of`: only whole powers of that number."""

    low: Any = None
    high: Any = None
    log: bool = False
    step: Any = None
    powers_of: Optional[int] = None  # noqa: UP045


@dataclass
class Spec(Range):
    """What may be searched for one parameter: a range, a list of `choices` (each a value, or a list
    of them), or, for the widths of a network, a range of `layers` and one of `units`. `when` has
    the values of other parameters with which it is searched: {nesterov: true}, or a list of such
    values; with others it has its default."""

    choices: Optional[List[Any]] = None  # noqa: UP006, UP045
    layers: Optional[Range] = None  # noqa: UP045
    units: Optional[Range] = None  # noqa: UP045
    when: Optional[Dict[str, Any]] = None  # noqa: UP006, UP045


Space = Dict[str, Optional[Spec]]  # noqa: UP006, UP045


FILLS = ("fill", "indicate")
"""Values of `data.missing` that put something in the place of what is missing."""


@dataclass
class Data:
    """Where rows come from, and how they are split.

    `path` is a file or folder. `task` says what the answers are: classes, labels, or values, which
    are predicted as numbers; auto decides by their type, and by a metric or a loss that is for
    values only; with own the builder compiles its model for answers of any shape. Of a table
    `target` names the column of
    classes or values, or is a list of columns, of values or of labels, each 0 or 1, of which a row
    can have several; `drop` are columns to leave
    out, `categorical` columns of words that look like numbers; `missing` says what is done about
    missing features: null refuses them, `fill` puts the mean of training rows there (a missing word
    is a word of its own), `indicate` does so and has a feature that says where, `drop` leaves these
    rows out; `unlabeled` drop leaves out rows without an
    answer. A CSV has `delimiter` between values (null: a comma; `blank` for runs of blanks),
    `decimal` in numbers (null: a point) and `thousands` between thousands (null: nothing); lines
    that begin with `comment` are left out, `columns` name the columns of a file without a header,
    or are `numbered`, `encoding` is that of the text (null: UTF-8), and `missing_words` are those
    that mean missing in a column of words (null: NA, NaN, null and the like). `text` are columns of
    texts, whose words become ids: the first `text_length` of each row (null: 200), of the
    `max_tokens` most frequent ones of training rows (null: 10,000). `words` says what columns of
    words become: a feature for each word (one_hot, null) or an id for an Embedding (ids). In arrays
    of sequences, (rows, steps, features), a step is padding if every feature of it is `padding`:
    nan or a number.

    `labels` is a CSV that names images and has their `target`; null: folders are classes, or the
    folder has one such file. Images are scaled to `size` [height, width] (null: all are alike) and
    have 1 or 3 `channels` (null: as they are). `dataset` is the name of one of Keras's own.
    `loader` is `package.module:function` from a package that FAIRSWEEP_TRUSTED_PACKAGES names; it
    gets `params` and returns rows. `class_names` name the classes in sorted order, or the labels
    (null: as the data does, or by number).

    `validation` and `test` are shares of all rows in [0, 1), for parts that the data doesn't give:
    by the column `split`, which says train, validation or test, or by `validation_path` and
    `test_path`; parts that are given stay as they are. Rows with the same value in the column
    `group` stay together. `seed` decides the split. The loss of a row is multiplied by the number
    in the column `weight` (null: all rows count the same). `rescale` multiplies every feature;
    `standardize` brings every feature to mean 0, variance 1 (measured on training rows)."""

    name: str = MISSING
    source: str = MISSING
    path: Optional[str] = None  # noqa: UP045
    validation_path: Optional[str] = None  # noqa: UP045
    test_path: Optional[str] = None  # noqa: UP045
    dataset: Optional[str] = None  # noqa: UP045
    loader: Optional[str] = None  # noqa: UP045
    params: Dict[str, Any] = field(default_factory=dict)  # noqa: UP006
    task: str = "auto"
    target: Any = None
    drop: Optional[List[str]] = None  # noqa: UP006, UP045
    categorical: Optional[List[str]] = None  # noqa: UP006, UP045
    missing: Optional[str] = None  # noqa: UP045
    delimiter: Optional[str] = None  # noqa: UP045
    decimal: Optional[str] = None  # noqa: UP045
    thousands: Optional[str] = None  # noqa: UP045
    comment: Optional[str] = None  # noqa: UP045
    columns: Any = None
    encoding: Optional[str] = None  # noqa: UP045
    missing_words: Any = None
    unlabeled: Optional[str] = None  # noqa: UP045
    labels: Optional[str] = None  # noqa: UP045
    text: Optional[List[str]] = None  # noqa: UP006, UP045
    text_length: Optional[int] = None  # noqa: UP045
    max_tokens: Optional[int] = None  # noqa: UP045
    words: Optional[str] = None  # noqa: UP045
    padding: Optional[str] = None  # noqa: UP045
    size: Optional[List[int]] = None  # noqa: UP006, UP045
    channels: Optional[int] = None  # noqa: UP045
    class_names: Optional[List[str]] = None  # noqa: UP006, UP045
    split: Optional[str] = None  # noqa: UP045
    group: Optional[str] = None  # noqa: UP045
    weight: Optional[str] = None  # noqa: UP045
    validation: float = 0.2
    test: float = 0.2
    seed: int = 0
    rescale: Optional[float] = None  # noqa: UP045
    standardize: bool = False

    @property
    def fills(self) -> bool:
        """Whether something stands in the place of missing features."""
        return self.missing in FILLS

    @property
    def as_ids(self) -> bool:
        """Whether columns of words become ids."""
        return self.words == "ids"

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns in `target`: one of classes or values, or several of labels or values."""
        given = self.target if isinstance(self.target, list | tuple) else [self.target]
        return tuple(str(name) for name in given if name is not None)


@dataclass
class Model:
    """`builder` is mlp, cnn, rnn, text, transfer, or `package.module:function` from a package that
    FAIRSWEEP_TRUSTED_PACKAGES names; it gets `params`. `layer_learning_rates` multiplies the
    learning rate of layers, by name or pattern; 0 freezes them."""

    name: str = MISSING
    builder: str = MISSING
    params: Dict[str, Any] = field(default_factory=dict)  # noqa: UP006
    space: Space = field(default_factory=dict)
    layer_learning_rates: Any = None


@dataclass
class Optimizer:
    """`name` is Keras's class, or `package.module:Class` from a package that
    FAIRSWEEP_TRUSTED_PACKAGES names; `params` are its keywords."""

    name: str = MISSING
    params: Dict[str, Any] = field(default_factory=dict)  # noqa: UP006
    space: Space = field(default_factory=dict)


@dataclass
class EarlyStopping:
    """Stop after `patience` epochs without an objective better by more than `min_delta`;
    null never stops."""

    patience: Optional[int] = None  # noqa: UP045
    min_delta: float = 0.0


@dataclass
class Schedule:
    """The learning rate over a training: constant, cosine or exponential, falling to
    `final` × its start in the last epoch, after `warmup_epochs` of rising from 0."""

    name: str = "constant"
    warmup_epochs: int = 0
    final: float = 0.0


# Settings of a training that say how it is kept from being lost, and nothing of its result.
WATCHDOG_FIELDS = ("checkpoint_seconds", "stall_seconds")
# What an arm could not say from the first: left out of its identity while it is as usual.
ADDED_FIELDS = {
    "data": (
        *("task", "loader", "params", "weight", "text", "text_length", "max_tokens", "words"),
        *("padding", "thousands", "comment", "columns", "missing_words", "unlabeled", "labels"),
        "encoding",
    ),
    "training": ("metrics", "loss_params", "quantiles", "callbacks", "precision"),
    "objective": ("second", "second_direction", "tolerance"),
}
# The same of the params of a builder, each with what it was before it could be set.
AUGMENTATION = {"flip": "none", "rotation": 0.0, "zoom": 0.0, "translation": 0.0, "contrast": 0.0}
ADDED_PARAMS: Dict[str, Dict[str, Any]] = {  # noqa: UP006
    "cnn": AUGMENTATION,
    "transfer": AUGMENTATION,
}


@dataclass
class Training:
    """One training. `seed` decides initial weights, shuffling and dropout; a sweep derives
    every trial's seed from it. `loss` is one of Keras's by name, or `package.module:name` of a
    function or class; auto follows from the data. `loss_params` are its arguments beside labels and
    outputs; `quantiles` are the levels of the loss quantile (null: 0.1, 0.5 and 0.9). `metrics` are
    measured after every epoch, beside the loss and the objective (null: accuracy; of values MAE,
    RMSE and R²). `callbacks` are classes of Keras's by name, or `package.module:Class`, alone or as
    {name, params}. `class_weight` multiplies the training loss of rows by their class: a weight for
    each class by name (1 for others), or balanced, under which every class counts the same, however
    few its rows. `precision` is Keras's dtype policy while the model is built and trained (null: as
    Keras is set).
    `checkpoint_seconds`: a trial of a sweep that trains longer leaves a checkpoint that often, from
    which it goes on if it is stopped. `stall_seconds`: one of which nothing is heard for so long,
    and for 20 of its epochs, hangs, and fails."""

    epochs: int = MISSING
    batch_size: int = MISSING
    loss: str = "auto"
    loss_params: Any = None
    quantiles: Optional[List[float]] = None  # noqa: UP006, UP045
    metrics: Optional[List[str]] = None  # noqa: UP006, UP045
    callbacks: Optional[List[Any]] = None  # noqa: UP006, UP045
    class_weight: Any = None
    shuffle: bool = True
    seed: int = 0
    loop: str = "auto"
    precision: Optional[str] = None  # noqa: UP045
    checkpoint_seconds: float = 30.0
    stall_seconds: float = 300.0
    early_stopping: EarlyStopping = field(default_factory=EarlyStopping)
    schedule: Schedule = field(default_factory=Schedule)
    space: Space = field(default_factory=dict)

    @property
    def class_weights(self) -> str | Mapping[str, float] | None:
        """`class_weight`, with names as data sets have them."""
        given = self.class_weight
        return {_name(key): own for key, own in given.items()} if isinstance(given, dict) else given


def _name(key: Any) -> str:
    """The name of a class that a YAML file or a command takes for something else than a word."""
    return str(key).lower() if isinstance(key, bool) else str(key)


@dataclass
class Search:
    """`name` is the sampler, `params` its settings. Each arm is searched `repeats` times, each time
    with other draws. The budget of one search: `trials` in total, `epochs` in total; `minutes` is
    for all searches of one command. `only` names the parameters to search, all others stay at their
    defaults; null searches every one that has a space.

    With `folds` (null or 0: none) a trial is a configuration trained on each of so many folds of
    the rows that aren't for testing, one after the other. Its value is the mean over the folds, and
    `epochs` counts the epochs of all of them. The cuts are the same in every trial, search and arm,
    and others than those of the confirmation."""

    name: str = MISSING
    params: Dict[str, Any] = field(default_factory=dict)  # noqa: UP006
    trials: int = 20
    repeats: int = 1
    epochs: Optional[int] = None  # noqa: UP045
    minutes: Optional[float] = None  # noqa: UP045
    only: Optional[List[str]] = None  # noqa: UP006, UP045
    folds: Optional[int] = None  # noqa: UP045


@dataclass
class Pruner:
    """`name` is the pruner, `params` Optuna's settings of it, in epochs; those of all folds count
    in a search on folds."""

    name: str = MISSING
    params: Dict[str, Any] = field(default_factory=dict)  # noqa: UP006


@dataclass
class Executor:
    """`workers`: how many processes train at once; auto is one per core. `threads` of each: more
    pay for large models only, and sums over several threads aren't the same to the last bit."""

    name: str = MISSING
    workers: Any = "auto"
    threads: int = 1


@dataclass
class Tracking:
    """`root` holds everything that is written. `uri` null: MLflow's store is SQLite in there."""

    name: str = MISSING
    root: str = "mlruns"
    uri: Optional[str] = None  # noqa: UP045
    experiment: Optional[str] = None  # noqa: UP045


@dataclass
class ObjectiveSettings:
    """The metric that selects, and its direction. Auto: the metric follows from the data and the
    loss, the direction from the metric.

    `second` chooses where values of the metric count as equal: `parameters`, `bytes` of weights or
    `seconds` a row of a trained model, or another metric that is measured; null: nothing does. Its
    `second_direction` is known, but for a metric of the user's own. Equal are those not worse than
    the best by more than `tolerance`, in the metric's own units; null: trials with the same value,
    and arms that the verdict can't tell apart."""

    metric: str = "auto"
    direction: str = "auto"
    second: Optional[str] = None  # noqa: UP045
    second_direction: str = "auto"
    tolerance: Optional[float] = None  # noqa: UP045


@dataclass
class Arms:
    """What stands side by side: the options of exactly one group."""

    optimizer: Optional[List[str]] = None  # noqa: UP006, UP045
    model: Optional[List[str]] = None  # noqa: UP006, UP045
    training: Optional[List[str]] = None  # noqa: UP006, UP045


@dataclass
class Confirm:
    """Each arm's `top` best configurations are trained again, and the one with the best mean stands
    for its arm. The rows that aren't for testing are cut into `folds` parts (null: 5, or as many as
    the rarest class has rows); each training leaves one of them out, is judged on it, and has a
    seed of its own. That is done `repeats` times, with other cuts. Where the split is given, or
    with 0 folds, the split stays and `seeds` fresh seeds are trained instead; 0 seeds leave the
    confirmation out. With several searches of an arm, these take turns in the repeats or seeds, of
    which there are as many more as it takes for each search to have the same number."""

    folds: Optional[int] = None  # noqa: UP045
    repeats: int = 2
    seeds: int = 5
    top: int = 1


@dataclass
class Publish:
    """`fit`: what is published is the best arm's configuration, trained once more on all rows that
    aren't for testing (all), or the best of its confirmations (fold)."""

    fit: str = "all"


@dataclass
class Sweep:
    """`name` null: made from data, model and everything that makes results comparable."""

    name: Optional[str] = None  # noqa: UP045


@dataclass
class Config:
    """The whole of conf/config.yaml."""

    data: Data = field(default_factory=Data)
    model: Model = field(default_factory=Model)
    optimizer: Optimizer = field(default_factory=Optimizer)
    training: Training = field(default_factory=Training)
    objective: ObjectiveSettings = field(default_factory=ObjectiveSettings)
    arms: Arms = field(default_factory=Arms)
    search: Search = field(default_factory=Search)
    pruner: Pruner = field(default_factory=Pruner)
    confirm: Confirm = field(default_factory=Confirm)
    publish: Publish = field(default_factory=Publish)
    executor: Executor = field(default_factory=Executor)
    tracking: Tracking = field(default_factory=Tracking)
    sweep: Sweep = field(default_factory=Sweep)
    terminal: str = "auto"
