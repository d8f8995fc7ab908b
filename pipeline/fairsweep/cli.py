"""The program `fairsweep`: runs the command that is asked for with the rest of the command line.

In: the command line. Out: an exit code; each command documents its own.
"""

from __future__ import annotations

import difflib
import importlib
import os
import sys

from fairsweep import __version__
from fairsweep.errors import DONE, BadInput, Interrupted
from fairsweep.invocation import find_code_here

COMMANDS = {
    "sweep": "search every arm, confirm the best of each, report",
    "train": "train one configuration, tracked like a trial",
    "compare": "sweep over more optimizers, with more trials and confirmations",
    "report": "build the report of a stored sweep again",
    "predict": "predict the rows of a file with the champion",
    "doctor": "check stored sweeps for problems, and say what to do about each",
    "ui": "serve the MLflow UI, to this machine only",
}


def main() -> None:
    """Runs one command and exits with its code."""
    code: int | str | None = DONE
    try:
        try:
            _run(sys.argv[1:])
        except SystemExit as ended:
            code = ended.code
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has gone, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = Interrupted.exit_code
    sys.exit(code)


def _run(words: list[str]) -> None:
    name, rest = (words[0], words[1:]) if words else ("--help", [])
    if name in ("-h", "--help", "help"):
        print(usage())
        return
    if name in ("-V", "--version"):
        print(f"fairsweep {__version__}")
        return
    if name not in COMMANDS:
        close = difflib.get_close_matches(name, COMMANDS, 1)
        hint = f"did you mean {close[0]}? " if close else ""
        print(
            f"error: {name}: there is no such command; {hint}Commands: {', '.join(COMMANDS)}",
            file=sys.stderr,
        )
        sys.exit(BadInput.exit_code)
    find_code_here()
    sys.argv[1:] = rest  # which Hydra reads
    importlib.import_module(f"fairsweep.commands.{name}").main()


def usage() -> str:
    """What `fairsweep --help` prints."""
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:<{width}}  {does}" for name, does in COMMANDS.items())
    return (
        "fairsweep COMMAND [key=value …]\n\n"
        "Tunes a Keras model under several optimizers with the same budget, logs every epoch to\n"
        "MLflow, and names a winner that can be believed, or says that there is none.\n\n"
        f"{commands}\n\n"
        "fairsweep COMMAND --help describes a command; fairsweep --version prints the version.\n"
        'Tab completion: eval "$(fairsweep sweep -sc install=bash)"'
    )
