"""A view of MLflow's chart page on a sweep's confirmations: one line an arm, the average of its
confirmations.

The page keeps such views as tags of the experiment, and opens one by its key. The fields are those
that MLflow 3.17's own page stores there.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from fairsweep.metrics import of_epoch
from fairsweep.records import SweepRecord

TAG = "mlflow.sharedViewState."
RESULTS = ("confirmed_mean", "confirmed_low", "confirmed_high")


def view_key(sweep: SweepRecord) -> str:
    """The view's key: one for each sweep."""
    return hashlib.sha256(f"fairsweep/{sweep.name}".encode()).hexdigest()[:16]


def view_link(sweep: SweepRecord) -> str:
    """Address of the view inside of the MLflow UI."""
    place = f"#/experiments/{sweep.experiment_id}/runs"
    return f"{place}?viewStateShareKey={view_key(sweep)}&compareRunsMode=CHART"


def view_state(sweep: SweepRecord) -> str:
    """The view as MLflow's page reads it."""
    state = {
        "searchFilter": f"tags.sweep = '{sweep.name}' AND tags.stage = 'confirm'",
        "orderByKey": "attributes.start_time",
        "orderByAsc": True,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "groupBy": {
            "aggregateFunction": "average",
            "groupByKeys": [{"mode": "param", "groupByData": sweep.group}],
        },
        "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True,
        "compareRunSections": [
            _section("curves", "Average and range of the confirmations"),
            _section("results", "Confirmed mean and its 95 % interval"),
        ],
        "compareRunCharts": [
            *(_chart("LINE", name, "curves") | LINE for name in reversed(of_epoch(sweep.metrics))),
            *(_chart("BAR", name, "results") for name in RESULTS),
        ],
    }
    return json.dumps(state, separators=(",", ":"))


LINE = {
    "lineSmoothness": 0,
    "xAxisScaleType": "linear",
    "scaleType": "linear",
    "xAxisKey": "step",
    "yAxisKey": "metric",
    "useGlobalXaxisKey": True,
}


def _section(key: str, name: str) -> dict[str, Any]:
    return {"uuid": key, "name": name, "display": True, "isReordered": False}


def _chart(kind: str, metric: str, section: str) -> dict[str, Any]:
    own = {"uuid": f"{section}-{metric}", "type": kind, "metricSectionId": section}
    return {**own, "displayName": metric, "metricKey": metric, "runsCountToCompare": 20}
