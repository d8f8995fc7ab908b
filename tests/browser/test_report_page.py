"""The report's page in a real browser, from a file: every picture is drawn, on a phone too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fairsweep.report.render import build, write
from fairsweep.shown import Shown
from tests.unit.report.builders import important, realistic

ARMS = [f"arm{i}" for i in range(8)]
PLOTS = "return [...document.querySelectorAll('.plot')]"
DRAWN = (
    f"{PLOTS}.filter(plot => plot.querySelector('svg.main-svg'))"
    ".map(plot => [plot.id, plot.clientWidth, plot.querySelector('svg').clientWidth])"
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    record = realistic(trials=12, arms=ARMS, seeds=2)
    space = record.spaces["arm0"]
    more = [{**space[1], "name": f"optimizer.p{i}"} for i in range(6)]
    params = {own["name"]: "32" for own in more}
    runs = tuple(replace(run, params={**run.params, **params}) for run in record.runs)
    shown = Shown(tuple(f"column {i}" for i in range(12)))
    spaces = {arm: [*space, *more] for arm in ARMS}
    crowded = replace(record, runs=runs, spaces=spaces, shown=shown)
    folder = tmp_path_factory.mktemp("report")
    write(build(crowded, importances=important(ARMS)), folder)
    return folder / "report.html"


@pytest.fixture(params=[(390, 800), (1200, 900)], ids=["phone", "desk"])
def opened(browser: Any, page: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    width, height = request.param
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get_log("browser")
    browser.get(page.as_uri())
    yield browser
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def wait_for(browser: Any, script: str, expected: int) -> list[Any]:
    """What a script returns, once it has this many items."""
    from selenium.webdriver.support.ui import WebDriverWait

    def ready(driver: Any) -> Any:
        found = driver.execute_script(script)
        return found if len(found) == expected else False

    return list(WebDriverWait(browser, 120).until(ready))


def test_every_picture_is_as_wide_as_its_place_and_the_page_as_the_screen(opened: Any) -> None:
    plots = opened.execute_script(f"{PLOTS}.map(plot => plot.id)")
    folded = [plot for plot in plots if plot.startswith("parameter-")]
    assert len(folded) == 9
    wait_for(opened, DRAWN, len(plots) - len(folded))
    opened.execute_script("document.querySelector('details:has(.plot)').open = true")
    for name, place, width in wait_for(opened, DRAWN, len(plots)):
        assert width == place > 200, name
    over = opened.execute_script(
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert over == 0
    assert [entry for entry in opened.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_no_table_is_cut_off(opened: Any) -> None:
    """On a phone a row of arms is a block, each value beside its column's name; so is a hard row,
    which scrolls on a desk, for it has as many columns as the data."""
    desk = opened.execute_script("return innerWidth") > 560
    tables = "table:not(.rows)" if desk else "table"
    over = opened.execute_script(
        f"return [...document.querySelectorAll('.scroll:has({tables})')].map("
        "place => [place.getAttribute('aria-label'), place.scrollWidth - place.clientWidth])"
    )
    assert ("Rows that every arm gets wrong" in dict(over)) != desk
    assert {"The arms side by side", "Paired comparisons with the best arm"} <= dict(over).keys()
    assert [name for name, width in over if width > 0] == []


def test_an_arm_that_was_hidden_stays_so_in_what_is_opened_later(opened: Any) -> None:
    visible = (
        "return document.getElementById(arguments[0]).data"
        ".filter(trace => trace.meta === 'arm3').map(trace => trace.visible !== false)"
    )
    opened.execute_script("document.querySelector('button[data-arm=\"arm3\"]').click()")
    assert set(opened.execute_script(visible, "learning-rates")) == {False}
    opened.execute_script("document.querySelector('details:has(.plot)').open = true")
    total = opened.execute_script(f"{PLOTS}.length")
    wait_for(opened, DRAWN, total)
    slices = opened.execute_script(visible, "parameter-training-batch-size")
    assert slices
    assert not any(slices)
    opened.execute_script("document.querySelector('button[data-arm=\"arm3\"]').click()")
    assert all(opened.execute_script(visible, "parameter-training-batch-size"))
