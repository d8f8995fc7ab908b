"""Addresses of the sweeps in the MLflow UI.

In: a store, and where its UI is. Out: a page for each experiment that has sweeps, with the sweeps
alone on it: the page of all runs loads a hundred of them, and hides what comes after.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from fairsweep.tracking import names
from fairsweep.tracking.store import Store


def sweeps_link(ui: str, experiment_id: str) -> str:
    """The page of an experiment's sweeps, the newest first."""
    query = {
        "searchFilter": "tags.stage = 'sweep'",
        "orderByKey": "attributes.start_time",
        "orderByAsc": "false",
    }
    return f"{ui}/#/experiments/{experiment_id}/runs?{urlencode(query, quote_via=quote)}"


def sweeps_links(store: Store, ui: str) -> Mapping[str, str]:
    """`sweeps_link` of every experiment that has sweeps by its name, the one with the newest sweep
    first."""
    client = store.client()
    experiments = names.all_experiments(client)
    swept = names.search(client, experiments, None, "tags.stage = 'sweep'")
    newest_first = dict.fromkeys(reversed([run.info.experiment_id for run in swept]))
    return {experiments[own]: sweeps_link(ui, own) for own in newest_first}
