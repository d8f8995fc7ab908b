"""A real MLflow UI on a finished sweep, and a real browser to look at it."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.chromium import DRIVER, PROGRAM, chromium
from tests.browser.served import Ui, serve
from tests.integration.scenarios import Smoke


@pytest.fixture(scope="module")
def ui(smoke: Smoke, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    served = serve(smoke, tmp_path_factory.mktemp("ui"))
    try:
        yield served
    finally:
        served.stop()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    for needed in (PROGRAM, DRIVER):
        if not needed.exists():
            pytest.skip(f"there is no {needed}: apt-get install chromium chromium-driver")
    with chromium(tmp_path_factory.mktemp("chromium")) as driver:
        yield driver


@pytest.fixture(autouse=True)
def folder_for_a_picture(tmp_path: Path) -> Path:
    """Every test has one, for it may fail."""
    return tmp_path


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds a picture of the browser to the report of a test that failed."""
    report = yield
    driver = getattr(item, "funcargs", {}).get("browser")
    if report.when == "call" and report.failed and driver is not None:
        folder: Path = getattr(item, "funcargs")["tmp_path"]  # noqa: B009
        picture = folder / f"{re.sub(r'[^A-Za-z0-9_]', '-', item.name)}.png"
        driver.save_screenshot(str(picture))
        report.sections.append(("screenshot", f"{picture}\nat {driver.current_url}"))
    return report
