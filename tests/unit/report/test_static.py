"""The SVGs: well-formed, small, the same every time, for any name, and true to the figure."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest

from fairsweep.report.analysis.curves import styles
from fairsweep.report.analysis.select import select
from fairsweep.report.figures import figures
from fairsweep.report.figures.parts import Figure, faint, layout, line, points
from fairsweep.report.static import draw

from .builders import confirm, important, realistic, search, sweep

STYLES = styles(["adam", "sgd"])
SVG = "{http://www.w3.org/2000/svg}"


def _figures(record: Any) -> Any:
    selection = select(record)
    return figures(
        selection, record.arms, selection.leader(), record.spaces, important(record.arms)
    )


def _svgs(record: Any) -> dict[str, bytes]:
    style = styles(record.arms)
    return {figure.name: draw(figure, style) for figure in _figures(record)}


def _figure(*traces: Any, x: Any = None, y: Any = None, **more: Any) -> Figure:
    place = layout(xaxis=x or {}, yaxis=y or {}) | more
    return Figure("plain", "search", "Title", "Caption.", 200, {"data": traces, "layout": place})


def _texts(svg: bytes) -> list[str]:
    """What is written, line by line."""
    return [text.text or "" for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def _in_a_row(wanted: list[str], texts: list[str]) -> bool:
    return any(texts[i : i + len(wanted)] == wanted for i in range(len(texts)))


def _marks(svg: bytes, colour: str) -> list[tuple[float, float]]:
    """The places of the markers of a colour below the legend."""
    found = []
    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        looks = group.get("style") or ""
        for use in group.findall(f"{SVG}use"):
            style = looks + (use.get("style") or "")
            if colour.lower() in style and float(use.get("y") or 0) > 25:
                found.append((float(use.get("x") or 0), float(use.get("y") or 0)))
    return found


def _paths(svg: bytes, look: str) -> list[list[tuple[float, float]]]:
    """The corners of every path with this in its style."""
    return [
        [(float(x), float(y)) for x, y in re.findall(r"[ML] (\S+) (\S+)", path.get("d") or "")]
        for path in ElementTree.fromstring(svg).iter(f"{SVG}path")
        if look.lower() in (path.get("style") or "")
    ]


def test_every_picture_of_the_page_has_one_with_the_arms_in_its_legend() -> None:
    record = realistic(trials=8)
    svgs, best = _svgs(record), select(record).verdict.best
    assert len(svgs) > 8
    for name, svg in svgs.items():
        assert ElementTree.fromstring(svg).tag == f"{SVG}svg"
        drawn = [arm for arm in record.arms if arm != best or name != "differences"]
        if name not in ("confusion", "luck"):
            assert _in_a_row(drawn, _texts(svg)), name


def test_solid_and_dashed_are_told_where_they_are_drawn() -> None:
    svgs = _svgs(realistic(trials=8))
    assert _in_a_row(["adamw", "validation", "training"], _texts(svgs["curves-loss"]))
    assert "validation" not in _texts(svgs["learning-rates"])


def test_axes_say_what_plotly_is_told_to_say() -> None:
    record = sweep(
        *[
            search("adam", i, 0.5 + i / 10, params={"optimizer.learning_rate": f"1e-{i + 1}"})
            for i in range(3)
        ]
    )
    svgs = _svgs(record)
    assert {"learning rate", "val_accuracy", "0.001", "0.01", "0.1", "0.50", "0.60", "0.70"} <= set(
        _texts(svgs["learning-rates"])
    )
    assert {"trials spent", "0", "1", "2", "3"} <= set(_texts(svgs["best-by-trials"]))


def test_same_figure_same_bytes() -> None:
    record = realistic(trials=8)
    assert _svgs(record) == _svgs(record)


def test_it_tells_no_date_and_loads_nothing() -> None:
    for svg in _svgs(realistic(trials=8)).values():
        text = svg.decode()
        assert "dc:date" not in text
        assert not re.search(r'(href|src)="(?!#)', text.replace("xlink:href", "href"))


@pytest.mark.parametrize(
    ("arms", "epochs", "trials"), [(4, 1, 20), (4, 30, 20), (14, 2000, 20), (8, 30, 400)]
)
def test_it_stays_small(arms: Any, epochs: Any, trials: Any) -> None:
    names = [f"arm{i}" for i in range(arms)]
    record = realistic(trials=trials, arms=names, epochs=epochs, seeds=2)
    sizes = {name: len(svg) for name, svg in _svgs(record).items()}
    assert max(sizes.values()) < 150_000, sizes


@pytest.mark.parametrize("name", ["_hidden", "$x^2$", "<b>&", "優化器", "line\nbreak", "nul\x00"])
def test_any_name_can_stand_in_a_picture(name: Any) -> None:
    record = sweep(
        search(name, 0, 0.9),
        search(name, 1, 0.9),
        confirm(name, 0, 0, 0.9, curves={"loss": [1.0, 0.5], "val_loss": [1.0, 0.7]}),
        arms=[name],
    )
    svgs = _svgs(record)
    assert {"confirmed", "curves-loss", "best-by-trials"} <= svgs.keys()
    for svg in svgs.values():
        ElementTree.fromstring(svg)


def test_points_stand_where_their_values_are() -> None:
    shown = points("adam", [1, 2, 4], [10, 30, 20], ["", "", ""], _marker("#112233"))
    (x1, y1), (x2, y2), (x4, y3) = _marks(draw(_figure(shown), STYLES), "#112233")
    assert (x4 - x2) / (x2 - x1) == pytest.approx(2, abs=0.01)
    assert (y1 - y3) / (y3 - y2) == pytest.approx(1, abs=0.01)
    assert y2 < y3 < y1


def test_a_log_axis_has_the_same_room_for_every_power_of_ten() -> None:
    shown = points("adam", [0.001, 0.01, 1], [1, 2, 3], ["", "", ""], _marker("#112233"))
    figure = _figure(shown, x={"type": "log", "tickvals": [0.01], "ticktext": ["0.01"]})
    (a, _), (b, _), (c, _) = _marks(draw(figure, STYLES), "#112233")
    assert (c - b) / (b - a) == pytest.approx(2, abs=0.01)


def _marker(colour: Any, symbol: Any = "circle") -> Any:
    return {"color": colour, "symbol": symbol, "size": 8, "line": {"width": 1, "color": colour}}


def test_a_hollow_point_is_hollow_and_a_full_one_full() -> None:
    for symbol, filled in (("circle", True), ("circle-open", False)):
        shown = points("adam", [1, 2], [1, 2], ["", ""], _marker("#112233", symbol))
        svg = draw(_figure(shown), {}).decode()
        assert ("fill: #112233" in svg) == filled
        assert "stroke: #112233" in svg


def test_a_staircase_goes_across_before_it_goes_up() -> None:
    steps = line("adam", [1, 2, 3], [1.0, 5.0, 9.0], ["", "", ""], STYLES["adam"])
    steps["line"] |= {"shape": "hv", "color": "#112233"}
    (corners,) = _paths(draw(_figure(steps), STYLES), "stroke: #112233")
    assert len(corners) == 5
    for i, ((x1, y1), (x2, y2)) in enumerate(pairwise(corners)):
        assert (y1 == y2) if i % 2 == 0 else (x1 == x2)


def test_an_interval_reaches_as_far_as_it_says_to_either_side() -> None:
    mean = points("adam", [5.0], [0], [""], _marker("#112233", "line-ns"))
    mean["error_x"] = {"array": [1.0], "arrayminus": [2.0], "thickness": 2.5, "color": "#112233"}
    ends = points("sgd", [3.0, 6.0], [1, 1], ["", ""], _marker("#445566"))
    svg = draw(_figure(mean, ends), STYLES)
    (low, _), (high, _) = _marks(svg, "#445566")
    (bar,) = _paths(svg, "stroke: #112233; stroke-width: 1.875")
    assert [x for x, _ in bar] == pytest.approx([low, high], abs=0.02)


def test_bars_are_as_long_as_their_values_and_hollow_where_luck_made_them() -> None:
    bars = {
        "type": "bar", "orientation": "h", "meta": "adam", "x": [0.6, 0.3], "y": [10, 20],
        "width": 8, "marker": {
            "color": ["#112233", faint("#112233")], "pattern": {"shape": ""},
            "line": {"color": "#112233", "width": 1.2},
        },
    }  # fmt: skip
    figure = _figure(bars, x={"rangemode": "tozero"}, y={"range": [30, 0], "tickvals": []})
    svg = draw(figure, STYLES)
    long, short = (
        max(x for x, _ in path) - min(x for x, _ in path)
        for path in _paths(svg, "stroke: #112233; stroke-width: 0.9")
    )
    assert long / short == pytest.approx(2, abs=0.01)
    assert "fill-opacity: 0.18" in svg.decode()


def test_cells_are_as_strong_as_their_shares_and_absent_at_none() -> None:
    heat = {
        "type": "heatmap", "z": [[1.0, 0.0], [0.25, 0.75]], "zmin": 0, "zmax": 1,
        "colorscale": [[0, "rgba(0,114,178,0)"], [0.5, "rgba(0,114,178,0.6)"],
                       [1, "rgba(0,114,178,1)"]],
    }  # fmt: skip
    ends = {"range": [-0.5, 1.5], "tickvals": [0, 1], "ticktext": ["a", "b"]}
    svg = draw(_figure(heat, x=ends, y={**ends, "range": [1.5, -0.5]}), {})
    strengths = {
        opacity: len(_paths(svg, f"fill: #0072b2{opacity}"))
        for opacity in ("; fill-opacity: 0.3", "; fill-opacity: 0.8")
    }
    assert strengths == {"; fill-opacity: 0.3": 1, "; fill-opacity: 0.8": 1}
    assert len(_paths(svg, "fill: #0072b2")) == 3


def test_the_bars_of_good_rates_lie_below_the_trials_between_the_rates_they_name() -> None:
    runs = [
        search("adam", i, value, params={"optimizer.learning_rate": str(rate)})
        for i, (value, rate) in enumerate(((0.9, 0.001), (0.899, 0.1), (0.5, 1.0), (0.2, 1e-5)))
    ]
    record = sweep(*runs, arms=["adam"])
    svg = _svgs(record)["learning-rates"]
    colour = styles(["adam"])["adam"].colour
    marks = sorted(set(_marks(svg, colour)), key=lambda mark: mark[1])
    trials, ends = marks[:4], marks[4:]
    assert len(ends) == 2
    assert max(y for _, y in trials) < min(y for _, y in ends)
    by_rate = sorted(x for x, _ in trials)
    assert sorted(x for x, _ in ends) == pytest.approx(by_rate[1:3], abs=0.02)
