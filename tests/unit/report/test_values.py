"""The pictures of predicted and true values, and those of metrics with a unit, by numbers that were
planted."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from fairsweep.records import Objective
from fairsweep.report.analysis.curves import styles
from fairsweep.report.analysis.select import select
from fairsweep.report.figures import figures
from fairsweep.report.figures.parts import layout
from fairsweep.report.figures.values import MOST_DOTS, MOST_TARGETS
from fairsweep.report.static import draw
from fairsweep.report.static.axes import view
from fairsweep.report.text.wording import notes
from fairsweep.tested import Residuals, Target, residuals

from .builders import confirm, search, sweep

MAE = Objective("val_mae", "minimize")
TRUE = (100.0, 200.0, 300.0, 400.0)


def of(*trainings: Residuals) -> Any:
    """The pictures of an arm whose trainings left these."""
    runs = [confirm("adam", 0, i, 9.0, tested=own) for i, own in enumerate(trainings)]
    stored = sweep(search("adam", 0, 9.0), *runs, objective=MAE, confirm_seeds=len(runs))
    selection = select(stored)
    drawn = figures(selection, stored.arms, selection["adam"], {}, {})
    return {figure.name: figure for figure in drawn if figure.section == "values"}


def one(*predicted: float, **band: Any) -> Residuals:
    levels = (0.05, 0.95) if band else None
    return Residuals(len(TRUE), (Target("price", TRUE, predicted, **band),), levels)


def test_each_row_is_a_dot_of_one_of_the_trainings_which_take_turns() -> None:
    found = of(one(110, 190, 330, 400), one(90, 210, 360, 420))
    assert list(found) == ["predicted", "errors"]
    diagonal, dots = found["predicted"].spec["data"]
    assert (dots["x"], dots["y"]) == ([100, 200, 300, 400], [110, 210, 330, 420])
    assert diagonal["x"] == diagonal["y"]
    place = found["predicted"].spec["layout"]
    assert place["xaxis"]["range"] == place["yaxis"]["range"] == diagonal["x"]
    low, high = place["xaxis"]["range"]
    assert low < min(dots["x"] + dots["y"]) < max(dots["x"] + dots["y"]) < high
    _, errors = found["errors"].spec["data"]
    assert (errors["x"], errors["y"]) == ([110, 210, 330, 420], [10, 10, 30, 20])
    assert dots["marker"]["color"] == errors["marker"]["color"] == styles(["adam"])["adam"].colour


def test_captions_say_how_far_off_all_predictions_are() -> None:
    """Off by 0, 0, 0, 10, 10, 10, 10, 20, 30, 60: half of them by less than 10, nine in ten by less
    than what is a tenth of the way from 30 to 60, and 4 too high on average."""
    true, off = tuple(range(100, 200, 10)), (0, 0, 0, 10, -10, 10, -10, 20, -30, 60)
    predicted = tuple(a + b for a, b in zip(true, off, strict=True))
    found = of(Residuals(10, (Target("price", true, predicted),)))
    assert found["predicted"].caption == (
        "Each dot is a test row, as it is predicted. On the line it is right. Half of all "
        "predictions are off by less than 10.00, nine in ten by less than 33.00."
    )
    assert "On average predictions are 5.00 too high." in found["errors"].caption
    assert found["predicted"].title == "Predicted against true price, adam"


def test_a_band_is_a_bar_at_each_dot_and_its_coverage_is_told() -> None:
    found = of(one(110, 190, 330, 400, low=(90, 150, 310, 390), high=(120, 195, 350, 410)))
    _, dots = found["predicted"].spec["data"]
    assert dots["error_y"]["arrayminus"] == [20, 40, 20, 10]
    assert dots["error_y"]["array"] == [10, 5, 20, 10]
    assert found["predicted"].caption.endswith(
        " A bar reaches from the 5% to the 95% quantile: 90% of the true values should be inside, "
        "and 50% are."
    )


def test_targets_have_pictures_of_their_own_as_far_as_there_is_room() -> None:
    count = MOST_TARGETS + 2
    names = tuple(f"t{i}" for i in range(count))
    true = np.arange(3.0 * count).reshape(3, count)
    found = of(residuals(names, true, true + 1))
    assert len(found) == 2 * MOST_TARGETS
    assert found["predicted-2"].spec["layout"]["xaxis"]["title"]["text"] == "true t1"
    assert found["predicted-1"].caption.endswith(" The first 6 of 8 targets are drawn.")
    assert "targets" not in found["predicted-2"].caption


def test_of_many_rows_some_are_drawn_in_a_small_picture() -> None:
    true = np.random.default_rng(0).normal(size=(5000, 1))
    found = of(*(residuals(("y",), true, true + 0.1 * i) for i in range(10)))
    for figure in found.values():
        _, dots = figure.spec["data"]
        assert len(dots["x"]) == MOST_DOTS
        assert len(json.dumps(figure.spec)) < 5_000
        assert len(draw(figure, styles(["adam"]))) < 20_000
    assert "Each dot is one of 150 of 5,000 test rows" in found["predicted"].caption


def test_the_static_picture_has_dots_and_bars() -> None:
    banded = one(110, 190, 330, 400, low=(90, 150, 310, 390), high=(120, 195, 350, 410))
    svg = draw(of(banded)["predicted"], styles(["adam"]))
    colour = styles(["adam"])["adam"].colour.lower()
    paths = [
        path.get("d") or "" for path in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}path")
        if f"stroke: {colour}" in (path.get("style") or "") and path.get("id") is None
    ]  # fmt: skip
    (bars,) = (path for path in paths if path.count("M") > 1)
    assert bars.count("M") == bars.count("L") == len(TRUE)


@pytest.mark.parametrize("own", [one(np.inf, np.nan, 330, 400), one(100, 200, 300, 400)])
def test_what_overflowed_is_left_out_and_what_is_right_is_drawn(own: Residuals) -> None:
    found = of(own)
    for figure in found.values():
        json.dumps(figure.spec, allow_nan=False)
        draw(figure, styles(["adam"]))
    assert len(found["predicted"].spec["data"][1]["x"]) in (2, 4)


def test_nothing_is_drawn_of_nothing() -> None:
    assert of(Residuals(0, (Target("price", (), ()),))) == {}
    assert of(one(np.inf, np.inf, np.inf, np.inf)) == {}


def test_a_training_that_was_tested_on_other_rows_is_left_out() -> None:
    other = Residuals(2, (Target("price", (1.0, 2.0), (5.0, 9.0)),))
    found = of(one(100, 200, 300, 400), other)
    assert found["predicted"].spec["data"][1]["x"] == list(TRUE)


RATES = [{"optimizer.learning_rate": rate} for rate in ("0.1", "0.01")]


def _trials(objective: Objective, *values: float) -> Any:
    runs = [search("adam", i, own, params=RATES[i]) for i, own in enumerate(values)]
    selection = select(sweep(*runs, arms=["adam"], objective=objective))
    drawn = figures(selection, ["adam"], None, {}, {})
    return {figure.name: figure.spec["layout"]["yaxis"] for figure in drawn}


@pytest.mark.parametrize(
    ("objective", "values", "log"),
    [
        (MAE, (5.0, 400.0), True),
        (MAE, (5.0, 90.0), False),
        (MAE, (0.0, 400.0), False),
        (Objective("val_loss", "minimize"), (5.0, 400.0), False),
        (Objective("val_r2", "maximize"), (-400.0, 0.5), False),
    ],
)
def test_trials_far_behind_leave_room_for_the_others(
    objective: Objective, values: tuple[float, float], log: bool
) -> None:
    axis = _trials(objective, *values)["learning-rates"]
    assert (axis.get("type") == "log") == log
    assert axis["title"]["text"] == objective.metric


def _curve(metric: str, *values: float) -> Any:
    """The axis and caption of a metric's learning curves."""
    run = confirm("adam", 0, 0, 1.0, curves={metric: values, f"val_{metric}": values})
    stored = sweep(search("adam", 0, 1.0), run, arms=["adam"], metrics=("loss", metric))
    drawn = figures(select(stored), ["adam"], None, {}, {})
    (own,) = (figure for figure in drawn if figure.name == f"curves-{metric}")
    return own.spec["layout"]["yaxis"], own.caption


def test_r2_is_drawn_from_minus_one_on() -> None:
    axis, caption = _curve("r2", -5000.0, -0.2, 0.5)
    assert axis["range"] == [-1.0, pytest.approx(0.575)]
    assert caption.endswith(" What is below -1 isn't drawn.")
    axis, caption = _curve("r2", -0.9, 0.5)
    assert "range" not in axis
    assert "isn't drawn" not in caption


def test_curves_of_errors_have_a_log_axis_where_they_fall_by_much() -> None:
    assert _curve("rmse", 5000.0, 200.0)[0]["type"] == "log"
    assert "type" not in _curve("rmse", 5000.0, 2000.0)[0]
    assert "range" not in _curve("accuracy", 0.1, 0.9)[0]


def test_a_mean_over_unlike_targets_is_told() -> None:
    both = residuals(("price", "rent"), np.ones((2, 2)), np.ones((2, 2)))
    for metric, told in (
        ("val_mae", True),
        ("val_mean_squared_error", True),
        ("val_r2", False),
        ("val_loss", False),
    ):
        run = confirm("adam", 0, 0, 1.0, tested=both)
        stored = sweep(search("adam", 0, 1.0), run, objective=Objective(metric, "minimize"))
        selection = select(stored)
        found = [note for note in notes(stored, selection, selection.verdict) if "unit" in note]
        assert bool(found) == told
    own = residuals(("price",), np.ones((2, 1)), np.ones((2, 1)))
    stored = sweep(search("adam", 0, 1.0), confirm("adam", 0, 0, 1.0, tested=own), objective=MAE)
    selection = select(stored)
    assert not any("unit" in note for note in notes(stored, selection, selection.verdict))


@pytest.mark.parametrize("spread", [0.0, 1e-3, 10.0])
def test_values_far_from_0_are_drawn_apart(spread: float) -> None:
    """As far as they are: six digits of a value would make a point of them."""
    true = tuple(1e9 + spread * i for i in range(4))
    found = of(Residuals(4, (Target("price", true, true[::-1]),), None))
    for figure in found.values():
        low, high = figure.spec["layout"]["xaxis"]["range"]
        x = figure.spec["data"][1]["x"]
        assert low < min(x) <= max(x) < high
        assert x == pytest.approx(sorted(x), abs=0) or x == sorted(x, reverse=True)
        assert max(x) - min(x) == pytest.approx(3 * spread, rel=1e-3)
        texts = view("x", figure.spec["data"], figure.spec["layout"]).texts
        assert len(texts) == len({*texts}) > 2
        draw(figure, styles(["adam"]))


def test_an_axis_that_ends_where_it_begins_has_room_around_it() -> None:
    place = layout(xaxis={"range": [7.0, 7.0]}, yaxis={"range": [0.0, 0.0]})
    dots = {"type": "scatter", "mode": "markers", "x": [7.0], "y": [0.0]}
    views = [view(name, [dots], place) for name in "xy"]
    assert all(own.low < at < own.high for own, at in zip(views, (7.0, 0.0), strict=True))
