"""Keras's own data sets, from a cache as Keras leaves it, and without one or a network."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fairsweep.config.schema import Data
from fairsweep.data.sources import keras as keras_cache
from fairsweep.data.split import load_split
from fairsweep.errors import BadInput


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "datasets").mkdir()
    return tmp_path / "datasets"


def fill(path: Path, labels: int = 10, channels: tuple[int, ...] = ()) -> None:
    random = np.random.default_rng(0)
    np.savez(
        path,
        x_train=random.integers(0, 255, (200, 6, 6, *channels), np.uint8),
        y_train=np.arange(200, dtype=np.uint8) % labels,
        x_test=random.integers(0, 255, (50, 6, 6, *channels), np.uint8),
        y_test=np.arange(50, dtype=np.uint8) % labels,
    )


def of(name: str) -> Data:
    return Data(name, "keras_dataset", dataset=name, rescale=1 / 255)


def test_test_rows_stay_test_rows(home: Path) -> None:
    fill(home / "mnist.npz")
    data = load_split(of("mnist"))
    assert data.dataset.x.shape == (250, 6, 6, 1)
    assert data.dataset.class_names == tuple("0123456789")
    assert data.test.tolist() == list(range(200, 250))
    assert (len(data.train), len(data.validation)) == (160, 40)


def test_names_of_classes_are_known(home: Path) -> None:
    fill(home / "cifar10-arrays.npz", channels=(3,))
    data = load_split(of("cifar10"))
    assert data.dataset.x.shape == (250, 6, 6, 3)
    assert data.dataset.class_names[:3] == ("airplane", "automobile", "bird")


def test_what_isnt_there_is_fetched_by_a_process_of_its_own(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fetch(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        asked.append(command[3:])
        fill(Path(command[-1]))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", fetch)
    one, again = load_split(of("fashion_mnist")), load_split(of("fashion_mnist"))
    path = home / "fashion_mnist-arrays.npz"
    assert asked == [["fairsweep.training.keras_data", "fashion_mnist", str(path)]]
    np.testing.assert_array_equal(one.dataset.x, again.dataset.x)


def test_no_network_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        said = "lines of a download\nException: URL fetch failure: no such host\n"
        return subprocess.CompletedProcess(command, 1, "", said)

    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(BadInput) as caught:
        load_split(of("cifar10"))
    told = ("data.dataset: cifar10 isn't in Keras's cache", str(home), "no such host", "a network")
    assert [part for part in told if part not in str(caught.value)] == []
    assert list(home.iterdir()) == []


@pytest.mark.long
def test_keras_itself_reads_its_cache_or_says_why_not(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a proxy that nobody listens at: no network, whatever the machine has."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(BadInput, match=r"couldn't download it: Exception: URL fetch failure"):
        load_split(of("mnist"))
    assert keras_cache.cache() == home
