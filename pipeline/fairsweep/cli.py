"""The program `fairsweep`: runs the command that is asked for with the rest of the command line.

In: the command line. Out: an exit code; each command documents its own. A reader of the output
that goes away, as `| head` does, interrupts a command that trains; all others are none the worse.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import os
import sys
from typing import Any, TextIO, cast

from fairsweep import __version__
from fairsweep.config.guess import nearest
from fairsweep.errors import DONE, BadInput, Interrupted
from fairsweep.executor.processes import begun_early
from fairsweep.invocation import find_code_here

COMMANDS = {
    "sweep": "search every arm, confirm the best of each, report",
    "train": "train one configuration, tracked like a trial",
    "compare": "sweep over more optimizers, with more trials, each searched 3 times",
    "report": "build the report of a stored sweep again",
    "predict": "predict the rows of a file with the champion",
    "doctor": "check stored sweeps for problems, and say what to do about each",
    "ui": "serve the MLflow UI, to this machine only",
}
OPTIONS = ("--help", "--version")
TRAINING = {"sweep", "train", "compare"}
"""Their consoles have to notice that nobody reads them (see `terminal.Console`)."""
OBJECTS = 20_000
"""Made since the last collection of garbage before the next one. Importing MLflow, Optuna and the
like makes 400,000 that stay: by Python's own 700, looking at them is a fifth of `fairsweep report`.
"""


class Output:
    """Standard output that drops what it gets once its reader has gone."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            _to_nowhere(self._stream)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except BrokenPipeError:
            _to_nowhere(self._stream)


def main() -> None:
    """Runs one command and exits with its code."""
    open_streams()
    gc.set_threshold(OBJECTS)
    atexit.register(gc.freeze)  # or the interpreter's end goes through all that was loaded, for 1 s
    words = sys.argv[1:]
    code: int | str | None = DONE
    output = sys.stdout if words and words[0] in TRAINING else Output(sys.stdout)
    with contextlib.redirect_stdout(cast(TextIO, output)):
        try:
            try:
                _run(words)
            except SystemExit as ended:
                code = ended.code
            except KeyboardInterrupt:  # before the command itself takes care of it
                print("error: interrupted before anything was written", file=sys.stderr)
                code = Interrupted.exit_code
            sys.stdout.flush()
        except BrokenPipeError:  # of what a command that trains prints instead, such as its help
            _to_nowhere(sys.stdout)
    sys.exit(code)


def open_streams() -> None:
    """Has what is printed go nowhere where a stream was closed, as `>&-` does. The next file that
    is opened would get its number otherwise, and then what is printed."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115


def _to_nowhere(stream: TextIO) -> None:
    """Has all that is still to come be dropped, what Python writes when it ends included."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _run(words: list[str]) -> None:
    name, rest = (words[0], words[1:]) if words else ("--help", [])
    if name in ("-h", "--help", "help"):
        print(usage())
        return
    if {"-V", "--version"} & {name, *rest}:
        print(f"fairsweep {__version__}")
        return
    if name not in COMMANDS:
        kind, known = ("option", OPTIONS) if name.startswith("-") else ("command", COMMANDS)
        close = nearest(name, known)
        there_are = f"did you mean {close}? {kind.title()}s" if close else f"{kind}s"
        print(
            f"error: {name}: there is no such {kind}; {there_are}: {', '.join(known)}",
            file=sys.stderr,
        )
        sys.exit(BadInput.exit_code)
    find_code_here()
    sys.argv[1:] = rest  # which Hydra reads
    with contextlib.ExitStack() as early:
        if name in TRAINING and not any(word.startswith("-") for word in rest):
            early.enter_context(begun_early())
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
