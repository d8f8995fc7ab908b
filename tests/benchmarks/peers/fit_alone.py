"""Keras's own `fit` and nothing else, one after the other: the trainings that `trained.json` lists,
which are those of ours, on as many rows and for as many epochs."""

from __future__ import annotations

import json
from pathlib import Path

import keras
from task import load_data, replayed, train

if __name__ == "__main__":
    data = load_data()
    for own in json.loads(Path("trained.json").read_text()):
        keras.backend.clear_session()
        rows = replayed(data, own["train"], own["validation"])
        train(own["arm"], own["values"], rows, epochs=own["epochs"])
