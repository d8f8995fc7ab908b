"""What a person sees who opens the MLflow UI on a finished sweep, in a real browser."""

from __future__ import annotations

import contextlib
import re
import socket
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any

import psutil
import pytest
from selenium.common.exceptions import (
    NoSuchElementException,
    StaleElementReferenceException,
    TimeoutException,
)
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser.served import Ui
from tests.integration.lab import listing, wait_until
from tests.integration.processes import command_of
from tests.integration.scenarios import headline
from tests.integration.stored import Run

PATIENCE = 180
"""Seconds for a page to show what it should; it takes two or three."""

pytestmark = pytest.mark.usefixtures("tmp_path")


def waiting(browser: Any) -> WebDriverWait[Any]:
    """Waits for a page that draws itself anew while one looks at it."""
    passing = (NoSuchElementException, StaleElementReferenceException)
    return WebDriverWait(browser, PATIENCE, ignored_exceptions=passing)


def see(browser: Any, css: str, text: str | None = None) -> Any:
    """The element that matches, once it is on the page; with exactly that text, if one is given."""

    def find(driver: Any) -> Any:
        for element in driver.find_elements(By.CSS_SELECTOR, css):
            if text is None or element.get_property("textContent").strip() == text:
                return element
        return None

    return waiting(browser).until(find, f"no {css} {text or ''}")


def text_of(browser: Any) -> str:
    return str(browser.execute_script("return document.body.innerText"))


def runs_shown(browser: Any) -> list[str]:
    """Names in the table of runs, from top to bottom."""
    links = browser.find_elements(By.CSS_SELECTOR, "[role=row][row-index] a[href*='/runs/']")
    placed = [(link.rect["y"], link.get_property("textContent").strip()) for link in links]
    return [name for _, name in sorted(placed)]


def unfold(browser: Any, name: str) -> None:
    """Clicks on the + in front of a run."""

    def click(driver: Any) -> bool:
        link = see(driver, "[role=gridcell] a[href*='/runs/']", name)
        cell = link.find_element(By.XPATH, "./ancestor::*[@role='gridcell']")
        cell.find_element(By.CSS_SELECTOR, "button").click()
        return True

    waiting(browser).until(click)


def children_of(runs: list[Run], parent: Run) -> list[Run]:
    return [run for run in runs if run.tags.get("mlflow.parentRunId") == parent.run_id]


@pytest.fixture(scope="module")
def runs(ui: Ui) -> list[Run]:
    return ui.swept.sandbox.stored.runs()


@pytest.fixture(scope="module")
def sweep(runs: list[Run]) -> Run:
    (run,) = [run for run in runs if run.stage == "sweep"]
    return run


def test_the_printed_link_shows_the_sweep_as_a_tree(
    browser: Any, ui: Ui, runs: list[Run], sweep: Run
) -> None:
    (link,) = re.findall(r"^every run: .* ui, at (\S+)$", ui.swept.done.out, re.MULTILINE)
    assert link.startswith("http://127.0.0.1:5000/")
    browser.get(link.replace("http://127.0.0.1:5000", ui.address))

    see(browser, "[role=gridcell] a[href*='/runs/']", sweep.name)
    assert runs_shown(browser) == [sweep.name]

    unfold(browser, sweep.name)
    arms = children_of(runs, sweep)
    for arm in arms:
        see(browser, "[role=gridcell] a[href*='/runs/']", arm.name)
    assert sorted(runs_shown(browser)) == sorted([sweep.name, *(arm.name for arm in arms)])

    for arm in arms:
        unfold(browser, arm.name)
        for training in children_of(runs, arm):
            see(browser, "[role=gridcell] a[href*='/runs/']", training.name)
    assert sorted(runs_shown(browser)) == sorted(run.name for run in runs)


def test_the_ui_prints_the_page_of_the_sweeps_alone(browser: Any, ui: Ui, sweep: Run) -> None:
    printed = wait_until(
        lambda: re.search(r"^sweeps of digits: (\S+)$", ui.log.read_text(), re.MULTILINE),
        "the link",
    )
    assert printed is not None
    assert printed[1].startswith(ui.address)
    browser.get(printed[1])
    see(browser, "[role=gridcell] a[href*='/runs/']", sweep.name)
    assert shows(browser, [r"\b1\s+matching run"]) == []
    assert runs_shown(browser) == [sweep.name]


def test_a_run_draws_its_curve_of_val_accuracy(
    browser: Any, ui: Ui, runs: list[Run], sweep: Run
) -> None:
    run = next(run for run in runs if run.stage == "confirm" and run.arm == "adam")
    browser.get(f"{ui.address}/#/experiments/{sweep.experiment_id}/runs/{run.run_id}/model-metrics")

    def search(driver: Any) -> bool:
        see(driver, "input[placeholder*='Search metric']").send_keys("^val_accuracy$" + Keys.ENTER)
        return True

    waiting(browser).until(search)
    # What the search leaves is one chart, and says so.
    waiting(browser).until(lambda _: re.search(r"Model metrics\s*\(1\)", text_of(browser)))

    def drawn(driver: Any) -> list[float]:
        """How high each point of the line stands, from 0 for the lowest to 1 for the highest."""
        for path in driver.find_elements(By.CSS_SELECTOR, "svg path.js-line"):
            points = re.findall(r"[ML][\d.]+,([\d.]+)", path.get_attribute("d") or "")
            if len(points) == len(values):
                return shape([-float(point) for point in points])
        return []

    values = run.curves["val_accuracy"]
    assert max(values) > min(values)
    assert waiting(browser).until(drawn, "no line through all epochs") == pytest.approx(
        shape(values), abs=0.02
    )


def shape(values: Sequence[float]) -> list[float]:
    low, high = min(values), max(values)
    return [(value - low) / (high - low) for value in values]


def test_the_page_of_a_run_shows_its_params_and_outcome(
    browser: Any, ui: Ui, runs: list[Run], sweep: Run
) -> None:
    run = next(run for run in runs if run.name == "adam/0")
    browser.get(f"{ui.address}/#/experiments/{sweep.experiment_id}/runs/{run.run_id}")

    wanted = (
        *("adam/0", r"Status\s+Finished", r"Parent run\s+adam", r"outcome\s*:?\s*complete"),
        *(r"best_val_accuracy\s+0\.\d", r"optimizer\s+adam", r"optimizer\.learning_rate\s+0\.001"),
    )

    def missing(driver: Any) -> list[str]:
        return [pattern for pattern in wanted if not re.search(pattern, text_of(driver))]

    with contextlib.suppress(TimeoutException):
        waiting(browser).until_not(missing)
    assert missing(browser) == []


def test_the_report_opens_in_the_artifact_viewer(browser: Any, ui: Ui, sweep: Run) -> None:
    report = ui.swept.sandbox.report_files(ui.swept.sweep)["report.md"].decode()
    place = f"runs/{sweep.run_id}/artifacts/report/report.html"
    browser.get(f"{ui.address}/#/experiments/{sweep.experiment_id}/{place}")
    frame = see(browser, "iframe")
    browser.switch_to.frame(frame)
    try:
        heading = see(browser, "h1")
        assert heading.text == headline(report)
        # The figures are drawn by the page's own script.
        see(browser, "svg.main-svg")
        assert "The arms side by side" in text_of(browser)
    finally:
        browser.switch_to.default_content()


def shows(browser: Any, wanted: Sequence[str]) -> list[str]:
    """Waits for all of the patterns; those that don't come."""

    def missing(driver: Any) -> list[str]:
        return [pattern for pattern in wanted if not re.search(pattern, text_of(driver))]

    with contextlib.suppress(TimeoutException):
        waiting(browser).until_not(missing)
    return missing(browser)


def test_the_page_of_the_sweep_tells_the_result(browser: Any, ui: Ui, sweep: Run) -> None:
    report = ui.swept.sandbox.report_files(ui.swept.sweep)["report.md"].decode()
    browser.get(f"{ui.address}/#/experiments/{sweep.experiment_id}/runs/{sweep.run_id}")
    assert shows(browser, [re.escape(headline(report)), "charts of all confirmations"]) == []


def test_its_link_shows_the_seeds_of_each_arm_as_one(
    browser: Any, ui: Ui, runs: list[Run], sweep: Run
) -> None:
    browser.get(f"{ui.address}/#/experiments/{sweep.experiment_id}/runs/{sweep.run_id}")
    link = see(browser, "a[href*='viewStateShareKey']", "charts of all confirmations")
    browser.get(link.get_attribute("href"))
    groups = [f"Group: {run.arm}" for run in runs if run.stage == "arm"]
    charts = ["val_accuracy", "val_loss", "range of the confirmations", "95 % interval"]
    assert shows(browser, [*groups, *charts]) == []


def test_the_champion_has_a_page(browser: Any, ui: Ui, sweep: Run) -> None:
    browser.get(f"{ui.address}/#/models/{sweep.tags['sweep']}/versions/1")
    wanted = ["champion", "confirmed_mean", "data_sha256", r"Outputs \(11\)", r"Inputs \(1\)"]
    assert shows(browser, wanted) == []


# For this machine alone.


def status(ui: Ui, path: str = "/", **headers: str) -> int:
    request = urllib.request.Request(f"{ui.address}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_another_host_name_is_refused(ui: Ui) -> None:
    assert status(ui) == 200
    assert status(ui, Host=f"localhost:{ui.port}") == 200
    for host in ("evil.example", f"evil.example:{ui.port}", "192.168.0.1", f"10.0.0.1:{ui.port}"):
        assert status(ui, Host=host) == 403, host


def test_another_sites_page_can_not_write(ui: Ui) -> None:
    request = urllib.request.Request(
        f"{ui.address}/api/2.0/mlflow/experiments/create",
        data=b'{"name": "planted"}',
        headers={"Content-Type": "application/json", "Origin": "http://evil.example"},
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=PATIENCE)
    with refused.value as error:
        assert error.code == 403


def listening(pids: list[int]) -> set[tuple[str, int]]:
    """(address, port) of every TCP socket on which these processes listen."""
    sockets = [each for pid in pids for each in psutil.Process(pid).net_connections("tcp")]
    listeners = [each.laddr for each in sockets if each.status == psutil.CONN_LISTEN]
    return {(address.ip, address.port) for address in listeners if address}


def test_it_listens_on_this_machine_only(ui: Ui) -> None:
    assert listening(ui.processes()) == {("127.0.0.1", ui.port)}


def test_it_runs_no_jobs(ui: Ui) -> None:
    """MLflow's job runners serve language models: eight processes more, and nothing of ours."""
    commands = [command_of(pid) for pid in ui.processes()]
    assert [command for command in commands if "mlflow.server.jobs" in command] == []


def test_a_port_in_use_is_told(ui: Ui) -> None:
    done = ui.swept.sandbox.run("fairsweep", "ui", f"port={ui.port}")
    assert done.code == 2, done.said
    assert str(ui.port) in done.err
    assert "Traceback" not in done.err


def test_ctrl_c_ends_all_of_it_and_nothing_is_left_behind(ui: Ui) -> None:
    """The last of this file: it ends the UI."""
    left, printed = ui.stop()
    assert left == []
    assert "Traceback" not in printed
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", ui.port))
    written = [path for path in listing(ui.swept.sandbox.work) if path not in ui.before]
    assert [path for path in written if not path.startswith("mlruns/hydra/")] == []
    assert [name for name in listing(ui.home) if name != "tmp"] == []
