"""Makes text from users harmless where it is put: Markdown, and JSON inside a page's script.

In: any string, or data. Out: text that shows exactly that string. HTML itself is escaped by
jinja2.
"""

from __future__ import annotations

import json
import re
from typing import Any

_MARKDOWN = re.compile(r"[\\`*{}\[\]#|~]|<(?=[A-Za-z/!?])|&(?=[#A-Za-z])|(?<![^\W_])_|_(?![^\W_])")
_START = re.compile(r"^([+-](?= |$)|\d+(?=[.)]( |$)))")
_SPACE = re.compile(r"\s+")


def markdown_text(text: str) -> str:
    """`text` as plain words of a Markdown line or table cell."""
    line = _SPACE.sub(" ", text).strip()
    line = _MARKDOWN.sub(lambda found: "\\" + found.group(), line)
    return _START.sub(lambda found: _guard(found.group()), line)


def markdown_code(text: str, *, cell: bool = False) -> str:
    """`text` as a code span; `cell` says that it stands in a table, where `|` would end it."""
    line = _SPACE.sub(" ", text).strip()
    if not line:
        return ""
    fence = "`" * (_longest_backticks(line) + 1)
    padding = " " if line.startswith("`") or line.endswith("`") else ""
    span = f"{fence}{padding}{line}{padding}{fence}"
    return span.replace("|", "\\|") if cell else span


def markdown_block(text: str, language: str = "") -> str:
    """`text` as a fenced block, whatever backticks it holds."""
    fence = "`" * max(3, _longest_backticks(text) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def script_json(data: Any) -> str:
    """JSON that can't end the `<script>` it stands in, nor open a comment there.

    Raises:
        ValueError: For NaN and infinities, which JSON doesn't know.
    """
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _longest_backticks(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _guard(start: str) -> str:
    """Keeps a line from becoming a list: `1.` and `-` at its start are escaped."""
    return f"\\{start}" if start in "+-" else f"{start}\\"
