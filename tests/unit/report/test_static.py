"""The SVG: well-formed, small, the same every time, and for any name and any state."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from pipeline.report.select import select
from pipeline.report.static import learning_curves

from .builders import confirm, realistic, search, sweep


def _svg(record) -> bytes:
    return learning_curves(select(record))


def test_it_is_xml_with_a_panel_for_loss_and_one_for_accuracy():
    root = ElementTree.fromstring(_svg(realistic(trials=8)))
    assert root.tag.endswith("svg")
    axes = [node.get("id") for node in root.iter() if (node.get("id") or "").startswith("axes_")]
    assert axes == ["axes_1", "axes_2"]


def test_same_selection_same_bytes():
    record = realistic(trials=8)
    assert _svg(record) == _svg(record)


def test_it_tells_no_date_and_loads_nothing():
    text = _svg(realistic(trials=8)).decode()
    assert "dc:date" not in text
    assert not re.search(r'(href|src)="(?!#)', text.replace("xlink:href", "href"))


@pytest.mark.parametrize(("arms", "epochs"), [(4, 1), (4, 30), (4, 2000), (14, 2000)])
def test_it_stays_small(arms, epochs):
    record = realistic(trials=8, arms=[f"arm{i}" for i in range(arms)], epochs=epochs)
    assert len(_svg(record)) < 200_000


@pytest.mark.parametrize("name", ["_hidden", "$x^2$", "<b>&", "優化器", "line\nbreak", "nul\x00"])
def test_any_name_can_stand_in_the_legend(name):
    record = sweep(
        search(name, 0, 0.9),
        confirm(name, 0, 0, 0.9, curves={"loss": [1.0, 0.5], "val_loss": [1.0, 0.7]}),
        arms=[name],
    )
    ElementTree.fromstring(_svg(record))


def test_without_curves_it_says_so():
    ElementTree.fromstring(_svg(sweep()))
    assert _svg(sweep()) == _svg(sweep(search("adam", 0, 0.9)))
