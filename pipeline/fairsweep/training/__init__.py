"""One trial: a `TrialSpec` in, `EpochMetrics` and a `TrialResult` out. Owner of keras and
tensorflow; only worker processes import what is in here."""
