"""Makes the data of docs/EXAMPLES.md in the folder where it runs: python make_data.py houses churn

Each example has a function here, which writes what to learn from, and some new rows to predict. How
the answers came about is known, and so is how well a model can do at best, which is printed.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFilter
from sklearn.metrics import roc_auc_score

NEW = 5
"""How many rows of a table are kept aside to predict."""


def houses(rows=2000):
    """Prices are products: of the area, a factor of the district, one of the age, and one of the
    floor, which is worth more with a lift. One in twenty areas and years isn't known."""
    random, rows = np.random.default_rng(1), rows + NEW
    districts = {"Harbour": 1.7, "Old Town": 1.5, "Hillside": 1.3, "Riverside": 1.1, "Station": 0.9,
                 "Mills": 0.8, "Northfield": 0.7, "Quarry": 0.6}  # fmt: skip
    area = random.lognormal(4.4, 0.4, rows).round()
    flats = pd.DataFrame(
        {
            "area": area,
            "rooms": (area / random.normal(28, 4, rows)).round().clip(1).astype(int),
            "district": random.choice([*districts], rows),
            "built": random.choice([1905, 1930, 1955, 1970, 1985, 2005], rows)
            + random.integers(0, 15, rows),
            "floor": random.integers(0, 8, rows),
            "lift": random.random(rows) < 0.5,
        }
    )
    age = 1 + 0.3 * np.abs(flats["built"] - 1965) / 60
    height = 1 + flats["floor"] * np.where(flats["lift"], 0.02, -0.03)
    expected = 3500 * area**0.95 * flats["district"].map(districts) * age * height
    flats["price"] = (expected * random.lognormal(0, 0.1, rows)).round(-2).astype(int)
    for column in ("area", "built"):
        flats[column] = flats[column].astype("Int64").mask(random.random(rows) < 0.05)
    _write("houses", flats, "price")
    print(f"the formula itself is off by {(flats['price'] / expected - 1).abs().mean():.1%}")


def churn(rows=4000):
    """One customer in twenty leaves: mostly newcomers who pay by the month, and who calls often on
    the basic plan."""
    random, rows = np.random.default_rng(2), rows + NEW
    customers = pd.DataFrame(
        {
            "months": random.exponential(24, rows).astype(int) + 1,
            "plan": random.choice(["basic", "plus", "family"], rows, p=[0.5, 0.3, 0.2]),
            "contract": random.choice(["monthly", "yearly"], rows, p=[0.6, 0.4]),
            "payment": random.choice(["card", "transfer", "invoice"], rows),
            "fee": random.gamma(9, 4, rows).round(2),
            "calls": random.poisson(1.2, rows),
            "idle_days": random.exponential(10, rows).astype(int),
        }
    )
    monthly, basic = customers["contract"] == "monthly", customers["plan"] == "basic"
    new = np.exp(-customers["months"] / 8)
    logit = 4 * monthly * new + customers["calls"] * np.where(basic, 0.9, 0.2)
    logit += 0.03 * (customers["fee"] - 36) + 0.05 * customers["idle_days"] - 5.6
    chance = 1 / (1 + np.exp(-logit))
    left = random.random(rows) < chance
    customers["churn"] = np.where(left, "yes", "no")
    _write("churn", customers, "churn")
    print(f"{left.mean():.1%} leave; the formula's AUC is {roc_auc_score(left, chance):.3f}")


GOOD, BAD = "great lovely quick tasty friendly clean", "awful slow bland rude dirty cold"
THINGS = "food staff soup service room coffee table music menu bread"
ASIDES = (
    *("we came on a tuesday", "my sister joined us", "the place is near the station"),
    *("it was raining", "we sat by the window", "i had booked a week before"),
    *("there were six of us", "we stayed for two hours"),
)


def reviews(rows=2000):
    """Reviews of two or three remarks, among words that say nothing. A word before what is good or
    bad turns it around, and it counts double behind "but". One in thirty has the wrong mark."""
    random, rows = np.random.default_rng(3), rows + NEW
    texts, marks = [], []
    while len(texts) < rows:
        parts, mark = [], 0
        for place in range(random.integers(2, 4)):
            good = random.choice([-1, 1]) > 0
            turned, but = random.random() < 0.3, place > 0 and random.random() < 0.4
            word = random.choice((GOOD if good else BAD).split())
            thing = random.choice(THINGS.split())
            before = random.choice(["not ", "never "]) if turned else ""
            parts.append(f"{'but ' if but else ''}the {thing} was {before}{word}")
            mark += (1 if good != turned else -1) * (2 if but else 1)
            if random.random() < 0.6:
                parts.append(str(random.choice(ASIDES)))
        if mark:
            texts.append(", ".join(parts).capitalize() + ".")
            marks.append(mark > 0)
    wrong = random.random(rows) < 1 / 30
    liked = np.where(np.array(marks) ^ wrong, "yes", "no")
    _write("reviews", pd.DataFrame({"review": texts, "liked": liked}), "liked")
    print(f"{1 - wrong.mean():.1%} of the marks say what the review says")


TILES = ("crack", "fine", "scratch", "spot")
BASICS = ("arc", "cross", "dashes", "ring", "square", "triangle")
SIDE = 32


def tiles(images=100, basics=500, epochs=16):
    """Photos of tiles with a damage, or fine, and base.keras, which was trained on something else:
    six basic shapes, of which there are many more images."""
    import keras
    from keras import layers

    random = np.random.default_rng(4)
    for kind in TILES:
        for number in range(images + NEW):
            folder = Path("new_tiles") if number < NEW else Path("tiles", kind)
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(_photo(random, kind)).save(folder / f"{kind}_{number:03}.png")
    x = np.stack([_photo(random, kind) for kind in BASICS for _ in range(basics)])[..., None] / 255
    y = np.repeat(np.arange(len(BASICS)), basics)
    keras.utils.set_random_seed(4)
    base = keras.Sequential([keras.Input((SIDE, SIDE, 1)), layers.Rescaling(4, -2)])
    for filters in (16, 32, 64):
        base.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        base.add(layers.MaxPooling2D())
    answers = [layers.GlobalAveragePooling2D(), layers.Dense(len(BASICS), activation="softmax")]
    model = keras.Sequential([base, *answers])
    adam = keras.optimizers.Adam(0.003)
    model.compile(adam, "sparse_categorical_crossentropy", metrics=["accuracy"])
    accuracy = model.fit(x, y, batch_size=64, epochs=epochs, verbose=0).history["accuracy"][-1]
    base.save("base.keras")
    print(f"the base tells {accuracy:.0%} of the basic shapes")


def _photo(random, kind):
    """A grey image (SIDE, SIDE) of uneven ground, with a faint mark of some kind anywhere on it."""
    mark = Image.new("L", (4 * SIDE, 4 * SIDE))
    pen, turn = ImageDraw.Draw(mark), random.uniform(0, 2 * np.pi)
    size = random.uniform(20, 45)
    middle = random.uniform(size, 4 * SIDE - size, 2)

    def around(*angles, far=1.0):
        """Points around the middle, in quarters of a turn."""
        angles = turn + np.array(angles) * np.pi / 2
        return [tuple(middle + far * size * np.array([np.cos(a), np.sin(a)])) for a in angles]

    box = (*(middle - size), *(middle + size))
    if kind == "crack":
        steps = random.normal(around(0, far=0.3)[0] - middle, size / 3, (7, 2))
        pen.line([tuple(p) for p in middle + np.cumsum(steps, axis=0) - steps.sum(0) / 2], 255, 5)
    elif kind == "scratch":
        pen.line(around(0, 2), 255, 5)
    elif kind == "spot":
        pen.ellipse(tuple(middle - size / 3) + tuple(middle + size / 3), 255)
    elif kind == "arc":
        pen.arc(box, np.degrees(turn), np.degrees(turn) + 150, 255, 5)
    elif kind == "cross":
        pen.line(around(0, 2), 255, 5)
        pen.line(around(1, 3), 255, 5)
    elif kind == "dashes":
        for start in (-1, -0.4, 0.2, 0.8):
            pen.line([*around(0, far=start), *around(0, far=start + 0.25)], 255, 7)
    elif kind == "ring":
        pen.ellipse(box, outline=255, width=5)
    elif kind != "fine":
        corners = (0, 1, 2, 3, 0) if kind == "square" else (0, 4 / 3, 8 / 3, 0)
        pen.line(around(*corners), 255, 5)
    seen = np.asarray(mark.filter(ImageFilter.GaussianBlur(2)).resize((SIDE, SIDE))) / 255
    slope = np.linspace(-1, 1, SIDE) * random.normal(0, 20, (2, 1))
    ground = random.uniform(100, 180) + slope[0] + slope[1][:, None]
    ground += random.normal(0, 12, (SIDE, SIDE)) + random.choice([-1, 1]) * 90 * seen
    return ground.clip(0, 255).astype(np.uint8)


def sensors(machines=40, windows=40, steps=32):
    """Recordings of machines, cut into windows by sensors.py. Heavy ones vibrate more, and out of
    balance each vibrates half as much again; a bad bearing clicks. One more machine is new."""
    random = np.random.default_rng(5)
    about = []
    for number in range(machines + 1):
        load, age = random.uniform(0.2, 2), random.integers(0, 20)
        folder = Path("new_sensors" if number == 0 else "sensors")
        folder.mkdir(exist_ok=True)
        states = random.choice(["normal", "imbalance", "bearing"], windows, p=[0.6, 0.2, 0.2])
        parts = []
        for state in states[: NEW if number == 0 else windows]:
            time, far = np.arange(steps), load * (1.5 if state == "imbalance" else 1)
            vibration = far * np.sin(time * random.uniform(0.7, 0.9) + random.uniform(0, 6))
            sound = 0.5 * load + random.normal(0, 0.3, steps)
            if state == "bearing":
                sound[random.choice(steps, 3, replace=False)] += random.uniform(0.8, 1.2)
            values = {
                "vibration": vibration + random.normal(0, 0.3, steps),
                "sound": sound,
                "temperature": 40 + age + 5 * load + random.normal(0, 2, steps),
            }
            parts.append(pd.DataFrame({**values, "state": state}).round(3))
        recording = pd.concat(parts)
        if number == 0:
            recording = recording.drop(columns="state")
        recording.to_csv(folder / f"machine_{number:02}.csv", index=False)
        about.append({"machine": f"machine_{number:02}", "load": round(load, 2), "age": age})
    pd.DataFrame(about[:1]).to_csv("new_sensors/machines.csv", index=False)
    pd.DataFrame(about[1:]).to_csv("sensors/machines.csv", index=False)


def _write(name, table, target):
    """All rows but the first few in one file, and these without their answers in another."""
    table[NEW:].to_csv(f"{name}.csv", index=False)
    table[:NEW].drop(columns=target).to_csv(f"new_{name}.csv", index=False)


EXAMPLES = {make.__name__: make for make in (houses, churn, reviews, tiles, sensors)}

if __name__ == "__main__":
    names = sys.argv[1:]
    if not names or not set(names) <= EXAMPLES.keys():
        print("usage: python make_data.py", *(f"[{name}]" for name in EXAMPLES), file=sys.stderr)
        sys.exit(2)
    for name in names:
        EXAMPLES[name]()
