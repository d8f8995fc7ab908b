"""The commit that a result is said to come from: that of the code, never of what lies around it."""

import subprocess
from pathlib import Path

import pytest

from fairsweep.tracking.store import environment


def git(folder: Path, *words: str) -> str:
    settings = ("-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "commit.gpgsign=false")
    command = ["git", "-C", str(folder), *settings, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The module as installed into an environment within a repository of the user's own."""
    place = tmp_path / ".venv" / "site-packages" / "environment.py"
    place.parent.mkdir(parents=True)
    place.write_text("")
    (tmp_path / "theirs.py").write_text("")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "theirs.py")
    git(tmp_path, "commit", "--quiet", "--message", "theirs")
    monkeypatch.setattr(environment, "__file__", str(place))
    return place


@pytest.mark.usefixtures("code")
def test_an_installed_package_has_no_commit_of_the_repository_around_it() -> None:
    facts = environment.facts()
    assert (facts["git_commit"], facts["git_dirty"]) == ("unknown", "unknown")


def test_a_checkout_has_its_commit_and_whether_it_was_changed(code: Path) -> None:
    git(code.parent, "add", "--force", code.name)
    git(code.parent, "commit", "--quiet", "--message", "ours")
    commit = git(code.parent, "rev-parse", "HEAD")
    facts = environment.facts()
    assert (facts["git_commit"], facts["git_dirty"]) == (commit, "false")
    code.write_text("changed")
    assert environment.facts()["git_dirty"] == "true"
