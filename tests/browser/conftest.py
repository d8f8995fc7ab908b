"""A real MLflow UI on a finished sweep, and a real browser to look at it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.lab import wait_until
from tests.integration.scenarios import Smoke, descendants, gone_within

CHROMIUM, CHROMEDRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--window-size=1600,1200"),
)


@dataclass
class Ui:
    """`python -m pipeline.tracking.ui` at work in the folder of a finished sweep."""

    process: subprocess.Popen[str]
    port: int
    swept: Smoke
    home: Path
    before: list[str]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def processes(self) -> list[int]:
        return [self.process.pid, *descendants(self.process.pid)]

    def stop(self) -> tuple[list[int], str]:
        """Ends it as Ctrl-C in its terminal does.

        Returns:
            The processes that were left after a minute, and all that it has printed.
        """
        if self.process.returncode is not None:
            return [], ""
        all_of_it = self.processes()
        os.killpg(self.process.pid, signal.SIGINT)
        left = gone_within(60, all_of_it)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        printed, _ = self.process.communicate()
        return left, printed


@pytest.fixture(scope="module")
def ui(smoke: Smoke, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    home = tmp_path_factory.mktemp("ui")
    (home / "tmp").mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    before = listing(smoke.sandbox.work)
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline.tracking.ui", str(port)],
        cwd=smoke.sandbox.work,
        env=smoke.sandbox.environment() | {"HOME": str(home), "TMPDIR": str(home / "tmp")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    served = Ui(process, port, smoke, home, before)
    try:
        wait_until(lambda: _answers(served.address), "the UI to answer", process)
        yield served
    finally:
        served.stop()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


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
