"""Every kind of bad input: one message with rule, value, place and remedy, before anything else.

Most cases run in this process, through what the commands themselves call: cases about arms and
spaces through the sweep's, the rest through that of a single training, which composes once instead
of twice. One for each way to end runs through the real command too: exit code 2, no traceback,
nothing written, no TensorFlow.
"""

from __future__ import annotations

import gc
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra._internal.utils import get_args_parser

from fairsweep.commands import sweep, train
from fairsweep.config.checks.sweep import name_problems
from fairsweep.config.compose.entry import check_options
from fairsweep.config.schema import Data
from fairsweep.data.sources import load
from fairsweep.data.split import load_split
from fairsweep.errors import BadInput

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Case:
    """`told` are the parts of the message that matter: rule, value, place, remedy."""

    id: str
    overrides: tuple[str, ...]
    told: tuple[str, ...]


def case(name: str, overrides: str, *told: str) -> Case:
    return Case(name, tuple(overrides.split()), told)


def on_command_line(override: str) -> str:
    return f"(command line: {override})"


RATE = "optimizer.params.learning_rate"
RATES = "optimizer.space.learning_rate"
BETAS = "optimizer.space.beta_1"
UNITS = "model.space.hidden_units"

# What the project promises to refuse.
PROMISED = [
    case(
        "unknown-group-option",
        "optimizer=adamm",
        "optimizer=adamm: there is no such option",
        "myconf/optimizer/adamm.yaml, found by --config-dir=myconf",
        "did you mean optimizer=adam?",
        "schedule_free_adamw, sgd",
    ),
    case(
        "group-without-an-option",
        "optimizer=null",
        "optimizer=null: need the name of an option, such as optimizer=adadelta; --help lists",
    ),
    case(
        "unknown-key",
        "search.trails=3",
        "search.trails: there is no such key",
        on_command_line("search.trails=3"),
        "did you mean search.trials?",
        "trials, repeats, epochs, minutes",
    ),
    case(
        "low-above-high",
        f"{RATES}.low=0.5 {RATES}.high=0.1",
        f"{RATES}: need low < high",
        "low=0.5, high=0.1",
        "(command line: ",
        "to null to fix it",
    ),
    case(
        "log-range-from-zero",
        f"{RATES}.low=0",
        f"{RATES}: a log range needs low > 0",
        "got low=0",
        on_command_line(f"{RATES}.low=0"),
        "log: false",
    ),
    case(
        "powers-from-zero",
        "model=cnn model.space.filters.units.low=0",
        "model.space.filters.units: powers need low > 0, got low=0; use low: 1 (command line: ",
    ),
    case(
        "whole-log-range-from-zero",
        "training.space.batch_size.choices=null training.space.batch_size.log=true "
        "training.space.batch_size.high=64 training.space.batch_size.low=0",
        "a log range needs low > 0, got low=0; use low: 1 or log: false (command line: ",
    ),
    case(
        "file-for-an-option",
        "experiment=mine.yaml",
        "experiment=mine.yaml: need the name of an option; did you mean experiment=mine?",
    ),
    case(
        "path-for-an-option",
        "experiment=myconf/experiment/mine.yml",
        "need the name of an option; did you mean experiment=mine?",
    ),
    case(
        "default-outside-its-space",
        f"{RATE}=0.5",
        f"{RATE}=0.5 must lie in its own space",
        "1e-05 to 0.1",
        "conf/optimizer/adam.yaml",
        "widen the space or change the default",
    ),
    case(
        "learning-rate-negative",
        f"{RATE}=-0.1",
        f"{RATE}: need a finite number above 0",
        "got -0.1",
        on_command_line(f"{RATE}=-0.1"),
        "for example 0.001",
    ),
    case(
        "learning-rate-nan",
        f"{RATE}=nan",
        f"{RATE}: need a finite number above 0",
        "got nan",
        on_command_line(f"{RATE}=nan"),
        "for example 0.001",
    ),
    case(
        "learning-rate-a-word",
        f"{RATE}=fast",
        f"{RATE}: need a number",
        "got 'fast'",
        on_command_line(f"{RATE}=fast"),
        "for example 0.001",
    ),
    case(
        "epochs-zero",
        "training.epochs=0",
        "training.epochs: need a whole number from 1",
        "got 0",
        on_command_line("training.epochs=0"),
    ),
    case(
        "trials-zero",
        "search.trials=0",
        "search.trials: need a whole number from 1",
        "got 0",
        on_command_line("search.trials=0"),
    ),
    case(
        "searches-zero",
        "search.repeats=0",
        "search.repeats: need a whole number from 1",
        "got 0",
        on_command_line("search.repeats=0"),
    ),
    case(
        "arm-that-does-not-exist",
        "arms.optimizer=[adam,adamm]",
        "arm adamm",
        "optimizer=adamm: there is no such option",
        "did you mean optimizer=adam?",
    ),
    case(
        "same-arm-twice",
        "arms.optimizer=[adam,sgd,adam]",
        "arms.optimizer: each arm may be given once",
        "got adam more than once",
        on_command_line("arms.optimizer=[adam,sgd,adam]"),
        "confirm.repeats",
    ),
    case(
        "class-weights-of-another-kind",
        "training.class_weight=equal",
        "training.class_weight:",
        "balanced",
        on_command_line("training.class_weight=equal"),
    ),
    case(
        "class-weights-in-a-list",
        "training.class_weight=[1,5]",
        "training.class_weight: need balanced or weights of classes such as {yes:5,no:1}",
        "got [1, 5]",
        on_command_line("training.class_weight=[1,5]"),
    ),
    case(
        "class-weights-twice",
        "training.class_weight={a:1} training.class_weight={b:2}",
        "training.class_weight.b: training.class_weight is given already, and names no such class",
        "add this one with +training.class_weight.b=…",
        on_command_line("training.class_weight={b:2}"),
    ),
    case(
        "class-weight-below-0",
        "training.class_weight={a:1,b:-1}",
        "training.class_weight: need finite numbers from 0, got b: -1",
        on_command_line("training.class_weight={a:1,b:-1}"),
    ),
    case(
        "search-of-nothing",
        "search.only=[]",
        "search.only: need at least one name, got []",
        on_command_line("search.only=[]"),
        "optimizer.learning_rate",
    ),
    case(
        "search-of-what-has-no-space",
        "search.only=[optimizer.learning_rate,optimizer.momentun]",
        "search.only: no arm has a space for optimizer.momentun",
        on_command_line("search.only=[optimizer.learning_rate,optimizer.momentun]"),
        "there are: optimizer.learning_rate",
    ),
    case(
        "sweep-name-with-slash",
        "sweep.name=a/b",
        "sweep.name: need 1 to 100 of A-Z a-z 0-9 . _ -",
        "got 'a/b'",
        on_command_line("sweep.name=a/b"),
        "for example sweep.name=",
    ),
    case(
        "several-values-for-a-group",
        "optimizer=adam,sgd",
        "optimizer=adam,sgd: one value or a list?",
        "arms.optimizer=[adam,sgd]",
    ),
    case(
        "missing-npz",
        "data=npz data.path=nowhere/rows.npz",
        "there is no file",
        "nowhere/rows.npz",
    ),
    case(
        "several-errors",
        f"training.epochs=0 search.trials=0 {RATE}=-1 sweep.name=a/b",
        "training.epochs: need a whole number from 1, got 0",
        "search.trials: need a whole number from 1, got 0",
        f"{RATE}: need a finite number above 0, got -1",
        "sweep.name: need 1 to 100",
    ),
]

GROUPS_AND_KEYS = [
    case("unknown-model", "model=mlpp", "model=mlpp", "did you mean model=mlp?", "cnn, custom"),
    case(
        "unknown-experiment",
        "experiment=smok",
        "experiment=smok",
        "did you mean experiment=smoke?",
        "optimizer_comparison",
    ),
    case(
        "stands-for-a-key-that-is-not-there",
        "optimizer.name=${optimizer.nme}",
        "optimizer.name: ${optimizer.nme} refers to a key that doesn't exist",
        "write the value",
        on_command_line("optimizer.name=${optimizer.nme}"),
    ),
    case(
        "stands-for-itself",
        "optimizer.name=${optimizer.name}",
        "optimizer.name: its ${…} refers to itself",
        "write the value",
    ),
    Case(
        "spaces-without-quotes",
        (f"{RATES}={{low:", "0.001,", "high:", "0.1}"),
        (
            f"{RATES}={{low:: the shell split it at its spaces",
            f"put quotes around the whole: '{RATES}={{low: 0.001, high: 0.1}}'",
        ),
    ),
    Case(
        "list-with-spaces-without-quotes",
        ("model.params.hidden_units=[64,", "32]"),
        ("put quotes around the whole: 'model.params.hidden_units=[64, 32]'",),
    ),
    case(
        "braces-without-quotes",
        f"{RATES}=low:0.001 {RATES}=high:0.1",
        "the shell expanded the braces",
        f"put quotes around the whole: '{RATES}={{low: 0.001, high: 0.1}}'",
    ),
    case("unknown-far-from-any", "executor=kubernetes", "executor=kubernetes", "options: local"),
    case("unknown-group", "modle=mlp", "modle: there is no such key", "did you mean model?"),
    case(
        "unknown-optimizer-parameter",
        "optimizer.params.learning_rte=0.1",
        "optimizer.params.learning_rte: there is no such key",
        f"did you mean {RATE}?",
        "beta_1, beta_2",
    ),
    case(
        "unknown-space-key",
        f"{RATES}.hihg=1",
        f"{RATES}.hihg: there is no such key",
        f"did you mean {RATES}.high?",
    ),
    case("unknown-arms-group", "arms.data=[digits]", "arms.data: there is no such key", "model"),
    case("new-top-level-key", "+new=1", "new: there is no such key", "training", "search"),
    case("new-key-in-a-section", "+training.epoch=3", "training.epoch", "no such"),
    case("new-key-in-the-data", "+data.shuffle=true", "data.shuffle", "no such"),
    case("forced-new-key", "++search.trails=3", "search.trails", "no such"),
    case(
        "parameter-of-another-arm",
        "arms.optimizer=[adam,sgd] optimizer.params.momentum=0.9",
        "optimizer.params.momentum: there is no such key",
    ),
    Case(
        "name-with-other-letters",
        ("data=csv", "data.path=a.csv", "data.target=größe"),
        ("data.target=größe: without quotes", "write \"data.target='größe'\""),
    ),
    Case(
        "name-with-blank-and-dollar",
        ("data=csv", "data.path=a.csv", "data.weight=price ($)"),
        ("write 'data.weight=\"price ($)\"'",),
    ),
    Case(
        "names-of-which-some-need-quotes",
        ("data=csv", "data.columns=[id,größe,'a, b']"),
        ("write \"data.columns=[id,'größe','a, b']\"",),
    ),
    Case(
        "one-name-where-a-list-belongs",
        ("data=csv", "data.drop=größe"),
        ("write \"data.drop=['größe']\"",),
    ),
    Case(
        "name-with-a-comma",
        ("data=csv", "data.path=a.csv", "data.target=a,b"),
        ("data.target=[a,b] for a list, or \"data.target='a,b'\" for one name",),
    ),
    Case(
        "keyword-of-a-loader",
        ("data=python", "data.loader=a:b", "data.params.word=größe"),
        ("data.params.word=größe: without quotes", "write \"data.params.word='größe'\""),
    ),
    Case(
        "class-with-other-letters",
        ("data=csv", "training.class_weight={größe:2}"),
        ("a name in it may hold", "set training.class_weight in a config file of your own"),
    ),
    Case("key-with-other-letters", ("größe=3",), ("größe=3: need key=value",)),
    case("no-value", "training.epochs", "training.epochs", "="),
    case("model-without-builder", "model=custom", "model.builder", "must be given"),
    case("npz-without-path", "data=npz", "data.path", "data.path=rows.npz"),
    case("server-without-address", "tracking=server", "tracking.uri", "http://host:5000"),
    case("option-outside-its-group", "optimizer=../optimizer/adam", "../optimizer/adam"),
    case("list-for-a-group", "optimizer=[adam,sgd]", "arms.optimizer=[adam,sgd]"),
    case("letters-hydra-cannot-read", "sweep.name=ä", "sweep.name", "A-Z a-z"),
]

TYPES = [
    case("epochs-a-word", "training.epochs=many", "training.epochs", "whole number", "'many'"),
    case("epochs-a-fraction", "training.epochs=1.5", "training.epochs", "whole number", "1.5"),
    case("epochs-null", "training.epochs=null", "training.epochs", "(command line:", "need"),
    case("share-a-word", "data.validation=some", "data.validation", "a number", "'some'"),
    case("switch-a-word", "training.shuffle=perhaps", "training.shuffle", "'perhaps'", "true"),
    case("arms-a-word", "arms.optimizer=adam", "arms.optimizer", "(command line:", "list"),
    case("params-null", "optimizer.params=null", "optimizer.params", "(command line:", "need"),
    case("spec-a-number", f"{RATES}=5", RATES, "(command line:", "need a spec"),
    case("spec-a-list", f"{RATES}=[1,2]", RATES, "(command line:", "need a spec"),
    case("bound-a-word", f"{RATES}.low=abc", f"{RATES}.low", "number", "'abc'"),
    case("bound-true", f"{RATES}.low=true", f"{RATES}.low", "number", "True"),
    case("bound-null", f"{RATES}.low=null", f"{RATES}.low", "number", "None"),
    case("learning-rate-null", f"{RATE}=null", RATE, "need a number", "None"),
    case("learning-rate-true", f"{RATE}=true", RATE, "need a number", "True"),
    case("learning-rate-list", f"{RATE}=[0.1]", RATE, "need a number", "[0.1]"),
    case(
        "hidden-units-a-number",
        "model.params.hidden_units=64",
        "model.params.hidden_units: need a list of whole numbers from 1",
        "got 64",
        on_command_line("model.params.hidden_units=64"),
        "for example [64,32]",
    ),
    case(
        "hidden-units-fractions",
        "model.params.hidden_units=[64.5]",
        "need a list of whole numbers from 1",
        "[64.5]",
    ),
    case("decimal-comma", f"{RATE}=0,001", f"{RATE}=0,001: write {RATE}=0.001, with a point"),
    case("decimal-comma-of-a-share", "data.test=0,2", "write data.test=0.2, with a point"),
    case(
        "list-without-brackets",
        "data=images data.path=. data.size=64,64",
        "data.size=64,64: one value or a list? Write data.size=[64,64] for a list",
    ),
    case("percent", "data.test=20%", "data.test: need a number, got '20%'; write 0.2"),
    case("whole-number-as-a-float", "training.epochs=1e2", "got '100.0'; write 100"),
    case(
        "one-value-for-a-section",
        "training.early_stopping=3",
        "training.early_stopping: need keys and their values: patience, min_delta; "
        "did you mean training.early_stopping.patience=3?",
        on_command_line("training.early_stopping=3"),
    ),
    case(
        "word-for-a-section",
        "training.schedule=cosine",
        "did you mean training.schedule.name=cosine?",
    ),
    case(
        "several-metrics-that-select",
        "objective.metric=[val_accuracy,val_loss]",
        "objective.metric: need one word, got the list ['val_accuracy', 'val_loss']; one metric",
        "training.metrics=[…] are measured beside it",
    ),
    case("word-for-a-list", "training.metrics=f1", "for example training.metrics=[f1]"),
    case(
        "values-to-search-in-a-list",
        "training.batch_size=[16,32]",
        "one value is needed; to search several, 'training.space.batch_size={choices: [16,32]}'",
    ),
    case(
        "values-to-search-with-commas",
        f"{RATE}=0.1,0.01",
        "one value is needed; to search several, "
        "'optimizer.space.learning_rate={choices: [0.1,0.01]}'",
    ),
    case("none-of-python", "sweep.name=None", "None is a word here; write sweep.name=null"),
    case(
        "file-for-data",
        "data=rows.csv",
        "a file needs its kind and its path: data=csv data.path=rows.csv data.target=…",
    ),
    case(
        "parameter-of-a-model-of-ones-own",
        "model=custom model.builder=mine:build model.params.width=8",
        "model.params.width: there is no such key",
        "a parameter of a part of your own is +model.params.width=…",
    ),
    case(
        "when-beside-parameters",
        "optimizer.space={beta_1:{choices:[0.8,0.9]},when:{amsgrad:true}}",
        "optimizer.space.when.amsgrad: `when` stands in the spec of the parameter",
        "optimizer.space.<parameter>.when, such as {momentum: {low: 0.0, high: 0.9, when: ",
    ),
    case("workers-a-word", "executor.workers=all", "executor.workers", "auto", "'all'"),
    case("workers-true", "executor.workers=true", "executor.workers", "auto", "True"),
]

NUMBERS = [
    case("learning-rate-zero", f"{RATE}=0", RATE, "above 0", "got 0"),
    case("learning-rate-infinite", f"{RATE}=inf", RATE, "finite", "got inf"),
    case("epochs-negative", "training.epochs=-3", "training.epochs", "from 1", "got -3"),
    case("searches-negative", "search.repeats=-1", "search.repeats", "from 1", "got -1"),
    case("trials-negative", "search.trials=-1", "search.trials", "from 1", "got -1"),
    case(
        "epochs-budget-below-one-training",
        "training.epochs=12 search.epochs=11",
        "search.epochs: need a whole number from 12",
        "got 11",
        on_command_line("search.epochs=11"),
    ),
    case("minutes-zero", "search.minutes=0", "search.minutes", "more than 0", "null sets no"),
    case("minutes-nan", "search.minutes=nan", "search.minutes", "more than 0", "got nan"),
    case("seeds-negative", "confirm.seeds=-1", "confirm.seeds", "from 0", "got -1"),
    case("search-folds-one", "search.folds=1", "search.folds", "at least 2", "0 for none", "got 1"),
    case("search-folds-negative", "search.folds=-3", "search.folds", "at least 2", "got -3"),
    case(
        "epochs-of-folds", "search.folds=3 search.epochs=59", "search.epochs", "from 60", "got 59"
    ),
    case("folds-one", "confirm.folds=1", "confirm.folds", "at least 2", "0 for none", "got 1"),
    case("folds-negative", "confirm.folds=-2", "confirm.folds", "at least 2", "got -2"),
    case("publish-what", "publish.fit=best", "publish.fit", "all, fold", "got 'best'"),
    case("repeats-none", "confirm.repeats=0", "confirm.repeats", "from 1", "got 0"),
    case("batch-zero", "training.batch_size=0", "training.batch_size", "from 1", "got 0"),
    case("workers-zero", "executor.workers=0", "executor.workers", "from 1", "got 0"),
    case("threads-zero", "executor.threads=0", "executor.threads", "from 1", "got 0"),
    case("grid-of-one-point", "search=grid search.params.points=1", "points", "from 2", "got 1"),
    case("patience-zero", "training.early_stopping.patience=0", "patience", "from 1", "got 0"),
    case("warmup-negative", "training.schedule.warmup_epochs=-1", "warmup_epochs", "from 0"),
    case("schedule-final-above-1", "training.schedule.final=2", "final", "[0, 1]", "got 2"),
    case("schedule-to-zero", "training.schedule.name=exponential", "final", "never reaches 0"),
    case("dropout-one", "model.params.dropout=1.0", "dropout", "[0, 1)", "got 1.0"),
    case("dropout-nan", "model.params.dropout=nan", "dropout", "[0, 1)", "got nan"),
    case("hidden-units-zero", "model.params.hidden_units=[0]", "from 1", "got [0]"),
    case("pruner-interval-zero", "pruner.params.interval_steps=0", "interval_steps", "from 1"),
    case("pruner-startup-negative", "pruner.params.n_startup_trials=-1", "n_startup", "from 0"),
    case("sampler-startup-negative", "search.params.n_startup_trials=-5", "n_startup", "from 0"),
    case("min-delta-nan", "training.early_stopping.min_delta=nan", "min_delta", "got nan"),
    case(
        "checkpoint-seconds-zero", "training.checkpoint_seconds=0", "checkpoint_seconds", "above 0"
    ),
    case("stall-seconds-negative", "training.stall_seconds=-1", "stall_seconds", "above 0"),
    case("checkpoint-seconds-nan", "training.checkpoint_seconds=nan", "got nan", "above 0"),
    case("seed-negative", "training.seed=-1", "training.seed", "from 0", "got -1"),
    case("seed-too-large", "training.seed=18446744073709551616", "to 4294967295", "got 18446744"),
    case("data-seed-too-large", "data.seed=4294967296", "data.seed", "to 4294967295"),
    case("seed-a-word", "training.seed=lucky", "training.seed", "whole number", "'lucky'"),
    case(
        "value-longer-than-mlflow-keeps",
        f"model.params.hidden_units=[{','.join(['16'] * 2000)}]",
        "model.params.hidden_units: need at most 6000 characters, got 8,000",
    ),
    case("l2-negative", "model.params.l2=-1", "model.params.l2", "got -1"),
]

NAMES = [
    case("unknown-loss", "training.loss=mse", "training.loss", "mean_squared_error", "'mse'"),
    case(
        "misspelt-loss",
        "training.loss=categorical_crossentropi",
        "training.loss: need one of",
        "did you mean categorical_crossentropy?",
        on_command_line("training.loss=categorical_crossentropi"),
    ),
    case("unknown-loop", "training.loop=fast", "training.loop", "auto, resident, fit", "'fast'"),
    case("unknown-schedule", "training.schedule.name=cos", "constant, cosine", "mean cosine?"),
    case("unknown-class", "optimizer.name=Adamm", "optimizer.name", "did you mean Adam?"),
    case("unknown-activation", "model.params.activation=rellu", "activation", "mean relu?"),
    case("unknown-metric", "objective.metric=val_los", "objective.metric", "mean val_loss?"),
    case("unknown-score", "training.metrics=[acuracy]", "training.metrics", "mean accuracy?"),
    case("unknown-metric-of-keras", "training.metrics=[CosinSimilarity]", "mean CosineSimilarity?"),
    case(
        "metric-of-nobody", "training.metrics=[other:cost]", "training.metrics: 'other:cost' would"
    ),
    case("objective-by-its-path", "objective.metric=other:cost", "objective.metric=val_cost"),
    case("objective-by-its-class", "objective.metric=val_Poisson", "need val_poisson, which it is"),
    case("score-of-a-part", "training.metrics=[val_f1]", "metrics: need f1, which", "'val_f1'"),
    case("unknown-source", "data.source=xls", "data.source", "digits", "'xls'"),
    case("unknown-terminal", "terminal=pretty", "terminal", "auto, live, plain, quiet"),
    case("unknown-executor-name", "executor.name=ray", "executor.name", "one of local", "'ray'"),
    case("unknown-sampler-name", "search.name=cmaes", "search.name", "tpe", "'cmaes'"),
    case(
        "sweep-name-leading-dot", "sweep.name=.hidden", "sweep.name", "no dot or - first", ".hidden"
    ),
    case("sweep-name-parent", "sweep.name=..", "sweep.name", "no dot or - first", "'..'"),
    case("sweep-name-leading-dash", "sweep.name=-v", "sweep.name", "no dot or - first", "'-v'"),
    case("sweep-name-absolute", "sweep.name=/tmp/x", "sweep.name", "1 to 100", "'/tmp/x'"),
    case("sweep-name-with-nul", "sweep.name='a\0b'", "sweep.name", "1 to 100", r"'a\x00b'"),
    case(
        "sweep-name-of-100-kB",  # the most that Linux lets a command line have in one word is 128
        f"sweep.name={'n' * 100_000}",
        *("sweep.name", "1 to 100", "(100000 characters)"),
    ),
    case("sweep-name-empty", "sweep.name=''", "sweep.name", "1 to 100", "got ''"),
    case("sweep-name-101", f"sweep.name={'n' * 101}", "sweep.name", "1 to 100", "n" * 101),
    Case(
        "sweep-name-with-newline",
        ("sweep.name='first\nsecond'",),
        (
            "sweep.name",
            "need 1 to 100",
            "'first\\nsecond'",
        ),
    ),
    Case("sweep-name-with-space", ("sweep.name='a b'",), ("sweep.name", "need 1 to 100", "'a b'")),
    case("data-name-with-slash", "data.name=a/b", "data.name", "'a/b'"),
    case("model-name-with-slash", "model.name=a/b", "model.name", "'a/b'"),
    case(
        "builder-not-trusted",
        "model=custom model.builder=stranger.models:build",
        "model.builder",
        "'stranger.models:build' would run code",
        "(command line:",
        "FAIRSWEEP_TRUSTED_PACKAGES=stranger",
    ),
    case("builder-of-the-standard-library", "model.builder=os:system", "not trusted", "'os'"),
]

ARMS = [
    case("no-arms", "arms.optimizer=[]", "arms.optimizer: need at least one arm", "got []"),
    case("arms-null", "arms.optimizer=null", "arms", "got none", "arms.model=[…]"),
    case("arm-model-missing", "arms.model=[mlp,resnet]", "arm resnet", "cnn, custom, mlp"),
    case(
        "arms-in-two-groups",
        "arms.model=[mlp,cnn] arms.optimizer=[adam,sgd]",
        "exactly one group",
        "got arms.optimizer, arms.model",
        "give one of",
    ),
    case(
        "one-option-and-arms",
        "optimizer=adam arms.optimizer=[adam,sgd]",
        "optimizer=adam: arms.optimizer already says",
        "leave one out",
    ),
    case(
        "space-of-one-arm-only",
        "arms.optimizer=[sgd,adam] optimizer.space.beta_1.choices=[0.9]",
        "optimizer.space.beta_1: SGD has no such parameter to search; there are: learning_rate, ",
    ),
]

SPACES = [
    case("bound-nan", f"{RATES}.low=nan", f"{RATES}.low", "finite", "nan"),
    case("log-with-step", f"{RATES}.step=0.01", RATES, "step goes with neither"),
    case(
        "step-wider-than-range",
        f"{RATES}={{log:false,low:0.0001,high:0.1,step:0.5}}",
        f"{RATES}.step",
        "at most high - low",
        "0.5",
    ),
    case(
        "choices-and-low",
        f"{BETAS}.low=0.1",
        f"{BETAS}: need one of: low and high, choices",
        "got low and high with choices",
        on_command_line(f"{BETAS}.low=0.1"),
    ),
    case("no-choices", f"{BETAS}.choices=[]", "at least one value", "empty list"),
    case(
        "choices-twice",
        f"{BETAS}.choices=[0.9,0.95,0.9]",
        f"{BETAS}.choices: every value may stand once",
        "[0.9, 0.95, 0.9]",
    ),
    case(
        "choices-equal-across-types",
        "optimizer=sgd optimizer.space.momentum.choices=[0,0.0,0.9]",
        "every value may stand once",
        "1.0 and true are equal",
    ),
    case("choices-nested", f"{BETAS}.choices=[[[0.9]]]", "plain values or lists", "[[[0.9]]]"),
    case(
        "precision-of-16-bits",
        "training.precision=float16",
        "training.precision: need one of float32, mixed_bfloat16, mixed_float16; got 'float16'",
    ),
    case(
        "list-for-a-number",
        f"{BETAS}.choices=[0.9,[0.9]]",
        f"{BETAS}.choices: the default 0.9 is no list, so no choice can be one, got [0.9]",
    ),
    case(
        "list-twice",
        "model.space.hidden_units={choices:[[64,32],[8],[8]],layers:null,units:null}",
        "model.space.hidden_units.choices: every value may stand once",
    ),
    case(
        "widths-that-are-none",
        "model.space.hidden_units={choices:[[64,32],[8,0]],layers:null,units:null}",
        "model.space.hidden_units: need a list of whole numbers from 1, got [8, 0]",
    ),
    case(
        "dropout-of-all",
        "model.space.dropout={low:0.0,high:1.0}",
        "model.space.dropout: need a share in [0, 1), got 1.0 (command line: model.space.dropout=",
    ),
    case(
        "no-activation",
        "model.space.activation={choices:[relu,tanhh]}",
        "model.space.activation: need one of celu, ",
        "did you mean tanh?",
    ),
    case(
        "no-epochs",
        "training.space.epochs={low:0,high:30}",
        "training.space.epochs: need whole numbers from 1, got 0",
    ),
    case(
        "epochs-beyond-the-budget",
        "training.space.epochs={low:5,high:30} search.epochs=25",
        "search.epochs: need a whole number from 30, the epochs of one trial by training.epochs, "
        "training.space.epochs and search.folds; got 25",
    ),
    case(
        "shorter-than-the-warm-up",
        "training.space.epochs={low:5,high:30} training.schedule.warmup_epochs=5",
        "training.space.epochs: ",
        "need fewer than training.epochs=5, got 5",
    ),
    case(
        "condition-on-nothing",
        "optimizer=sgd optimizer.space.momentum.when={nesterof:true}",
        "optimizer.space.momentum.when: optimizer.nesterof is no parameter of this arm; did "
        "you mean optimizer.nesterov? (command line: ",
    ),
    case(
        "condition-on-itself",
        "optimizer=sgd optimizer.space.momentum.when={momentum:0.9}",
        "optimizer.momentum can't depend on itself; name another, or leave `when` out",
    ),
    case(
        "condition-on-a-condition",
        "optimizer=sgd optimizer.space.momentum.when={nesterov:true}"
        " optimizer.space.learning_rate.when={momentum:0.9}",
        "optimizer.space.learning_rate.when: optimizer.momentum has a condition itself",
    ),
    case(
        "condition-on-a-range",
        "optimizer=sgd optimizer.space.momentum.when={learning_rate:0.1}",
        "optimizer.learning_rate is searched in a range, and a condition needs choices",
    ),
    case(
        "condition-never-met",
        "optimizer=adam optimizer.space.beta_1.when={amsgrad:true}",
        "optimizer.space.beta_1.when: optimizer.amsgrad is never True: it has False",
    ),
    case(
        "default-not-a-choice",
        f"{BETAS}.choices=[0.8,0.95]",
        "optimizer.params.beta_1=0.9 must lie in its own space",
        "the choices [0.8, 0.95]",
    ),
    case(
        "default-between-steps",
        "optimizer=schedule_free_adamw optimizer.params.warmup_steps=10"
        " optimizer.space.warmup_steps.step=50",
        "optimizer.params.warmup_steps=10 must lie in its own space",
        "50",
    ),
    case(
        "one-bound-for-a-fixed-parameter",
        f"{RATES}=null {RATES}.low=0.5",
        RATES,
        "low",
        "high",
    ),
    case(
        "batch-size-not-a-choice",
        "training.batch_size=33",
        "training.batch_size=33 must lie in its own space",
        "[16, 32, 64, 128]",
        "conf/training/default.yaml",
        "widen the space",
    ),
    case(
        "width-not-a-power",
        "model.params.hidden_units=[33]",
        "=33 must lie in its own space",
        "powers of 2 from 16 to 256",
        "conf/model/mlp.yaml",
    ),
    case(
        "more-layers-than-searched",
        "model.params.hidden_units=[64,32,32,16]",
        "hidden_units",
        "1 to 3",
    ),
    case("no-layers", "model.params.hidden_units=[]", "list of widths", "is []"),
    case("layers-without-units", f"{UNITS}.units=null", UNITS, "units is missing"),
    case("layers-from-zero", f"{UNITS}.layers.low=0", "at least 1", "low=0"),
    case("power-of-one", f"{UNITS}.units.powers_of=1", "powers_of", "from 2"),
    case(
        "one-power-only",
        f"{UNITS}.units.low=60 {UNITS}.units.high=100",
        "two powers of 2 between low=60 and high=100",
    ),
    case(
        "fractions-beside-a-whole-default",
        "optimizer=schedule_free_adamw optimizer.space.warmup_steps.low=0.5",
        "whole number",
        "0.5",
    ),
    case(
        "negative-learning-rates",
        f"{RATES}={{low:-1,high:1,log:false}}",
        "learning_rate",
        "above 0",
        "-1",
    ),
    case(
        "batch-sizes-of-zero",
        "training.space.batch_size.choices=[0,32]",
        "training.space.batch_size",
        "from 1",
    ),
    case(
        "batch-sizes-a-word",
        "training.space.batch_size.choices=[32,large]",
        "training.space.batch_size",
        "large",
    ),
]

AGREEMENT = [
    case(
        "shares-leave-nothing",
        "data.validation=0.5 data.test=0.5",
        "must leave rows to train on",
        "got data.validation=0.5 and data.test=0.5",
        "(command line:",
    ),
    case("share-of-one", "data.validation=1", "data.validation", "[0, 1)", "got 1.0"),
    case("share-negative", "data.test=-0.1", "data.test", "[0, 1)", "got -0.1"),
    case("share-nan", "data.test=nan", "data.test", "[0, 1)", "got nan"),
    case(
        "objective-without-validation",
        "data.validation=0",
        "val_accuracy needs validation rows",
        "data.validation is 0",
        "objective.metric=accuracy",
    ),
    case(
        "direction-contradicts-metric",
        "objective.direction=minimize",
        "objective.direction: objective.metric=val_accuracy is better when you maximize it",
        "got 'minimize'",
        on_command_line("objective.direction=minimize"),
        "use objective.direction=maximize",
    ),
    case(
        "metric-contradicts-direction",
        "objective.metric=val_loss objective.direction=maximize",
        "val_loss is better when you minimize it",
        "use objective.direction=minimize",
    ),
    case("scaled-twice", "data.standardize=true", "data.rescale", "exclude each other"),
    case("rescale-zero", "data.rescale=0", "data.rescale", "above 0", "got 0"),
    case(
        "class-names-of-other-data",
        "data.class_names=[a,b]",
        "data.class_names: the data has 10 classes",
        "got 2 names",
    ),
    case(
        "share-too-small-for-a-class",
        "data=worked_example data.test=0.1 objective.metric=accuracy",
        "data.test",
        "leaves some class without rows",
        "use another share",
        on_command_line("data.test=0.1"),
    ),
]

EVERY = [
    *PROMISED,
    *GROUPS_AND_KEYS,
    *TYPES,
    *NUMBERS,
    *NAMES,
    *ARMS,
    *SPACES,
    *AGREEMENT,
]


def of_one_arm(overrides: tuple[str, ...]) -> tuple[str, ...]:
    """A sweep of adam alone, which is quicker to compose, unless the case says more."""
    said = any(word.startswith(("arms.", "optimizer=", "--")) for word in overrides)
    return overrides if said else ("optimizer=adam", *overrides)


def refusal(*overrides: str, swept: bool = False) -> BadInput:
    """What a sweep, or a single training, says of a command line."""
    with pytest.raises(BadInput) as caught:
        if swept or any(".space." in word or "arms." in word for word in overrides):
            sweep.prepare(of_one_arm(overrides), None)
        else:
            train.prepare(overrides, None)
    return caught.value


@pytest.fixture(autouse=True)
def nothing_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FAIRSWEEP_TRUSTED_PACKAGES", raising=False)


def test_ids_are_unique() -> None:
    ids = [case.id for case in EVERY]
    assert sorted(set(ids)) == sorted(ids)


@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.id)
def test_message_tells_rule_value_place_and_remedy(case: Case) -> None:
    error = refusal(*case.overrides, swept=case in [*PROMISED, *SPACES])
    assert [part for part in case.told if part not in str(error)] == []
    for problem in error.problems:
        assert not re.search(r"\b(DictConfig|ListConfig|\w+Exception|subclass of)\b", problem)
        assert not re.search(r"\?;|; [A-Z][a-z]+: ", problem), "a sentence within another"
        refused, _, suggestion = problem.partition("did you mean ")
        assert not suggestion or f"{suggestion.partition('?')[0]}:" not in refused, "itself"


def test_a_name_of_10_megabytes_is_told_in_short() -> None:
    ((key, text),) = name_problems("n" * 10_000_000)
    assert key == "sweep.name"
    assert "(10000000 characters)" in text
    assert len(text) < 500


def test_every_problem_is_told_once_on_a_line_of_its_own() -> None:
    error = refusal("training.epochs=0", "search.trials=0", "confirm.seeds=-1")
    assert sorted(problem.partition(":")[0] for problem in error.problems) == [
        "confirm.seeds",
        "search.trials",
        "training.epochs",
    ]
    assert str(error).splitlines() == list(error.problems)


def test_a_problem_of_one_arm_names_its_file() -> None:
    error = refusal("arms.optimizer=[sgd,adam]", f"{RATE}=0.5")
    assert len(error.problems) == 1  # 0.5 lies in sgd's space
    assert "conf/optimizer/adam.yaml" in str(error)


@pytest.mark.parametrize("direction", ["up", "Minimize", "minimise"])
def test_direction_is_one_of_two(direction: str) -> None:
    assert "objective.direction=maximize" in str(refusal(f"objective.direction={direction}"))


@pytest.mark.skipif(
    importlib.util.find_spec("torch") is not None, reason="torch is installed: gp works here"
)
def test_gp_without_torch() -> None:
    message = str(refusal("search=gp"))
    assert [part for part in ("gp needs torch", "pip install torch", "tpe") if part in message] == [
        "gp needs torch",
        "pip install torch",
        "tpe",
    ]


def test_epochs_budget_is_measured_by_the_longest_arm(tmp_path: Path) -> None:
    """Arms may differ in the length of a training: the budget must hold one of each."""
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "long.yaml").write_text("defaults: [default, _self_]\nepochs: 50\n")
    with pytest.raises(BadInput, match=r"search\.epochs: need a whole number from 50, .* got 30"):
        sweep.prepare(["arms.training=[default,long]", "search.epochs=30"], str(tmp_path))


X = np.arange(40, dtype=float).reshape(20, 2)
Y = np.arange(20) % 2


def with_value(value: float) -> np.ndarray[Any, Any]:
    x = X.copy()
    x[3, 1] = value
    return x


ARRAYS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "object-features": (
        {"x": X.astype(object), "y": Y},
        ("data.path: ", "plain arrays", "numpy.savez", "without object arrays"),
    ),
    "object-labels": ({"x": X, "y": np.array(["a", "b"], object)[Y]}, ("without object arrays",)),
    "nan": ({"x": with_value(np.nan), "y": Y}, ("x has NaN or infinite", "1 row", "correct them")),
    "infinite": ({"x": with_value(np.inf), "y": Y}, ("x has NaN or infinite", "1 row")),
    "above-float32": ({"x": with_value(1e39), "y": Y}, ("x has", "1 row")),
    "complex": ({"x": X + 1j, "y": Y}, ("x must be numbers", "complex128")),
    "labels-longer": ({"x": X, "y": np.arange(21) % 2}, ("20 rows and y has 21", "the same")),
    "labels-shorter": ({"x": X, "y": Y[:-1]}, ("20 rows and y has 19", "the same")),
    "one-class": ({"x": X, "y": np.zeros(20, int)}, ("y has fewer than two classes",)),
    "no-rows": ({"x": X[:0], "y": Y[:0]}, ("y has no rows; need some to train on",)),
    "one-hot-labels": ({"x": X, "y": np.eye(2, dtype=int)[Y]}, ("per row", "(20, 2)")),
    "flat-features": ({"x": X[:, 0], "y": Y}, ("(rows, features, …)", "(20,)")),
    "text-features": ({"x": X.astype(str), "y": Y}, ("x must be numbers", "<U")),
    "labels-missing": ({"x": X}, ("needs arrays x and y", "has x")),
    "class-of-one-row": (
        {"x": X, "y": np.r_[np.zeros(19, int), 1]},
        ("there is only row 20 of class '1'", "leave this class out, or merge it with another"),
    ),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_npz_that_is_no_table(name: str, tmp_path: Path) -> None:
    arrays, told = ARRAYS[name]
    path = tmp_path / "rows.npz"
    np.savez(path, **arrays)
    with pytest.raises(BadInput) as caught:
        load_split(Data(name="rows", source="npz", path=str(path)))
    assert [part for part in told if part not in str(caught.value)] == []


def test_npz_tells_all_problems_of_its_arrays(tmp_path: Path) -> None:
    path = tmp_path / "rows.npz"
    np.savez(path, x=with_value(np.nan), y=np.zeros(20, int))
    assert len(refusal("data=npz", f"data.path={path}").problems) == 2


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: content[:0],
    "no-zip": lambda _: b"x,y\n1,0\n",
    "cut-short": lambda content: content[: len(content) // 2],
    "bits-flipped": lambda content: content[:200] + bytes([content[200] ^ 255]) + content[201:],
    "a-single-array": lambda content: content[content.index(b"\x93NUMPY") :],
}


@pytest.mark.parametrize("name", DAMAGE)
def test_npz_that_is_no_archive(name: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.npz"
    np.savez(path, x=X, y=Y)
    path.write_bytes(DAMAGE[name](path.read_bytes()))
    with pytest.raises(BadInput) as caught:
        load(Data(name="rows", source="npz", path=str(path)))
    message = str(caught.value)
    del caught
    gc.collect()  # a file that was left open fails the test here, as a warning
    assert "data.path: " in message and str(path) in message and "numpy.savez" in message


# The real command.


@dataclass(frozen=True)
class Ended:
    """How a command ended, and every file it left in its folder, its home or its temporary one."""

    code: int
    out: str
    err: str
    files: list[str]


def run(folder: Path, *arguments: str, python: tuple[str, ...] = (), full_error: str = "") -> Ended:
    places = {name: folder / name for name in ("cwd", "tmp", "home")}
    for place in places.values():
        place.mkdir(parents=True)
    keep = {
        k: v for k, v in os.environ.items() if not k.startswith(("FAIRSWEEP_", "HYDRA_", "COV"))
    }
    done = subprocess.run(
        [sys.executable, *python, "-m", "fairsweep", "sweep", *arguments],
        cwd=places["cwd"],
        env={
            **keep,
            "PYTHONPATH": str(ROOT / "pipeline"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": str(places["tmp"]),
            "HOME": str(places["home"]),
            **({"HYDRA_FULL_ERROR": full_error} if full_error else {}),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    left = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.parent != folder]
    return Ended(done.returncode, done.stdout, done.stderr, left)


MULTIRUN = case("multirun", "--multirun optimizer=adam,sgd", "--multirun", "arms.optimizer=[…]")
CONFIG_NAME = case("config-name", "--config-name report", "--config-name", "--config-dir")
NO_CONFIG_DIR = case("config-dir", "--config-dir nowhere", "--config-dir", "there is no folder")
AFTER_CONFIG_DIR = case(
    "after-config-dir", "--config-dir . training.epochs=0", "training.epochs", "got 0"
)
NO_IMAGES = case(
    "no-images",
    "model=cnn data=worked_example objective.metric=loss objective.direction=minimize",
    *("model: cnn needs images", "(2,)", "use model=mlp"),
)
FOLDS = [
    case(
        "folds-of-a-rare-class",
        "confirm.folds=500",
        "confirm.folds: 500 folds need as many rows of class",
        on_command_line("confirm.folds=500"),
    ),
    case(
        "search-folds-of-a-rare-class",
        "search.folds=400",
        "search.folds: 400 folds need as many rows of class",
        on_command_line("search.folds=400"),
    ),
    case(
        "folds-without-validation-metric",
        "objective.metric=loss objective.direction=minimize search.folds=3",
        "use search.folds=null",
        on_command_line("search.folds=3"),
    ),
]
HYDRAS_OWN = [
    case("hydras-own-folder", "hydra.run.dir=/etc/x", "hydra.run.dir=/etc/x: Hydra's own"),
    case("hydras-own-group", "hydra/sweeper=basic", "hydra/sweeper=basic: Hydra's own"),
    case("hydras-own-environment", "++hydra.job.env_set.LD_PRELOAD=x.so", "Hydra's own settings"),
]
RERUN = case("rerun", "--experimental-rerun config.file", "it would run what a file holds")
# One for each way to be refused: the words of an override, Hydra, the checks, the data, a folder
# that doesn't exist, an option that isn't taken.
REAL = ("several-values-for-a-group", "unknown-group-option", "several-errors", "missing-npz")
COMMANDS = [*(case for case in PROMISED if case.id in REAL), NO_CONFIG_DIR, HYDRAS_OWN[0]]
OPTIONS = [RERUN, *HYDRAS_OWN, MULTIRUN, CONFIG_NAME, NO_CONFIG_DIR]


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ended]:
    """Every case through the real command, two at a time."""
    folder = tmp_path_factory.mktemp("commands")
    with ThreadPoolExecutor(2) as pool:
        ended = pool.map(lambda case: run(folder / case.id, *of_one_arm(case.overrides)), COMMANDS)
        return dict(zip([case.id for case in COMMANDS], ended, strict=True))


@pytest.mark.parametrize("case", OPTIONS, ids=lambda case: case.id)
def test_an_option_that_is_not_taken(case: Case) -> None:
    arguments = get_args_parser().parse_intermixed_args(case.overrides)
    with pytest.raises(BadInput) as caught:
        check_options(arguments)
    assert caught.value.exit_code == 2
    assert [part for part in case.told if part not in str(caught.value)] == []


def test_an_override_after_the_config_dir_is_one() -> None:
    arguments = get_args_parser().parse_intermixed_args(AFTER_CONFIG_DIR.overrides)
    assert arguments.overrides == ["training.epochs=0"]


@pytest.mark.parametrize("case", FOLDS, ids=lambda case: case.id)
def test_folds_that_the_data_do_not_allow(case: Case) -> None:
    error = refusal(*case.overrides)
    assert [part for part in case.told if part not in str(error)] == []


def test_folds_that_a_file_asks_for_are_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    path = tmp_path / "experiment" / "mine.yaml"
    path.write_text("# @package _global_\nconfirm: {folds: 300}\n", encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        sweep.prepare(["experiment=mine"], str(tmp_path))
    assert str(caught.value).endswith(f" ({path}:2)")


def test_images_for_a_cnn() -> None:
    error = refusal(*NO_IMAGES.overrides)
    assert error.exit_code == 2
    assert [part for part in NO_IMAGES.told if part not in str(error)] == []


@pytest.mark.parametrize("case", COMMANDS, ids=lambda case: case.id)
def test_command_refuses_and_writes_nothing(case: Case, commands: dict[str, Ended]) -> None:
    ended = commands[case.id]
    assert ended.code == 2, ended.err
    assert "Traceback" not in ended.err + ended.out
    assert [part for part in case.told if part not in ended.err] == []
    assert all(line.startswith("error: ") for line in ended.err.splitlines())
    assert ended.out == ""
    assert ended.files == []


def test_command_imports_nothing_heavy_before_it_refuses(tmp_path: Path) -> None:
    ended = run(tmp_path, "optimizer=adam", "training.epochs=0", python=("-X", "importtime"))
    imported = {
        line.rpartition("|")[2].strip().partition(".")[0]
        for line in ended.err.splitlines()
        if line.startswith("import time:")
    }
    assert ended.code == 2
    assert "hydra" in imported  # the list is really read
    assert imported & {"tensorflow", "keras", "mlflow", "optuna", "torch"} == set()


def test_full_error_shows_the_traceback(tmp_path: Path) -> None:
    ended = run(tmp_path, "optimizer=adam", "training.epochs=0", full_error="1")
    assert ended.code != 0
    assert "Traceback (most recent call last)" in ended.err
    assert "BadInput" in ended.err and "training.epochs: need a whole number from 1" in ended.err
    assert ended.files == []


def test_a_path_from_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell replaces ~ only where a word begins with it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "rows.csv").write_text("a,b\n" + "1,yes\n2,no\n" * 20)
    given = ["data=csv", "data.path=~/rows.csv", "data.target=b"]
    assert len(train.prepare(given, None).data.dataset.y) == 40
    in_a_file = Data("mine", "csv", "~/rows.csv", target="b")
    assert len(load(in_a_file).y) == 40
    with pytest.raises(BadInput, match=rf"no file {tmp_path}/rows\.csw \(did you mean .*csv\?"):
        train.prepare(["data=csv", "data.path=~/rows.csw", "data.target=b"], None)
