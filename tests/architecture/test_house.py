"""The house rules: short modules, no room for leftovers, nothing that hides or trusts too much."""

from __future__ import annotations

import ast
import itertools
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "pipeline").rglob("*.py"))
CONFIGS = sorted((ROOT / "conf").rglob("*.yaml"))
TOP_LEVEL = {
    *("conf", "pipeline", "tests", "mlruns", "docs", "Makefile", "pyproject.toml"),
    *("README.md", "LICENSE", "requirements.lock"),
}
FOLDERS = ("conf", "pipeline", "tests", "docs", ".ci")


def files() -> Iterator[Path]:
    """Every text file of the repository, generated ones left out."""
    for path in [*ROOT.iterdir(), *(p for f in FOLDERS for p in (ROOT / f).rglob("*"))]:
        if path.is_file() and path.suffix not in {".png", ".pyc"} and path.name != ".git":
            yield path


TEXTS = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in files()}


def of(path: Path) -> str:
    return str(path.relative_to(ROOT))


TREES = {of(path): ast.parse(path.read_text()) for path in MODULES}
"""The modules of the package, by their path, as Python reads them."""


def lines_with(pattern: str, texts: dict[str, str] = TEXTS) -> list[str]:
    """file:line of every match; this file holds the patterns, and is left out."""
    return [
        f"{name}:{number}: {line.strip()}"
        for name, text in texts.items()
        if name != of(Path(__file__))
        for number, line in enumerate(text.splitlines(), 1)
        if re.search(pattern, line)
    ]


def test_the_search_for_lines_finds_them() -> None:
    assert "pipeline/fairsweep/errors.py:1" in lines_with("Every way a command can fail")[0]
    assert len(MODULES) > 30
    assert len(CONFIGS) > 30
    assert {"Makefile", "requirements.lock", ".ci/run", "docs/CHANGELOG.md"} <= set(TEXTS)


def test_no_module_has_more_than_400_lines() -> None:
    lengths = {name: len(TEXTS[name].splitlines()) for name in TREES}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_every_module_opens_with_what_it_is_for() -> None:
    assert [name for name, tree in TREES.items() if not ast.get_docstring(tree)] == []


def test_top_level_holds_what_was_agreed() -> None:
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert found - TOP_LEVEL - {"__pycache__"} == set()
    assert TOP_LEVEL - found <= {"mlruns"}


def test_there_is_no_room_for_leftovers() -> None:
    leftovers = re.compile(r"_*(utils?|common|commons|helpers?|misc|shared|stuff|tools?|lib)")
    named = [
        of(path)
        for folder in ("pipeline", "conf", "tests")
        for path in (ROOT / folder).rglob("*")
        if leftovers.fullmatch(path.stem.lower())
    ]
    assert named == []


def test_nothing_is_left_to_do() -> None:
    assert lines_with(r"\b(TODO|FIXME|XXX|HACK)\b") == []


def test_no_exception_is_swallowed() -> None:
    """An `except` names what it catches, and does something about it."""
    assert [f"{name}:{line}" for name, tree in TREES.items() for line in swallowed(tree)] == []


def swallowed(tree: ast.AST) -> Iterator[int]:
    """The lines on which an exception is caught without a type, or nothing is done about it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            empty = all(
                isinstance(statement, ast.Pass | ast.Continue)
                or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
                for statement in node.body
            )
            if node.type is None or empty:
                yield node.lineno
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
            caught = {ast.unparse(argument) for argument in node.args}
            if caught & {"Exception", "BaseException"} or not caught:
                yield node.lineno


@pytest.mark.parametrize(
    "code",
    [
        "try: f()\nexcept: g()",
        "try: f()\nexcept OSError: pass",
        "try: f()\nexcept OSError: ...",
        "with suppress(Exception): f()",
        "with contextlib.suppress(): f()",
    ],
)
def test_a_swallowed_exception_is_found(code: str) -> None:
    assert len(list(swallowed(ast.parse(code)))) == 1


UNPICKLES = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
EVALUATES = {"eval", "exec", "compile", "__import__"}


def test_no_stored_byte_is_run_as_code() -> None:
    """Data and models are read as data: no pickle, no Keras layer that brings its own code."""
    found = {name: list(run_as_code(tree)) for name, tree in TREES.items()}
    assert {name: calls for name, calls in found.items() if calls} == {}


def run_as_code(tree: ast.AST) -> Iterator[str]:
    """What makes code of bytes in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (n.name for n in node.names if n.name.partition(".")[0] in UNPICKLES)
        elif isinstance(node, ast.ImportFrom):
            if node.module and node.module.partition(".")[0] in UNPICKLES:
                yield node.module
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in EVALUATES or "pickle" in name or "unsafe" in name or name == "yaml.load":
                yield name
        elif isinstance(node, ast.keyword):
            value = ast.unparse(node.value)
            if (node.arg, value) not in SAFE and node.arg in {arg for arg, _ in SAFE}:
                yield f"{node.arg}={value}"


SAFE = {("allow_pickle", "False"), ("safe_mode", "True")}


@pytest.mark.parametrize(
    "code",
    [
        *("import pickle", "from joblib import load", "eval(text)", "yaml.load(text)"),
        *("np.load(file, allow_pickle=True)", "load_model(file, safe_mode=False)"),
    ],
)
def test_code_made_of_bytes_is_found(code: str) -> None:
    assert len(list(run_as_code(ast.parse(code)))) == 1


def test_pickle_is_mentioned_where_it_is_refused_and_nowhere_else() -> None:
    code = {name: text for name, text in TEXTS.items() if name.startswith("pipeline/")}
    refused = r"allow_pickle=False|MLFLOW_ALLOW_PICKLE_DESERIALIZATION\W+(false|False)"
    mentioned = lines_with(r"(?i)pickle", code)
    assert [line for line in mentioned if not re.search(refused, line)] == []
    assert lines_with(r"safe_mode\s*=\s*False", code) == []


def test_no_config_names_code_to_run() -> None:
    """A config is data: Hydra's `_target_` would make a call of it."""
    texts = {of(path): path.read_text() for path in CONFIGS}
    assert [name for name, text in texts.items() if "_target_" in text] == []
    plain = {name: yaml.safe_load(text) for name, text in texts.items()}
    assert [name for name, config in plain.items() if not isinstance(config, dict)] == []


class TestLock:
    """Versions and hashes, and no address: whichever registry is configured is the one asked."""

    lines = TEXTS["requirements.lock"].splitlines()

    def test_every_line_is_a_version_or_a_hash(self) -> None:
        version = r"[A-Za-z0-9._-]+(\[[a-z0-9,-]+\])?==[^\s:/]+( ; [^\\:/]+)? \\"
        digest = r"    --hash=sha256:[0-9a-f]{64}( \\)?"
        assert [line for line in self.lines if not re.fullmatch(f"{version}|{digest}", line)] == []

    def test_every_version_has_a_hash(self) -> None:
        for line, after in itertools.pairwise(self.lines):
            assert "--hash=" in line or "--hash=" in after, line

    def test_every_dependency_of_the_project_is_locked(self) -> None:
        project = tomllib.loads(TEXTS["pyproject.toml"])["project"]
        wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
        names = {re.split(r"[^A-Za-z0-9-]", requirement)[0].lower() for requirement in wanted}
        locked = {line.partition("==")[0].lower() for line in self.lines}
        assert names - locked == set()


def test_no_file_names_a_registry() -> None:
    assert lines_with(r"--(extra-)?index-url|--find-links|--trusted-host|PIP_(EXTRA_)?INDEX") == []
    assert lines_with(r"://[^\s/]*(pypi|pythonhosted|artifactory|nexus|conda|debian)") == []
    assert lines_with(r"://[^\s]*/simple\b") == []


def test_no_file_holds_a_path_of_one_machine() -> None:
    assert lines_with(r"(?<![\w.$}])/(root|work|home|Users|mnt|workspace)/\w") == []
