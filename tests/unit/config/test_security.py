"""A config can't run code, wherever it stands and whatever it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairsweep.config.checks.model import model_problems
from fairsweep.config.compose.commands import compose_training
from fairsweep.config.schema import Model
from fairsweep.errors import BadInput

# What Hydra itself refuses to call, and what it would call.
TARGETS = """
os.system os.popen os.execv os.spawnl os.fork os.remove os.rename os.putenv os._exit os.kill
subprocess.run subprocess.call subprocess.Popen subprocess.check_output subprocess.getoutput
builtins.eval builtins.exec builtins.compile builtins.open builtins.__import__ builtins.getattr
importlib.import_module importlib.reload runpy.run_path runpy.run_module code.interact
pickle.load pickle.loads marshal.loads shelve.open dill.loads cloudpickle.loads joblib.load
numpy.load numpy.fromfile pandas.read_pickle pandas.eval torch.load yaml.unsafe_load yaml.load
keras.models.load_model keras.config.enable_unsafe_deserialization keras.layers.Lambda
tensorflow.py_function mlflow.pyfunc.load_model mlflow.run shutil.copy shutil.rmtree shutil.move
multiprocessing.Process threading.Thread socket.create_connection urllib.request.urlretrieve
urllib.request.urlopen ctypes.CDLL webbrowser.open pty.spawn operator.attrgetter types.FunctionType
logging.config.dictConfig hydra.utils.instantiate hydra._internal.utils._locate
""".split()
GROUPS = ("data", "model", "optimizer", "training", "search", "pruner", "executor", "tracking")


def test_there_are_more_than_fifty_targets() -> None:
    assert len(set(TARGETS)) == len(TARGETS) > 50


@pytest.mark.parametrize("target", TARGETS)
def test_no_option_of_any_group_calls_anything(target: str, tmp_path: Path) -> None:
    """All of it at once: a file for each group, and for each of Hydra's own."""
    call = f"_target_: {target}\n_args_: ['{tmp_path / 'canary'}']\n"
    hydras = [f"hydra/{group}" for group in ("callbacks", "job_logging", "launcher", "sweeper")]
    for group in (*GROUPS, "experiment", *hydras):
        (tmp_path / group).mkdir(parents=True)
        (tmp_path / group / "mine.yaml").write_text(call)
    with pytest.raises(BadInput) as error:
        compose_training(["optimizer=mine"], str(tmp_path))
    assert len(error.value.problems) == 2 * (len(GROUPS) + 1 + len(hydras))  # _target_, _args_
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize(("i", "target"), list(enumerate(TARGETS)))
def test_no_override_calls_anything(i: int, target: str) -> None:
    keys = [f"+{group}._target_" for group in GROUPS]
    keys += ["+optimizer.params._target_", "+model.params._target_", "+_target_"]
    with pytest.raises(BadInput, match="_target_"):
        compose_training([f"{keys[i % len(keys)]}={target}"])


@pytest.mark.parametrize("target", TARGETS)
def test_no_builder_runs_that_the_user_does_not_trust(
    target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FAIRSWEEP_TRUSTED_PACKAGES", raising=False)
    module, _, name = target.rpartition(".")
    told = dict(model_problems(Model("custom", f"{module}:{name}")))
    assert "is not trusted" in told["model.builder"]


def test_a_command_refuses_such_a_builder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FAIRSWEEP_TRUSTED_PACKAGES", raising=False)
    with pytest.raises(BadInput, match=r"model\.builder: .*is not trusted"):
        compose_training(["model=custom", "model.builder=os:system"])


@pytest.mark.parametrize(
    "override",
    [
        "model.params._target_=os.system",
        "+model.params._target_=os.system",
        "optimizer.name=os.system",
        "training.loss=os.system",
        "search.name=os.system",
        "data.source=os.system",
        "model.params.activation=os.system",
        "data.name=${oc.env:HOME}",
        "sweep.name=${oc.env:HOME}",
        "data.name=${oc.decode:1}",
        "tracking.uri=${oc.env:HOME}",
    ],
)
def test_a_name_is_looked_up_and_nothing_else(override: str) -> None:
    with pytest.raises(BadInput):
        compose_training([override])


SECTIONS = {
    "callbacks": "callbacks: {mine: {_part_: x}}",
    "run": "run: {dir: /x}",
    "job.env_set": "job: {env_set: {LD_PRELOAD: x.so}}",
    "job.chdir": "job: {chdir: true}",
    "job_logging": "job_logging: {version: 1, disable_existing_loggers: true}",
    "sweeper": "sweeper: {max_batch_size: 9}",
    "output_subdir": "output_subdir: ..",
}


@pytest.mark.parametrize(("section", "content"), SECTIONS.items(), ids=SECTIONS)
def test_hydras_own_settings_stay(section: str, content: str, tmp_path: Path) -> None:
    """A package in a file's first line puts its keys anywhere, also where no key says so."""
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text(f"# @package hydra\n{content}\n")
    with pytest.raises(BadInput) as error:
        compose_training(["experiment=mine"], str(tmp_path))
    assert "a config can't change Hydra's own settings" in str(error.value)
    assert f"hydra.{section}: " in str(error.value)


def test_a_schema_of_the_users_own_replaces_nothing(tmp_path: Path) -> None:
    (tmp_path / "schema.yaml").write_text("anything: goes\n")
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text("# @package _global_\nnew: 1\n")
    with pytest.raises(BadInput, match=r"schema\.yaml: Fairsweep's own schema has this name"):
        compose_training(["experiment=mine"], str(tmp_path))


def test_a_file_of_the_users_own_adds_no_key(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text("# @package _global_\nnew: 1\n")
    with pytest.raises(
        BadInput, match=r"^new: there is no such key; .* \(.*/experiment/mine\.yaml:2\)$"
    ):
        compose_training(["experiment=mine"], str(tmp_path))


def test_a_password_is_neither_taken_nor_shown() -> None:
    with pytest.raises(BadInput) as error:
        compose_training(["tracking=server", "tracking.uri=http://me:s3cret@host:5000"])
    assert "MLFLOW_TRACKING_PASSWORD" in str(error.value)
    assert "s3cret" not in str(error.value)
