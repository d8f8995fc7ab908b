"""What the machine says of itself: the smaller of its own free memory and what a control group
leaves, kills that the kernel counts, and nothing where it can't be read."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from fairsweep import machine
from fairsweep.machine import available_bytes, file_system, out_of_memory_kills, process_start

EVENTS = "low 0\nhigh 12\nmax 7\noom 3\noom_kill {}\noom_group_kill 0\n"
CONTROL = "oom_kill_disable 0\nunder_oom 0\noom_kill {}\n"
V1 = "9:name=systemd:/\n4:memory:/docker/abc\n3:cpuset:/\n0::/\n"
FREE = 10_000


def groups(folder: Path, own: str, files: dict[str, str]) -> tuple[Path, Path]:
    """Made-up control groups: the file that says which ones are one's own, and their root."""
    (folder / "own").write_text(own)
    for name, text in files.items():
        path = folder / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "own", folder / "root"


def v2(place: str, limit: str, used: int, cache: int = 0) -> dict[str, str]:
    """The files of a group."""
    half = cache // 2
    return {
        f"{place}memory.max": f"{limit}\n",
        f"{place}memory.current": f"{used}\n",
        f"{place}memory.stat": f"anon 77\nactive_file {half}\ninactive_file {cache - half}\n",
        f"{place}memory.events": EVENTS.format(0),
    }


def v1(place: str, limit: int, used: int, cache: int = 0) -> dict[str, str]:
    """The same before version 2."""
    stat = f"inactive_file 1\ntotal_active_file {cache}\ntotal_inactive_file 0\n"
    return {
        f"memory/{place}memory.limit_in_bytes": f"{limit}\n",
        f"memory/{place}memory.usage_in_bytes": f"{used}\n",
        f"memory/{place}memory.stat": stat,
        f"memory/{place}memory.oom_control": CONTROL.format(0),
    }


@pytest.mark.parametrize(
    ("own", "files", "available"),
    [
        ("0::/\n", v2("", "5000", 3000), 2000),
        ("0::/\n", v2("", "5000", 3000, 600), 2600),
        ("0::/\n", v2("", "5000", 6000), 0),
        ("0::/\n", v2("", "50000", 3000), FREE),
        ("0::/\n", v2("", "max", 3000), FREE),
        ("0::/a/b\n", v2("a/b/", "max", 100) | v2("a/", "5000", 3000), 2000),
        ("0::/docker/abc\n", v2("", "5000", 3000), 2000),
        (V1, v1("docker/abc/", 5000, 3000, 600), 2600),
        (V1, v1("", 5000, 3000), 2000),
        (V1, v1("docker/abc/", 2**63 - 4096, 3000), FREE),
        ("0::/\n", {}, FREE),
        ("", v2("", "5000", 3000), FREE),
    ],
    ids=[
        *("limit", "file-cache", "over-limit", "large-limit", "no-limit", "limit-of-a-parent"),
        *("container", "v1", "v1-container", "v1-no-limit", "no-files", "no-groups"),
    ],
)
def test_available_is_the_smaller_of_machine_and_control_group(
    own: str,
    files: dict[str, str],
    available: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=FREE))
    assert available_bytes(*groups(tmp_path, own, files)) == available


def test_this_machine_has_memory() -> None:
    assert 0 < available_bytes() <= psutil.virtual_memory().total


@pytest.mark.parametrize(
    ("own", "files", "kills"),
    [
        ("0::/\n", {"memory.events": EVENTS}, 5),
        ("0::/user.slice/a:b\n", {"user.slice/a:b/memory.events": EVENTS}, 5),
        ("0::/docker/abc\n", {"memory.events": EVENTS}, 5),
        (V1, {"memory/docker/abc/memory.oom_control": CONTROL}, 5),
        (V1, {"memory/memory.oom_control": CONTROL}, 5),
        ("4:cpu,memory:/a\n", {"memory/a/memory.oom_control": CONTROL}, 5),
        ("0::/\n", {}, None),
        ("0::/\n", {"memory.events": "low 0\n"}, None),
        ("", {"memory.events": EVENTS}, None),
    ],
)
def test_kills_are_those_of_the_own_group(
    own: str, files: dict[str, str], kills: int | None, tmp_path: Path
) -> None:
    counted = {name: text.format(5) for name, text in files.items()}
    assert out_of_memory_kills(*groups(tmp_path, own, counted)) == kills


def test_a_system_without_groups_counts_nothing(tmp_path: Path) -> None:
    assert out_of_memory_kills(tmp_path / "none", tmp_path) is None


def test_a_folder_is_in_the_file_system_that_is_mounted_closest_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = tmp_path / "with a blank" / "below"
    inside.mkdir(parents=True)
    kinds = {"/": "ext4", str(inside.parent.resolve()): "tmpfs", str(inside / "deeper"): "nfs"}
    mounts = [SimpleNamespace(mountpoint=place, fstype=kind) for place, kind in kinds.items()]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: mounts if all else [])
    assert file_system(inside) == "tmpfs"
    assert file_system(tmp_path) == "ext4"
    mounts.clear()
    assert file_system(inside) == ""


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="only Linux has it")
def test_a_file_system_in_memory_is_known() -> None:
    assert file_system(Path("/dev/shm")) == "tmpfs"


def test_who_may_not_see_connections_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(kind: str) -> None:
        raise psutil.AccessDenied(msg=kind)

    monkeypatch.setattr(psutil, "net_connections", denied)
    assert machine.listener(5000) is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts in ticks")
def test_a_process_began_when_the_kernel_says() -> None:
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    assert process_start(os.getpid()) == int(fields[19])


def test_no_process_never_began() -> None:
    assert process_start(2**22 + 1) is None
