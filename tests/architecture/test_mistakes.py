"""docs/MISTAKES.md: every mistake of the list is there once, and the tests that it names exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "MISTAKES.md").read_text(encoding="utf-8")
ROW = re.compile(r"\| (\d+) \|.*\| (refused|told|taken) \| (.*) \|")
TESTS = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py")}


def rows() -> list[tuple[int, list[tuple[str, str]]]]:
    """Each mistake's number, and its tests: a file and what stands in it."""
    found = []
    default = ""
    for line in PAGE.splitlines():
        if heading := re.match(r"## .*`(.*)`", line):
            default = heading[1]
        if row := ROW.fullmatch(line):
            file, named = default, []
            for word in re.findall(r"`([^`]*)`", row[3]):
                if word.endswith(".py"):
                    file = word
                else:
                    named.append((file, word))
            found.append((int(row[1]), named))
    return found


def test_each_is_there_once() -> None:
    numbers = sorted(number for number, _ in rows())
    assert numbers == list(range(1, len(numbers) + 1))


def test_their_tests_exist() -> None:
    assert [number for number, named in rows() if not named] == []
    missing = [
        f"{number}: {file}: {name}"
        for number, named in rows()
        for file, name in named
        if name not in TESTS.get(file, "")
    ]
    assert missing == []
