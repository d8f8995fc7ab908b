"""Makes the data of docs/EXAMPLES.md in the folder where it runs: python make_data.py houses churn

Each example has a function here, which writes what to learn from, and some new rows to predict. How
the answers came about is known, and so is how well a model can do at best, which is printed.
"""

import sys

import numpy as np
import pandas as pd
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


def _write(name, table, target):
    """All rows but the first few in one file, and these without their answers in another."""
    table[NEW:].to_csv(f"{name}.csv", index=False)
    table[:NEW].drop(columns=target).to_csv(f"new_{name}.csv", index=False)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        globals()[name]()
