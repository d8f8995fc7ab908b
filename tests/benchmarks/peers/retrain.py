"""Judges configurations, whoever found them: trains each of `configurations.json` by `fit` on every
seed. Prints a line for each, with its best val_accuracy on each seed."""

from __future__ import annotations

import json
from pathlib import Path

import keras
from task import load_data, train

if __name__ == "__main__":
    data = load_data()
    for own in json.loads(Path("configurations.json").read_text()):
        accuracies = []
        for seed in own["seeds"]:
            keras.backend.clear_session()
            keras.utils.set_random_seed(seed)
            accuracies.append(train(own["arm"], own["values"], data))
        print(json.dumps({**own, "accuracies": accuracies}), flush=True)
