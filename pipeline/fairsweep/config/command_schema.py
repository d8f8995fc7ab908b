"""The typed schema of the commands that train nothing, as `schema.py` has that of a sweep."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional

from omegaconf import MISSING

from fairsweep.config.schema import Sweep, Tracking


@dataclass
class ReportConfig:
    """The whole of conf/report.yaml: a report reads a store, and trains nothing."""

    tracking: Tracking = field(default_factory=Tracking)
    sweep: Sweep = field(default_factory=Sweep)
    terminal: str = "auto"


@dataclass
class Predict:
    """`model`: a sweep's name, for its champion, or an address such as models:/name/2; null is the
    newest sweep's champion. `input`: rows as a CSV, .parquet or .npz, an image, or a folder of
    Parquet files or images; a CSV is written as `delimiter`, `decimal`, `thousands`, `comment`,
    `columns` and `encoding` say, as in `data`. `output`: a .csv or an .npz, replaced."""

    model: Optional[str] = None  # noqa: UP045
    input: str = MISSING
    output: str = MISSING
    delimiter: str = ","
    decimal: str = "."
    thousands: Optional[str] = None  # noqa: UP045
    comment: Optional[str] = None  # noqa: UP045
    columns: Any = None
    encoding: Optional[str] = None  # noqa: UP045


@dataclass
class PredictConfig:
    """The whole of conf/predict.yaml."""

    tracking: Tracking = field(default_factory=Tracking)
    predict: Predict = field(default_factory=Predict)


@dataclass
class DoctorConfig:
    """The whole of conf/doctor.yaml. `sweep.name` null: every sweep of the store."""

    tracking: Tracking = field(default_factory=Tracking)
    sweep: Sweep = field(default_factory=Sweep)


@dataclass
class UiConfig:
    """The whole of conf/ui.yaml: a local store is served on 127.0.0.1, at `port`."""

    tracking: Tracking = field(default_factory=Tracking)
    port: int = 5000
