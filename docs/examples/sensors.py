"""Windows of recordings beside what is known of the machine: a loader, a model of two inputs, and
the windows of new recordings for `fairsweep predict`: python sensors.py new_sensors windows.npz"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd


def load(folder="sensors", steps=32):
    """Each window is a row; those of a machine stay together, so that a model is judged by machines
    that it hasn't seen."""
    x, states, groups = windows(folder, steps)
    return {"x": x, "y": states, "groups": groups}


def windows(folder, steps=32):
    """Inputs by name, window (rows, steps, features) and machine (rows, features); the state of
    each window, where it is known; and the name of its machine."""
    about = pd.read_csv(Path(folder, "machines.csv"), index_col="machine")
    x, states, groups = {"window": [], "machine": []}, [], []
    for name in about.index:
        recording = pd.read_csv(Path(folder, f"{name}.csv"))
        known = recording.pop("state")[::steps] if "state" in recording else []
        own = recording.to_numpy("float32").reshape(-1, steps, len(recording.columns))
        x["window"].append(own)
        x["machine"].append(np.tile(about.loc[name].to_numpy("float32"), (len(own), 1)))
        states.extend(known)
        groups.extend([name] * len(own))
    return {key: np.concatenate(parts) for key, parts in x.items()}, states, groups


def build(shape, classes, filters=16, units=32):
    """A convolution over the window, its mean and its largest, beside what the machine is."""
    import keras  # here, so that the loader starts without TensorFlow
    from keras import layers

    window = keras.Input(shape["window"], name="window")
    machine = keras.Input(shape["machine"], name="machine")
    seen = layers.Conv1D(filters, 5, padding="same", activation="relu")(window)
    both = [layers.GlobalAveragePooling1D()(seen), layers.GlobalMaxPooling1D()(seen), machine]
    hidden = layers.Dense(units, activation="relu")(layers.Concatenate()(both))
    outputs = layers.Dense(classes, activation="softmax")(hidden)
    return keras.Model({"window": window, "machine": machine}, outputs)


if __name__ == "__main__":
    np.savez(sys.argv[2], **windows(sys.argv[1])[0])
