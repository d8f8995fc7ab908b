"""The command `fairsweep`: finds the command that is asked for, and hands it the rest of the line.

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
    "sweep": "search every arm, confirm each arm's best, report",
    "train": "one configuration, no search, tracked the same way",
    "compare": "a sweep over more optimizers, with more trials and seeds",
    "report": "the report of a stored sweep again",
    "predict": "the champion's answer to rows of a file",
    "doctor": "what is wrong with stored sweeps",
    "ui": "the MLflow UI on the store, for this machine alone",
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
    except BrokenPipeError:  # who reads went away, as `| head` does
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
        "Tunes a Keras model under several optimizers with the same budget each, shows every\n"
        "epoch live in MLflow, and names a winner that can be believed, or says that there is\n"
        f"none.\n\n{commands}\n\n"
        "fairsweep COMMAND --help says what a command takes; fairsweep --version its version.\n"
        'Tab completes after eval "$(fairsweep sweep -sc install=bash)".'
    )
