"""Where everything is kept, and the client that reads and writes it.

MLflow is imported here, after its telemetry is off and its limits are set to refuse rather than
to cut.
"""

from __future__ import annotations

import getpass
import importlib
import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlencode, urlparse
from urllib.request import urlopen

from fairsweep.config.plan import store_name
from fairsweep.config.schema import Tracking
from fairsweep.errors import AlreadyRunning, BadInput, StorageError
from fairsweep.files import locked
from fairsweep.invocation import command_line
from fairsweep.tracking.names import WEIGHTS
from fairsweep.tracking.store.database import check_database, make_database
from fairsweep.tracking.store.moved import settle_in

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_TRUNCATE_LONG_VALUES": "false",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # A project of the user's own is none of a published model's.
    "MLFLOW_UV_AUTO_DETECT": "false",
    # A server that is away is waited for by the tracker, with rows on disk meanwhile.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}


LEAST_FREE = 32 * 2**20  # bytes: a database, logs, and the report of a short sweep


@dataclass(frozen=True)
class Store:
    """The folder of everything that is written, and the address of the MLflow store."""

    root: Path
    uri: str
    local: bool

    @property
    def artifacts(self) -> Path:
        return self.root / "artifacts"

    @property
    def database(self) -> Path:
        """MLflow's, where it is a file of this machine."""
        return self.root / "mlflow.db"

    def journal(self, sweep: str) -> Path:
        return self.root / "studies" / f"{sweep}.journal"

    def spool(self, sweep: str) -> Path:
        """The file of writes to MLflow that aren't carried out yet."""
        return self.root / "studies" / f"{sweep}.spool"

    def scratch(self, sweep: str) -> Path:
        """The folder for files of a sweep on their way into the store."""
        return self.root / "studies" / f"{sweep}.files"

    def checkpoints(self, sweep: str) -> Path:
        """The folder for checkpoints of a sweep's trainings."""
        return self.root / "studies" / f"{sweep}.checkpoints"

    @property
    def name(self) -> str:
        """What studies note of the store that their runs are in."""
        return store_name(None if self.local else self.uri)

    @property
    def at_home(self) -> bool:
        """Whether commands find it without being told where it is."""
        return self.root == Path("mlruns").absolute()

    @property
    def overrides(self) -> tuple[str, ...]:
        """The overrides with which a command finds it."""
        if not self.local:
            return ("tracking=server", f"tracking.uri={self.uri}")
        return () if self.at_home else (f"tracking.root={self.root}",)

    @property
    def ui(self) -> str:
        """The address of the MLflow UI: the server's, or the one that `fairsweep ui` serves."""
        return "http://127.0.0.1:5000" if self.local else self.uri

    @property
    def ui_command(self) -> str | None:
        """The command that serves the UI of this store; None for a server, which has its own."""
        if not self.local:
            return None
        return command_line("ui", *self.overrides)

    def link(self, experiment_id: str, sweep: str) -> str:
        """The UI's page of a sweep's runs, as a tree with the sweep on top."""
        query = {
            "searchFilter": f"tags.sweep = '{sweep}'",
            "orderByKey": "attributes.start_time",
            "orderByAsc": "true",
        }
        return f"{self.ui}/#/experiments/{experiment_id}/runs?{urlencode(query, quote_via=quote)}"

    def client(self) -> MlflowClient:
        """A client of the store; the first one ever makes the database (2 s).

        Raises:
            StorageError: the database can't be opened.
        """
        import_mlflow()
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        try:
            if self.local:
                make_database(self.database)
                settle_in(self.database, self.artifacts.as_uri())
            client = MlflowClient(tracking_uri=self.uri)
            client.search_experiments(max_results=1)
        except MlflowException as error:
            raise StorageError(f"the MLflow store {self.uri} can't be opened: {error}") from error
        return client

    def publish(self, run_id: str, folder: Path, name: str) -> Path:
        """Puts a folder's files among a run's artifacts under `name`; says where they are: the
        artifacts themselves when they are files of this machine, else `folder`."""
        client = self.client()
        client.log_artifacts(run_id, str(folder), name)
        own = local_folder(client.get_run(run_id))
        return folder if own is None else own / name

    def artifact(self, client: MlflowClient, run: Run, name: str) -> bytes | None:
        """The content of a file among a run's artifacts; None where there is none of that name."""
        own = local_folder(run)
        if own is not None:
            return (own / name).read_bytes() if (own / name).is_file() else None
        if name not in {file.path for file in client.list_artifacts(run.info.run_id)}:
            return None
        with TemporaryDirectory(dir=self.root) as folder:
            return Path(client.download_artifacts(run.info.run_id, name, folder)).read_bytes()

    def weights(self, run_id: str) -> bytes | None:
        """The weights of a training's best epoch (.npz); None where they weren't kept."""
        client = self.client()
        return self.artifact(client, client.get_run(run_id), WEIGHTS)


def local_folder(run: Run) -> Path | None:
    """The folder of a run's artifacts; None where they are on a server."""
    uri = urlparse(run.info.artifact_uri)
    return Path(unquote(uri.path)) if uri.scheme == "file" else None


def open_store(settings: Tracking) -> Store:
    """The store of the settings; missing folders are made.

    Raises:
        StorageError: the folder can't be written, or what is in it is damaged.
    """
    store = find_store(settings)
    if not store.local:
        _reach(store.uri)
    _has_room(store.root)
    try:
        (store.root / "studies").mkdir(parents=True, exist_ok=True)
        if store.local:
            store.artifacts.mkdir(exist_ok=True)
        probe = store.root / f".probe-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise StorageError(
            f"tracking.root: user {_user()} can't write to {store.root} ({error.strerror}); make "
            "it writable, or give another folder"
        ) from error
    if store.local:
        check_database(store.database)
    return store


def _has_room(root: Path) -> None:
    """Refuses to begin a sweep that would soon fill the disk."""
    folder = next(parent for parent in (root, *root.parents) if parent.is_dir())
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE:
        raise StorageError(
            f"tracking.root: the disk of {root} has {free / 2**20:.0f} MB free, but a sweep needs "
            f"{LEAST_FREE / 2**20:.0f} MB; free some space, or give another folder"
        )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # one that the system has no name for, as in a container
        return str(os.getuid())


def find_store(settings: Tracking) -> Store:
    """The store of the settings, for reading: nothing is made or checked."""
    root = Path(settings.root).absolute()
    if settings.uri is not None:
        return Store(root, settings.uri, local=False)
    return Store(root, f"sqlite:///{root / 'mlflow.db'}", local=True)


def _reach(uri: str) -> None:
    """Asks the server first: MLflow itself would try for four minutes before it gives up."""
    try:
        urlopen(f"{uri.rstrip('/')}/health", timeout=10).close()
    except OSError as error:
        raise StorageError(
            f"tracking.uri: no MLflow server answers at {uri} ({error}); start it, or use "
            "tracking=local"
        ) from error


def no_store(store: Store) -> BadInput:
    """The error where a stored sweep is asked for and there is no store."""
    return BadInput(
        f"tracking.root: there is no store in {store.root}; {command_line('sweep')} makes one"
    )


@contextmanager
def sweep_lock(store: Store, sweep: str) -> Iterator[None]:
    """Keeps every other process away from the sweep until this one ends, however it ends.

    Raises:
        AlreadyRunning: another process has it.
    """
    path = lock_file(store, sweep)
    path.touch()
    with locked(path) as held:
        if not held:
            raise being_run(path, sweep, "start another with sweep.name=…")
        path.write_text(f"process {os.getpid()}, since {time.strftime('%Y-%m-%d %H:%M')}")
        yield


def lock_file(store: Store, sweep: str) -> Path:
    """The file that the process which runs a sweep holds locked, with its number in it."""
    return store.root / "studies" / f"{sweep}.lock"


def being_run(path: Path, sweep: str, remedy: str) -> AlreadyRunning:
    """The error where another process holds the lock of a sweep."""
    holder = path.read_text(errors="replace").strip() or "another process"
    return AlreadyRunning(f"sweep {sweep} is being run by {holder}; wait for it, or {remedy}")


@contextmanager
def scratch_folder(store: Store, sweep: str) -> Iterator[Path]:
    """A folder for files of the sweep on their way into the store; what a crash left in it is
    removed. For the holder of the sweep's lock."""
    path = store.scratch(sweep)
    shutil.rmtree(path, ignore_errors=True)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def import_mlflow() -> None:
    """Imports MLflow as we want it, which takes seconds the first time."""
    os.environ.update(ENVIRONMENT)
    importlib.import_module("mlflow")
    for name in ("mlflow", "alembic", "sqlalchemy"):
        _to_the_log(name)


def _to_the_log(name: str) -> None:
    """Sends what a library logs to the log file rather than the terminal."""
    logger = logging.getLogger(name)
    logger.handlers.clear()
    logger.propagate = True
