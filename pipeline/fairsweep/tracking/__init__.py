"""The MLflow store: written by the sweep process alone, read by the report. Owner of mlflow."""
