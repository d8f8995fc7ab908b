"""How every command starts and ends: check everything, then let Hydra make the run's folder.

Bad input ends here with exit code 2 before a file is written. What `--help`, `--cfg`, `--info` and
tab completion show comes from Hydra.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import os
import re
import signal
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn, TypeVar

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from fairsweep.config.compose.grammar import key_of
from fairsweep.config.compose.hydra import check_composes, register_schema
from fairsweep.config.compose.overrides import for_hydra, overruled
from fairsweep.config.options import CONF, GROUPS
from fairsweep.errors import DONE, BadInput, Interrupted, PipelineError, is_full, unwritable
from fairsweep.interruption import interrupt
from fairsweep.invocation import as_called, command_line

P = TypeVar("P")
HYDRAS_OWN = re.compile(r"[+~]*hydra[./=]")
CONFIG_DIR = re.compile(r"(--config-dir|-cd)(=|$)")
LIST_OF_OPTIONS = re.compile(r"\s*[\w/]+: (?=\w+,)")
WIDTH = 100
"""Of a help text, in characters."""
COMPLETION = Path(__file__).with_name("completion.bash")


def _nothing_more(_: object) -> Sequence[str]:
    return ()


def _as_given(overrides: Sequence[str], _: str | None) -> Sequence[str]:
    return overrides


def command(
    name: str,
    compose: Callable[[Sequence[str], str | None], P],
    action: Callable[[P, Path], int],
    config_name: str = "config",
    short: Sequence[str] = (),
    implied: Sequence[str] = (),
    as_run: Callable[[Sequence[str], str | None], Sequence[str]] = _as_given,
    chosen: Callable[[P], Sequence[str]] = _nothing_more,
) -> NoReturn:
    """Runs one command of the project and exits with its documented code.

    Args:
        name: the command, which is also its help text in conf/hydra/help.
        compose: from overrides and the user's own config folder to what `action` needs; finds
            whatever is wrong before Hydra makes the folder of the run.
        action: does the work; gets the plan and the folder for its logs, returns the exit code.
        config_name: the file of conf/ that the command composes.
        short: keys below one that has the command's name, which it takes without that name.
        implied: overrides that make it of `fairsweep sweep`; the command line can't change them.
        as_run: from overrides to those of the config that is run, which `--cfg` prints.
        chosen: from what `action` needs to the options that Hydra's own run has besides.
    """
    try:
        arguments = _parsed(name)
    except BadInput as error:
        _fail(error)
    again = command_line(name, *sys.argv[1:])
    words = [word for word in sys.argv[1:] if word not in arguments.overrides]
    arguments.overrides = [
        f"{name}.{o}" if short and _is_own(o, name, short) else o for o in arguments.overrides
    ]
    register_schema()
    code = 1
    try:
        check_options(arguments)
        if arguments.shell_completion:
            print(completions(config_name, name, short, arguments.overrides))
            sys.exit(DONE)
        if not arguments.help:
            check_implied(name, implied, arguments.overrides)
        arguments.overrides = [*implied, *arguments.overrides]
        if arguments.help or arguments.hydra_help or arguments.cfg or arguments.info:
            # Hydra parses again, and takes options only after all overrides.
            overrides = _printed(arguments, config_name, as_run)
            sys.argv[1:] = [*for_hydra(overrides), f"hydra/help={name}", *words]
            text = _what_hydra_prints(config_name)
            print(_broken(as_called(name, text)) if arguments.help else text, end="")
            sys.exit(DONE)
        plan = compose(arguments.overrides, arguments.config_dir)
    except PipelineError as error:
        _fail(error)
    for line in overruled(arguments.overrides):
        print(f"warning: {line}", file=sys.stderr)

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

    # What Ctrl-C, kill, docker stop and a closed terminal send.
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(ending) != signal.SIG_IGN:
            signal.signal(ending, interrupt)
    options = [f"--config-dir={arguments.config_dir}"] if arguments.config_dir else []
    sys.argv[1:] = [*for_hydra([*chosen(plan), *arguments.overrides]), *options]
    _hydra_main(config_name, job)
    sys.exit(code)


def _parsed(name: str) -> argparse.Namespace:
    """The words of the command line as Hydra's parser takes them.

    Raises:
        BadInput: it doesn't.
    """

    def refuse(message: str) -> NoReturn:
        unknown = message.partition("unrecognized arguments: ")[2]
        what = f"{unknown}: there is no such option" if unknown else message
        raise BadInput(
            f"{what.removeprefix('argument ')}; settings are key=value, without dashes: "
            f"{command_line(name, '--help')} lists them"
        )

    parser: argparse.ArgumentParser = get_args_parser()
    parser.error = refuse  # type: ignore[method-assign]
    arguments = parser.parse_intermixed_args()
    if sum(1 for word in sys.argv[1:] if CONFIG_DIR.match(word)) > 1:
        raise BadInput("--config-dir: given more than once; give one --config-dir, with all files")
    return arguments


def _printed(
    arguments: argparse.Namespace,
    config_name: str,
    as_run: Callable[[Sequence[str], str | None], Sequence[str]],
) -> Sequence[str]:
    """The overrides of what is only printed; help needs none.

    Raises:
        BadInput: they don't compose.
    """
    overrides: Sequence[str] = [] if arguments.help else arguments.overrides
    if arguments.cfg:
        overrides = as_run(overrides, arguments.config_dir)
    if arguments.cfg or arguments.info:
        check_composes(config_name, overrides, arguments.config_dir)
    return overrides


def _is_own(override: str, name: str, short: Sequence[str]) -> bool:
    """Whether an override is of a command's own key, which is given without its name; one that is
    misspelt is, too."""
    key = re.split(r"[.=]", override)[0]
    return key in short or (key.isidentifier() and key not in (*GROUPS, name, "hydra"))


def check_options(arguments: argparse.Namespace) -> None:
    """Checks Hydra's options that Fairsweep doesn't take.

    Raises:
        BadInput: one of them is given.
    """
    if arguments.experimental_rerun:
        raise BadInput("--experimental-rerun: it would run what a file holds; leave it out")
    if arguments.multirun:
        raise BadInput("--multirun: to compare options, use arms: arms.optimizer=[…]")
    if arguments.config_name or arguments.config_path:
        raise BadInput("--config-name, --config-path: use --config-dir to add options of your own")
    if hydras := [o for o in arguments.overrides if HYDRAS_OWN.match(o)]:
        raise BadInput(
            f"{hydras[0]}: Hydra's own settings can't be changed here; what it writes is in "
            "tracking.root"
        )
    if arguments.config_dir:
        arguments.config_dir = str(Path(arguments.config_dir).expanduser())
    if arguments.config_dir and not Path(arguments.config_dir).is_dir():
        raise BadInput(
            f"--config-dir: there is no folder {Path(arguments.config_dir).absolute()}; give "
            "the one with your model/, data/ or optimizer/ in it"
        )


def check_implied(name: str, implied: Sequence[str], overrides: Sequence[str]) -> None:
    """Checks that no override takes the place of one that a command always has.

    Raises:
        BadInput: one does.
    """
    for own, override in itertools.product(implied, overrides):
        key = own.partition("=")[0]
        if override != own and key_of(override) == key:
            raise BadInput(
                f"{override}: {command_line(name)} runs {own}; leave it out, or run it with "
                f"{command_line('sweep', override)}"
            )


def _hydra_main(config_name: str, job: Callable[[DictConfig], None]) -> None:
    decorate = hydra.main(version_base="1.3", config_path=str(CONF), config_name=config_name)
    decorate(job)()


def _what_hydra_prints(config_name: str) -> str:
    """Help, a config, or completions. Printed by us, because Hydra would show a traceback when the
    reader goes away, as `| head` does."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        try:
            _hydra_main(config_name, _nothing)
        except SystemExit as ended:  # as Hydra ends after a help
            if ended.code:
                raise
    return printed.getvalue()


def _broken(text: str) -> str:
    """A help text whose lists of options fit the width of the rest."""
    lines = []
    for line in text.splitlines(keepends=True):
        group = LIST_OF_OPTIONS.match(line)
        if group is None or len(line) <= WIDTH:
            lines.append(line)
        else:
            indent = " " * len(group[0])
            lines.append(textwrap.fill(line, WIDTH, subsequent_indent=indent) + "\n")
    return "".join(lines)


def completions(config_name: str, name: str, short: Sequence[str], words: Sequence[str]) -> str:
    """What Tab offers; or the script that has bash ask for it, as Hydra's `-sc install=bash`."""
    if words == ["install=bash"]:
        return completion_script()
    word = os.environ.get("COMP_LINE", "").rpartition(" ")[2]
    own = [f"{key}=" for key in short if f"{key}=".startswith(word)]
    found = _what_hydra_prints(config_name).split()
    return " ".join([*own, *(o for o in found if not (short and o.startswith(f"{name}.")))])


def completion_script() -> str:
    """What bash evaluates to complete `fairsweep`."""
    return COMPLETION.read_text(encoding="utf-8")


def _nothing(_: DictConfig) -> None:
    """Stands where Hydra wants a job and only tells about the config."""


def _fail(error: PipelineError) -> NoReturn:
    if os.environ.get("HYDRA_FULL_ERROR") == "1":
        raise error
    problems = error.problems if isinstance(error, BadInput) else [str(error)]
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    sys.exit(error.exit_code)
