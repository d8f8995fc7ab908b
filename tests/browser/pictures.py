"""Takes the pictures of README.md and docs/ again: `python -m tests.browser.pictures FOLDER`.

In the folder it runs the sweep that README.md begins with, which takes a few minutes once.
Afterwards look at each picture, and at what README.md says about them.
"""

from __future__ import annotations

import base64
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser.chromium import chromium
from tests.browser.served import Ui, serve
from tests.browser.test_mlflow_ui import see, shows, unfold
from tests.integration.lab import REPOSITORY, Done, Sandbox
from tests.integration.scenarios import Finished
from tests.integration.stored import Run

IMAGES = REPOSITORY / "docs" / "images"
SWEEP = ("executor.workers=1",)  # the same sweep every time
WIDTH, SCALE, MARGIN, COLOURS = 1080, 0.85, 8, 256
TREE, CHARTS, SIDE = (1300, 560), (1500, 900), 198
"""Width and height of MLflow's page in two pictures, and the width of its menu, which isn't in
them."""
CLOSED = """
const all = [...document.querySelectorAll('button')].map(b => [b.getBoundingClientRect(), b]);
const found = all.find(([at]) => at.x > innerWidth - 60 && at.y < 60);
found?.[1].click();
return Boolean(found);
"""
CHARTED = "return document.querySelectorAll('.js-plotly-plot .scatterlayer .trace').length >= 12"
SHOWN = {
    "report": ("//header", "//section[h2='Is the difference real?']"),
    "search": ("//section[h2='The search']/div[@class='key']", "//section[h2='The search']"),
    "parameters": (
        "//section[h2='What each parameter does']",
        "//figure[h3='Which parameters mattered']",
    ),
}
"""Each picture reaches from the top of an element to the bottom of another."""
PLOTS = "[...document.querySelectorAll('.plot')].filter(p => !p.closest('details:not([open])'))"
DRAWN = f"return {PLOTS}.every(plot => plot.querySelector('.main-svg'))"


def main(folder: Path) -> None:
    box = Sandbox(folder)
    process = box.start("fairsweep", "sweep", *SWEEP)
    out, err = process.communicate()
    assert process.returncode == 0, err
    print(out)
    (sweep,) = box.stored.runs(stage="sweep")
    page = folder / "report.html"
    page.write_bytes(box.report_files(sweep.name)[page.name])
    with TemporaryDirectory() as home, chromium(Path(home, "b")) as browser:
        take(browser, page)
        Path(home, "ui").mkdir()
        ui = serve(Finished(Done(0, out, err), box), Path(home, "ui"))
        try:
            take_mlflow(browser, ui, sweep)
        finally:
            ui.stop()


def take(browser: Any, page: Path) -> None:
    """Takes all pictures of a report's page."""
    _resize(browser, WIDTH, 1000)
    browser.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
    browser.get(page.as_uri())
    WebDriverWait(browser, 120).until(lambda driver: driver.execute_script(DRAWN))
    for name, (first, last) in SHOWN.items():
        top = browser.find_element(By.XPATH, first).rect["y"] - MARGIN
        end = browser.find_element(By.XPATH, last).rect
        store(browser, name, (0, top, WIDTH, end["y"] + end["height"] + MARGIN - top))


def take_mlflow(browser: Any, ui: Ui, sweep: Run) -> None:
    """Takes the arms below their sweep, and the charts of its confirmations."""
    _resize(browser, *TREE)
    browser.get(f"{ui.address}/#/experiments/{sweep.experiment_id}/runs")
    _close_assistant(browser)
    unfold(browser, sweep.name)
    shows(browser, ["sgd", "rmsprop", "adam", "adamw"])
    store(browser, "mlflow", (SIDE, 0, TREE[0] - SIDE, TREE[1]))
    _resize(browser, *CHARTS)
    browser.get(f"{ui.address}/#/experiments/{sweep.experiment_id}/runs/{sweep.run_id}")
    link = see(browser, "a[href*='viewStateShareKey']", "charts of all confirmations")
    browser.get(link.get_attribute("href"))
    shows(browser, ["Group: sgd", "val_accuracy", "val_loss"])
    WebDriverWait(browser, 120).until(lambda driver: driver.execute_script(CHARTED))
    store(browser, "mlflow-arms", (SIDE, 0, CHARTS[0] - SIDE, CHARTS[1]))


def _close_assistant(browser: Any) -> None:
    """MLflow opens it beside the first page; its cross is the button in the upper right corner."""
    WebDriverWait(browser, 120).until(lambda driver: driver.execute_script(CLOSED))


def _resize(browser: Any, width: int, height: int) -> None:
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def store(browser: Any, name: str, place: Sequence[float]) -> None:
    """Takes what is at a place of the page (x, y, width, height), in few colours: small files."""
    clip = dict(zip(("x", "y", "width", "height"), place, strict=True)) | {"scale": SCALE}
    shot = browser.execute_cdp_cmd(
        "Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True}
    )
    picture = Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB")
    few = picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(IMAGES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
