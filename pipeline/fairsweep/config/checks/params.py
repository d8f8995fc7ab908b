"""What the `params` of an optimizer and of a model of ours may hold: what its file in conf/ has.

In: settings, which may come from a file of the user's own. Out: (key, rule broken and remedy).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence

import yaml

from fairsweep.config.checks.rules import hint
from fairsweep.config.checks.space import Problem
from fairsweep.config.compose.hydra import CONF
from fairsweep.config.schema import Model, Optimizer


def params_problems(optimizer: Optimizer, model: Model) -> Iterator[Problem]:
    """Names that Keras's class, or a builder of ours, doesn't take, and those that this needs."""
    known = _of_files("optimizer", "name").get(optimizer.name, ())
    yield from _unknown("optimizer", optimizer.name, optimizer.params, known)
    known = _of_files("model", "builder").get(model.builder, ())
    yield from _unknown("model", model.builder, model.params, known)
    if missing := [name for name in known if name not in model.params]:
        yield (
            "model.params",
            f"{', '.join(missing)} must be given; a file that begins with defaults: "
            f"[{model.builder}] has what it doesn't say from conf/model/{model.builder}.yaml",
        )


def _unknown(
    group: str, name: str, params: Mapping[str, object], known: Sequence[str]
) -> Iterator[Problem]:
    for param in params if known else ():
        if param not in known:
            meant = hint(param, known) or f"; there are: {', '.join(known)}"
            yield f"{group}.params.{param}", f"{name} has no such parameter{meant}"


@functools.cache
def _of_files(group: str, key: str) -> Mapping[str, Sequence[str]]:
    """The names of `params` in conf/, by what their file says for `key`."""
    texts = (path.read_text(encoding="utf-8") for path in sorted((CONF / group).glob("*.yaml")))
    files = [yaml.safe_load(text) for text in texts]
    return {file[key]: tuple(file["params"]) for file in files if file.get("params")}
