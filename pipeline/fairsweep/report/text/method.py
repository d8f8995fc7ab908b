"""How the verdict comes about, for a reader who meets it for the first time, and what it rests on.

In: a sweep. Out: plain text; escaping is up to the page it goes into.
"""

from __future__ import annotations

from fairsweep.records import SweepRecord
from fairsweep.report.analysis.statistics import LEVEL
from fairsweep.report.text.wording import plural

BOUTHILLIER = (
    "Bouthillier et al. 2021, Accounting for variance in machine learning benchmarks, "
    "arXiv 2103.03098"
)
CHOI = (
    "Choi et al. 2019, On empirical comparisons of optimizers for deep learning, arXiv 1910.05446"
)
HOLM = (
    "Holm 1979, A simple sequentially rejective multiple test procedure, "
    "Scandinavian Journal of Statistics 6(2), 65-70"
)
SIVAPRASAD = (
    "Sivaprasad et al. 2020, Optimizer benchmarking needs to account for hyperparameter tuning, "
    "arXiv 1910.11758"
)
SCHMIDT = (
    "Schmidt et al. 2021, Descending through a crowded valley: benchmarking deep learning "
    "optimizers, arXiv 2007.01547"
)
SOURCES = (
    (BOUTHILLIER, "https://arxiv.org/abs/2103.03098"),
    (CHOI, "https://arxiv.org/abs/1910.05446"),
    (SIVAPRASAD, "https://arxiv.org/abs/1910.11758"),
    (SCHMIDT, "https://arxiv.org/abs/2007.01547"),
    (HOLM, ""),
)
"""What the method rests on, with an address where it can be read."""


def method(sweep: SweepRecord) -> tuple[str, ...]:
    """How the verdict comes about, for a reader who meets it for the first time."""
    seeds = f"{sweep.confirm_seeds} fresh random seeds" if sweep.confirm_seeds else "fresh seeds"
    choice = (
        ""
        if sweep.confirm_top == 1
        else " The configuration with the best confirmed mean represents its arm."
    )
    protocol = (
        f"Every arm got the same budget of {plural(sweep.trials, 'trial')}; trial 0 uses the arm's "
        "defaults. A trial trains on the training rows and is scored on validation rows. The best "
        "score of a search overstates the arm, because it is the luckiest of many. "
        f"{_retrained(sweep.confirm_top)} trained again with {seeds}, the same seeds in every arm, "
        "and only these confirmed runs decide. Test rows are used once per confirmed run, at the "
        "epoch that validation chose, and decide nothing."
        f"{choice}"
    )
    rule = (
        "The arms share their seeds, so the best arm is compared with each other arm seed by seed, "
        "with a paired t-test; intervals are Student's t. More comparisons give chance more "
        "opportunities, which Holm's correction of the p-values makes up for. A winner is named "
        f"only if the corrected p is below {LEVEL} against every other arm. Anything else is a "
        "tie, which more seeds may settle."
    )
    return (protocol, rule)


def _retrained(top: int) -> str:
    if top == 1:
        return "So the best configuration of each arm is"
    return f"So the best {top} configurations of each arm are"
