"""Whatever is typed or stands in a file: a plan, or what is wrong with it; never another exception,
and never a file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from fairsweep.config.compose.commands import (
    compose_doctor,
    compose_predict,
    compose_report,
    compose_sweep,
    compose_training,
)
from fairsweep.config.compose.user_files import NoYaml, file_problems
from fairsweep.errors import BadInput
from tests.property.profiles import examples

COMPOSE: list[Callable[[Sequence[str]], object]] = [
    *(compose_training, compose_training, compose_training, compose_sweep),
    *(compose_report, compose_predict, compose_doctor),
]
KEYS = """
data data.name data.source data.path data.validation data.seed data.class_names model model.builder
model.params model.params.hidden_units model.params.dropout model.space model.space.hidden_units
model.space.hidden_units.layers.low optimizer optimizer.name optimizer.params.learning_rate
optimizer.params.beta_1 optimizer.space.learning_rate optimizer.space.learning_rate.low
optimizer.space.beta_1.choices training training.epochs training.batch_size training.loss
training.schedule training.schedule.final training.early_stopping.patience training.space.batch_size
search search.trials search.minutes search.only search.params pruner pruner.params.n_min_trials
executor executor.workers tracking tracking.root tracking.uri arms arms.optimizer arms.model
objective.metric objective.direction confirm.seeds sweep sweep.name terminal experiment hydra
hydra.run.dir fix model.params.hidden_units.0 a.b.c optimizer/x
""".split()
VALUES = """
0 1 -1 1.5 1e-3 1e400 -1e-400 nan inf -inf null true no ~ '' "" [] {} [[]] [1,2] [a,b] [adam,sgd]
[adam,adam] {low:0,high:1} {low:1,high:0} {choices:[]} {choices:[1,1.0]} {a:{b:{c:1}}} adam sgd mlp
cnn custom npz digits smoke tpe median ??? ${x} ${data.seed} ${oc.env:HOME} a.b:c ../x /x a,b 'a b'
0x1F 1_000 9999999999999999999999 -0.0 {low:1,high:1e308,log:true} {low:1,high:9,step:0}
{layers:{low:1,high:2},units:{low:1,high:2}} é \\ = == : , [ { ( ) $ # ! % @
""".split()

word = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
value = st.sampled_from(VALUES) | word
override = st.builds(
    "{}{}={}".format,
    st.sampled_from(["", "", "", "", "+", "++", "~"]),
    st.sampled_from(KEYS) | word,
    value,
)


@given(st.sampled_from(COMPOSE), st.lists(override | word, max_size=4))
@example(compose_training, ['"=0'])
@examples(150)
def test_overrides(compose: Callable[[Sequence[str]], object], overrides: list[str]) -> None:
    try:
        compose(overrides)
    except BadInput as error:
        assert str(error).strip()
        assert "Traceback" not in str(error)


GOOD = b"""name: mine
params: &p {learning_rate: 0.001, betas: [0.9, 0.999]}
space:
  learning_rate: {low: 1e-5, high: 1e-1, log: true}
  other: *p
"""


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A config in which some bytes are others, or are gone."""
    content = bytearray(GOOD)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        length = draw(st.integers(0, 6))
        content[start : start + length] = draw(st.binary(max_size=6) | st.just(b"&a [*a]"))
    return bytes(content)


@given(st.binary(max_size=200) | damaged())
@examples(500)
def test_bytes_of_a_file(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mine.yaml"
        path.write_bytes(content)
        try:
            problems = file_problems(path, Path(folder))
        except NoYaml as error:
            problems = [str(error)]
        for problem in problems:
            assert problem.startswith(f"{path}:")


@given(damaged())
@examples(60)
def test_a_damaged_option(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "optimizer").mkdir()
        (Path(folder) / "optimizer" / "mine.yaml").write_bytes(content)
        try:
            compose_training(["optimizer=mine"], folder)
        except BadInput as error:
            assert str(error).strip()
        assert sorted(p.name for p in Path(folder).rglob("*")) == ["mine.yaml", "optimizer"]
