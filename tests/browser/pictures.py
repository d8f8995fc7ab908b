"""Takes the README's pictures of a report again: `python -m tests.browser.pictures FOLDER`.

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
from tests.integration.lab import REPOSITORY, Sandbox

IMAGES = REPOSITORY / "docs" / "images"
SWEEP = ("executor.workers=1",)  # the same sweep every time
WIDTH, SCALE, MARGIN, COLOURS = 1080, 0.85, 8, 256
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


def take(browser: Any, page: Path) -> None:
    """Takes all pictures of a report's page."""
    size = {"width": WIDTH, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
    browser.get(page.as_uri())
    WebDriverWait(browser, 120).until(lambda driver: driver.execute_script(DRAWN))
    for name, (first, last) in SHOWN.items():
        top = browser.find_element(By.XPATH, first).rect["y"] - MARGIN
        end = browser.find_element(By.XPATH, last).rect
        store(browser, name, (0, top, WIDTH, end["y"] + end["height"] + MARGIN - top))


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
