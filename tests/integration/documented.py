"""The modules that docs/DATA.md shows."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

PAGE = Path(__file__).parents[2] / "docs" / "DATA.md"


def documented(name: str) -> ModuleType:
    """The module `mypackage/<name>.py` of the page."""
    text = PAGE.read_text(encoding="utf-8")
    (code,) = re.findall(rf"```python\n# mypackage/{name}.py\n(.*?)```", text, re.DOTALL)
    module = ModuleType(f"mypackage.{name}")
    exec(compile(code, f"{name}.py", "exec"), vars(module))
    return module
