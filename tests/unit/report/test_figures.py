"""The interactive pictures: plotly takes them, they show the right numbers, names are inert."""

from __future__ import annotations

import html
import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from fairsweep.config.space import Dimension
from fairsweep.config.stored_space import plain
from fairsweep.importances import Importance, Importances
from fairsweep.judged import Judged
from fairsweep.records import Objective, SweepRecord
from fairsweep.report.analysis.curves import styles
from fairsweep.report.analysis.select import select
from fairsweep.report.figures import figures
from fairsweep.tested import Confusion

from .builders import (
    ACCURACY,
    LOSS,
    RATE,
    confirm,
    finished,
    important,
    realistic,
    search,
    sweep,
)


def _figures(record: Any, importances: Any = None) -> Any:
    selection = select(record)
    drawn = figures(selection, record.arms, selection.leader(), record.spaces, importances or {})
    return {figure.name: figure for figure in drawn}


@pytest.mark.parametrize(
    "record",
    [realistic(trials=8), realistic(trials=8, arms=[f"arm{i}" for i in range(9)], seeds=1)],
    ids=["four arms", "nine arms, one seed"],
)
def test_plotly_accepts_every_property(record: Any) -> None:
    found = _figures(record, important(record.arms))
    assert [name for name in found if name != "luck"] == [
        *("confirmed", "differences", "curves-loss", "curves-accuracy", "confusion"),
        *("learning-rates", "best-by-trials", "best-by-epochs", "importance"),
        *("parameter-training-batch-size", "parameter-model-hidden-units-layers"),
        "parameter-model-hidden-units-widths",
    ]
    for figure in found.values():
        go.Figure(figure.spec)
        json.dumps(figure.spec, allow_nan=False)
        assert figure.caption


def test_an_arm_has_its_colour_in_every_picture() -> None:
    record = realistic(trials=8, arms=[f"arm{i}" for i in range(9)], seeds=2)
    style = styles(record.arms)
    seen = set()
    for figure in _figures(record, important(record.arms)).values():
        for trace in figure.spec["data"]:
            if "meta" in trace:
                own = [trace.get("line", {}).get("color"), trace.get("marker", {}).get("color")]
                colours = {colour for colour in own if isinstance(colour, str)}
                assert colours <= {style[trace["meta"]].colour}, figure.name
                seen.add((figure.name, trace["meta"]))
    assert len(seen) == 9 * 10 + 8  # differences are those to the best arm


def test_arms_of_the_same_colour_differ_in_shape() -> None:
    record = realistic(trials=8, arms=[f"arm{i}" for i in range(9)])
    found = _figures(record, important(record.arms))
    for name in ("learning-rates", "best-by-trials", "parameter-training-batch-size"):
        looks = {
            arm: {trace.get("marker", {}).get("symbol") for trace in found[name].spec["data"]
                  if trace.get("meta") == arm}
            for arm in ("arm0", "arm7")
        }  # fmt: skip
        assert "diamond" in looks["arm7"] and "diamond" not in looks["arm0"], name
    hatched = {t["meta"]: t["marker"]["pattern"]["shape"] for t in found["importance"].spec["data"]}
    assert (hatched["arm0"], hatched["arm7"]) == ("", "/")


def test_training_is_dashed_validation_solid_in_the_arms_colour() -> None:
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


def test_line_and_band_by_hand() -> None:
    record = sweep(
        search("adam", 0, 0.9),
        confirm("adam", 0, 0, 0.9, curves={"val_loss": [3.0, 1.0]}),
        confirm("adam", 0, 1, 0.9, curves={"val_loss": [5.0, 2.0]}),
    )
    area, line = _figures(record)["curves-loss"].spec["data"]
    assert (line["x"], line["y"]) == ([1, 2], [4.0, 1.5])
    assert line["customdata"] == ["4.0000 (3.0000 to 5.0000)", "1.5000 (1.0000 to 2.0000)"]
    assert (area["x"], area["y"]) == ([1, 2, 2, 1], [5.0, 2.0, 1.0, 3.0])


def test_each_seed_the_mean_and_the_default_are_points() -> None:
    runs = [replace(run, judged=None) for run in finished({"adam": [0.9, 0.91, 0.92]}).runs]
    record = sweep(*runs, arms=["adam"])
    seeds, mean, default = _figures(record)["confirmed"].spec["data"]
    assert seeds["x"] == [0.9, 0.91, 0.92]
    assert mean["x"] == [pytest.approx(0.91)]
    assert mean["error_x"]["array"][0] == pytest.approx(4.302653 * 0.01 / math.sqrt(3), rel=1e-5)
    assert default["x"] == [0.9]


def test_one_seed_has_no_interval() -> None:
    _, mean, _ = _figures(finished({"adam": [0.9]}))["confirmed"].spec["data"]
    assert "error_x" not in mean


def test_differences_are_those_of_the_table_with_what_the_rows_cannot_tell() -> None:
    record = _compared()
    (item,) = select(record).verdict.comparisons
    assert item.difference and item.difference.interval and item.difference.parts
    band, zero, dot = _figures(record)["differences"].spec["data"]
    assert (zero["x"], dot["meta"], dot["x"]) == ([0, 0], "sgd", [pytest.approx(0.1)])
    low, high = item.difference.interval
    assert dot["error_x"]["array"] == [pytest.approx(high - 0.1, rel=1e-5)]
    assert dot["error_x"]["arrayminus"] == [pytest.approx(0.1 - low, rel=1e-5)]
    floor = 2.8 * math.sqrt(item.difference.parts.rows / item.difference.parts.n_rows)
    assert (min(band["x"]), max(band["x"])) == pytest.approx((-floor, floor), rel=1e-5)


def test_which_side_of_zero_is_better_is_said_for_both_directions() -> None:
    captions = [
        _figures(finished({"adam": own, "sgd": other}, objective=objective))["differences"].caption
        for own, other, objective in (
            ([0.9, 0.91], [0.8, 0.82], ACCURACY), ([0.2, 0.21], [0.3, 0.32], LOSS)
        )
    ]  # fmt: skip
    assert ["; right of zero adam did better." in caption for caption in captions] == [True, False]
    assert ["; left of zero adam did better." in caption for caption in captions] == [False, True]


def test_without_what_is_known_of_rows_there_is_neither_band_nor_bar() -> None:
    record = _compared()
    found = _figures(replace(record, runs=tuple(replace(r, judged=None) for r in record.runs)))
    zero, _ = found["differences"].spec["data"]
    assert zero["x"] == [0, 0]
    assert "shaded" not in found["differences"].caption
    assert "luck" not in found


def test_the_parts_of_the_luck_fill_the_bar() -> None:
    record = _compared()
    (item,) = select(record).verdict.comparisons
    assert item.difference and item.difference.parts
    parts = item.difference.parts
    total = parts.error(parts.n_rows, parts.n_units) ** 2
    figure = _figures(record)["luck"]
    *areas, texts = figure.spec["data"]
    widths = [max(area["x"]) - min(area["x"]) for area in areas]
    assert sum(widths) == pytest.approx(1)
    assert widths[0] == pytest.approx(parts.rows / parts.n_rows / total, rel=1e-4)
    assert f"which rows there are ({widths[0]:.0%})" in figure.caption
    assert texts["text"][0] == f"rows<br>{widths[0]:.0%}"


def _compared() -> SweepRecord:
    """Two arms on 40 rows: adam is right on four more of them than sgd, and three seeds hardly
    change which."""
    runs = [run for arm in ("adam", "sgd") for run in (search(arm, 0, 0.7), search(arm, 1, 0.8))]
    for arm, wrong in (("adam", 6), ("sgd", 10)):
        for seed in range(3):
            right = np.ones(40)
            right[[*range(wrong - 1), 20 + (seed if arm == "adam" else 0)]] = 0
            said = Judged(np.arange(40), ["a"] * 40, ["a"] * 40, {"accuracy": right})
            runs.append(replace(confirm(arm, 1, seed, float(right.mean())), judged=said))
    return sweep(*runs)


def test_an_objective_of_another_name_is_drawn() -> None:
    record = sweep(
        search("adam", 0, 0.9, curves={"val_top 5": [0.5, 0.6]}),
        objective=Objective("val_top 5", "maximize"),
    )
    assert list(_figures(record)) == ["curves-top-5", "best-by-trials", "best-by-epochs"]


def test_nothing_to_draw_gives_no_figure() -> None:
    assert _figures(sweep()) == {}
    assert _figures(sweep(search("adam", 0, 0.9, "running"))) == {}


def test_every_trial_stands_at_its_learning_rate() -> None:
    rates = {"optimizer.learning_rate": "0.01"}, {"optimizer.learning_rate": "0.1"}
    record = sweep(
        search("adam", 0, 0.9, params=rates[0]),
        search("adam", 1, 0.8, "pruned", params=rates[1]),
        search("adam", 2, None, "diverged", params={"optimizer.learning_rate": "1.0"}),
        search("sgd", 0, 0.7, params=rates[1]),
        search("sgd", 1, 0.99),
    )
    figure = _figures(record)["learning-rates"]
    trials = [trace for trace in figure.spec["data"] if "yaxis" not in trace]
    assert [(t["meta"], t["marker"]["symbol"], t["x"], t["y"]) for t in trials] == [
        ("adam", "circle", [0.01], [0.9]),
        ("adam", "circle-open", [0.1], [0.8]),
        ("adam", "x-thin", [1.0], [0.7]),
        ("sgd", "circle", [0.1], [0.7]),
    ]
    assert figure.spec["layout"]["xaxis"]["type"] == "log"
    assert "adam 0.01, in one trial" in figure.caption


@pytest.mark.parametrize(("objective", "edge"), [(ACCURACY, 0.2), (LOSS, 0.7)])
def test_a_trial_that_diverged_stands_at_the_worst_value(objective: Any, edge: float) -> None:
    params = {"optimizer.learning_rate": "0.1"}
    trials = [search("adam", i, value, params=params) for i, value in enumerate((0.2, 0.7, 0.4))]
    diverged = search("adam", 3, None, "diverged", params=params)
    record = sweep(*trials, diverged, arms=["adam"], objective=objective)
    (cross,) = (
        trace
        for trace in _figures(record)["learning-rates"].spec["data"]
        if trace.get("marker", {}).get("symbol") == "x-thin"
    )
    assert cross["y"] == [edge]


def test_a_bar_reaches_over_the_rates_within_one_percent_of_the_best() -> None:
    values = {0.001: 0.8911, 0.01: 0.9, 0.1: 0.895, 0.3: 0.88}
    runs = [
        search("adam", i, value, params={"optimizer.learning_rate": str(rate)})
        for i, (rate, value) in enumerate(values.items())
    ]
    runs.append(search("sgd", 0, 0.5, "pruned", params={"optimizer.learning_rate": "1"}))
    figure = _figures(sweep(*runs))["learning-rates"]
    heading, bar = (trace for trace in figure.spec["data"] if trace.get("yaxis") == "y2")
    assert heading["text"] == ["within 1 % of the best:"]
    assert (bar["meta"], bar["x"], bar["y"]) == ("adam", [0.001, 0.1], [0.0, 0.0])
    place = figure.spec["layout"]
    assert place["yaxis2"]["domain"][1] < place["yaxis"]["domain"][0]
    assert place["xaxis"]["anchor"] == "y2"


def test_a_pruned_trial_without_a_value_has_no_place() -> None:
    record = sweep(
        search("adam", 0, 0.9, params={"optimizer.learning_rate": "0.1"}),
        search("adam", 1, None, "pruned", params={"optimizer.learning_rate": "0.1"}),
        search("adam", 2, math.nan, "pruned", params={"optimizer.learning_rate": "0.1"}),
        search("adam", 3, None, "running", params={"optimizer.learning_rate": "0.1"}),
        search("adam", 4, None, "failed", params={"optimizer.learning_rate": "0.1"}),
    )
    trials = [t for t in _figures(record)["learning-rates"].spec["data"] if "yaxis" not in t]
    assert [trace["y"] for trace in trials] == [[0.9]]


@pytest.mark.parametrize("objective", [ACCURACY, LOSS])
def test_of_many_trials_the_best_and_the_extremes_stay(objective: Any) -> None:
    """The best trial, the worst one and those at both ends stand among ten thousand others."""
    rates = {0: "1e-6", 1: "0.9", 2: "0.001", 3: "0.002"}
    values = {2: 0.99, 3: 0.01}
    runs = [
        search("adam", i, values.get(i, 0.3 + i % 997 / 5000),
               params={"optimizer.learning_rate": rates.get(i, f"{0.01 + i / 1e6:.6f}")})
        for i in range(10_000)
    ]  # fmt: skip
    figure = _figures(sweep(*runs, arms=["adam"], objective=objective))["learning-rates"]
    (trace,) = (t for t in figure.spec["data"] if "yaxis" not in t)
    assert 1000 < len(trace["x"]) < 3000
    assert {(1e-6, 0.3), (0.9, 0.3002), (0.001, 0.99), (0.002, 0.01)} <= set(
        zip(trace["x"], trace["y"], strict=True)
    )
    reached = [run.best_value for run in runs if run.best_value is not None]
    thousandth = sorted(reached, reverse=objective is ACCURACY)[500]
    sign = 1 if objective is ACCURACY else -1
    drawn = sum(sign * y > sign * thousandth for y in trace["y"])
    assert drawn == sum(sign * value > sign * thousandth for value in reached)
    assert f"{len(trace['x']):,} of 10,000 trials are drawn" in figure.caption
    assert _figures(sweep(*runs, arms=["adam"], objective=objective))["learning-rates"] == figure


def test_the_best_so_far_is_a_staircase_over_trials_and_over_epochs() -> None:
    record = sweep(search("adam", 0, 0.8, epochs=4), search("adam", 1, 0.9, epochs=6))
    found = _figures(record)
    (by_trials,), (by_epochs,) = (found[f"best-by-{n}"].spec["data"] for n in ("trials", "epochs"))
    assert (by_trials["x"], by_trials["y"]) == ([1, 2], [0.8, 0.9])
    assert (by_epochs["x"], by_epochs["y"]) == ([4, 10], [0.8, 0.9])
    assert by_trials["line"]["shape"] == "hv"


def test_a_staircase_has_points_at_its_turns_and_its_end_only() -> None:
    values = [0.5, 0.4, 0.6, 0.6, 0.1, 0.7, 0.2, 0.2]
    record = sweep(*[search("adam", i, value, epochs=3) for i, value in enumerate(values)])
    (by_epochs,) = _figures(record)["best-by-epochs"].spec["data"]
    assert by_epochs["x"] == [3, 9, 18, 24]
    assert by_epochs["y"] == [0.5, 0.6, 0.7, 0.7]


@pytest.mark.parametrize(("sampler", "drawn"), [("random", True), ("qmc", True), ("tpe", False)])
def test_a_shorter_search_is_told_of_independent_trials_only(sampler: Any, drawn: Any) -> None:
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


def test_names_reach_plotly_escaped() -> None:
    name = '<a href="https://evil.example">x</a>'
    record = finished({name: [0.9, 0.91], "sgd": [0.8, 0.81]}, objective=ACCURACY)
    spec = _figures(record)["confirmed"].spec
    assert "<" not in spec["data"][0]["name"]
    assert all("<" not in text for text in spec["layout"]["yaxis"]["ticktext"])


BETA = Dimension("optimizer.beta_1", "choice", 0.9, choices=(0.8, 0.9, 0.99))
DECAY = Dimension("optimizer.decay", "float", 0.01, low=1e-4, high=1.0, log=True)


def _tried(arm: Any, trial: Any, value: Any, beta: Any, **more: Any) -> Any:
    return search(arm, trial, value, params={"optimizer.beta_1": str(beta)}, **more)


def test_a_slice_sets_each_arms_trials_beside_each_value() -> None:
    space = {arm: plain([RATE, BETA]) for arm in ("adam", "lion")}
    record = sweep(
        _tried("adam", 0, 0.9, 0.9),
        _tried("adam", 1, 0.8, 0.99, outcome="pruned"),
        _tried("adam", 2, None, 0.8, outcome="diverged"),
        _tried("lion", 0, 0.7, 0.9),
        arms=["adam", "sgd", "lion"],
        spaces=space,
    )
    found = _figures(record)
    assert [name for name in found if name.startswith("parameter")] == [
        "parameter-optimizer-beta-1"
    ]
    figure = found["parameter-optimizer-beta-1"]
    axis = figure.spec["layout"]["xaxis"]
    assert (axis["tickvals"], axis["ticktext"]) == ([0, 1, 2], ["0.8", "0.9", "0.99"])
    assert [(t["meta"], t["marker"]["symbol"], t["x"], t["y"]) for t in figure.spec["data"]] == [
        ("adam", "circle", [0.8], [0.9]),
        ("adam", "circle-open", [1.8], [0.8]),
        ("adam", "x-thin", [-0.2], [0.7]),
        ("lion", "circle", [1.2], [0.7]),
    ]
    assert figure.title == "Beta 1"
    assert figure.caption == "Best trial: adam 0.9, lion 0.9."


def test_a_range_that_is_drawn_on_a_log_scale_has_a_log_axis() -> None:
    runs = [search("adam", i, 0.9, params={"optimizer.decay": f"1e-{i}"}) for i in range(4)]
    axis = _figures(sweep(*runs, spaces={"adam": plain([DECAY])}))[
        "parameter-optimizer-decay"
    ].spec["layout"]["xaxis"]
    assert axis["type"] == "log"
    assert axis["ticktext"] == ["0.001", "0.01", "0.1", "1"]


def test_without_a_stored_space_or_a_finished_trial_there_is_no_slice() -> None:
    runs = [_tried("adam", 0, 0.9, 0.9)]
    running = [_tried("adam", 0, None, 0.9, outcome="running")]
    space = {"adam": plain([BETA])}
    assert "parameter-optimizer-beta-1" in _figures(sweep(*runs, spaces=space))
    assert "parameter-optimizer-beta-1" not in _figures(sweep(*runs))
    assert "parameter-optimizer-beta-1" not in _figures(sweep(*running, spaces=space))


def test_names_that_look_alike_as_words_have_pictures_of_their_own() -> None:
    names = ("optimizer.a_b", "optimizer.a-b")
    space = [Dimension(name, "choice", 1, choices=(1, 2)) for name in names]
    params = dict.fromkeys(names, "1")
    record = sweep(search("adam", 0, 0.9, params=params), spaces={"adam": plain(space)})
    assert len([name for name in _figures(record) if name.startswith("parameter")]) == 2


def test_importance_is_a_bar_for_each_parameter_of_each_arm() -> None:
    told = {
        "adam": Importances(
            (Importance("optimizer.learning_rate", 0.7, False), Importance(BETA.name, 0.3, True))
        ),
        "sgd": Importances((Importance("optimizer.learning_rate", 1.0, False),)),
        "lion": Importances((), "needs 20 finished trials, has 9"),
    }
    record = sweep(search("adam", 0, 0.9), arms=["adam", "sgd", "lion"])
    figure = _figures(record, told)["importance"]
    adam, sgd = figure.spec["data"]
    assert (adam["x"], sgd["x"]) == ([0.7, 0.3], [1.0])
    axis = figure.spec["layout"]["yaxis"]
    assert axis["ticktext"] == ["learning rate", "beta 1"]
    assert (adam["y"][0] + sgd["y"][0]) / 2 == axis["tickvals"][0]
    assert adam["y"][1] == axis["tickvals"][1]
    solid, hollow = adam["marker"]["color"]
    assert (solid, hollow[:4]) == (styles(["adam"])["adam"].colour, "rgba")
    assert "Not known for lion (needs 20 finished trials, has 9)." in figure.caption


def test_nothing_told_of_any_arm_draws_no_importance() -> None:
    record = sweep(search("adam", 0, 0.9))
    assert "importance" not in _figures(record)
    assert "importance" not in _figures(record, {"adam": Importances((), "too few")})


def _confused(*counts: Any, classes: Any = ("cat", "dog", "owl")) -> Any:
    runs = [
        confirm("adam", 0, i, 0.9, tested=Confusion(classes, own)) for i, own in enumerate(counts)
    ]
    return _figures(sweep(search("adam", 0, 0.9), *runs, confirm_seeds=len(runs)))


def test_the_test_rows_of_all_seeds_are_counted_together() -> None:
    found = _confused(((8, 2, 0), (0, 5, 0), (0, 0, 1)), ((5, 4, 1), (1, 4, 0), (0, 1, 0)))
    figure = found["confusion"]
    heat, pale, dark = figure.spec["data"]
    assert heat["z"] == [[0.65, 0.3, 0.05], [0.1, 0.9, 0], [0, 0.5, 0.5]]
    assert heat["customdata"][0][1] == "cat predicted as dog: 6 of 20 (30%)"
    written = {
        (trace["y"][i], trace["x"][i]): trace["text"][i]
        for trace in (pale, dark)
        for i in range(len(trace["x"]))
    }
    assert written == {
        (0, 0): "13<br>65%", (0, 1): "6<br>30%", (0, 2): "1<br>5%",
        (1, 0): "1<br>10%", (1, 1): "9<br>90%", (2, 1): "1<br>50%", (2, 2): "1<br>50%",
    }  # fmt: skip
    assert dark["y"] == [0, 1]
    assert figure.caption == "The most frequent error: cat predicted as dog, 6 of 20 rows."
    place = figure.spec["layout"]
    assert place["yaxis"]["ticktext"] == place["xaxis"]["ticktext"] == ["cat", "dog", "owl"]
    assert place["yaxis"]["range"][0] > place["yaxis"]["range"][1]


def test_the_strength_of_a_cell_grows_with_its_share_in_one_hue() -> None:
    scale = _confused(((8, 2, 0), (0, 5, 0), (0, 0, 1)))["confusion"].spec["data"][0]["colorscale"]
    colours = [colour.removeprefix("rgba(").removesuffix(")").split(",") for _, colour in scale]
    assert len({tuple(colour[:3]) for colour in colours}) == 1
    strengths = [float(colour[3]) for colour in colours]
    assert (strengths[0], strengths[-1]) == (0, 1)
    assert strengths == sorted(set(strengths))


def test_no_mistake_is_said_and_no_count_draws_nothing() -> None:
    figure = _confused(((8, 0), (0, 5)), classes=("cat", "dog"))["confusion"]
    assert figure.caption == "Every test row was classified correctly."
    assert "confusion" not in _figures(finished({"adam": [0.9, 0.91]}))


def test_a_class_without_test_rows_has_no_share() -> None:
    heat = _confused(((8, 0), (0, 0)), classes=("cat", "dog"))["confusion"].spec["data"][0]
    assert heat["z"] == [[1, 0], [0, 0]]
    assert heat["customdata"][1][0] == "dog predicted as cat: 0 of 0 (–)"


def test_of_many_classes_those_with_the_most_mistakes_are_shown() -> None:
    counts = [[100 * (i == j) for j in range(40)] for i in range(40)]
    for i in range(5, 20):
        counts[i][i + 20] = i
    names = tuple(f"class {i}" for i in range(40))
    figure = _confused(tuple(map(tuple, counts)), classes=names)["confusion"]
    shown = figure.spec["layout"]["xaxis"]["ticktext"]
    assert shown == [*names[5:20], *names[25:40]]
    assert "error: class 19 predicted as class 39, 19 of 119 rows." in figure.caption
    assert "the 30 of 40 classes with the most errors" in figure.caption
    assert figure.spec["data"][1]["text"][0].isdigit()


def test_names_of_classes_and_choices_reach_plotly_escaped() -> None:
    evil = '<a href="https://evil.example">x</a>'
    found = _confused(((8, 2), (0, 5)), classes=(evil, "dog"))["confusion"]
    choice = Dimension("model.kind", "choice", evil, choices=(evil, "b"))
    record = sweep(
        search("adam", 0, 0.9, params={"model.kind": evil}), spaces={"adam": plain([choice])}
    )
    for figure in (found, _figures(record)["parameter-model-kind"]):
        text = json.dumps(figure.spec)
        assert html.escape(evil[:3]) in text
        assert evil[:3] not in text
