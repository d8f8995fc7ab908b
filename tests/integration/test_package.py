"""The package as it is installed: what is inside, and that it works in a folder of the user's own,
beside packages of theirs.

The wheel is made from the source archive, as an index would have it, and installed into a folder.
"""

import os
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import grimp
import pytest

from fairsweep import __version__
from fairsweep.tracking.published import LOADER
from fairsweep.tracking.registry import PACKAGES as PUBLISHED_WITH
from tests.integration.lab import REPOSITORY, Done, Sandbox, listing

PACKAGES = ("pipeline", "utils", "models")
"""What users call packages of theirs."""
MODEL = """
import keras

from {package} import FACTOR


def build(shape, classes, width):
    return keras.Sequential([
        keras.Input(shape), keras.layers.Flatten(),
        keras.layers.Dense(FACTOR * width, activation="relu"),
        keras.layers.Dense(classes, activation="softmax"),
    ])
"""


def run(*command: str | Path, folder: Path, **environment: str) -> str:
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=folder, env=os.environ | environment, capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@dataclass(frozen=True)
class Built:
    """The two archives, and the folder into which the wheel is installed."""

    sdist: Path
    wheel: Path
    site: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    root = tmp_path_factory.mktemp("package")
    build = [sys.executable, "-m", "hatchling", "build", "--directory", str(root)]
    run(*build, "--target", "sdist", folder=REPOSITORY)
    (sdist,) = root.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(root, filter="data")
    (source,) = root.glob("*/pyproject.toml")
    run(*build, "--target", "wheel", folder=source.parent)
    (wheel,) = root.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--no-index"]
    run(*pip, "--no-deps", "--no-compile", "--target", root / "site", wheel, folder=root)
    return Built(sdist, wheel, root / "site")


class Installed(Sandbox):
    """A user's folder with packages of their own, where the installed command is on the path."""

    def __init__(self, root: Path, site: Path) -> None:
        super().__init__(root)
        self.site = site
        models = self.work / "myconf" / "model"
        models.mkdir(parents=True)
        for package in PACKAGES:
            (self.work / package).mkdir()
            (self.work / package / "__init__.py").write_text("FACTOR = 2\n")
            (self.work / package / "nets.py").write_text(MODEL.format(package=package))
            (models / f"{package}.yaml").write_text(
                f"name: {package}\nbuilder: {package}.nets:build\n"
                "params: {width: 8}\nspace: {width: {low: 4, high: 16}}\n"
            )
        (self.work / "fairsweep").mkdir()
        (self.work / "fairsweep" / "__init__.py").write_text("raise RuntimeError('not ours')\n")

    def environment(self) -> dict[str, str]:
        found = super().environment()
        path = f"{self.site / 'bin'}{os.pathsep}{found['PATH']}"
        trusted = {"FAIRSWEEP_TRUSTED_PACKAGES": ",".join(PACKAGES)}
        return found | trusted | {"PATH": path, "PYTHONPATH": str(self.site)}

    def fairsweep(self, *words: str, folder: Path | None = None) -> Done:
        done = subprocess.run(
            ["fairsweep", *words], cwd=folder or self.work, env=self.environment(),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def installed(built: Built, tmp_path: Path) -> Installed:
    return Installed(tmp_path, built.site)


def files(folder: Path) -> set[str]:
    found = [name for name in listing(folder) if (folder / name).is_file()]
    return {name for name in found if "__pycache__" not in name}


def test_the_wheel_holds_the_package_and_its_configs_and_nothing_else(built: Built) -> None:
    ours = {f"fairsweep/{name}" for name in files(REPOSITORY / "pipeline" / "fairsweep")}
    configs = {f"fairsweep/conf/{name}" for name in files(REPOSITORY / "conf")}
    assert {"fairsweep/py.typed", "fairsweep/conf/config.yaml"} <= ours | configs
    with zipfile.ZipFile(built.wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == ours | configs


def test_the_source_archive_holds_no_tests_and_nothing_of_an_environment(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        tops = {name.split("/")[1] for name in archive.getnames() if name.count("/")}
    assert tops == {
        *("pipeline", "conf", "README.md", "LICENSE", "pyproject.toml", "PKG-INFO", ".gitignore")
    }


def test_the_command_says_its_version(installed: Installed) -> None:
    done = installed.fairsweep("--version")
    assert (done.code, done.out) == (0, f"fairsweep {__version__}\n"), done.said


def test_the_configs_that_were_installed_are_found(installed: Installed) -> None:
    done = installed.fairsweep("train", "--help")
    assert done.code == 0, done.said
    assert "optimizer: adadelta" in done.out
    assert "ARGS=" not in done.out  # there is no Makefile


def test_bad_input_is_refused_beside_the_users_own_packages(installed: Installed) -> None:
    before = listing(installed.work)
    done = installed.fairsweep("sweep", "training.epoch=3", "--config-dir", "myconf")
    assert done.code == 2, done.said
    assert "did you mean training.epochs?" in done.err
    assert listing(installed.work) == before


def test_a_published_model_names_every_package_that_it_imports() -> None:
    graph = grimp.build_graph("fairsweep", include_external_packages=True)
    imported = graph.find_upstream_modules(LOADER) - sys.stdlib_module_names
    assert {name for name in imported if not name.startswith("fairsweep.")} <= set(PUBLISHED_WITH)


@pytest.mark.long(35)
def test_a_sweep_in_the_users_folder_over_models_of_their_own(
    installed: Installed, tmp_path: Path
) -> None:
    before, site = set(listing(installed.work)), listing(installed.site)
    arms = f"arms.model=[{','.join(PACKAGES)}]"
    few = ["search.trials=1", "confirm.seeds=1", "executor.workers=1"]
    overrides = ["experiment=smoke", "optimizer=adam", arms, *few, "sweep.name=theirs"]
    done = installed.fairsweep("sweep", *overrides, "--config-dir", "myconf")
    assert done.code == 0, done.said
    new = set(listing(installed.work)) - before
    assert new
    assert all(name.startswith("mlruns") for name in new)
    assert listing(installed.site) == site
    assert "make " not in done.out + done.err

    # What was published answers from another folder, where none of the packages stands.
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "rows.csv").write_text(
        "\n".join([",".join(f"p{i}" for i in range(64)), ",".join(["8"] * 64)])
    )
    asked = ["model=theirs", "input=rows.csv", "output=answers.csv"]
    store = f"tracking.root={installed.work / 'mlruns'}"
    done = installed.fairsweep("predict", *asked, store, folder=elsewhere)
    assert done.code == 0, done.said
    header, row = (elsewhere / "answers.csv").read_text().splitlines()
    assert header.startswith("class,p_0,")
    assert sum(map(float, row.split(",")[1:])) == pytest.approx(1)
