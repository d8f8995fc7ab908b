"""Metrics by name: what there is, and what docs/METRICS.md says of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairsweep.metrics import KERAS, KERAS_CLASSES, METRICS, Metric, asked, is_shared, known_metric
from fairsweep.metrics.metric import OF_CLASSES, OF_NAMES

ROOT = Path(__file__).parents[2]
TASKS = {OF_NAMES: "classes, labels", OF_CLASSES: "classes"}


def table() -> Iterator[str]:
    """The lines of docs/METRICS.md on the metrics that are ready by name."""
    yield "| name | what | range | better | for | judged by |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for metric in METRICS.values():
        low, high = metric.bounds
        between = "any" if metric.bounds == (-math.inf, math.inf) else f"{end(low)} to {end(high)}"
        better = "higher" if metric.direction == "maximize" else "lower"
        cells = (f"`{metric.name}`", metric.title, between, better, fits(metric), judged(metric))
        yield f"| {' | '.join(cells)} |"


def end(bound: float) -> str:
    return "∞" if bound == math.inf else "-∞" if bound == -math.inf else f"{bound:.3g}"


def fits(metric: Metric) -> str:
    if metric.name == "loss":
        return "all"
    return TASKS.get(metric.forms.union(metric.keras), "numbers")


def judged(metric: Metric) -> str:
    shared = is_shared(metric.name) or metric.shares is not None
    return "shares" if shared else "rows"


def test_the_page_has_the_table() -> None:
    page = (ROOT / "docs" / "METRICS.md").read_text()
    assert "\n".join(table()) in page


def test_names_of_keras_are_other_names_than_ours() -> None:
    """In whatever case: MLflow's file store has them as files."""
    assert not {name.casefold() for name in METRICS} & {name.casefold() for name in KERAS}
    assert set(KERAS_CLASSES.values()) == set(KERAS)


@pytest.mark.parametrize(
    ("name", "logged"),
    [
        ("CosineSimilarity", "cosine_similarity"),
        ("cosine_similarity", "cosine_similarity"),
        ("AUC", "keras_auc"),
        ("auc", "auc"),
        ("top_7", "top_7"),
    ],
)
def test_a_name_is_known_however_it_is_written(name: str, logged: str) -> None:
    found = known_metric(name)
    assert found is not None
    assert found.name == logged
    assert found.direction == "maximize"


@pytest.mark.parametrize("name", ["top_1", "top_k", "top_03", "Mean", "MeanIoU", "profit"])
def test_other_names_arent(name: str) -> None:
    assert known_metric(name) is None


def test_what_is_asked_for_comes_in_the_order_of_the_table() -> None:
    wanted = ["Poisson", "mypackage.metrics:profit", "f1", "accuracy", "f1"]
    names = [metric.name for metric in asked(wanted, "val_auc")]
    assert names == ["loss", "accuracy", "f1", "auc", "poisson", "profit"]
    assert [metric.name for metric in asked(wanted, "val_profit")][-1] == "profit"
