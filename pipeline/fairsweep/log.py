"""The file that libraries log to, which `conf/hydra/job_logging` names."""

from __future__ import annotations

import logging
import sys

from fairsweep.errors import is_full


class LogFile(logging.FileHandler):
    """Loses lines without a word where a full disk has no room for them: whatever else had to be
    written there says so, once."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, the name is logging's
        error = sys.exception()
        if error is None or not is_full(error):
            super().handleError(record)
