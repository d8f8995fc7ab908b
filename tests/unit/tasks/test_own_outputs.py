"""What a task of the user's own says of outputs, whatever form they have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fairsweep.tasks import OWN

PRICE, KIND = np.zeros((3, 1)), np.zeros((3, 2))


@pytest.mark.parametrize("outputs", [PRICE, {"price": PRICE, "kind": KIND}, [PRICE, KIND]])
def test_each_row_has_no_word(outputs: Any) -> None:
    assert OWN.output("compiled", 2).said(outputs, ("price", "kind")) == [""] * 3
