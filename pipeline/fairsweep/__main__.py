"""`python -m fairsweep …` does what `fairsweep …` does."""

import signal

# Until `main` can say so, an interruption just ends the program: all that Python would add is where
# it was among its imports.
PYTHONS_OWN = signal.getsignal(signal.SIGINT)
if PYTHONS_OWN is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from fairsweep.cli import main  # noqa: E402 - takes as long as all that comes before it

signal.signal(signal.SIGINT, PYTHONS_OWN)

if __name__ == "__main__":
    main()
