"""A real MLflow UI on a finished sweep, and a real browser to look at it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.served import Ui, serve
from tests.integration.scenarios import Smoke

CHROMIUM, CHROMEDRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--window-size=1600,1200"),
)


@pytest.fixture(scope="module")
def ui(smoke: Smoke, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    served = serve(smoke, tmp_path_factory.mktemp("ui"))
    try:
        yield served
    finally:
        served.stop()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    for needed in (CHROMIUM, CHROMEDRIVER):
        if not needed.exists():
            pytest.skip(f"there is no {needed}: apt-get install chromium chromium-driver")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    # Chromium keeps sockets in its temporary folder, whose path must be short.
    home = tmp_path_factory.mktemp("chromium")
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for option in (*OPTIONS, f"--user-data-dir={home / 'profile'}"):
        options.add_argument(option)
    service = Service(str(CHROMEDRIVER), env={**os.environ, "HOME": str(home), "TMPDIR": str(home)})
    driver = webdriver.Chrome(options=options, service=service)
    driver.set_page_load_timeout(120)
    try:
        yield driver
    finally:
        driver.quit()
        shutil.rmtree(home, ignore_errors=True)


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
