"""How configs name code of the user's own: `package.module:name`."""

from __future__ import annotations

import re

FORM = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


def is_own(name: str) -> bool:
    """Whether a name is one of the user's, and none of ours or Keras's."""
    return ":" in name


def is_well_formed(name: str) -> bool:
    """Whether Python could import it."""
    return FORM.fullmatch(name) is not None
