"""What a compiled program depends on: trials of one kind can share it.

In: a trial, the scaling and the arrays that it is trained on. Out: a `Kind`.
"""

from __future__ import annotations

from dataclasses import dataclass

from fairsweep.config.space import loss_params
from fairsweep.data.dataset import Dataset
from fairsweep.data.scaling import Scaling
from fairsweep.data.several import each, inputs_of, row_shape
from fairsweep.metrics import asked
from fairsweep.records import TrialSpec
from fairsweep.training.layer_rates import program_kind
from fairsweep.training.loops import Arrays
from fairsweep.training.loss import COLUMN
from fairsweep.training.model import graph_params, without_numbers
from fairsweep.training.models import BUILDERS
from fairsweep.training.optimizer import optimizer_kind, updates_any_shape
from fairsweep.training.preprocessing import kind_of as scaling_kind


@dataclass(frozen=True)
class Kind:
    """What a program depends on, as one string: trials of the same kind can share it; and whether
    they may differ in the shapes of their weights."""

    key: str
    any_shape: bool


def kind_of(spec: TrialSpec, scaling: Scaling, train: Arrays, dataset: Dataset) -> Kind:
    """The kind of program of a trial on data. Numbers of the optimizer, of the schedule and of our
    own layers are inputs of a program."""
    training, optimizer = spec.training, spec.optimizer
    params = dict(spec.model.params)
    factors = spec.model.layer_learning_rates or {}
    frozen = 0 in factors.values()  # whose weights keep their shape
    any_shape = (
        updates_any_shape(optimizer)
        and training.loss not in COLUMN
        and graph_params(spec.model) != params
        and not frozen
    )
    if any_shape:
        params = graph_params(spec.model)
    if spec.model.builder in BUILDERS:
        params = without_numbers(params)
    model = (spec.model.builder, params, program_kind(factors), training.precision)
    weighed = (train.weights is not None, dataset.weights is not None)
    losses = (training.loss, loss_params(training), training.quantiles)
    logged = [own.name for own in asked(training.metrics, spec.objective.metric)]
    loss = (losses, weighed, logged)
    schedule = (training.schedule.name, training.schedule.warmup_epochs > 0)
    table = train.table
    # A single one is floats.
    shapes = inputs_of(table.x) or row_shape(table.x)
    names = dataset.task.name, len(dataset.class_names)
    answers = each(table.y, lambda own: (own.shape[1:], str(own.dtype)))
    rows = (shapes, answers, names, scaling_kind(scaling))
    fixed = optimizer_kind(optimizer)
    return Kind(repr((rows, model, fixed, loss, schedule)), any_shape)
