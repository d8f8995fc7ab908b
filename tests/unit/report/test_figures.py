"""The interactive pictures: plotly takes them, they show the right numbers, names are inert."""

from __future__ import annotations

import math

import plotly.graph_objects as go
import pytest

from pipeline.records import Objective
from pipeline.report.curves import styles
from pipeline.report.figures import figures
from pipeline.report.select import select

from .builders import ACCURACY, confirm, finished, realistic, search, sweep


def _figures(record):
    return {figure.name: figure for figure in figures(select(record), record.arms)}


@pytest.mark.parametrize(
    "record",
    [realistic(trials=8), realistic(trials=8, arms=[f"arm{i}" for i in range(9)], seeds=1)],
    ids=["four arms", "nine arms, one seed"],
)
def test_plotly_accepts_every_property(record):
    found = _figures(record)
    assert list(found) == [
        *("confirmed", "curves-loss", "curves-accuracy"),
        *("learning-rates", "best-by-trials", "best-by-epochs"),
    ]
    for figure in found.values():
        go.Figure(figure.spec)
        assert figure.caption


def test_training_is_dashed_validation_solid_in_the_arms_colour():
    record = realistic(trials=8)
    style = styles(record.arms)
    lines = [
        trace for trace in _figures(record)["curves-loss"].spec["data"] if trace["line"]["width"]
    ]
    assert [(trace["name"], trace["line"]["dash"]) for trace in lines[:2]] == [
        ("sgd, training", "dash"),
        ("sgd, validation", "solid"),
    ]
    assert {trace["line"]["color"] for trace in lines if trace["meta"] == "adam"} == {
        style["adam"].colour
    }


def test_line_and_band_by_hand():
    record = sweep(
        search("adam", 0, 0.9),
        confirm("adam", 0, 0, 0.9, curves={"val_loss": [3.0, 1.0]}),
        confirm("adam", 0, 1, 0.9, curves={"val_loss": [5.0, 2.0]}),
    )
    area, line = _figures(record)["curves-loss"].spec["data"]
    assert (line["x"], line["y"]) == ([1, 2], [4.0, 1.5])
    assert line["customdata"] == ["4.0000 (3.0000 to 5.0000)", "1.5000 (1.0000 to 2.0000)"]
    assert (area["x"], area["y"]) == ([1, 2, 2, 1], [5.0, 2.0, 1.0, 3.0])


def test_each_seed_the_mean_and_the_default_are_points():
    record = finished({"adam": [0.9, 0.91, 0.92]})
    seeds, mean, default = _figures(record)["confirmed"].spec["data"]
    assert seeds["x"] == [0.9, 0.91, 0.92]
    assert mean["x"] == [pytest.approx(0.91)]
    assert mean["error_x"]["array"][0] == pytest.approx(4.302653 * 0.01 / math.sqrt(3), rel=1e-5)
    assert default["x"] == [0.9]


def test_one_seed_has_no_interval():
    _, mean, _ = _figures(finished({"adam": [0.9]}))["confirmed"].spec["data"]
    assert "error_x" not in mean


def test_an_objective_of_another_name_is_drawn():
    record = sweep(
        search("adam", 0, 0.9, curves={"val_top 5": [0.5, 0.6]}),
        objective=Objective("val_top 5", "maximize"),
    )
    assert list(_figures(record)) == ["curves-top-5", "best-by-trials", "best-by-epochs"]


def test_nothing_to_draw_gives_no_figure():
    assert _figures(sweep()) == {}
    assert _figures(sweep(search("adam", 0, 0.9, "running"))) == {}


def test_every_trial_stands_at_its_learning_rate():
    rates = {"optimizer.learning_rate": "0.01"}, {"optimizer.learning_rate": "0.1"}
    record = sweep(
        search("adam", 0, 0.9, params=rates[0]),
        search("adam", 1, 0.8, "pruned", params=rates[1]),
        search("adam", 2, None, "diverged", params={"optimizer.learning_rate": "1.0"}),
        search("sgd", 0, 0.7, params=rates[1]),
        search("sgd", 1, 0.99),
    )
    figure = _figures(record)["learning-rates"]
    assert [(t["meta"], t["marker"]["symbol"], t["x"], t["y"]) for t in figure.spec["data"]] == [
        ("adam", "circle", [0.01], [0.9]),
        ("adam", "circle-open", [0.1], [0.8]),
        ("adam", "x-thin", [1.0], [0.7]),
        ("sgd", "circle", [0.1], [0.7]),
    ]
    assert figure.spec["layout"]["xaxis"]["type"] == "log"
    assert "adam 0.01 to 0.01 (×1)" in figure.caption


def test_the_best_so_far_is_a_staircase_over_trials_and_over_epochs():
    record = sweep(search("adam", 0, 0.8, epochs=4), search("adam", 1, 0.9, epochs=6))
    found = _figures(record)
    (by_trials,), (by_epochs,) = (found[f"best-by-{n}"].spec["data"] for n in ("trials", "epochs"))
    assert (by_trials["x"], by_trials["y"]) == ([1, 2], [0.8, 0.9])
    assert (by_epochs["x"], by_epochs["y"]) == ([4, 10], [0.8, 0.9])
    assert by_trials["line"]["shape"] == "hv"


@pytest.mark.parametrize(("sampler", "drawn"), [("random", True), ("qmc", True), ("tpe", False)])
def test_a_shorter_search_is_told_of_independent_trials_only(sampler, drawn):
    runs = [search("adam", trial, 0.5 + trial / 100) for trial in range(6)]
    runs += [search("adam", 6, 0.9, "pruned"), search("adam", 7, None, "diverged")]
    found = _figures(sweep(*runs, sampler=sampler))
    assert ("expected-best" in found) == drawn
    if drawn:
        area, line = found["expected-best"].spec["data"]
        assert line["x"] == [1, 2, 3, 4, 5, 6, 7]
        assert line["y"][0] == pytest.approx((5 * 0.53 + 2 * 0.51) / 7, rel=1e-5)
        assert line["y"][-1] == 0.55
        assert area["fill"] == "toself"


def test_names_reach_plotly_escaped():
    name = '<a href="https://evil.example">x</a>'
    record = finished({name: [0.9, 0.91], "sgd": [0.8, 0.81]}, objective=ACCURACY)
    spec = _figures(record)["confirmed"].spec
    assert "<" not in spec["data"][0]["name"]
    assert all("<" not in text for text in spec["layout"]["yaxis"]["ticktext"])
