"""Text from users shows as itself, and does nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fairsweep.report.text.escape import markdown_block, markdown_code, markdown_text, script_json


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("val_accuracy is 0.97 ± 0.01", "val_accuracy is 0.97 ± 0.01"),
        ("a|b", "a\\|b"),
        ("*bold* _em_", "\\*bold\\* \\_em\\_"),
        ("[x](y)", "\\[x\\](y)"),
        ("<script>", "\\<script>"),
        ("p < 0.001", "p < 0.001"),
        ("&lt;", "\\&lt;"),
        ("two\nlines", "two lines"),
        ("# title", "\\# title"),
        ("1. item", "1\\. item"),
        ("- item", "\\- item"),
        ("0.9 and -0.1", "0.9 and -0.1"),
        ("back\\slash `code`", "back\\\\slash \\`code\\`"),
    ],
)
def test_markdown_text(text: Any, markdown: Any) -> None:
    assert markdown_text(text) == markdown


def test_markdown_code() -> None:
    assert markdown_code("a_b") == "`a_b`"
    assert markdown_code("a`b") == "``a`b``"
    assert markdown_code("`") == "`` ` ``"
    assert markdown_code("a|b") == "`a|b`"
    assert markdown_code("a|b", cell=True) == "`a\\|b`"
    assert markdown_code(" \n") == ""


def test_a_block_is_longer_fenced_than_what_it_holds() -> None:
    assert markdown_block("a\n```\nb", "sh") == "````sh\na\n```\nb\n````"


def test_json_cannot_end_its_script() -> None:
    data = ["</script><script>alert(1)</script>", "<!--", "a & b"]
    text = script_json(data)
    assert not set("<>&") & set(text)
    assert json.loads(text) == data


def test_json_knows_no_nan() -> None:
    with pytest.raises(ValueError, match="JSON"):
        script_json([float("nan")])
