"""How every command starts and ends: check everything, then let Hydra make the run's folder.

Bad input ends here with exit code 2 before a file is written. `--help`, `--cfg`, `--info` and tab
completion go to Hydra as they are.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn, TypeVar

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from fairsweep.config.compose.hydra import CONF, register_schema
from fairsweep.errors import BadInput, Interrupted, PipelineError, is_full, unwritable
from fairsweep.invocation import command_line

P = TypeVar("P")
HYDRAS_OWN = re.compile(r"[+~]*hydra[./=]")
COMPLETION = Path(__file__).with_name("completion.bash")


def command(
    name: str,
    compose: Callable[[Sequence[str], str | None], P],
    action: Callable[[P, Path], int],
    config_name: str = "config",
    short: Sequence[str] = (),
) -> NoReturn:
    """Runs one command of the project and exits with its documented code.

    Args:
        name: the command, which is also its help text in conf/hydra/help.
        compose: from overrides and the user's own config folder to what `action` needs; finds
            whatever is wrong before Hydra makes the folder of the run.
        action: does the work; gets the plan and the folder for its logs, returns the exit code.
        config_name: the file of conf/ that the command composes.
        short: keys below one that has the command's name, which it takes without that name.
    """
    arguments = get_args_parser().parse_intermixed_args()
    words = [word for word in sys.argv[1:] if word not in arguments.overrides]
    arguments.overrides = [
        f"{name}.{o}" if o.partition("=")[0] in short else o for o in arguments.overrides
    ]
    register_schema()
    if arguments.experimental_rerun:
        _fail(BadInput("--experimental-rerun: it would run what a file holds; leave it out"))
    # Hydra parses again, and takes options only after all overrides.
    if arguments.help or arguments.hydra_help or arguments.cfg or arguments.info:
        sys.argv[1:] = [*arguments.overrides, f"hydra/help={name}", *words]
        _hydra_main(config_name, _nothing)
        sys.exit(0)
    if arguments.shell_completion:
        if arguments.overrides == ["install=bash"]:
            print(COMPLETION.read_text())
        else:
            _hydra_main(config_name, _nothing)
        sys.exit(0)
    code, again = 1, command_line(name, *sys.argv[1:])
    try:
        _check_options(arguments)
        plan = compose(arguments.overrides, arguments.config_dir)
    except PipelineError as error:
        _fail(error)

    def job(_: DictConfig) -> None:
        nonlocal code
        try:
            code = action(plan, Path(HydraConfig.get().runtime.output_dir))
        except KeyboardInterrupt:
            _fail(Interrupted(f"interrupted; the same command continues: {again}"))
        except PipelineError as error:
            _fail(error)
        except Exception as error:
            if not is_full(error):
                raise
            path = getattr(error, "filename", None) or HydraConfig.get().runtime.output_dir
            _fail(unwritable(Path(path), error))

    # What kill, docker stop and a closed terminal send.
    for ending in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(ending) != signal.SIG_IGN:
            signal.signal(ending, signal.default_int_handler)
    options = [f"--config-dir={arguments.config_dir}"] if arguments.config_dir else []
    sys.argv[1:] = [*arguments.overrides, *options]
    _hydra_main(config_name, job)
    sys.exit(code)


def _check_options(arguments: argparse.Namespace) -> None:
    """Checks the options that Hydra has and this project hasn't.

    Raises:
        BadInput: one of them is given.
    """
    if arguments.multirun:
        raise BadInput("--multirun: arms are how options stand side by side: arms.optimizer=[…]")
    if arguments.config_name or arguments.config_path:
        raise BadInput("--config-name, --config-path: use --config-dir to add options of your own")
    if hydras := [o for o in arguments.overrides if HYDRAS_OWN.match(o)]:
        raise BadInput(
            f"{hydras[0]}: Hydra's own settings aren't for the command line here; what it "
            "writes stands in tracking.root"
        )
    if arguments.config_dir and not Path(arguments.config_dir).is_dir():
        raise BadInput(
            f"--config-dir: there is no folder {Path(arguments.config_dir).absolute()}; give "
            "the one that holds your model/, data/ or optimizer/"
        )


def _hydra_main(config_name: str, job: Callable[[DictConfig], None]) -> None:
    decorate = hydra.main(version_base="1.3", config_path=str(CONF), config_name=config_name)
    decorate(job)()


def _nothing(_: DictConfig) -> None:
    """Stands where Hydra wants a job and only tells about the config."""


def _fail(error: PipelineError) -> NoReturn:
    if os.environ.get("HYDRA_FULL_ERROR") == "1":
        raise error
    problems = error.problems if isinstance(error, BadInput) else [str(error)]
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    sys.exit(error.exit_code)
