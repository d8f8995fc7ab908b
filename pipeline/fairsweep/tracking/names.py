"""The names that runs, tags and files have in MLflow, and the searches that find them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fairsweep import files
from fairsweep.config.schema import WATCHDOG_FIELDS
from fairsweep.config.space import LAYER_RATES, loss_params
from fairsweep.work import Compiled, Work

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Run
    from mlflow.store.entities import PagedList

WEIGHTS = files.WEIGHTS
JUDGED = files.JUDGED
UTILISATION = "utilisation"
PROGRAMS = "programs"
PROGRAM_SECONDS = "program_seconds"
STOPPED = "stopped"
CUT_OFF = "cut_off"
CODE_CHANGED = "code_changed"
CAUSE = "cause"
ROWS = "rows.json"
PARETO = "pareto"
PARENT = "mlflow.parentRunId"
SEARCH_FOLDS = "search_folds"
SWEEP_TAG = "fairsweep.sweep"
SWEEP_FORMAT = 2
EARLIEST_FORMAT = 1
ARM_TAG = "fairsweep.arm"
SPACE_TAG = "fairsweep.space"

# Where the experiment's artifacts are, to be found again when the whole store is moved.
ARTIFACTS_TAG = "fairsweep.artifacts"
# Opens the UI on its page for training runs rather than the one for language models.
EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}

FRAME = (
    "tags.stage != 'search' AND tags.stage != 'confirm' AND tags.stage != 'refit' "
    "AND tags.stage != 'train'"
)
RUNNING = "attributes.status = 'RUNNING'"
TRAININGS = "tags.stage != 'sweep' AND tags.stage != 'arm' AND tags.stage != 'train'"
PAGE = 1000
LONGEST_TAG = 8000  # characters; MLflow cuts off what is longer


def search(
    client: MlflowClient, experiments: Collection[str], sweep: str | None, condition: str
) -> Iterator[Run]:
    """Runs of a sweep (None: of every sweep) that meet the condition, the oldest first."""
    own = "" if sweep is None else f"tags.sweep = '{sweep}' AND "
    order = ["attributes.start_time ASC"]
    return every(client.search_runs, list(experiments), f"{own}{condition}", order_by=order)


def every(search: Callable[..., PagedList[Any]], *asked: object, **more: object) -> Iterator[Any]:
    """All that a search of MLflow's client finds, which answers page by page."""
    token = None
    while True:
        page = search(*asked, **more, max_results=PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def all_experiments(client: MlflowClient) -> dict[str, str]:
    """The names of the store's experiments, by id."""
    return {e.experiment_id: e.name for e in every(client.search_experiments)}


def by_epoch(history: Sequence[Metric]) -> list[float]:
    """The values of a metric, that of epoch 1 first."""
    return [metric.value for metric in sorted(history, key=lambda metric: metric.step)]


def has_ended(status: str, tags: Mapping[str, str]) -> bool:
    """Whether a run with these tags holds a whole training: no other attempt has to be made."""
    return status != "RUNNING" and tags.get("outcome", "interrupted") != "interrupted"


def is_closed(status: str, tags: Mapping[str, str]) -> bool:
    """Whether a sweep whose run has these tags is stored as complete."""
    return (status, tags.get("outcome")) == ("FINISHED", "complete")


def flat_params(choices: Mapping[str, str], settings: Any) -> dict[str, str]:
    """The settings of a training by public name: `optimizer`, `optimizer.learning_rate`,
    `training.batch_size`, `model.hidden_units`, …; null ones are left out.

    Args:
        choices: the option chosen in each group.
        settings: has `data`, `model`, `optimizer` and `training`.
    """
    nested = {
        "optimizer": settings.optimizer.params,
        "model": {**settings.model.params, LAYER_RATES: _text(settings.model.layer_learning_rates)},
        "training": {
            **{
                k: v
                for k, v in asdict(settings.training).items()
                if k not in ("space", "seed", "loss_params", *WATCHDOG_FIELDS)
            },
            **loss_params(settings.training),
        },
        "data": vars(settings.data),
    }
    params = {group: choices[group] for group in nested}
    for group, values in nested.items():
        params |= dict(_flat(group, values))
    return params


def _text(factors: Mapping[str, float] | None) -> str | None:
    """All factors in one param: MLflow allows no pattern in a name."""
    return None if factors is None else json.dumps(factors)


def _flat(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}.{name}", value)
        elif value is not None:
            yield f"{prefix}.{name}", str(value)


def work_tags(work: Work) -> Iterator[tuple[str, str]]:
    """What workers did as tags of a sweep's run; none where nothing was trained."""
    if not math.isnan(work.share):
        compiled = work.compiled or Compiled()
        yield UTILISATION, f"{work.share:.3f}"
        yield PROGRAMS, str(compiled.programs)
        yield PROGRAM_SECONDS, f"{compiled.seconds:.2f}"


def work_in(tags: Mapping[str, str]) -> Work | None:
    """The same again; None without them."""
    if UTILISATION not in tags:
        return None
    share = float(tags[UTILISATION])
    if PROGRAMS not in tags:  # an older store
        return Work(share)
    return Work(share, Compiled(int(tags[PROGRAMS]), float(tags[PROGRAM_SECONDS])))
