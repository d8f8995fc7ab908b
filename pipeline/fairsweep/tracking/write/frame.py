"""The runs of a sweep and its arms: the tags and artifacts that describe it and find it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from fairsweep.config.plan import Arm, Plan
from fairsweep.config.space import dimensions
from fairsweep.config.stored_space import plain
from fairsweep.config.trust import OURS, own_parts, package_of, places_of
from fairsweep.records import Confirmation
from fairsweep.tracking import names
from fairsweep.tracking.store.environment import code_sha256, facts, packages

if TYPE_CHECKING:
    from mlflow import MlflowClient

LAST_DESCRIBED = "config/sweep.yaml"


@dataclass(frozen=True)
class Facts:
    """What is stored about a sweep's data: flat facts, the fingerprint of rows and split, what
    every epoch is measured by, and how best configurations are confirmed."""

    data: Mapping[str, object]
    sha256: str
    metrics: Sequence[str]
    confirmation: Confirmation


def common_tags(
    plan: Plan, data_sha256: str, stage: str, arm: str, parent: str | None
) -> dict[str, str]:
    """The tags of every run; `arm` is empty for the sweep's own."""
    of_arm = next((a for a in plan.arms if a.name == arm), None)
    tags = {
        "sweep": plan.name,
        "stage": stage,
        "data_sha256": data_sha256,
        "config_sha256": plan.sha256 if of_arm is None else of_arm.sha256,
        "mlflow.source.name": "fairsweep",
        "mlflow.source.type": "LOCAL",
    }
    if arm:
        tags["arm"] = arm
    if parent is not None:
        tags[names.PARENT] = parent
    return tags


def sweep_tags(plan: Plan, own: Facts) -> dict[str, str]:
    """The tags that tell a report about the sweep."""
    config, environment = plan.config, facts()
    about = {
        "format": names.SWEEP_FORMAT,
        "objective": plan.objective_settings(),
        "metrics": list(own.metrics),
        "group": plan.group,
        "arms": [arm.name for arm in plan.arms],
        "trials": config.search.trials,
        "sampler": config.search.name,
        "confirmation": asdict(own.confirmation),
        **({names.SEARCH_FOLDS: plan.search_folds} if plan.search_folds else {}),
        "data": dict(own.data),
        "environment": environment,
        "code": own_code(plan),
    }
    return {
        names.SWEEP_TAG: json.dumps(about, sort_keys=True),
        "mlflow.source.git.commit": environment["git_commit"],
    }


def own_code(plan: Plan) -> Mapping[str, str]:
    """Hashes of the code that trains the plan, by package: ours, and the user's as far as they are
    there."""
    packages = {package: places_of(package) for package in _packages(plan)}
    ours = {OURS.name: code_sha256([OURS])}
    return ours | {name: code_sha256(places) for name, places in packages.items() if places}


def stored_code(tags: Mapping[str, str]) -> Mapping[str, str]:
    """`own_code` of the process that last ran a stored sweep, from the tags of its run. An older
    version made one hash of all: without a package of the user's it is ours, and with one that code
    is another one anyway."""
    about = json.loads(tags.get(names.SWEEP_TAG, "{}"))
    older = {OURS.name: about["code_sha256"]} if "code_sha256" in about else {}
    code: Mapping[str, str] = about.get("code", older)
    return code


def changed_code(before: Mapping[str, str], plan: Plan) -> Sequence[str]:
    """The packages whose code is no longer what it was, those of the user's with the keys that name
    parts of them: `mine (training.loss)`."""
    keys = _packages(plan)
    changed = [name for name, own in own_code(plan).items() if before.get(name, own) != own]
    return [f"{name} ({', '.join(keys[name])})" if name in keys else name for name in changed]


def _packages(plan: Plan) -> Mapping[str, Sequence[str]]:
    """The user's packages that train the plan, each with the keys of the config that name it."""
    found: dict[str, dict[str, None]] = {}
    for arm in plan.arms:
        for key, name in own_parts(arm.settings):
            found.setdefault(package_of(name), {})[key] = None
    return {package: list(keys) for package, keys in found.items()}


def arm_tags(arm: Arm) -> dict[str, str]:
    """The tags that tell a report about an arm. A space too long for a tag is left out, and the
    report then doesn't show what each parameter does."""
    about = {"overrides": arm.overrides, "searched": arm.searched}
    tags = {names.ARM_TAG: json.dumps(about, sort_keys=True)}
    space = json.dumps(plain(dimensions(arm.settings)), separators=(",", ":"))
    if len(space) <= names.LONGEST_TAG:
        tags[names.SPACE_TAG] = space
    return tags


def is_described(client: MlflowClient, run_id: str) -> bool:
    """Whether `describe_sweep` came to its end."""
    return LAST_DESCRIBED in {file.path for file in client.list_artifacts(run_id, "config")}


def describe_sweep(client: MlflowClient, run_id: str, plan: Plan, own: Facts) -> None:
    """Stores data set, resolved config and environment with the run of the sweep."""
    from mlflow.entities import Dataset, DatasetInput

    data = own.data
    dataset = Dataset(
        name=str(data["name"]),
        digest=own.sha256[:36],
        source_type="local",
        source=json.dumps({"uri": str(data["source"])}),
        profile=json.dumps({k: v for k, v in data.items() if isinstance(v, int)}),
    )
    client.log_inputs(run_id, [DatasetInput(dataset, [])])
    client.log_text(run_id, packages(), "environment/packages.txt")
    client.log_dict(run_id, facts(), "environment/environment.json")
    client.log_dict(run_id, {**data, "sha256": own.sha256}, "data.json")
    for arm in plan.arms:
        client.log_dict(run_id, arm.identity(), f"config/{arm.name}.yaml")
    client.log_dict(run_id, plan.shared(), LAST_DESCRIBED)
