"""Versions in which faults that became known are mended: the lock file has none that is older.

A list that needs no network, as of November 2026; docs/SECURITY.md tells how to ask one that does.
"""

from __future__ import annotations

import re
from pathlib import Path

LOCK = (Path(__file__).parents[2] / "requirements.lock").read_text()
LOCKED = dict(re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==([0-9.]+)", LOCK, re.M | re.I))
# The first version without, and what it mends.
MENDED = {
    "hydra-core": ("1.3.8", "code from configs: CVE-2026-68508, CVE-2026-106439, CVE-2026-106441"),
    "mlflow": ("3.17.2", "CVE-2026-2033, CVE-2026-2614, CVE-2026-64849, CVE-2026-115886"),
    "keras": ("3.15.1", "CVE-2025-1550, CVE-2025-9906, CVE-2026-1462, CVE-2026-1669"),
    "pyarrow": ("14.0.1", "CVE-2023-47248"),
    "numpy": ("1.16.3", "CVE-2019-6446"),
    "pyyaml": ("5.4", "CVE-2020-14343"),
    "jinja2": ("3.1.6", "CVE-2025-27516"),
}


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.strip(".").split("."))


def test_every_locked_version_is_mended() -> None:
    older = [p for p, (least, _) in MENDED.items() if version(LOCKED[p]) < version(least)]
    assert older == []


def test_what_is_never_installed() -> None:
    """Ways for stored bytes to become code that no part of this project needs."""
    assert {"ray", "redis", "dill"} & set(LOCKED) == set()
