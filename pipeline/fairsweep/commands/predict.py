"""`fairsweep predict`: classes or labels of rows or images, and probabilities, by a published
model.

Exit codes: 0 done · 2 no such model, one that isn't trusted, or rows it can't take · 5 store or
model can't be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from fairsweep.config.compose.commands import compose_predict
from fairsweep.config.compose.entry import command
from fairsweep.config.form import WRITTEN
from fairsweep.errors import DONE
from fairsweep.stages.predict import Question, answer, read_question
from fairsweep.tracking.store import find_store

KEYS = ("model", "input", "output", *WRITTEN)


def prepare(overrides: Sequence[str], config_dir: str | None) -> Question:
    config = compose_predict(overrides, config_dir)
    return read_question(find_store(config.tracking), config.predict)


def predict(question: Question, logs: Path) -> int:
    for warning in question.warnings:
        print(f"warning: {warning}", flush=True)
    print(answer(question, logs))
    return DONE


def main() -> NoReturn:
    command("predict", prepare, predict, "predict", KEYS)
